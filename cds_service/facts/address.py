"""Where a reference leads: to the caller's FHIR server, or to another one.

In a Bundle a relative reference means the server of the entry that holds it, as its `fullUrl` says (FHIR R4,
Bundle, "Resolving references"); without one it means the server of the call. `Medication/1` of another server
is another drug. References are rewritten once, when they are read: what is on the caller's server is
relative, everything else absolute. A reason or a prescription is looked up in the chart, which is the
caller's server's; one that came relative stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.coding import reference_tail

_OfReasons = TypeVar("_OfReasons", bound=fhir.DrugResource | fhir.Procedure)
_INSIDE = ("#", "urn:")
"""How references begin that lead to something inside the resource or its Bundle."""


def base_of(full_url: str) -> str:
    """The server of an entry's address, `base/Type/id`; empty if it has none, as a urn."""
    parts = full_url.partition("/_history/")[0].rsplit("/", 2)
    return parts[0] if len(parts) == 3 and "://" in parts[0] else ""


def server_of(entries: Iterable[fhir.Entry], server: str) -> str:
    """The caller's server; where the call names none, the one on which all addresses of a Bundle lie."""
    if server:
        return server.rstrip("/")
    bases = {base_of(entry.full_url) for entry in entries} - {""}
    return bases.pop() if len(bases) == 1 else ""


def here(reference: str, server: str) -> str:
    """A reference to the caller's server as a relative one; any other as it is."""
    return reference.removeprefix(f"{server}/") if server and "://" in reference else reference


def tail_of(reference: str) -> str:
    """`Type/id` of a rewritten reference, versioned or not; one to another server as it is."""
    return reference if "://" in reference else reference_tail(reference)


def entries_at_home(entries: Sequence[fhir.Entry], server: str) -> Iterator[fhir.Entry]:
    """The entries of a Bundle from the caller's server, their references rewritten."""
    home = server_of(entries, server)
    for entry in entries:
        resource = entry.resource
        if resource is None or not _refers(resource):
            yield entry
        else:
            yield fhir.Entry(entry.full_url, entry.search, at_home(resource, entry.full_url, home))


def _refers(resource: fhir.Readable) -> bool:
    """Whether there is anything to rewrite; most entries of a chart name a code and refer to nothing."""
    if isinstance(resource, fhir.OfDrug):
        if resource.medication_reference is not None or resource.reason_reference:
            return True
        return isinstance(resource, fhir.MedicationDispense) and bool(resource.authorizing_prescription)
    if isinstance(resource, fhir.Procedure):
        return bool(resource.reason_reference)
    return isinstance(resource, fhir.Medication)


def at_home(resource: fhir.Readable, full_url: str, server: str) -> fhir.Readable:
    """A resource whose references are rewritten; a Medication with the address by which others name it."""
    if isinstance(resource, fhir.Medication):
        return replace(resource, full_url=here(full_url, server))
    if isinstance(resource, fhir.Procedure):
        return _reasons_at_home(resource, server)
    if not isinstance(resource, fhir.DrugResource):
        return resource
    resource = _reasons_at_home(_drug_at_home(resource, full_url, server), server)
    if isinstance(resource, fhir.MedicationDispense) and _any_absolute(resource.authorizing_prescription):
        return replace(resource, authorizing_prescription=_here(resource.authorizing_prescription, server))
    return resource


def _drug_at_home(resource: fhir.DrugResource, full_url: str, server: str) -> fhir.DrugResource:
    named = resource.medication_reference
    if named is None or not named.reference or named.reference.startswith(_INSIDE):
        return resource
    base = "" if "://" in named.reference else base_of(full_url)
    address = here(f"{base}/{named.reference}" if base else named.reference, server)
    if address == named.reference:
        return resource
    return replace(resource, medication_reference=replace(named, reference=address))


def _reasons_at_home(resource: _OfReasons, server: str) -> _OfReasons:
    if not _any_absolute(resource.reason_reference):
        return resource
    return replace(resource, reason_reference=_here(resource.reason_reference, server))


def _any_absolute(references: tuple[fhir.Reference, ...]) -> bool:
    return any("://" in one.reference for one in references)


def _here(references: tuple[fhir.Reference, ...], server: str) -> tuple[fhir.Reference, ...]:
    return tuple(replace(one, reference=here(one.reference, server)) for one in references)
