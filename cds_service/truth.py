"""True, false, unknown: the only place that knows what follows from missing data.

The logic is Kleene's. Numbers are intervals, so that "at least 2" and "born in 1980" are values
like any other: a comparison that every point of the interval decides the same way is decided,
any other is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import inf
from typing import Literal

from msgspec import Struct

Comparator = Literal[">=", ">", "<=", "<", "==", "!="]


class Truth(StrEnum):
    """One of the three answers; its text is what the wire and the engine carry."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def truth_of(answer: bool) -> Truth:
    """The settled answer as a Truth."""
    return TRUE if answer else FALSE


def all_of(parts: Iterable[Truth]) -> Truth:
    """False wins, then unknown: one failed part settles it whatever is missing."""
    answer = TRUE
    for part in parts:
        if part is FALSE:
            return FALSE
        if part is UNKNOWN:
            answer = UNKNOWN
    return answer


def any_of(parts: Iterable[Truth]) -> Truth:
    """True wins, then unknown."""
    answer = FALSE
    for part in parts:
        if part is TRUE:
            return TRUE
        if part is UNKNOWN:
            answer = UNKNOWN
    return answer


def negate(part: Truth) -> Truth:
    """Not unknown is unknown."""
    if part is UNKNOWN:
        return UNKNOWN
    return FALSE if part is TRUE else TRUE


def at_least(n: int, parts: Iterable[Truth]) -> Truth:
    """True if n parts are true, false if even all unknown ones could not make n."""
    seen = list(parts)
    true, unknown = seen.count(TRUE), seen.count(UNKNOWN)
    if true >= n:
        return TRUE
    return FALSE if true + unknown < n else UNKNOWN


class Span(Struct, frozen=True, gc=False):
    """A number known to lie between low and high, both included; infinite ends are open."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether only one number is possible."""
        return self.low == self.high


def exactly(number: float) -> Span:
    """The span of one number."""
    return Span(number, number)


def at_least_span(number: float) -> Span:
    """The span of "this many or more"."""
    return Span(number, inf)


def hull(spans: Iterable[Span]) -> Span:
    """The smallest span that holds all of them. Raises ValueError for none."""
    held = list(spans)
    return Span(min(s.low for s in held), max(s.high for s in held))


def compare(span: Span, comparator: Comparator, other: Span) -> Truth:
    """Compare two intervals: decided only if every pair of their points agrees."""
    if comparator == "==":
        return _equal(span, other)
    if comparator == "!=":
        return negate(_equal(span, other))
    if comparator == ">=":
        return _settled(span.low >= other.high, span.high < other.low)
    if comparator == ">":
        return _settled(span.low > other.high, span.high <= other.low)
    if comparator == "<=":
        return _settled(span.high <= other.low, span.low > other.high)
    return _settled(span.high < other.low, span.low >= other.high)


def _equal(span: Span, other: Span) -> Truth:
    same = span.exact and other.exact and span.low == other.low
    return _settled(same, span.high < other.low or span.low > other.high)


def _settled(true: bool, false: bool) -> Truth:
    if true:
        return TRUE
    return FALSE if false else UNKNOWN


def found(sure: int, possible: int, *, obtained: bool, complete: bool) -> Truth:
    """Is there one? Presence is proven by one sure row; absence only by a complete, fully obtained record.

    `sure` rows meet every condition, `possible` ones cannot be decided.
    """
    if sure:
        return TRUE
    if possible or not obtained or not complete:
        return UNKNOWN
    return FALSE


def counted(sure: int, possible: int, *, obtained: bool, complete: bool) -> Span:
    """How many are there? [least, most], the top open if the record is partial or not fully obtained."""
    return Span(sure, sure + possible if obtained and complete else inf)
