"""The dose of the days of a stretch: what supplies that overlap come to, and on how many days it is enough.

Supplies of one order, product and dose are refills: on a day that two of them cover one is taken. Other
supplies that overlap may be taken together (two strengths), or one may have replaced the other: the dose of
such a day is the interval from the larger to the sum. It is the sum where two strengths, or two orders of
different doses, were handed out for the very same days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from math import inf
from typing import NamedTuple

from cds_service.facts.views.days import Days
from cds_service.facts.views.stretches import Run
from cds_service.facts.views.supply import Supply
from cds_service.truth import FALSE, TRUE, Span, compare, exactly, hull

Share = Callable[[Supply], float | None]
"""A dose as a share of its own minimum; None if either is not known."""
_NEXT = timedelta(days=1)
_ENOUGH = exactly(1 - 1e-9)


class _Stretch(NamedTuple):
    """Days in a row on which the same supplies are at hand."""

    days: int
    supplies: Sequence[Supply]


def days_at_dose(run: Run, share: Share) -> Span:
    """On how many days of a stretch the dose reaches its minimum, as an interval."""
    shares = [(supply, share(supply)) for supply in run.supplies]
    sure = [supply for supply, part in shares if part is not None and part >= _ENOUGH.low]
    possible = [supply for supply, part in shares if part is None or part >= _ENOUGH.low]
    alone = run.days_of(sure, possible)
    if len(possible) == len(sure) == len(run.supplies) or not _overlapping(run.supplies):
        return alone
    together = [_at_dose(part, share) for part in run.parts]
    whole = list(_stretches([_possible_days(one) for one in run.supplies], run.supplies))
    most = sum(days for days, some in whole if compare(_together(some, share), ">=", _ENOUGH) is not FALSE)
    most = min(most, sum(one.most for one in run.supplies))
    return Span(max(alone.low, *together, 0), max(alone.high, most))


def _at_dose(part: Sequence[Supply], share: Share) -> int:
    """Days that are surely covered at dose."""
    held = [one for one in part if one.first <= one.sure_end]
    return sum(
        days
        for days, some in _stretches([(one.first, one.sure_end) for one in held], held)
        if compare(_together(some, share), ">=", _ENOUGH) is TRUE
    )


def dose_of(supplies: Sequence[Supply]) -> Span | None:
    """Milligrams a day over all the days of some supplies; None if the dose of any is not known."""
    doses = [one.dose for one in supplies if one.dose is not None]
    if not doses or len(doses) < len(supplies):
        return None
    if _overlapping(supplies):
        days = _stretches([_possible_days(one) for one in supplies], supplies)
        return hull(_together(some, _dose) for _, some in days)
    return Span(min(doses), max(doses))


def _dose(supply: Supply) -> float | None:
    return supply.dose


def _span(number: float | None) -> Span:
    return Span(0, inf) if number is None else exactly(number)


# --- what overlaps -------------------------------------------------------------------------------


def _line(supply: Supply) -> tuple[object, ...]:
    """What refills have in common."""
    return supply.orders, supply.ingredient, supply.dose


def _overlapping(supplies: Sequence[Supply]) -> bool:
    """Whether two supplies that are no refills of each other may share a day; the earliest come first."""
    reached: Supply | None = None
    for one in supplies:
        if reached is None or one.begun is None:
            reached = one
            continue
        if one.begun <= reached.until and not _refills(one, reached):
            return True
        if one.until > reached.until:
            reached = one
    return False


def _refills(one: Supply, other: Supply) -> bool:
    return one.dose == other.dose and one.orders == other.orders and one.ingredient == other.ingredient


def _possible_days(supply: Supply) -> Days:
    return supply.begun or supply.first, supply.until


def _stretches(days: Sequence[Days], supplies: Sequence[Supply]) -> Iterator[_Stretch]:
    """The days cut where a supply begins or ends; days without any are left out."""
    cuts = sorted({cut for first, last in days for cut in (first, last + _NEXT)})
    held = sorted(zip(days, supplies, strict=True), key=lambda one: one[0])
    active: list[tuple[Days, Supply]] = []
    at = 0
    for here, there in pairwise(cuts):
        while at < len(held) and held[at][0][0] <= here:
            active.append(held[at])
            at += 1
        active = [one for one in active if one[0][1] >= here]
        if active:
            yield _Stretch((there - here).days, [supply for _, supply in active])


# --- what they come to ---------------------------------------------------------------------------


def _together(supplies: Sequence[Supply], amount: Share) -> Span:
    """What supplies at hand on one day come to: the larger, the sum, or anything between."""
    lines: dict[tuple[object, ...], Supply] = {}
    for one in supplies:
        lines.setdefault(_line(one), one)
    held = list(lines.values())
    amounts = [_span(amount(one)) for one in held]
    if len(held) == 1:
        return amounts[0]
    least = max(
        sum(span.low for other, span in zip(held, amounts, strict=True) if _same_days(one, other))
        for one in held
    )
    return Span(least, sum(span.high for span in amounts))


def _same_days(one: Supply, other: Supply) -> bool:
    """Whether two supplies were surely meant to be taken together (or are the same)."""
    if one is other:
        return True
    if not (one.exact and other.exact) or (one.begun, one.until) != (other.begun, other.until):
        return False
    if one.ingredient.rxcui != other.ingredient.rxcui:
        return False
    if one.ingredient.strength != other.ingredient.strength:
        return None not in (one.ingredient.strength, other.ingredient.strength)
    return one.orders != other.orders and one.dose != other.dose
