"""Comparisons of one fact with numbers, seen as intervals: what follows from what, what excludes what."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from cds_service.rulebook.criterion import TIME_UNITS, Criterion
from cds_service.rulebook.logic import Logic, Not

_DAYS = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Only to order lengths of time; the engine counts months and years by the calendar."""
_OPPOSITE = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


class Bound(NamedTuple):
    """One comparison: whose value it is, from where to where it holds, whether each end belongs to it."""

    text: str
    subject: str
    low: float
    high: float
    low_held: bool
    high_held: bool


def bound_of(logic: Logic) -> Bound | None:
    """A comparison, or the negation of one, as an interval; None for anything else, and for `!=`."""
    negated = isinstance(logic, Not)
    criterion = logic.part if isinstance(logic, Not) else logic
    if not isinstance(criterion, Criterion) or criterion.comparator is None or criterion.number is None:
        return None
    comparator = _OPPOSITE[criterion.comparator] if negated else criterion.comparator
    number = criterion.number * _DAYS[criterion.unit] if criterion.unit in TIME_UNITS else criterion.number
    text = f"not: {criterion.text}" if negated else criterion.text
    subject = f"{criterion.fact}.{criterion.column}"
    match comparator:
        case ">=":
            return Bound(text, subject, number, inf, True, False)
        case ">":
            return Bound(text, subject, number, inf, False, False)
        case "<=":
            return Bound(text, subject, -inf, number, False, True)
        case "<":
            return Bound(text, subject, -inf, number, False, False)
        case "==":
            return Bound(text, subject, number, number, True, True)
    return None


def implies(strong: Bound, weak: Bound) -> bool:
    """Whether whatever meets one comparison meets the other."""
    if strong.subject != weak.subject:
        return False
    low = strong.low > weak.low or (strong.low == weak.low and (weak.low_held or not strong.low_held))
    high = strong.high < weak.high or (strong.high == weak.high and (weak.high_held or not strong.high_held))
    return low and high


def exclude(one: Bound, other: Bound) -> bool:
    """Whether no value meets both comparisons."""
    if one.subject != other.subject:
        return False
    low, high = max(one.low, other.low), min(one.high, other.high)
    if low != high:
        return low > high
    return not all(_holds(bound, low) for bound in (one, other))


def _holds(bound: Bound, value: float) -> bool:
    above = value > bound.low or (value == bound.low and bound.low_held)
    return above and (value < bound.high or (value == bound.high and bound.high_held))
