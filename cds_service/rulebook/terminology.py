"""Value sets and drugs, indexed once so that a request only ever looks up the codes it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from cds_service.rulebook.drugs import DrugTable, Entry, Ingredient, Meaning
from cds_service.rulebook.files import Code, Prefix, ValueSetFile
from cds_service.rulebook.mislabel import names_another, says_another_strength
from cds_service.rulebook.names import name_beside, name_in, pattern
from cds_service.rulebook.systems import SYSTEMS, plain_code, system_name
from cds_service.rulebook.words import Words

__all__ = ["SYSTEMS", "Coded", "Drug", "DrugTable", "Ingredient", "Terminology", "system_name"]

_OPEN = frozenset({"text", "local"})
"""Systems whose unlisted codes mean nothing to us: not being in a set proves nothing."""
_NOT_SEARCHABLE = frozenset({"text", "boolean"})
_LONGEST_CODE = 200
_CACHE = 8192
_NOTHING: frozenset[str] = frozenset()


class Coded(NamedTuple):
    """A coding as a chart holds it: system URL (boolean, text for answers without a code), code, display."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Drug:
    """What a medication coding or text turned out to be.

    `resolution`: code (exact RXCUI of a product), ingredient (an ingredient code, no strength), text (matched
    by name: strength never trusted), other (named, and known to be none of the drugs in the table),
    unresolved. `product` is the RXCUI of a product, otherwise empty. `sets` are the ids of the value sets the
    drug belongs to, by product or by ingredient, exclusions applied; `left_out` those that an exclusion took
    it out of. `also_said` is another drug that its words, or a second code, name beside its code, and
    `other_strength` tells that its display says other milligrams: the code counts, and both are worth a note.
    """

    name: str
    product: str
    ingredients: tuple[Ingredient, ...]
    resolution: Literal["code", "ingredient", "text", "other", "unresolved"]
    sets: frozenset[str]
    left_out: frozenset[str] = frozenset()
    also_said: Drug | None = None
    other_strength: bool = False


@dataclass(frozen=True, slots=True)
class _Listing:
    """What one code or prefix says: the sets that include or exclude it, the rest of a prefix."""

    include: frozenset[str]
    exclude: frozenset[str]
    tail: re.Pattern[str] | None = None


class Terminology:
    """Answers which value sets a code is in and which drug a medication is; immutable after load."""

    valuesets: Mapping[str, ValueSetFile]
    drugs: DrugTable
    words: Words

    def __init__(
        self, valuesets: Mapping[str, ValueSetFile], drugs: DrugTable, empty_words: Iterable[str] = ()
    ) -> None:
        self.valuesets = valuesets
        self.drugs = drugs
        self.words = Words({name: one.words for name, one in valuesets.items()}, empty_words)
        self._questions = Words({name: one.words for name, one in valuesets.items() if one.group is not None})
        told = {name: one.reopening for name, one in valuesets.items()}
        judged_by = {name: one.element for name, one in valuesets.items() if one.element is not None}
        self._beyond_codes = Words({name: stems for name, stems in told.items() if name not in judged_by})
        self._of_element: dict[str, Words] = {
            element: Words({name: told[name] for name, judged in judged_by.items() if judged == element})
            for element in judged_by.values()
        }
        self._partial = self._beyond_codes.sets
        self._exact, self._prefixes = _index(valuesets)
        self._longest_head = max((len(head) for _, head in self._prefixes), default=0)
        self._by_scale = _by_scale(valuesets)
        members = (member for one in valuesets.values() for member in one.include)
        self._drawn = frozenset(member.system for member in members) - _OPEN
        self._ready = {entry.rxcui: self._drug_of(entry) for entry in drugs.entries.values()}
        self._found: dict[tuple[str, str], frozenset[str]] = {}
        self._read: dict[str, Drug | None] = {}

    @classmethod
    def build(
        cls, valuesets: Mapping[str, ValueSetFile], drugs: DrugTable, empty_words: Iterable[str] = ()
    ) -> Terminology:
        """Index the value sets (by id) and the drug table; `empty_words` name nothing in an entry."""
        return cls(valuesets, drugs, empty_words)

    def sets_of(self, system: str, code: str) -> frozenset[str]:
        """The ids of the value sets that hold this code (system as URL), a drug also through its ingredients.

        Cached; the cache is emptied when full, so codes made up by a caller cost time, never memory.
        """
        try:
            return self._found[system, code]
        except KeyError:
            found = self._look_up(system, code)
            if len(code) <= _LONGEST_CODE and len(system) <= _LONGEST_CODE:
                if len(self._found) >= _CACHE:
                    self._found.clear()
                self._found[system, code] = found
            return found

    def name_of(self, codes: Iterable[Coded]) -> str:
        """What our lists call one of these codes, with it beside; empty if nothing."""
        for code in codes:
            sets = sorted(self.sets_of(code.system, code.code))
            name = name_in((self.valuesets[one] for one in sets), code.system, code.code)
            if name:
                return name_beside(name, code.code)
        return ""

    def knows_system(self, system: str) -> bool:
        """Whether any value set draws on this code system, so that a code in no set is something else.

        Never for texts and local codes: of those only the ones we list can be understood.
        """
        return system_name(system) in self._drawn

    def understands(self, system: str, code: str) -> bool:
        """Whether a code is in a value set, or in a system of which we know that it is in none."""
        return bool(self.sets_of(system, code)) or self.knows_system(system)

    def judges(self, named: Iterable[str]) -> frozenset[str]:
        """The sets by which an answer to these is read: themselves, and the others of their scales."""
        named = frozenset(named)
        scales = (self.valuesets[name].scale for name in named if name in self.valuesets)
        return named.union(*(self._by_scale[scale] for scale in scales if scale is not None))

    def may_mean(self, codes: Iterable[Coded]) -> frozenset[str]:
        """The sets with words that codes nobody knows may be about, by their displays and texts."""
        return self.words.may_mean(_all_words(codes))

    def may_still_mean(self, codes: Iterable[Coded]) -> frozenset[str]:
        """The sets of partial codes that known codes outside them may be about, by their words.

        None once one of these sets lists or excludes a code: then the code says what is meant.
        """
        codes = tuple(codes)
        named = self._beyond_codes.named(_all_words(codes))
        return _NOTHING if not named or any(self._judged(code) for code in codes) else named

    @property
    def partial(self) -> frozenset[str]:
        """The sets that an entry with a known code outside them may belong to by its words."""
        return self._partial

    def left_open(self, element: str, codes: Iterable[Coded]) -> frozenset[str]:
        """The sets that judge this element and that its known codes leave open.

        A known code that no set lists or excludes leaves open what its words, or those beside it, may be
        about; without any words, and no code beside it that says what is meant, every set of the element.
        """
        words = self._of_element.get(element)
        if words is None:
            return _NOTHING
        codes = tuple(codes)
        unplaced = tuple(code for code in codes if not self._placed(code, words.sets))
        if not any(self.knows_system(code.system) for code in unplaced):
            return _NOTHING
        if any(not words.sets.isdisjoint(self.sets_of(code.system, code.code)) for code in codes):
            return _NOTHING
        told = _all_words(unplaced)
        return words.may_mean(told) if len(unplaced) == len(codes) else words.named(told)

    def _placed(self, code: Coded, sets: frozenset[str]) -> bool:
        """Whether a value set lists a code, or one of these sets excludes it."""
        include, exclude = self._listed(system_name(code.system), code.code)
        return bool(include) or not sets.isdisjoint(exclude)

    def asked_in(self, question: Iterable[Coded]) -> frozenset[str]:
        """The sets of questions whose words stand in one that no code names; none where it cannot be read."""
        return self._questions.named(_all_words(question))

    def _judged(self, code: Coded) -> bool:
        """Whether a set of partial codes lists or excludes a code."""
        _, excluded = self._listed(system_name(code.system), code.code)
        return not self._partial.isdisjoint(self.sets_of(code.system, code.code) | excluded)

    def drug(self, codings: Iterable[Coded], text: str = "", parts: Iterable[Coded] = ()) -> Drug:
        """Resolve a medication: codings, then the ingredient codings of a referenced Medication, then text.

        A product code wins over an ingredient code; the displays of the codings are read only if nothing else
        says anything, and otherwise compared with it.
        """
        codings, parts = tuple(codings), tuple(parts)
        coded = [one for coding in codings if (one := self._coded(coding)) is not None]
        drug = next((one for one in coded if one.resolution == "code"), coded[0] if coded else None)
        told = (text, *(one.display for one in codings))
        drug = drug or self._of_parts(parts) or self._of_texts(told)
        return self._compared(drug, coded, codings, (*told, *(one.display for one in parts)))

    def search_codes(self, valueset_ids: Iterable[str]) -> tuple[str, ...]:
        """`system|code` tokens for a FHIR search, sorted; empty if a set has prefixes: then fetch all.

        A local code is searched without a system, which in FHIR means in any. Texts cannot be searched: what
        is named by text alone counts if it comes, and is not asked for.
        """
        tokens: set[str] = set()
        for name in valueset_ids:
            one = self.valuesets[name]
            for member in one.include:
                if isinstance(member, Prefix):
                    return ()
                if member.system in _NOT_SEARCHABLE:
                    continue
                if name in self.sets_of(SYSTEMS[member.system], member.code):
                    url = SYSTEMS[member.system]
                    tokens.add(member.code if member.system == "local" else f"{url}|{member.code}")
        return tuple(sorted(tokens))

    def _coded(self, coding: Coded) -> Drug | None:
        return self._ready.get(coding.code) if system_name(coding.system) == "rxnorm" else None

    def _compared(
        self, drug: Drug, coded: Iterable[Drug], codings: Iterable[Coded], told: Iterable[str]
    ) -> Drug:
        """The drug, with what other codes and words say beside it that it is not."""
        if not drug.ingredients:
            return drug
        named = [one for text in told if text and text != drug.name and (one := self._of_text(text))]
        also = tuple(one for one in (*coded, *named) if names_another(drug.ingredients, one.ingredients))
        strength = any(
            says_another_strength(self.drugs.entries[one.code], one.display)
            for one in codings
            if one.display and one.display != drug.name and self._coded(one) is not None
        )
        if not also and not strength:
            return drug
        return replace(drug, also_said=_together(also) if also else None, other_strength=strength)

    def _look_up(self, system: str, code: str) -> frozenset[str]:
        name = system_name(system)
        if name == "rxnorm" and code in self._ready:
            return self._ready[code].sets
        return self._sets_by_code(name, code)

    def _sets_by_code(self, name: str, code: str) -> frozenset[str]:
        include, exclude = self._listed(name, code)
        return include - exclude

    def _listed(self, name: str, code: str) -> tuple[frozenset[str], frozenset[str]]:
        """The sets that include and that exclude a code, by itself or by a prefix."""
        if len(code) > _LONGEST_CODE:
            return _NOTHING, _NOTHING
        plain = plain_code(name, code)
        include, exclude = _NOTHING, _NOTHING
        exact = self._exact.get((name, plain))
        if exact is not None:
            include, exclude = exact.include, exact.exclude
        for length in range(1, min(self._longest_head, len(plain)) + 1):
            for listing in self._prefixes.get((name, plain[:length]), ()):
                if listing.tail is None or listing.tail.match(plain, length):
                    include, exclude = include | listing.include, exclude | listing.exclude
        return include, exclude

    def _sets_by_drug(
        self, rxcui: str, ingredients: Iterable[Ingredient]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Sets that include the code or an ingredient, and those of them that exclude one of these."""
        include, exclude = self._listed("rxnorm", rxcui) if rxcui else (_NOTHING, _NOTHING)
        for ingredient in ingredients:
            more, less = self._listed("rxnorm", ingredient.rxcui)
            include, exclude = include | more, exclude | less
        return include - exclude, include & exclude

    def _drug_of(self, entry: Entry) -> Drug:
        sets, left_out = self._sets_by_drug(entry.rxcui, entry.ingredients)
        return Drug(
            name=entry.name,
            product=entry.rxcui if entry.is_product else "",
            ingredients=entry.ingredients,
            resolution="code" if entry.is_product else "ingredient",
            sets=sets,
            left_out=left_out,
        )

    def _of_parts(self, parts: tuple[Coded, ...]) -> Drug | None:
        """A Medication told by its ingredients; the codings of each may repeat one another."""
        known = [self._ready.get(one.code) for one in parts if system_name(one.system) == "rxnorm"]
        ingredients = {one.rxcui: one for drug in known if drug is not None for one in drug.ingredients}
        if not ingredients:
            named = self._of_texts(one.display for one in parts)
            return None if named.resolution == "unresolved" else named
        plain = tuple(Ingredient(one.rxcui, one.name) for one in ingredients.values())
        return Drug(_joined(plain), "", plain, "ingredient", *self._sets_by_drug("", plain))

    def _of_texts(self, texts: Iterable[str]) -> Drug:
        """The first text that names something; a text that names other drugs only is remembered as that."""
        other: Drug | None = None
        first = ""
        for text in texts:
            drug = self._of_text(text) if text else None
            if drug is not None and drug.resolution == "text":
                return drug
            other = other or drug
            first = first or text
        return other or Drug(first[:_LONGEST_CODE], "", (), "unresolved", _NOTHING)

    def _of_text(self, text: str) -> Drug | None:
        if text in self._read:
            return self._read[text]
        meaning = self.drugs.meaning_of(text)
        drug = None if meaning is None else self._drug_meant(text, meaning)
        if len(text) <= _LONGEST_CODE:
            if len(self._read) >= _CACHE:
                self._read.clear()
            self._read[text] = drug
        return drug

    def _drug_meant(self, text: str, meaning: Meaning) -> Drug:
        if not meaning.ingredients:
            return Drug(text[:_LONGEST_CODE], "", (), "other", _NOTHING)
        products = [self._ready[rxcui] for rxcui in meaning.products]
        told = _codes(one for drug in products for one in drug.ingredients)
        # What a product holds belongs where the product does; what is named beside it, by itself.
        sets, left_out = self._sets_by_drug("", (one for one in meaning.ingredients if one.rxcui not in told))
        sets = sets.union(*(one.sets for one in products))
        left_out = left_out.union(*(one.left_out for one in products)) - sets
        return Drug(_joined(meaning.ingredients), "", meaning.ingredients, "text", sets, left_out)


def _together(drugs: tuple[Drug, ...]) -> Drug:
    """Drugs that one entry names beside its own, as one without strengths."""
    ingredients = {one.rxcui: Ingredient(one.rxcui, one.name) for drug in drugs for one in drug.ingredients}
    sets = _NOTHING.union(*(drug.sets for drug in drugs))
    return Drug(_joined(ingredients.values()), "", tuple(ingredients.values()), "text", sets)


def _all_words(codes: Iterable[Coded]) -> list[str]:
    return [told for code in codes if (told := _words_of(code))]


def _words_of(code: Coded) -> str:
    return code.display or (code.code if code.system == "text" else "")


def _by_scale(valuesets: Mapping[str, ValueSetFile]) -> dict[str, frozenset[str]]:
    """The sets of each scale."""
    scales: dict[str, frozenset[str]] = {}
    for name, one in valuesets.items():
        if one.scale is not None:
            scales[one.scale] = scales.get(one.scale, _NOTHING) | {name}
    return scales


_Exact = dict[tuple[str, str], _Listing]
_Prefixes = dict[tuple[str, str], tuple[_Listing, ...]]


def _index(valuesets: Mapping[str, ValueSetFile]) -> tuple[_Exact, _Prefixes]:
    """Listings by system and code, and by system and the head of a prefix."""
    exact: _Exact = {}
    prefixes: _Prefixes = {}
    for name, one in valuesets.items():
        sides = ((one.include, frozenset({name}), _NOTHING), (one.exclude, _NOTHING, frozenset({name})))
        for members, include, exclude in sides:
            for member in members:
                if isinstance(member, Code):
                    key = (member.system, plain_code(member.system, member.code))
                    known = exact.get(key, _Listing(_NOTHING, _NOTHING))
                    exact[key] = _Listing(known.include | include, known.exclude | exclude)
                else:
                    head, tail = _split(plain_code(member.system, member.starts_with))
                    listing = _Listing(include, exclude, tail)
                    prefixes[member.system, head] = (*prefixes.get((member.system, head), ()), listing)
    return exact, prefixes


def _split(prefix: str) -> tuple[str, re.Pattern[str] | None]:
    """A prefix as its plain head and, from the first `?` on, a pattern in which `?` is any one character."""
    head, mark, rest = prefix.partition("?")
    if not mark:
        return head, None
    return head, pattern(mark + rest)


def _joined(ingredients: Iterable[Ingredient]) -> str:
    return " / ".join(one.name for one in ingredients)


def _codes(ingredients: Iterable[Ingredient]) -> frozenset[str]:
    return frozenset(one.rxcui for one in ingredients)
