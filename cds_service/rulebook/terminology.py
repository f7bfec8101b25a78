"""Value sets and drugs, indexed once so that a request only ever looks up the codes it holds.

Contract (being filled in by its owner): see the docstrings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cds_service.rulebook.files import ValueSetFile


class Coded(NamedTuple):
    """A coding as a chart holds it: system URL ("boolean"/"text" for answers without a code), code, display."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One active ingredient of a drug, with its strength per unit if the product is known (MG, MG/ML, MG/HR)."""

    rxcui: str
    name: str
    strength: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Drug:
    """What a medication coding or text turned out to be.

    `resolution`: code (exact RXCUI of a product), ingredient (an ingredient code, no strength), text (matched
    by name: strength never trusted), unresolved. `sets` are the ids of the value sets the drug belongs to, by
    product or by ingredient, exclusions applied.
    """

    name: str
    product: str
    ingredients: tuple[Ingredient, ...]
    resolution: Literal["code", "ingredient", "text", "unresolved"]
    sets: frozenset[str]


class Terminology:
    """Answers which value sets a code is in and which drug a medication is; immutable after load."""

    valuesets: Mapping[str, ValueSetFile]

    def sets_of(self, system: str, code: str) -> frozenset[str]:
        """The ids of the value sets that hold this code (system as URL). Cached, bounded."""
        raise NotImplementedError

    def knows_system(self, system: str) -> bool:
        """Whether any value set draws on this code system."""
        raise NotImplementedError

    def drug(self, codings: Iterable[Coded], text: str = "", parts: Iterable[Coded] = ()) -> Drug:
        """Resolve a medication: codings, then the ingredient codings of a referenced Medication, then text."""
        raise NotImplementedError

    def search_codes(self, valueset_ids: Iterable[str]) -> tuple[str, ...]:
        """`system|code` tokens for a FHIR search, sorted; empty if a set has prefixes or text-only members."""
        raise NotImplementedError
