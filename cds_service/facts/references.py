"""Medications that entries only refer to: which did not come along, and what becomes of their key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.read import FOUND, TRUNCATED, Supplied
from cds_service.facts.server.query import is_id

_MEDICATION = re.compile(r"Medication/([^/]+)(?:/_history/[^/]+)?")


def missing_medications(brought: Supplied) -> tuple[str, ...]:
    """The `Medication/id` on the caller's server that entries refer to; not those contained or in the key."""
    came = (resource for resource in brought.resources if isinstance(resource, fhir.Medication))
    here = {f"Medication/{one.id}" for one in came if "://" not in one.full_url}
    named = (
        _on_server(resource.medication_reference.reference)
        for resource in brought.resources
        if isinstance(resource, fhir.OfDrug)
        and resource.medication_codeable_concept is None
        and resource.medication_reference is not None
    )
    return tuple(dict.fromkeys(reference for reference in named if reference and reference not in here))


def _on_server(reference: str) -> str:
    match = _MEDICATION.fullmatch(reference)
    return f"Medication/{match[1]}" if match and is_id(match[1]) else ""


def read_medication(raw: msgspec.Raw | None, reference: str) -> fhir.Medication | None:
    """The Medication of a read, if it is the one asked for."""
    if raw is None:
        return None
    try:
        found = fhir.read_resource(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    return found if isinstance(found, fhir.Medication) and f"Medication/{found.id}" == reference else None


def with_medications(
    brought: Supplied,
    wanted: Collection[str],
    found: Mapping[str, fhir.Medication],
    not_tried: Collection[str],
) -> Supplied:
    """A key with the medications that were found for it; incomplete if the read of another failed."""
    came = tuple(found[reference] for reference in wanted if reference in found)
    failed = any(reference not in found and reference not in not_tried for reference in wanted)
    state = TRUNCATED if failed and brought.state == FOUND else brought.state
    return replace(brought, state=state, resources=(*brought.resources, *came))
