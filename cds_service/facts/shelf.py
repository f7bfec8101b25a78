"""Where resources are filed: by type, and by the value sets their codes belong to.

Most resources of a chart are in no value set at all. They are passed over in one look-up each and become an
entry only if a fact asks for every resource of their type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from msgspec import Struct

from cds_service.facts import fhir
from cds_service.facts.coding import reference_of
from cds_service.facts.drugs import drug_of, medications_among, names_a_drug_not_read
from cds_service.facts.meaning import Meaning, Meanings
from cds_service.facts.read import Note, Supplied
from cds_service.facts.statuses import STATUSES, UNCLEAR, disowned
from cds_service.rulebook.terminology import Coded, Drug

# Types whose entries mean something only by their code: without one they may be anything.
CLASSIFIED: frozenset[type] = frozenset(
    {
        fhir.Condition,
        fhir.AllergyIntolerance,
        fhir.Procedure,
        fhir.MedicationRequest,
        fhir.MedicationStatement,
        fhir.MedicationDispense,
        fhir.MedicationAdministration,
    }
)
NAMELESS = "drug not named"
"""How a reader is told of an entry that names no drug: withheld, left out, or not chosen yet."""
# How a drug was told apart, where that says less than its product code would.
_DRUG_NOTES = {
    "unresolved": "drug-not-recognised",
    "text": "drug-from-text",
    "ingredient": "drug-from-ingredient",
}
_DIFFERS = "drug-words-differ"
_NO_SETS: frozenset[str] = frozenset()
_ANY = ""
"""Under this every entry not classified is filed: it may belong to any value set that has no words."""
_VERIFIED = (fhir.Condition, fhir.AllergyIntolerance)


class Entry(Struct, frozen=True, eq=False, gc=False):
    """One resource of the chart with what its codes mean.

    `sets` are the value sets it belongs to; `classified` is false if none of its codes is in a system a value
    set knows, so that it may belong to any without words, and to those in `may_mean`. `may_mean` also names
    the sets of partial codes that a classified entry may belong to by its words. `aside` says why it never
    counts (refuted, entered in error). `parts` are the meanings of an observation with components: of its own
    code, then of theirs. `unread` if its drug was not recognised for want of the Medication it refers to.
    `also_said` is the same resource as what its words name beside its code, if that is in other value sets.
    `name` is what our lists call it where it came without a word.
    """

    resource: Any
    reference: str
    sets: frozenset[str]
    codes: tuple[Coded, ...]
    classified: bool = True
    drug: Drug | None = None
    aside: str = ""
    may_mean: frozenset[str] = frozenset()
    parts: tuple[Meaning, ...] = ()
    unread: bool = False
    also_said: Entry | None = None
    name: str = ""

    @property
    def text(self) -> str:
        """The entry's name for a reader: a display, the text, our name of its code, or the bare code."""
        if self.nameless:
            return NAMELESS
        if self.drug is not None and self.drug.name:
            return self.drug.name
        for code in self.codes:
            if code.display:
                return code.display
        return self.name or (self.codes[0].code if self.codes else "")

    @property
    def contradicted(self) -> str:
        """Why an entry of a known drug only may be what a fact asks for; empty if its drug is not known."""
        known = self.drug is not None and self.drug.resolution != "unresolved"
        return "its code and its words name different drugs" if known else ""

    @property
    def nameless(self) -> bool:
        """Whether it is about a drug and neither names it nor says where it is named."""
        if self.drug is None or self.drug.resolution != "unresolved" or self.unread:
            return False
        return not any(code.code.strip() for code in self.codes)


@dataclass
class Shelf:
    """The resources of one type under one key, those with a meaning filed by value set.

    `filed` are the live entries that a fact may look for by value set, in the order they came.
    """

    meanings: Meanings | None = None
    medications: Mapping[str, fhir.Medication] = field(default_factory=dict)
    resources: list[Any] = field(default_factory=list)
    by_set: dict[str, list[Entry]] = field(default_factory=dict)
    may_be: dict[str, list[Entry]] = field(default_factory=dict)
    filed: list[Entry] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)
    left_out: list[Entry] = field(default_factory=list)
    replaced: frozenset[str] = frozenset()

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """Every live resource of the type as an entry, in the order it came."""
        assert self.meanings is not None or not self.resources
        made: dict[str, Entry] = {}
        for index, resource in enumerate(self.resources):
            assert self.meanings is not None
            entry = read_entry(resource, index, self.meanings, self.medications)
            if not entry.aside and entry.reference not in self.replaced:
                made.setdefault(entry.reference, entry)
        return list(made.values())

    def matching(self, sets: Sequence[str] | None, seen: set[str]) -> list[tuple[Entry, bool]]:
        """Live entries in any of the sets, and whether each surely is; those in `seen` are left out."""
        if sets is None:
            groups = [(self.entries, True)]
        else:
            groups = [(self.by_set[name], True) for name in sets if name in self.by_set]
            groups += [(self.may_be[name], False) for name in self._perhaps(sets) if name in self.may_be]
        found: list[tuple[Entry, bool]] = []
        for group, sure in groups:
            for entry in group:
                if entry.reference not in seen:
                    seen.add(entry.reference)
                    found.append((entry, sure))
        return found

    def _perhaps(self, sets: Sequence[str]) -> Iterable[str]:
        """Where entries are filed that may belong to the sets."""
        if not self.may_be or self.meanings is None:
            return ()
        worded = self.meanings.terminology.words.sets
        return sets if worded.issuperset(sets) else (*sets, _ANY)

    @property
    def unread(self) -> Iterator[str]:
        """The live entries whose drug nobody could read."""
        return (entry.reference for entry in self.may_be.get(_ANY, ()) if entry.unread)

    def file(self, entry: Entry) -> None:
        """Put an entry where facts look for it."""
        if entry.aside:
            self.aside.append(entry)
            return
        if entry.drug is not None and entry.drug.left_out:
            self.left_out.append(entry)
        if entry.sets or entry.may_mean or not entry.classified:
            self.filed.append(entry)
        for name in entry.sets:
            filed = self.by_set.get(name)
            if filed is None:
                self.by_set[name] = [entry]
            else:
                filed.append(entry)
        for name in entry.may_mean if entry.classified else (_ANY, *entry.may_mean):
            self.may_be.setdefault(name, []).append(entry)
        if entry.also_said is not None:
            for name in entry.also_said.may_mean:
                self.may_be.setdefault(name, []).append(entry.also_said)


EMPTY_SHELF = Shelf()


def build_shelves(
    supplied: Mapping[str, Supplied], meanings: Meanings, replaced: frozenset[str]
) -> tuple[dict[tuple[str, str], Shelf], tuple[Note, ...]]:
    """File every resource by key and type; `replaced` references stand in the drafts instead."""
    shelves: dict[tuple[str, str], Shelf] = {}
    notes: dict[Note, None] = {}
    for key, brought in supplied.items():
        notes.update(dict.fromkeys(brought.notes))
        if brought.resources:
            for kind, shelf in file_resources(brought.resources, meanings, replaced, notes).items():
                shelves[key, kind.__name__] = shelf
    return shelves, tuple(notes)


def file_resources(
    resources: Sequence[Any], meanings: Meanings, replaced: frozenset[str], notes: dict[Note, None]
) -> dict[type, Shelf]:
    """The shelves of some resources by type, and a note for each that cannot be used as it is."""
    medications = medications_among(resources)
    shelves: dict[type, Shelf] = {}
    seen: set[str] = set()
    meaning_of = meanings.of
    for index, resource in enumerate(resources):
        kind = resource.__class__
        if kind is fhir.Medication:
            continue
        shelf = shelves.get(kind)
        if shelf is None:
            shelf = shelves[kind] = Shelf(meanings, medications, replaced=replaced)
        shelf.resources.append(resource)
        if kind is fhir.Observation or kind is fhir.Condition:
            # The fast way out for what no rule asks about.
            meaning = meaning_of(resource.code)
            silent = meaning.classified and (kind is fhir.Observation or not meaning.may_mean)
            if silent and not meaning.sets and _plain(resource):
                continue
        elif kind in _DRUG_TYPES and _other_drug(resource, meanings):
            continue
        entry = read_entry(resource, index, meanings, medications)
        if entry.reference not in seen and entry.reference not in replaced:
            seen.add(entry.reference)
            shelf.file(entry)
            notes.update(dict.fromkeys(_notes_on(entry)))
    return shelves


_DRUG_TYPES: frozenset[type] = frozenset(
    {
        fhir.MedicationRequest,
        fhir.MedicationStatement,
        fhir.MedicationDispense,
        fhir.MedicationAdministration,
    }
)


def _other_drug(resource: Any, meanings: Meanings) -> bool:
    """Whether an entry is about a known drug that no value set names, and in order itself."""
    concept = resource.medication_codeable_concept
    if concept is None or resource.status == "entered-in-error":
        return False
    drug = meanings.drug(concept)[0]
    if drug.resolution not in ("code", "other"):
        return False
    return not (drug.sets or drug.left_out or drug.also_said or drug.other_strength)


def _plain(resource: Any) -> bool:
    """Whether an observation or condition has nothing beside its code that could matter."""
    if resource.__class__ is fhir.Observation:
        return not resource.component and resource.status != "entered-in-error"
    return not disowned(resource)


def read_entry(
    resource: Any, index: int, meanings: Meanings, medications: Mapping[str, fhir.Medication]
) -> Entry:
    """Look up what a resource's codes mean."""
    reference, aside = reference_of(resource, index), _aside(resource)
    if isinstance(resource, fhir.OfDrug):
        drug, codes = drug_of(resource, medications, meanings)
        if drug.resolution != "unresolved":
            also = _also_said(resource, reference, codes, drug)
            return Entry(resource, reference, drug.sets, codes, True, drug, aside, also_said=also)
        unread, everything = names_a_drug_not_read(resource, medications), meanings.terminology.words.sets
        return Entry(
            resource, reference, drug.sets, codes, False, drug, aside, may_mean=everything, unread=unread
        )
    if resource.__class__ is fhir.Observation:
        return _answered(resource, reference, aside, meanings)
    meaning = _meaning(resource, meanings)
    if resource.__class__ not in CLASSIFIED:
        return Entry(resource, reference, meaning.sets, meaning.codes, aside=aside, name=meaning.name)
    sets, classified, codes, may_mean, name = meaning
    return Entry(resource, reference, sets, codes, classified, None, aside, may_mean, name=name)


def _answered(resource: fhir.Observation, reference: str, aside: str, meanings: Meanings) -> Entry:
    """An observation and its components. A question told in words may be one that a rule asks."""
    own = meanings.of(resource.code)
    if not resource.component:
        if own.sets or own.classified:
            return Entry(resource, reference, own.sets, own.codes, aside=aside, name=own.name)
        asked = meanings.of_question(resource.code).may_mean
        return Entry(resource, reference, own.sets, own.codes, aside=aside, may_mean=asked)
    components = [meanings.of_question(part.code) for part in resource.component]
    parts = (own._replace(may_mean=_NO_SETS), *components)
    return Entry(
        resource,
        reference,
        _NO_SETS.union(*[part.sets for part in parts]),
        tuple([code for part in parts for code in part.codes]),
        aside=aside,
        may_mean=_NO_SETS.union(*[part.may_mean for part in components]),
        parts=parts,
        name=own.name,
    )


def _also_said(resource: Any, reference: str, codes: tuple[Coded, ...], drug: Drug) -> Entry | None:
    """The entry as the other drug it names, if that is in value sets in which its own is not."""
    other = drug.also_said
    if other is None or other.sets <= drug.sets:
        return None
    named = replace(other, name=f"{other.name}, also told as {drug.name}")
    further = other.sets - drug.sets
    return Entry(resource, reference, frozenset(), codes, True, named, may_mean=further)


def _meaning(resource: Any, meanings: Meanings) -> Meaning:
    if isinstance(resource, fhir.AllergyIntolerance) and resource.reaction:
        return _allergy_meaning(resource, meanings)
    return meanings.of(getattr(resource, "code", None))


def _allergy_meaning(allergy: fhir.AllergyIntolerance, meanings: Meanings) -> Meaning:
    """The substance of an entry together with those of its reactions, which may be all that is coded.

    Substances classify an entry that is not classified itself only if every reaction names one that is.
    """
    own = meanings.of(allergy.code)
    parts = [meanings.of(reaction.substance) for reaction in allergy.reaction]
    sets = own.sets.union(*(part.sets for part in parts))
    codes = (*own.codes, *(code for part in parts for code in part.codes))
    if own.classified or all(part.classified for part in parts):
        return Meaning(sets, True, codes, meanings.terminology.may_still_mean(codes), own.name)
    may_mean = own.may_mean.union(*(part.may_mean for part in parts if part.codes))
    return Meaning(sets, False, codes, may_mean, own.name)


def _aside(resource: Any) -> str:
    if resource.__class__ in _VERIFIED:
        return disowned(resource)
    if getattr(resource, "status", "") == "entered-in-error":
        return "entered-in-error"
    ordered = resource.__class__ is fhir.MedicationRequest
    return "not-to-be-given" if ordered and resource.do_not_perform else ""


def _notes_on(entry: Entry) -> Iterator[Note]:
    """What the answer says of an entry that cannot be used as it stands."""
    if entry.aside in ("refuted", "entered-in-error"):
        yield Note(entry.aside, entry.reference)
    elif entry.nameless:
        yield Note("drug-not-named", entry.reference)
    elif entry.drug is not None:
        yield from _notes_on_drug(entry, entry.drug)
    elif entry.resource.__class__ is fhir.Observation:
        if entry.may_mean:
            yield Note("question-in-words", entry.reference)
    elif not entry.classified:
        yield Note("not-classified", entry.reference)
    elif entry.may_mean:
        yield Note("words-beyond-code", entry.reference)


def _notes_on_drug(entry: Entry, drug: Drug) -> Iterator[Note]:
    if drug.resolution in _DRUG_NOTES:
        yield Note(_DRUG_NOTES[drug.resolution], entry.reference)
    if drug.also_said is not None or drug.other_strength:
        yield Note(_DIFFERS, entry.reference)
    if entry.resource.status not in STATUSES[entry.resource.__class__]:
        yield Note(UNCLEAR, entry.reference)
