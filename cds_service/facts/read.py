"""What one prefetch key brought: resources of its types, and whether that was everything.

A key not fully read proves presence only. So anything that may hide a resource of the key's types, a
`next` link, a total above what came, an entry that cannot be read, another patient's resource, makes the
key incomplete and says why (DESIGN 4.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.address import entries_at_home
from cds_service.facts.coding import reference_of
from cds_service.facts.fhir_types import leads_on
from cds_service.facts.resource_types import KNOWN_TYPES
from cds_service.facts.statuses import STATUSES, all_as_fhir_writes
from cds_service.facts.whole import says_failed, says_left_out, says_partial
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS

FOUND, EMPTY = "found", "empty"
NOT_SUPPLIED, FAILED, TRUNCATED = "not-supplied", "failed", "truncated"
OTHER_PATIENT, DEADLINE = "other-patient", "deadline"
NOBODYS = "names-no-patient"
"""The note on a resource that does not say whose it is."""
PARTIAL = "partial"
"""The note for an entry that says of itself that parts of it were left out."""
# Where one key has several shortcomings the one that says most is told.
WORST = (EMPTY, FOUND, TRUNCATED, OTHER_PATIENT, FAILED)


class Note(NamedTuple):
    """An entry that was ignored or not understood: the kind of note and `Type/id`."""

    code: str
    reference: str


class Supplied(Struct, frozen=True, gc=False):
    """The readable resources of one key, its state, and what was noticed on the way.

    `entries` are those of the problems, each with its address: other entries name them by it.
    """

    state: str
    resources: tuple[fhir.Readable, ...] = ()
    notes: tuple[Note, ...] = ()
    entries: tuple[fhir.Entry, ...] = ()

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

    def names_nobody(self, resource: fhir.Readable) -> bool:
        """Whether the resource does not say whose it is."""
        subject = getattr(resource, "subject", None) or getattr(resource, "patient", None)
        return subject is None or not subject.reference

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


_CLASS_OF_KEY: Mapping[str, type] = {
    key: getattr(fhir, kind) for kind, key in KEY_OF_TYPE.items() if key != OBSERVATIONS
}
_REFERRING = (fhir.Procedure, *fhir.DrugResource.__args__)
"""Types that refer to resources of which another server may have one of the same id."""
_MATCHING = ("match", "")
_ELEMENT = re.compile(r" - at `\$\.([A-Za-z.\[\]0-9]+)`$")
"""Where msgspec says that a value does not fit; the names are those of our structs."""
_READ_ALONE = ("patient", "encounter")


def kind_of(key: str) -> str:
    """The resource type of a prefetch key."""
    return _CLASS_OF_KEY.get(key, fhir.Observation).__name__


def read_key(key: str, raw: msgspec.Raw | None, owner: Owner) -> Supplied:
    """Read the value of one prefetch key; never raises."""
    if raw is None:
        return Supplied(NOT_SUPPLIED)
    try:
        value = fhir.read_any(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return _read_odd(key, raw, owner)
    if isinstance(value, fhir.Bundle):
        return _finish(key, value, value.entry, [], owner, hidden=False, strangers=0)
    if isinstance(value, fhir.OperationOutcome):
        return Supplied(FAILED)
    # One resource where a search was asked for may not be all there is.
    alone = key not in _READ_ALONE
    return _assemble(
        key, (fhir.Entry(resource=value),), owner, total=None, noted=0, truncated=alone, strangers=0
    )


def _read_odd(key: str, raw: msgspec.Raw, owner: Owner) -> Supplied:
    """A value that is not a Bundle of readable resources: null, a Bundle with an odd entry, or no answer."""
    if bytes(raw).strip() == b"null":
        return Supplied(EMPTY)
    try:
        kind = fhir.read_kind(raw).resource_type
        if kind == "Bundle":
            return _read_loosely(key, raw, owner)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        pass
    return Supplied(FAILED, notes=(Note("unreadable", key),))


def misfit_of(raw: msgspec.Raw) -> str:
    """The element at which a resource that cannot be read does not fit its type; empty if nobody can say."""
    try:
        fhir.read_any(raw)
    except msgspec.ValidationError as error:
        found = _ELEMENT.search(str(error))
        return found[1] if found else ""
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass
    return ""


def _read_loosely(key: str, data: msgspec.Raw, owner: Owner) -> Supplied:
    bundle = fhir.read_loose_bundle(data)
    entries: list[fhir.Entry] = []
    notes: list[Note] = []
    hidden, strangers = False, 0
    for raw in bundle.entry:
        try:
            entries.append(fhir.read_entry(raw))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
            unreadable = odd_entry(key, raw)
            hidden = hidden or unreadable is not None
            strangers += unreadable is None
            notes.extend([unreadable] if unreadable else [])
    return _finish(key, bundle, entries, notes, owner, hidden=hidden, strangers=strangers)


def odd_entry(key: str, raw: msgspec.Raw) -> Note | None:
    """The note for an entry that cannot be read; None if its type is one that no rule asks about.

    A report that cannot be read may say that the search failed, and a Bundle may hold anything. A type that
    FHIR does not have may be one of ours misspelt; its name is not repeated.
    """
    try:
        kind = fhir.read_kind(fhir.read_raw_entry(raw).resource)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return Note("unreadable", key)
    read = kind.resource_type in (*fhir.RESOURCE_TYPES, "OperationOutcome", "Bundle")
    if not read and (kind.resource_type in KNOWN_TYPES or kind.resource_type in fhir.BEFORE_R4):
        return None
    safe = kind.id if kind.id.replace("-", "").replace(".", "").isalnum() and len(kind.id) <= 64 else "?"
    return Note("unreadable", f"{kind.resource_type if read else key}/{safe}")


def _finish(
    key: str,
    bundle: fhir.Bundle | fhir.LooseBundle,
    entries: Sequence[fhir.Entry],
    notes: list[Note],
    owner: Owner,
    *,
    hidden: bool,
    strangers: int,
) -> Supplied:
    more = hidden or any(map(leads_on, bundle.link)) or says_partial(bundle.meta)
    supplied = _assemble(
        key, entries, owner, total=bundle.total, noted=len(notes), truncated=more, strangers=strangers
    )
    return replace(supplied, notes=(*notes, *supplied.notes)) if notes else supplied


def _assemble(
    key: str,
    entries: Sequence[fhir.Entry],
    owner: Owner,
    *,
    total: float | None,
    noted: int,
    truncated: bool,
    strangers: int,
) -> Supplied:
    """Keep what is of the key and of the patient; the state says the worst that happened on the way.

    `strangers` counts the entries of types no key asks for, which were left out before.
    """
    states = {TRUNCATED} if truncated else set()
    kept: list[fhir.Readable] = []
    expected, mine = _CLASS_OF_KEY.get(key, fhir.Observation), f"Patient/{owner.patient_id}"
    notes: list[Note] = []
    if expected in _REFERRING:
        entries = [*entries_at_home(entries, owner.server)]
    for index, entry in enumerate(entries):
        resource = entry.resource
        if resource is not None and resource.__class__ is expected:
            subject = getattr(resource, "subject", None)
            if (subject is not None and subject.reference == mine) or owner.owns(resource):
                kept.append(resource)
            else:
                states.add(OTHER_PATIENT)
                if owner.names_nobody(resource):
                    notes.append(Note(NOBODYS, reference_of(resource, index)))
        else:
            strangers += _stranger(key, resource, kept, states)
    if strangers and not kept:
        # Data came, but none of what was asked for: whoever answered did not answer this search.
        states.add(FAILED)
    if total is not None and _more_than_came(total - noted, entries, expected):
        states.add(TRUNCATED)
    notes += _partial(kept, states)
    if expected in STATUSES:
        kept = all_as_fhir_writes(kept, expected)
    if expected in _REFERRING:
        notes += _not_r4(kept, states)
    states.add(FOUND if kept else EMPTY)
    addressed = tuple(entries) if kept and expected is fhir.Condition else ()
    return Supplied(max(states, key=WORST.index), tuple(kept), tuple(notes), addressed)


def _partial(kept: Sequence[fhir.Readable], states: set[str]) -> list[Note]:
    """Notes on what says of itself that it is not all there, or not all as it seems; its key is not whole."""
    labelled = [one for one in kept if one.meta is not None and (one.meta.tag or one.meta.security)]
    partial = [one for one in labelled if says_partial(one.meta)]
    if kept and isinstance(kept[0], fhir.Patient) and kept[0].qualified:
        partial = [kept[0]]
    if not partial:
        return []
    states.add(TRUNCATED)
    return [Note(PARTIAL, reference_of(one)) for one in partial]


def _not_r4(kept: list[fhir.Readable], states: set[str]) -> list[Note]:
    """Take out what is written in another FHIR version than R4; its key has then failed."""
    newer = [one for one in kept if isinstance(one, fhir.OfDrug) and one.after_r4]
    if newer:
        states.add(FAILED)
        kept[:] = [one for one in kept if not (isinstance(one, fhir.OfDrug) and one.after_r4)]
    return [Note("unreadable", reference_of(one)) for one in newer]


def _more_than_came(total: float, entries: Sequence[fhir.Entry], expected: type) -> bool:
    """Whether the search found more than came; counting the key's own type often shows that it did not."""
    plain = {
        resource.id
        for entry in entries
        if (resource := entry.resource) is not None
        and resource.__class__ is expected
        and (entry.search is None or entry.search.mode in _MATCHING)
    }
    return total > len(plain - {""}) and total > _matches(entries, expected)


def _matches(entries: Sequence[fhir.Entry], expected: type) -> int:
    """How many different resources the search found; reports and what came along are none of them."""
    found: set[str] = set()
    nameless = 0
    for entry in entries:
        mode = entry.search.mode if entry.search is not None else ""
        if entry.resource is None or mode not in _MATCHING:
            continue
        if entry.resource.__class__ is expected or mode:
            found.add(entry.resource.id)
            nameless += not entry.resource.id
    return len(found - {""}) + nameless


def _stranger(key: str, resource: fhir.Readable | None, kept: list[fhir.Readable], states: set[str]) -> bool:
    """Deal with an entry of another type; whether it is one that has no business in this key."""
    if resource is None:
        states.add(TRUNCATED)
        return False
    if isinstance(resource, fhir.OperationOutcome):
        states.update(outcome_state(resource))
        return False
    if isinstance(resource, fhir.Medication) and key.startswith("medication-"):
        kept.append(resource)
        return False
    return True


def outcome_state(outcome: fhir.OperationOutcome) -> Iterator[str]:
    """A report among the data: the search failed, left something out, or is only remarked upon."""
    if says_failed(outcome):
        yield FAILED
    elif says_left_out(outcome):
        yield TRUNCATED
