"""An observation as the answers it holds: itself and its components, each with what its code means."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts import fhir
from cds_service.facts.meaning import Meaning
from cds_service.facts.shelf import Entry

Valued = fhir.Observation | fhir.Valued


def parts_of(entry: Entry) -> Iterable[tuple[Valued, Meaning]]:
    """What an observation and each of its components answer, and what their question means."""
    observation: fhir.Observation = entry.resource
    if not observation.component:
        return ((observation, Meaning(entry.sets, entry.classified, entry.codes, entry.may_mean)),)
    return zip((observation, *observation.component), entry.parts, strict=True)
