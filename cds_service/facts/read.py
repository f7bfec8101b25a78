"""What one prefetch key brought: resources of its types, and whether that was everything.

A key not fully read proves presence only. So anything that may hide a resource of the key's types, a
`next` link, a total above what came, an entry that cannot be read, another patient's resource, makes the
key incomplete and says why (DESIGN 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from cds_service.facts import fhir
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS

FOUND, EMPTY = "found", "empty"
NOT_SUPPLIED, FAILED, TRUNCATED = "not-supplied", "failed", "truncated"
OTHER_PATIENT, DEADLINE = "other-patient", "deadline"
# Where one key has several shortcomings the one that says most is told.
_WORST = (EMPTY, FOUND, TRUNCATED, OTHER_PATIENT, FAILED)


class Note(NamedTuple):
    """An entry that was ignored or not understood: the kind of note and `Type/id`."""

    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class Supplied:
    """The readable resources of one key, its state, and what was noticed on the way."""

    state: str
    resources: tuple[fhir.Readable, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def obtained(self) -> bool:
        """Whether the key is known in full."""
        return self.state in (FOUND, EMPTY)


@dataclass(frozen=True, slots=True)
class Owner:
    """Tells whose a resource is: only what names this patient is read.

    `server` is the caller's FHIR base; an absolute reference to any other server is another patient.
    """

    patient_id: str
    server: str = ""

    def owns(self, resource: fhir.Readable) -> bool:
        """Whether the resource states that it is this patient's."""
        if isinstance(resource, fhir.OfSubject):
            return resource.subject is not None and self._named(resource.subject.reference)
        if isinstance(resource, fhir.AllergyIntolerance):
            return resource.patient is not None and self._named(resource.patient.reference)
        if isinstance(resource, fhir.Patient):
            return resource.id == self.patient_id
        return True

    def _named(self, reference: str) -> bool:
        if reference == f"Patient/{self.patient_id}":
            return True
        if reference == f"urn:uuid:{self.patient_id}":
            return True
        head, _, version = reference.partition("/_history/")
        if version and head != reference:
            return self._named(head)
        if "://" not in reference:
            return False
        base, _, ending = reference.rpartition("/Patient/")
        return ending == self.patient_id and (not self.server or base == self.server.rstrip("/"))


def key_of(resource_type: str) -> str:
    """The prefetch key, or the stem of the keys, that resources of a type come in."""
    return KEY_OF_TYPE.get(resource_type, "")


def belongs(key: str, resource: fhir.Readable) -> bool:
    """Whether a resource is what the key was asked for (a Medication may come along with any drug key)."""
    if isinstance(resource, fhir.Medication):
        return key.startswith("medication-")
    stem = key_of(type(resource).__name__)
    return key == stem or (stem == OBSERVATIONS and key.startswith(OBSERVATIONS + "-"))


def read_key(key: str, raw: msgspec.Raw | None, owner: Owner) -> Supplied:
    """Read the value of one prefetch key; never raises."""
    if raw is None:
        return Supplied(NOT_SUPPLIED)
    data = bytes(raw).strip()
    if data == b"null":
        return Supplied(EMPTY)
    try:
        kind = fhir.read_kind(data).resource_type
        if kind == "Bundle":
            return _read_bundle(key, data, owner)
        if kind in fhir.RESOURCE_TYPES:
            return _assemble(key, [fhir.read_resource(data)], owner, total=None)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return Supplied(FAILED, notes=(Note("unreadable", key),))
    return Supplied(FAILED)


def _read_bundle(key: str, data: bytes, owner: Owner) -> Supplied:
    try:
        bundle = fhir.read_bundle(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return _read_loosely(key, data, owner)
    return _finish(key, bundle, list(bundle.entry), [], owner, hidden=False)


def _read_loosely(key: str, data: bytes, owner: Owner) -> Supplied:
    bundle = fhir.read_loose_bundle(data)
    entries: list[fhir.Entry] = []
    notes: list[Note] = []
    hidden = False
    for raw in bundle.entry:
        try:
            entries.append(fhir.read_entry(raw))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
            unreadable = _odd_entry(key, raw)
            hidden = hidden or unreadable is not None
            notes.extend([unreadable] if unreadable else [])
    return _finish(key, bundle, entries, notes, owner, hidden=hidden)


def _odd_entry(key: str, raw: msgspec.Raw) -> Note | None:
    """The note for an entry that cannot be read; None if its type is none of ours."""
    try:
        inner = fhir.read_raw_entry(raw).resource
        kind = fhir.read_kind(inner) if inner is not None else fhir.Kind()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return Note("unreadable", key)
    if kind.resource_type and kind.resource_type not in fhir.RESOURCE_TYPES:
        return None
    safe = kind.id if kind.id.replace("-", "").replace(".", "").isalnum() and len(kind.id) <= 64 else "?"
    return Note("unreadable", f"{kind.resource_type or key}/{safe}")


def _finish(
    key: str,
    bundle: fhir.Bundle | fhir.LooseBundle,
    entries: list[fhir.Entry],
    notes: list[Note],
    owner: Owner,
    *,
    hidden: bool,
) -> Supplied:
    matches = [e for e in entries if e.search is None or e.search.mode in ("", "match")]
    total = bundle.total if bundle.total is not None and bundle.total > len(matches) + len(notes) else None
    more = hidden or any(link.relation == "next" for link in bundle.link)
    resources = [entry.resource for entry in entries if entry.resource is not None]
    supplied = _assemble(key, resources, owner, total=total, truncated=more)
    return Supplied(supplied.state, supplied.resources, (*notes, *supplied.notes))


def _assemble(
    key: str,
    resources: list[fhir.Readable],
    owner: Owner,
    *,
    total: float | None,
    truncated: bool = False,
) -> Supplied:
    states = {TRUNCATED} if truncated or total is not None else set()
    kept: list[fhir.Readable] = []
    for resource in resources:
        if isinstance(resource, fhir.OperationOutcome):
            states.update(_outcome_state(resource))
        elif not belongs(key, resource):
            continue
        elif owner.owns(resource):
            kept.append(resource)
        else:
            states.add(OTHER_PATIENT)
    states.add(FOUND if kept else EMPTY)
    return Supplied(max(states, key=_WORST.index), tuple(kept))


def _outcome_state(outcome: fhir.OperationOutcome) -> Iterator[str]:
    """A report among the data: an error means that the search failed, a warning is only a remark."""
    severities = {issue.severity for issue in outcome.issue}
    if not severities or severities & {"error", "fatal"} or not severities <= {"warning", "information"}:
        yield FAILED
