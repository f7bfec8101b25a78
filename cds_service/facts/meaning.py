"""What the codes of a resource mean, remembered: charts repeat the same few hundred concepts all day.

The memory is bounded and holds codes and their texts only, never whose they were.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from cds_service.facts import fhir
from cds_service.facts.coding import concept_codes
from cds_service.rulebook.terminology import Coded, Drug, Terminology

_REMEMBERED = 8192
_HELD_AT_MOST = 64 * 1024 * 1024
_NO_SETS: frozenset[str] = frozenset()


class Meaning(NamedTuple):
    """A concept understood.

    `classified` is false if none of its codes is in a system a value set knows. `may_mean` are then the value
    sets with words that its words may be about; a set without words it may belong to in any case. Of a
    concept that is classified, `may_mean` are sets whose codes are partial and whose words it holds. `name`
    is what our lists call a concept that came without a word.
    """

    sets: frozenset[str]
    classified: bool
    codes: tuple[Coded, ...]
    may_mean: frozenset[str] = frozenset()
    name: str = ""


class Meanings:
    """Looks concepts up in the terminology, once each; shared by all requests of a process."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._concepts = lru_cache(_REMEMBERED)(self._of)
        self._drugs = lru_cache(_REMEMBERED)(self._drug)
        self.of: Callable[[fhir.CodeableConcept | None], Meaning] = self._concepts
        self.drug: Callable[[fhir.CodeableConcept], tuple[Drug, tuple[Coded, ...]]] = self._drugs
        self._misses = self._held = 0

    def of_question(self, concept: fhir.CodeableConcept | None) -> Meaning:
        """The meaning of what an answer answers; `may_mean` are the questions told by its words alone."""
        meaning = self.of(concept)
        asked = _NO_SETS if meaning.sets else self.terminology.asked_in(meaning.codes)
        return meaning if meaning.may_mean == asked else meaning._replace(may_mean=asked)

    def settle(self, size: int) -> None:
        """Count what a call of `size` bytes may have left in memory, and forget everything beyond a bound.

        A concept is at most as large as the call it came in, so the texts held never exceed the bound by more
        than one call.
        """
        misses = self._concepts.cache_info().misses + self._drugs.cache_info().misses
        if misses != self._misses:
            self._misses = misses
            self._held += size
        if self._held > _HELD_AT_MOST:
            self._concepts.cache_clear()
            self._drugs.cache_clear()
            self._misses = self._held = 0

    def _of(self, concept: fhir.CodeableConcept | None) -> Meaning:
        codes = concept_codes(concept)
        sets, classified = _NO_SETS, False
        for code in codes:
            sets = sets | self.terminology.sets_of(code.system, code.code)
            classified = classified or self.terminology.understands(code.system, code.code)
        perhaps = self.terminology.may_still_mean if classified else self.terminology.may_mean
        may_mean = perhaps(codes)
        name = "" if not sets or any(code.display for code in codes) else self.terminology.name_of(codes)
        return Meaning(sets, classified, codes, may_mean, name)

    def _drug(self, concept: fhir.CodeableConcept) -> tuple[Drug, tuple[Coded, ...]]:
        codes = concept_codes(concept)
        return self.resolve(codes, ()), codes

    def resolve(self, codes: tuple[Coded, ...], parts: tuple[Coded, ...]) -> Drug:
        """The drug of some codes, or of the ingredients of a Medication, or of a text."""
        codings = tuple(code for code in codes if code.system != "text")
        text = next((code.code for code in codes if code.system == "text"), "")
        return self.terminology.drug(codings, text, parts)
