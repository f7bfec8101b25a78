"""The view `treatment_sessions`: one row per calendar day on which a drug was given, however it was recorded.

Columns: day, start, drug, dose (mg). Sessions come from administrations of the drugs in `code_in`, from
procedures in `with: {procedures: …}`, and from hand-overs of drugs in `with: {supplies: …}`, those that are
handed over only where they are given. A record shows that there was a session whatever else is missing; when
it began, and how much was given, is known only as far as no key that was not obtained could say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.ahead import WHY, any_time, dated_ahead, doubt
from cds_service.facts.chart import Chart
from cds_service.facts.dates import EVER, NEVER, When
from cds_service.facts.elements import happened
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.infusion import milligrams_given
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.days import day_as_when
from cds_service.facts.views.ingredients import UNRECOGNISED, ingredients_of, names_of
from cds_service.facts.views.supply import DISPENSED, the_day
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, all_of

GIVEN, DONE, HANDED = "MedicationAdministration", "Procedure", "MedicationDispense"
_BEGUN = frozenset({"completed", "in-progress", "stopped", "on-hold"})
_NOT_BEGUN = frozenset({"not-done", "preparation"})


@dataclass(frozen=True, slots=True)
class Record:
    """One entry that shows a session; `day` is None if its date names no single day."""

    entry: Entry
    sure: Truth
    why: tuple[str, ...]
    when: When | None
    day: date | None
    drugs: tuple[str, ...] = ()
    dose: Span | None = None

    @property
    def administered(self) -> bool:
        """Whether it is an administration, which alone says how much was given."""
        return isinstance(self.entry.resource, fhir.MedicationAdministration)

    @property
    def instant(self) -> When | None:
        """When the session began, if the record has a clock time that means that."""
        told = self.when is not None and self.when.instant and self.day is not None
        return self.when if told and not isinstance(self.entry.resource, fhir.MedicationDispense) else None


def treatment_sessions(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of the days on which a drug in the call's value sets was given."""
    sources: dict[str, tuple[str, ...]] = {
        GIVEN: call.code_in,
        DONE: tuple(sorted(call.sets("procedures"))),
        HANDED: tuple(sorted(call.sets("supplies"))),
    }
    asked = {kind: sets for kind, sets in sources.items() if sets}
    keys = tuple(KEY_OF_TYPE[kind] for kind in asked)

    def read(chart: Chart) -> Sequence[Row]:
        records = [record for kind, sets in asked.items() for record in _records(kind, sets, call, chart)]
        lost = frozenset(item.key for item in chart.not_obtained(keys))
        return list(_rows(records, lost, chart))

    return read


# --- records -------------------------------------------------------------------------------------


def _records(kind: str, sets: tuple[str, ...], call: ViewCall, chart: Chart) -> Iterator[Record]:
    for entry, sure in chart.entries((KEY_OF_TYPE[kind],), kind, sets):
        if kind == HANDED and sure and entry.sets.isdisjoint(call.code_in):
            continue
        begun, why = _begun(entry.resource, kind)
        if not sure:
            begun, why = all_of((begun, UNKNOWN)), (*why, _unclassified(entry, kind))
        when = happened(_WHEN[kind](entry.resource, chart), entry.resource, chart)
        if entry.reference in dated_ahead(chart):
            begun, why, when = all_of((begun, doubt(entry.reference, chart))), (*why, WHY), any_time(when)
        drugs = names_of(entry, call) if kind != DONE else ()
        yield Record(entry, begun, why, when, the_day(when, chart), drugs, _dose(entry, kind, call))


def _unclassified(entry: Entry, kind: str) -> str:
    return "its code cannot be classified" if kind == DONE else entry.contradicted or UNRECOGNISED


def _begun(resource: Any, kind: str) -> tuple[Truth, tuple[str, ...]]:
    status = resource.status
    if status in (DISPENSED if kind == HANDED else _BEGUN):
        return TRUE, ()
    told = (f"its status is {status or 'not recorded'}",)
    return (FALSE if kind == HANDED or status in _NOT_BEGUN else UNKNOWN), told


def _dose(entry: Entry, kind: str, call: ViewCall) -> Span | None:
    given = entry.resource.dosage if kind == GIVEN else None
    if given is None:
        return None
    doses = [milligrams_given(given.dose, one) for one in ingredients_of(entry, call)]
    return doses[0] if len(doses) == 1 else None


def _moment(at: str, period: fhir.Period | None, chart: Chart) -> When | None:
    """When it began: the moment, the start of the period, or for want of that its end's day."""
    begun = chart.when(at) or (chart.when(period.start) if period is not None else None)
    if begun is not None or period is None:
        return begun
    day = the_day(chart.when(period.end), chart)
    return day_as_when(day, chart) if day is not None else chart.when(period.end)


_WHEN: Mapping[str, Callable[[Any, Chart], When | None]] = {
    GIVEN: lambda given, chart: _moment(given.effective_date_time, given.effective_period, chart),
    DONE: lambda done, chart: _moment(done.performed_date_time, done.performed_period, chart),
    HANDED: lambda handed, chart: chart.when(handed.when_handed_over),
}


# --- days ----------------------------------------------------------------------------------------


def _rows(records: Sequence[Record], lost: frozenset[str], chart: Chart) -> Iterator[Row]:
    """A row per day, then the records that name no single day, then what was no session."""
    days: dict[date, list[Record]] = {}
    loose: list[Record] = []
    for record in sorted(records, key=_order):
        if record.sure is FALSE:
            yield Row(Evidence(record.entry.reference, record.when, record.entry.text), {}, FALSE, record.why)
        elif record.day is not None:
            days.setdefault(record.day, []).append(record)
        else:
            loose.append(record)
    taken: list[When] = []
    anytime = lost | _unread(loose)
    for day, held in days.items():
        row = _day_row(day, held, anytime | _unread(held), chart)
        if row.counts is TRUE:
            taken.append(_day(day, chart))
        yield row
    yield from _loose_rows(loose, taken, lost)


def _unread(records: Sequence[Record]) -> frozenset[str]:
    """Those whose drug nobody could read: they may add to what else is known of a day, like a lost key."""
    return frozenset(record.entry.reference for record in records if record.entry.unread)


def _order(record: Record) -> tuple[float, float, str]:
    """By date, the most exact first, undated ones last; the order does not depend on how they came."""
    when = record.when
    if when is None:
        return inf, inf, record.entry.reference
    return when.end.timestamp(), -when.start.timestamp(), record.entry.reference


def _day_row(day: date, records: Sequence[Record], lost: frozenset[str], chart: Chart) -> Row:
    """All records of a day; those that may be no session at all say nothing beside one that surely is."""
    sure = [record for record in records if record.sure is TRUE]
    held = sure or records
    whole = _day(day, chart)
    instants = [record.instant for record in held if record.instant is not None]
    first = min(instants, key=lambda instant: (instant.start, instant.text), default=None)
    if first is not None and lost:
        first = When(whole.start, first.end, whole.text)  # a record that is missing may tell an earlier time
    columns: dict[str, Cell] = {
        "day": whole,
        "start": first,
        "drug": _drugs(held, lost),
        "dose": _total(held, lost),
    }
    entry = held[0].entry
    why = () if sure else held[0].why
    return Row(Evidence(entry.reference, first or whole, entry.text), columns, TRUE if sure else UNKNOWN, why)


def _day(day: date, chart: Chart) -> When:
    """A whole day; of today what is past."""
    when = day_as_when(day, chart)
    return chart.until_now(when) or when


def _drugs(records: Sequence[Record], lost: frozenset[str]) -> Cell:
    names = sorted({name for record in records for name in record.drugs})
    codes = tuple(Coded("", name, name) for name in names)
    if not lost:
        return codes or None
    return (*codes, Coded("unread", "unknown")) if codes else UNKNOWN


def _total(records: Sequence[Record], lost: frozenset[str]) -> Cell:
    """The mg of a day: of several records at least the greatest, at most their sum."""
    given = [record.dose for record in records if record.administered]
    known = [dose for dose in given if dose is not None]
    if not known:
        return UNKNOWN if lost else None
    open_end = bool(lost) or len(known) < len(given)
    most = inf if open_end else sum(dose.high for dose in known)
    return Quantity(Span(max(dose.low for dose in known), most), "mg")


def _loose_rows(records: Sequence[Record], taken: list[When], lost: frozenset[str]) -> Iterator[Row]:
    """Records of no single day; each may be a session already counted, or one not obtained."""
    for record in records:
        when = record.when or When(EVER, NEVER)
        shared = bool(lost) or any(_overlap(when, other) for other in taken)
        why = (*record.why, "it may be a session already counted") if shared else record.why
        if not why:
            taken.append(when)
        columns: dict[str, Cell] = {
            "day": record.when,
            "start": None,
            "drug": _drugs([record], lost),
            "dose": _total([record], lost),
        }
        evidence = Evidence(record.entry.reference, record.when, record.entry.text)
        yield Row(evidence, columns, UNKNOWN if why else TRUE, why)


def _overlap(one: When, other: When) -> bool:
    return one.start < other.end and other.start < one.end
