"""The state of one criterion: what a finding says about the line that compares it.

Numbers and ages are intervals, so a partial date or a lower bound is decided where every value it allows
agrees. What cannot be compared (no value, another unit, words) is unknown, never false.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from math import inf

from cds_service.facts.dates import EVER, NEVER, When, day_of, months_before
from cds_service.facts.finding import Cell, Finding, Quantity, Row
from cds_service.facts.quantity import convert
from cds_service.infer.program import RuleLogic
from cds_service.rulebook.criterion import TIME_UNITS, Criterion
from cds_service.truth import UNKNOWN, Span, Truth, compare, exactly

_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "years": 12}
_SECONDS = {"minutes": 60, "hours": 3600}
_LAST_INSTANT = timedelta(microseconds=1)


def rule_states(
    logic: RuleLogic, findings: Mapping[str, Finding], as_of: datetime, zone: tzinfo
) -> dict[str, Truth]:
    """The state of every plain criterion of a rule by its text; `findings` by the rule's fact names."""
    return {
        leaf.text: state(leaf.criterion, findings[leaf.fact], as_of, zone)
        for leaf in logic.plain
        if leaf.criterion is not None
    }


def state(criterion: Criterion, finding: Finding, as_of: datetime, zone: tzinfo) -> Truth:
    """Whether the finding meets the criterion.

    A date compared with a length of time is compared by its age: whole days, weeks of seven, months and
    years by the calendar back from the day of `as_of` in `zone`; hours and minutes between instants.
    """
    if criterion.comparator is None and not criterion.column:
        return finding.state
    if finding.state is UNKNOWN:
        return UNKNOWN
    cell = _cell(criterion, finding)
    if criterion.comparator is None:
        return cell if isinstance(cell, Truth) else UNKNOWN
    if isinstance(cell, Quantity):
        return _quantity(criterion, cell)
    return _age(criterion, cell, as_of, zone) if isinstance(cell, When) else UNKNOWN


def _cell(criterion: Criterion, finding: Finding) -> Cell:
    """The value compared: the finding's own, or one column of its row."""
    if isinstance(finding.value, Row):
        return finding.value.columns.get(criterion.column)
    return None if criterion.column else finding.value


def _quantity(criterion: Criterion, quantity: Quantity) -> Truth:
    measured = convert(quantity, criterion.unit) if criterion.unit else quantity
    return UNKNOWN if measured is None else _compared(criterion, measured.span, criterion.number)


def _age(criterion: Criterion, when: When, as_of: datetime, zone: tzinfo) -> Truth:
    number, unit = criterion.number, criterion.unit
    if unit not in TIME_UNITS or number is None:
        return UNKNOWN
    if unit in _SECONDS:
        return _compared(criterion, _seconds_since(when, as_of), number * _SECONDS[unit])
    today = day_of(as_of, zone)
    limit = number * _DAYS[unit] if unit in _DAYS else _days_back(today, number * _MONTHS[unit])
    return _compared(criterion, _days_since(when, today, zone), limit)


def _compared(criterion: Criterion, span: Span, number: float | None) -> Truth:
    if number is None or criterion.comparator is None:
        return UNKNOWN
    return compare(span, criterion.comparator, exactly(number))


def _days_back(today: date, months: float) -> float | None:
    """How long ago the same day so many months earlier was; None for part months or before the calendar."""
    try:
        return (today - months_before(today, int(months))).days if months == int(months) else None
    except (ValueError, OverflowError):
        return None


def _days_since(when: When, today: date, zone: tzinfo) -> Span:
    """The days that may have passed since; an open end of the date leaves the age open."""
    least = (today - day_of(when.end - _LAST_INSTANT, zone)).days if when.end < NEVER else -inf
    most = (today - day_of(when.start, zone)).days if when.start > EVER else inf
    return Span(least, most)


def _seconds_since(when: When, as_of: datetime) -> Span:
    least = (as_of - (when.end - _LAST_INSTANT)).total_seconds() if when.end < NEVER else -inf
    most = (as_of - when.start).total_seconds() if when.start > EVER else inf
    return Span(least, most)
