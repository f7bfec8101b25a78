"""The chart: all we hold of one patient, what was not obtained, and indexes by the codes rules ask for.

Built once per request. Facts then cost a dictionary look-up: every resource is filed under the value sets
its codes belong to, so a rule's value sets cost nothing however large they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.coding import concept_codes, reference_of
from cds_service.facts.dates import When, day_of, parse_when
from cds_service.facts.drugs import drug_of
from cds_service.facts.finding import NotObtained
from cds_service.facts.read import EMPTY, Note, Supplied
from cds_service.rulebook.terminology import Coded, Drug, Terminology

_NO_SETS: frozenset[str] = frozenset()
# How a drug was told apart, where that says less than its product code would.
_DRUG_NOTES = {
    "unresolved": "drug-not-recognised",
    "text": "drug-from-text",
    "ingredient": "drug-from-ingredient",
}
# Types whose entries mean something only by their code: without one they may be anything.
CLASSIFIED: frozenset[str] = frozenset(
    {
        "Condition",
        "AllergyIntolerance",
        "Procedure",
        "MedicationRequest",
        "MedicationStatement",
        "MedicationDispense",
        "MedicationAdministration",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One resource of the chart with what its codes mean.

    `sets` are the value sets it belongs to; `classified` is false if none of its codes is in a system a value
    set knows, so that it may belong to any. `aside` says why it never counts (refuted, entered in error).
    """

    resource: Any
    reference: str
    sets: frozenset[str]
    codes: tuple[Coded, ...]
    classified: bool = True
    drug: Drug | None = None
    aside: str = ""

    @property
    def text(self) -> str:
        """The entry's name for a reader: a display, the text, or the bare code."""
        if self.drug is not None and self.drug.name:
            return self.drug.name
        for code in self.codes:
            if code.display:
                return code.display
        return self.codes[0].code if self.codes else ""


@dataclass(frozen=True)
class Shelf:
    """The entries of one type under one key."""

    entries: Sequence[Entry]
    by_set: Mapping[str, Sequence[Entry]]
    unclassified: Sequence[Entry]
    aside: Sequence[Entry]


_EMPTY_SHELF = Shelf((), {}, (), ())


@dataclass(frozen=True)
class Chart:
    """All FHIR data of one patient we hold, and what was not obtained.

    `as_of` is an aware instant; `states` holds one state per prefetch key of the hook. With
    `explain` the facts also keep every row they rejected.
    """

    patient_id: str
    as_of: datetime
    zone: tzinfo
    states: Mapping[str, str]
    shelves: Mapping[tuple[str, str], Shelf]
    drafts: Mapping[str, Shelf]
    selections: frozenset[str]
    notes: tuple[Note, ...]
    terminology: Terminology
    explain: bool = False
    cache: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def today(self) -> date:
        """The calendar day of `as_of` in the service's zone."""
        return day_of(self.as_of, self.zone)

    @property
    def patient(self) -> fhir.Patient | None:
        """The person, if the key was obtained."""
        shelf = self.shelves.get(("patient", "Patient"), _EMPTY_SHELF)
        return shelf.entries[0].resource if shelf.entries else None

    def not_obtained(self, keys: Iterable[str]) -> tuple[NotObtained, ...]:
        """Those of the keys that are not known in full, each with the reason."""
        states = self.states
        return tuple(
            NotObtained(key, state)
            for key in keys
            if (state := states.get(key, EMPTY)) not in ("found", EMPTY)
        )

    def when(self, text: str) -> When | None:
        """A recorded date as an interval of instants."""
        return parse_when(text, self.zone) if text else None

    def period(self, period: fhir.Period | None) -> When | None:
        """A period as one interval, ends included; None if neither end can be read."""
        if period is None:
            return None
        start, end = self.when(period.start), self.when(period.end)
        if start is None:
            return end
        return start if end is None else When(start.start, max(end.end, start.end), start.text)

    def shelf(self, key: str, resource_type: str) -> Shelf:
        """What one key brought of one type."""
        return self.shelves.get((key, resource_type), _EMPTY_SHELF)

    def entries(
        self, keys: Iterable[str], resource_type: str, sets: Sequence[str] | None
    ) -> Iterator[tuple[Entry, bool]]:
        """Live entries of a type in any of the sets, each with whether it surely is one."""
        seen: set[str] = set()
        for key in keys:
            yield from _fresh(self.shelf(key, resource_type), sets, seen)

    def draft_entries(
        self, resource_type: str, sets: Sequence[str] | None, *, selected: bool
    ) -> Iterator[tuple[Entry, bool]]:
        """The same over the unsigned orders of the call, or only those selected."""
        for entry, sure in _fresh(self.drafts.get(resource_type, _EMPTY_SHELF), sets, set()):
            if not selected or entry.reference in self.selections:
                yield entry, sure

    def set_aside(
        self, keys: Iterable[str], resource_type: str, sets: Sequence[str] | None
    ) -> Iterator[Entry]:
        """Entries that would be in the sets but never count, for the explanation."""
        for key in keys:
            for entry in self.shelf(key, resource_type).aside:
                if sets is None or not entry.sets.isdisjoint(sets):
                    yield entry


def _fresh(shelf: Shelf, sets: Sequence[str] | None, seen: set[str]) -> Iterator[tuple[Entry, bool]]:
    if sets is None:
        groups: list[tuple[Sequence[Entry], bool]] = [(shelf.entries, True)]
    else:
        groups = [(shelf.by_set.get(name, ()), True) for name in sets]
        groups.append((shelf.unclassified, False))
    for entries, sure in groups:
        for entry in entries:
            if entry.reference not in seen:
                seen.add(entry.reference)
                yield entry, sure


def build_shelves(
    supplied: Mapping[str, Supplied], terminology: Terminology, replaced: frozenset[str]
) -> tuple[dict[tuple[str, str], Shelf], tuple[Note, ...]]:
    """File every resource by key, type and value set; `replaced` references stand in the drafts instead."""
    shelves: dict[tuple[str, str], Shelf] = {}
    notes: list[Note] = []
    for key, brought in supplied.items():
        notes.extend(brought.notes)
        if brought.resources:
            medications = _medications(brought.resources)
            by_type = _file(brought.resources, terminology, medications, replaced, notes)
            shelves.update({(key, kind): shelf for kind, shelf in by_type.items()})
    return shelves, tuple(dict.fromkeys(notes))


def _medications(resources: Iterable[fhir.Readable]) -> dict[str, fhir.Medication]:
    return {f"Medication/{r.id}": r for r in resources if isinstance(r, fhir.Medication)}


def _file(
    resources: Iterable[fhir.Readable],
    terminology: Terminology,
    medications: Mapping[str, fhir.Medication],
    replaced: frozenset[str],
    notes: list[Note],
) -> dict[str, Shelf]:
    by_type: dict[str, list[Entry]] = {}
    seen: set[str] = set()
    for index, resource in enumerate(resources):
        if isinstance(resource, (fhir.Medication, fhir.OperationOutcome)):
            continue
        entry = read_entry(resource, index, terminology, medications)
        if entry.reference in seen or entry.reference in replaced:
            continue
        seen.add(entry.reference)
        notes.extend(_entry_notes(entry))
        by_type.setdefault(type(resource).__name__, []).append(entry)
    return {kind: build_shelf(entries) for kind, entries in by_type.items()}


def build_shelf(entries: Sequence[Entry]) -> Shelf:
    """Index entries of one type by value set."""
    by_set: dict[str, list[Entry]] = {}
    live, unclassified, aside = [], [], []
    for entry in entries:
        if entry.aside:
            aside.append(entry)
            continue
        live.append(entry)
        for name in entry.sets:
            by_set.setdefault(name, []).append(entry)
        if not entry.classified:
            unclassified.append(entry)
    return Shelf(live, by_set, unclassified, aside)


def read_entry(
    resource: Any, index: int, terminology: Terminology, medications: Mapping[str, fhir.Medication]
) -> Entry:
    """Look up what a resource's codes mean."""
    kind = type(resource).__name__
    reference = reference_of(resource, index)
    aside = _aside(resource)
    if isinstance(resource, fhir.OfDrug):
        drug, codes = drug_of(resource, medications, terminology)
        if drug is None:
            return Entry(resource, reference, _NO_SETS, codes, aside=aside)
        known = drug.resolution != "unresolved"
        return Entry(resource, reference, drug.sets, codes, classified=known, drug=drug, aside=aside)
    codes = _codes(resource)
    sets = _NO_SETS
    known = kind not in CLASSIFIED
    for code in codes:
        found = terminology.sets_of(code.system, code.code)
        if found:
            sets = sets | found if sets else found
        known = known or bool(found) or terminology.knows_system(code.system)
    return Entry(resource, reference, sets, codes, classified=known, aside=aside)


def _codes(resource: Any) -> tuple[Coded, ...]:
    if isinstance(resource, fhir.Observation) and resource.component:
        parts = [resource.code, *(part.code for part in resource.component)]
        return tuple(code for part in parts for code in concept_codes(part))
    return concept_codes(getattr(resource, "code", None))


def _aside(resource: Any) -> str:
    if getattr(resource, "status", "") == "entered-in-error":
        return "entered-in-error"
    verification = getattr(resource, "verification_status", None)
    if verification is not None:
        for coding in verification.coding:
            if coding.code in ("refuted", "entered-in-error"):
                return str(coding.code)
    return "not-to-be-given" if getattr(resource, "do_not_perform", False) else ""


def _entry_notes(entry: Entry) -> Iterator[Note]:
    if entry.aside in ("refuted", "entered-in-error"):
        yield Note(entry.aside, entry.reference)
    elif entry.drug is not None:
        code = _DRUG_NOTES.get(entry.drug.resolution)
        if code:
            yield Note(code, entry.reference)
    elif not entry.classified:
        yield Note("not-classified", entry.reference)
