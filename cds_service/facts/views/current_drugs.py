"""The view `current_drugs`: one row per order, statement, supply or dose given, current or not, until when.

Columns: drug, current, kind (order, statement, supply, given, draft), route, reason, start, end, low_dose.
Each entry is read by itself: that another says "stopped" changes nothing, so a row is settled whatever else
was not obtained. A row is dated by the last day the drug is known to be in use: today if it is current, the
day it was given, an interval where only its limits are known. Nothing is "not current" unless the entry says
so. Administrations are read if the rule says, by `given_within`, how long after one a drug is current.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.ahead import WHY, any_time, dated_ahead, doubt
from cds_service.facts.chart import Chart
from cds_service.facts.coding import told_codes
from cds_service.facts.dates import BEING_ORDERED, ONGOING, When
from cds_service.facts.elements import ELEMENTS, Codes
from cds_service.facts.finding import Cell, Evidence, Row
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.days import Days, day_as_when, days_as_when, later, length_in_days
from cds_service.facts.views.ingredients import UNRECOGNISED, names_of
from cds_service.facts.views.low_dose import Minimum, low_dose, minimum_of
from cds_service.facts.views.supply import ORDER_INTENTS, days_of
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, truth_of

ORDER, STATEMENT, SUPPLY, GIVEN, DRAFT = "order", "statement", "supply", "given", "draft"
_WINDOW = "given_within"
_UNDER_WAY = "in-progress"
_ENDED = frozenset({"on-hold", "stopped", "completed"})
_GIVEN = frozenset({_UNDER_WAY, "completed", "stopped", "on-hold"})
_NEVER: Mapping[str, frozenset[str]] = {
    ORDER: frozenset({"cancelled", "draft"}),
    STATEMENT: frozenset({"intended", "not-taken"}),
    SUPPLY: frozenset({"preparation", "on-hold", "cancelled", "declined", "stopped"}),
    GIVEN: frozenset({"not-done"}),
}
_KINDS: Mapping[str, str] = {
    "MedicationRequest": ORDER,
    "MedicationStatement": STATEMENT,
    "MedicationDispense": SUPPLY,
    "MedicationAdministration": GIVEN,
}


class Course(Struct, frozen=True, gc=False):
    """From when until when an entry says a drug is taken.

    `end` is None if it goes on. `end_open` if there is an end that cannot be told beyond what `end` says.
    """

    start: Days | None = None
    end: Days | None = None
    end_open: bool = False

    def still(self, today: date) -> Truth:
        """Whether the end leaves the drug in use today."""
        if self.end is not None and self.end[1] < today:
            return FALSE
        if self.end_open:
            return UNKNOWN
        return TRUE if self.end is None or self.end[0] >= today else UNKNOWN


def current_drugs(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of the drugs in the call's value sets."""
    minimum = minimum_of(call)

    def read(chart: Chart) -> Sequence[Row]:
        rows: list[Row] = []
        if call.origin != "chart":
            selected = call.origin == "selections"
            for entry, sure in chart.draft_entries("MedicationRequest", call.code_in, selected=selected):
                rows.append(_row(entry, DRAFT, call, minimum, chart, sure=sure))
        if call.origin in ("chart", "drafts-and-chart"):
            rows.extend(_chart_rows(call, minimum, chart))
        return rows

    return read


def _chart_rows(call: ViewCall, minimum: Minimum, chart: Chart) -> Iterator[Row]:
    for resource_type, kind in _KINDS.items():
        if kind == GIVEN and _WINDOW not in call.arguments:
            continue
        keys = (KEY_OF_TYPE[resource_type],)
        for entry, sure in chart.entries(keys, resource_type, call.code_in):
            yield _row(entry, kind, call, minimum, chart, sure=sure)
        if chart.explain:
            aside = chart.set_aside(keys, resource_type, call.code_in)
            for entry, reason in (*aside, *chart.left_out(keys, resource_type, call.code_in)):
                yield Row(Evidence(entry.reference, None, entry.text), {}, FALSE, (reason,))


def _row(entry: Entry, kind: str, call: ViewCall, minimum: Minimum, chart: Chart, *, sure: bool) -> Row:
    course = _COURSES[kind](entry.resource, chart)
    if kind == GIVEN:
        current = _given_lately(entry.resource.status, course, call.days(_WINDOW), chart.today)
    else:
        current = _current(entry.resource.status, kind, course, chart.today)
    counts, why = _counts(entry.resource, kind, () if sure else (entry.contradicted or UNRECOGNISED,))
    when = _last_day(entry.resource.status, kind, course, current, chart)
    if kind != DRAFT and entry.reference in dated_ahead(chart):
        counts, why = all_of((counts, doubt(entry.reference, chart))), (*why, WHY)
        current, when = UNKNOWN, any_time(when)
    columns: dict[str, Cell] = {
        "drug": " / ".join(names_of(entry, call)),
        "current": current,
        "kind": kind,
        "route": _routes(entry.resource),
        "reason": ELEMENTS["MedicationRequest"]["reason"](entry, chart),
        "start": _when(course.start, chart),
        "end": _when(course.end, chart) if not course.end_open else None,
        "low_dose": low_dose(entry, call, minimum, chart),
    }
    return Row(Evidence(entry.reference, when, entry.text), columns, counts, why)


def _routes(resource: Any) -> Codes:
    if isinstance(resource, fhir.MedicationAdministration):
        return told_codes(resource.dosage.route) or None if resource.dosage else None
    taken = isinstance(resource, fhir.MedicationStatement)
    lines: Sequence[fhir.Dosage] = resource.dosage if taken else resource.dosage_instruction
    return tuple(code for line in lines for code in told_codes(line.route)) or None


def _when(days: Days | None, chart: Chart) -> When | None:
    return days_as_when(*days, chart) if days is not None else None


# --- what an entry's status says -----------------------------------------------------------------


def _counts(resource: Any, kind: str, why: tuple[str, ...]) -> tuple[Truth, tuple[str, ...]]:
    """Whether the entry says that the drug is or was taken; `why` it may be another drug, if so."""
    if resource.status in _NEVER.get(kind, ()):
        return FALSE, (f"a {kind} with status {resource.status}",)
    if kind == ORDER and resource.intent in ("proposal", "option"):
        return FALSE, (f"its intent is {resource.intent}, which orders nothing",)
    if kind == GIVEN and resource.status not in _GIVEN:
        why = (*why, f"its status is {resource.status or 'not recorded'}")
    if kind == ORDER and not _ordered(resource):
        why = (*why, f"its intent is {resource.intent or 'not recorded'}")
    return (UNKNOWN if why else TRUE), why


def _ordered(order: fhir.MedicationRequest) -> bool:
    """Whether it is an order; or a plan that records what the patient reports to take (US Core)."""
    reported = order.reported_boolean is True or order.reported_reference is not None
    return order.intent in ORDER_INTENTS or (order.intent == "plan" and reported)


def _current(status: str, kind: str, course: Course, today: date) -> Truth:
    if kind == DRAFT:
        return truth_of(status not in _ENDED and status != "cancelled")
    if kind == SUPPLY:
        return all_of((_begun(course, today), course.still(today)))
    if status in _ENDED:
        return FALSE
    still = course.still(today)
    return still if status == "active" or still is FALSE else UNKNOWN


def _given_lately(status: str, course: Course, days: int, today: date) -> Truth:
    """Whether a dose is being given, or was within so many days before today."""
    if status == _UNDER_WAY:
        return course.still(today)
    if course.end is None:
        return UNKNOWN
    oldest = today - timedelta(days=days)
    if course.end[1] < oldest or course.end[0] > today:
        return FALSE
    return TRUE if oldest <= course.end[0] and course.end[1] <= today else UNKNOWN


def _begun(course: Course, today: date) -> Truth:
    """Whether a supply was handed out by today."""
    if course.start is None or course.start[0] <= today < course.start[1]:
        return UNKNOWN
    return truth_of(course.start[1] <= today)


def _last_day(status: str, kind: str, course: Course, current: Truth, chart: Chart) -> When | None:
    """The last day known to be on the drug: an interval from the first to the last it may be, up to today."""
    today, start, end = chart.today, course.start, course.end
    if kind == GIVEN and status != _UNDER_WAY:
        return _when(end, chart)
    if current is TRUE or kind == DRAFT:
        told = day_as_when(today, chart)
        return replace(told, text=BEING_ORDERED if kind == DRAFT else ONGOING) if current is TRUE else told
    if kind == SUPPLY and start is not None and start[0] > today:
        return _when(start, chart)
    last = min(end[1], today) if end is not None else today
    first = start[0] if start is not None else None
    if end is not None and not course.end_open and not _planned(status, kind, end, today):
        first = end[0]
    return days_as_when(min(first, last), last, chart) if first is not None else None


def _planned(status: str, kind: str, end: Days, today: date) -> bool:
    """Whether the end was only meant: what was stopped, or is over already, may have ended long before."""
    if kind == SUPPLY or status == "active":
        return False
    return end[1] > today or (kind == ORDER and status != "completed")


# --- from when until when ------------------------------------------------------------------------


def _order_course(order: fhir.MedicationRequest, chart: Chart) -> Course:
    """By the bounds of the dosage; else by the validity of the prescription and the supply it allows.

    An order without any end goes on. A prescription that can no longer be filled may still be taken until its
    last supply is used up.
    """
    written = _days(order.authored_on, chart)
    bounds = [_bounds(line, written, chart) for line in order.dosage_instruction]
    start = min((one.start for one in bounds if one.start is not None), default=written)
    if bounds and all(one.end is not None or one.end_open for one in bounds):
        ends = [one.end for one in bounds if one.end is not None]
        end = (max(one[0] for one in ends), max(one[1] for one in ends)) if len(ends) == len(bounds) else None
        return Course(start, end, any(one.end_open for one in bounds))
    request = order.dispense_request
    if request is None or request.validity_period is None or not request.validity_period.end:
        return Course(start)
    valid = _days(request.validity_period.end, chart)
    if valid is None:
        return Course(start, None, True)
    if valid[0] >= chart.today:
        return Course(start)
    supply = length_in_days(request.expected_supply_duration)
    return Course(start, (valid[0], later(valid[1], supply)) if supply is not None else None, True)


def _bounds(line: fhir.Dosage, written: Days | None, chart: Chart) -> Course:
    repeat = line.timing.repeat if line.timing is not None else None
    if repeat is None:
        return Course()
    if repeat.bounds_period is not None:
        return _period(repeat.bounds_period, chart)
    longest = repeat.bounds_range.high if repeat.bounds_range is not None else repeat.bounds_duration
    if repeat.bounds_duration is None and repeat.bounds_range is None:
        return Course()
    days = length_in_days(longest)
    if days is None or written is None:
        return Course(end_open=True)
    shortest = length_in_days(repeat.bounds_range.low) if repeat.bounds_range is not None else days
    return Course(written, (later(written[0], (shortest or 1) - 1), later(written[1], days - 1)))


def _statement_course(statement: fhir.MedicationStatement, chart: Chart) -> Course:
    if statement.effective_period is not None:
        return _period(statement.effective_period, chart)
    return Course(_days(statement.effective_date_time, chart))


def _supply_course(dispense: fhir.MedicationDispense, chart: Chart) -> Course:
    """From the day it was handed out, for as many days as it was meant to last."""
    handed = _past_days(dispense.when_handed_over, chart) or _past_days(dispense.when_prepared, chart)
    days = length_in_days(dispense.days_supply)
    if handed is None or not days:
        return Course(handed, None, True)
    return Course(handed, (later(handed[0], days - 1), later(handed[1], days - 1)))


def _given_course(given: fhir.MedicationAdministration, chart: Chart) -> Course:
    """From its start to its end; one moment is both, unless it is still being given.

    A dose with a start and no end ended on some day since, unless the entry says that it goes on.
    """
    period, going_on = given.effective_period, given.status == _UNDER_WAY
    moment = _past_days(given.effective_date_time, chart)
    if moment is not None or period is None:
        return Course(moment, None if going_on else moment)
    start, course = _past_days(period.start, chart), _period(period, chart)
    if going_on:
        return Course(start, course.end, course.end_open)
    end = _past_days(period.end, chart)
    if start is not None and (end is None or end[0] > chart.today):
        end = (start[0], max(start[1], chart.today))
    return Course(start, end, end is None and course.end_open)


_COURSES: Mapping[str, Callable[[Any, Chart], Course]] = {
    ORDER: _order_course,
    DRAFT: _order_course,
    STATEMENT: _statement_course,
    SUPPLY: _supply_course,
    GIVEN: _given_course,
}


def _period(period: fhir.Period, chart: Chart) -> Course:
    end = _days(period.end, chart)
    return Course(_days(period.start, chart), end, bool(period.end) and end is None)


def _past_days(text: str, chart: Chart) -> Days | None:
    """The days of something that has happened."""
    when = chart.until_now(chart.when(text))
    return days_of(when, chart) if when is not None else None


def _days(text: str, chart: Chart) -> Days | None:
    when = chart.when(text)
    return days_of(when, chart) if when is not None else None
