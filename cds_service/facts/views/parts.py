"""An observation as the answers it holds: itself and its components, each with the value sets of its code."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import concept_codes
from cds_service.facts.shelf import Entry
from cds_service.rulebook.terminology import Coded

Valued = fhir.Observation | fhir.Valued
Part = tuple[Valued, tuple[Coded, ...], frozenset[str]]


def parts_of(entry: Entry, chart: Chart) -> Iterator[Part]:
    """What an observation and each of its components ask and answer, and the sets the question is in."""
    observation: fhir.Observation = entry.resource
    if not observation.component:
        yield observation, entry.codes, entry.sets
        return
    sets_of = chart.terminology.sets_of
    parts: tuple[Valued, ...] = (observation, *observation.component)
    for part in parts:
        codes = concept_codes(part.code)
        sets = [sets_of(code.system, code.code) for code in codes]
        yield part, codes, sets[0] if len(sets) == 1 else frozenset().union(*sets)
