"""The drug table: what every RXCUI of rxnorm.csv is made of, and the names by which a text may mean it.

A row of the file is one code with one ingredient; a combination product has a row per ingredient. Rows of
type NAME hold further names (brands, spellings): `rxcui` says what they stand for, a row per ingredient; it
is empty for names of drugs the table does not cover, so that a text can be told to be something else.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

BRAND_TYPE = "BN"
INGREDIENT_TYPES = frozenset({"IN", "PIN", "MIN", BRAND_TYPE})
"""What a code of these types names has no strength."""
NAME_TYPE = "NAME"
LONGEST_TEXT = 1000
_BRAND = re.compile(r"\[([^\]]+)\]\s*$")
_WORD = re.compile(r"[^\W\d_]+|#\d")
# The number that tells products of one brand apart: "#3", "No. 3", or a lone digit that ends a name.
_NUMBERED = re.compile(r"(?:#|\bno\b\.?|(?<=[^\W\d_])[ -](?=\d\s*(?:$|[(,;/])))\s?(\d)(?![\d.,]*\d)")
_PACK = re.compile(r"\{(\d{1,3}) \((\d{1,4}(?:\.\d{1,4})?) ML\) \(")
"""How RxNorm names a pack of one product: {3 (0.2 ML) (… 140 MG/ML Nasal Spray) } Pack."""
_MILLIGRAMS = re.compile(r"(?<![\d.,])(\d{1,6}(?:\.\d{1,6})?)\s?mg\b(?!\s?/)")


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One active ingredient of a drug, with its strength per unit if the product is known (MG, MG/ML, MG/HR).

    Without a strength the product is unknown, or a pack of tablets of several strengths. Of a pack of
    measured volumes `piece` is what one of its `pieces` holds, in mg.
    """

    rxcui: str
    name: str
    strength: float | None = None
    unit: str = ""
    pieces: int = 0
    piece: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the table: a product with its ingredients and strengths, or an ingredient."""

    rxcui: str
    kind: str
    name: str
    ingredients: tuple[Ingredient, ...]

    @property
    def is_product(self) -> bool:
        """Whether the code names something dispensed, so that strengths mean something."""
        return self.kind not in INGREDIENT_TYPES


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a text names: ingredients without strength, and the products it could be, if it says."""

    ingredients: tuple[Ingredient, ...]
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrugTable:
    """All entries by RXCUI, and what names mean; immutable after reading."""

    entries: Mapping[str, Entry]
    names: Mapping[str, Meaning]
    whole_names: Mapping[str, str]
    products_of: Mapping[str, tuple[str, ...]]
    longest_from: Mapping[str, int]
    """How many words the longest name has that begins with this word."""

    @classmethod
    def read(cls, path: Path) -> DrugTable:
        """Read rxnorm.csv; OSError, KeyError or ValueError if it is not such a file."""
        with path.open(encoding="utf-8", newline="") as file:
            try:
                return cls.of(csv.DictReader(file))
            except csv.Error as error:
                raise ValueError(str(error)) from error

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str]]) -> DrugTable:
        """Build from rows with ingredient_rxcui, ingredient, rxcui, tty, name, strength, strength_unit."""
        coded: dict[str, list[Mapping[str, str]]] = {}
        named: list[tuple[str, str]] = []
        for row in rows:
            if row["tty"] == NAME_TYPE:
                named.append((row["name"], row["rxcui"]))
            else:
                coded.setdefault(row["rxcui"], []).append(row)
        entries = {rxcui: _entry(rxcui, group) for rxcui, group in coded.items()}
        names = _names(entries, named)
        return cls(
            entries=entries,
            names=names,
            whole_names={
                _squeezed(_plain(one.name)): one.rxcui for one in entries.values() if one.is_product
            },
            products_of=_products_of(entries),
            longest_from=_longest_from(names),
        )

    def meaning_of(self, text: str) -> Meaning | None:
        """What a medication text names; None if it names nothing known.

        Strengths, forms and release words are passed over; the longest name wins, and only whole
        words count. Without ingredients in the answer, the text names drugs that the table does not cover.
        The time is linear in the text, of which only the beginning is read.
        """
        plain = _plain(text)
        product = self.whole_names.get(_squeezed(plain))
        if product is not None:
            return Meaning(_without_strength(self.entries[product].ingredients), (product,))
        found = self._named_in(_words(plain))
        if not found:
            return None
        ingredients = {one.rxcui: one for meaning in found for one in meaning.ingredients}
        branded = tuple(dict.fromkeys(rxcui for meaning in found for rxcui in meaning.products))
        return Meaning(tuple(ingredients.values()), self._of_strength(plain, ingredients, branded))

    def _named_in(self, words: list[str]) -> list[Meaning]:
        found: list[Meaning] = []
        place = 0
        while place < len(words):
            longest = self.longest_from.get(words[place], 0)
            for length in range(min(longest, len(words) - place), 0, -1):
                meaning = self.names.get(" ".join(words[place : place + length]))
                if meaning is not None:
                    found.append(meaning)
                    place += length - 1
                    break
            place += 1
        return found

    def _of_strength(
        self, plain: str, ingredients: Mapping[str, Ingredient], branded: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The products a brand or the only ingredient could mean, narrowed to the milligrams said."""
        said = {float(number) for number in _MILLIGRAMS.findall(plain)}
        if not said or len(ingredients) != 1:
            return branded
        (ingredient,) = ingredients
        fitting = tuple(
            rxcui
            for rxcui in branded or self.products_of.get(ingredient, ())
            if any(one.unit == "MG" and one.strength in said for one in self.entries[rxcui].ingredients)
        )
        return fitting or branded


def milligrams_in(text: str) -> frozenset[float]:
    """The amounts in mg that a text says."""
    return frozenset(float(number) for number in _MILLIGRAMS.findall(_plain(text)))


def _entry(rxcui: str, rows: list[Mapping[str, str]]) -> Entry:
    ingredients = {row["ingredient_rxcui"]: _ingredient(row) for row in rows}
    return Entry(rxcui, rows[0]["tty"], rows[0]["name"], tuple(ingredients.values()))


def _ingredient(row: Mapping[str, str]) -> Ingredient:
    strength = float(row["strength"]) if row["strength"] else None
    pack = _PACK.match(row["name"]) if row["strength_unit"] == "MG/ML" else None
    return Ingredient(
        rxcui=row["ingredient_rxcui"],
        name=row["ingredient"],
        strength=strength,
        unit=row["strength_unit"],
        pieces=int(pack[1]) if pack else 0,
        piece=round(float(pack[2]) * strength, 6) if pack and strength else 0.0,
    )


def _names(entries: Mapping[str, Entry], named: Iterable[tuple[str, str]]) -> dict[str, Meaning]:
    names: dict[str, Meaning] = {}
    for name, rxcui in named:
        _join(names, _phrase(name), _meaning(entries[rxcui]) if rxcui else Meaning(()))
    for entry in entries.values():
        if entry.is_product:
            brand = _BRAND.search(entry.name)
            if brand is not None:
                _join(names, _phrase(brand[1]), _meaning(entry))
        elif entry.kind == BRAND_TYPE:
            _join(names, _phrase(entry.name), _meaning(entry))
        else:
            names[_phrase(entry.name)] = _meaning(entry)
    names.pop("", None)
    return names


def _meaning(entry: Entry) -> Meaning:
    products = (entry.rxcui,) if entry.is_product else ()
    return Meaning(_without_strength(entry.ingredients), products)


def _join(names: dict[str, Meaning], name: str, more: Meaning) -> None:
    """A brand means all its products, and every ingredient any of them holds."""
    known = names.get(name, Meaning(()))
    ingredients = {one.rxcui: one for one in (*known.ingredients, *more.ingredients)}
    names[name] = Meaning(tuple(ingredients.values()), (*known.products, *more.products))


def _longest_from(names: Iterable[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for name in names:
        words = name.split()
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return longest


def _without_strength(ingredients: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    return tuple(Ingredient(one.rxcui, one.name) for one in ingredients)


def _products_of(entries: Mapping[str, Entry]) -> dict[str, tuple[str, ...]]:
    """The products whose only ingredient is this."""
    products: dict[str, list[str]] = {}
    for entry in entries.values():
        if entry.is_product and len(entry.ingredients) == 1:
            products.setdefault(entry.ingredients[0].rxcui, []).append(entry.rxcui)
    return {rxcui: tuple(found) for rxcui, found in products.items()}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).casefold()


def _phrase(name: str) -> str:
    """A name as the words its letters make; of digits and signs only a number like "#3" tells names apart."""
    return " ".join(_words(_plain(name)))


def _words(plain: str) -> list[str]:
    return _WORD.findall(_NUMBERED.sub(r" #\1 ", plain))


def _squeezed(plain: str) -> str:
    return " ".join(plain.split())
