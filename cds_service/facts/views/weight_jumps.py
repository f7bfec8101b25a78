"""Weights that jump: far from the one before, and no other weighing bears them out.

Pounds charted as kilograms, a height in the place of a weight, two digits exchanged: such a weight looks as
good as any. One more weighing that agrees with it settles it, whichever the wrong one was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace

from cds_service.facts.dates import When
from cds_service.facts.finding import Quantity, Row
from cds_service.facts.quantity import convert
from cds_service.facts.views.call import ViewCall
from cds_service.truth import Span


@dataclass(frozen=True, slots=True)
class Jumps:
    """How far a weight may be from the one before: times the lower of the two, and within which time."""

    most: float
    days: timedelta

    @classmethod
    def of(cls, call: ViewCall) -> Jumps | None:
        """As the rule says; None if it does not."""
        if "jump" not in call.arguments:
            return None
        limited = "jump_within" in call.arguments
        days = timedelta(days=call.days("jump_within")) if limited else timedelta.max
        return cls(1 + call.amount("jump").number / 100, days)

    def left_open(self, rows: Sequence[Row]) -> list[Row]:
        """The rows, the weight of those open that jump unconfirmed."""
        weighed = sorted(_weighed(rows), key=lambda one: (one.when.start, one.when.end))
        jumped = {one.place for index, one in enumerate(weighed) if self._jumps(index, weighed)}
        return [
            replace(row, columns={**row.columns, "weight": None}) if place in jumped else row
            for place, row in enumerate(rows)
        ]

    def _jumps(self, index: int, weighed: Sequence[_Weighed]) -> bool:
        one = weighed[index]
        earlier = (weighed[place] for place in range(index - 1, -1, -1))
        before = next((other for other in earlier if other.when.end <= one.when.start), None)
        if before is None or not self._near(one, before) or self._agree(one, before):
            return False
        apart = (other for other in weighed if not _overlap(one.when, other.when) and self._near(one, other))
        return not any(self._agree(one, other) for other in apart)

    def _near(self, one: _Weighed, other: _Weighed) -> bool:
        between = max(one.when.start, other.when.start) - min(one.when.end, other.when.end)
        return between <= self.days

    def _agree(self, one: _Weighed, other: _Weighed) -> bool:
        low, high = min(one.span.low, other.span.low), max(one.span.high, other.span.high)
        return high <= self.most * low


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A weight in kg that is known, when it was taken, and the place of its row."""

    place: int
    when: When
    span: Span


def _weighed(rows: Sequence[Row]) -> Iterator[_Weighed]:
    for place, row in enumerate(rows):
        cell, when = row.columns["weight"], row.evidence.when
        weight = convert(cell, "kg") if isinstance(cell, Quantity) else None
        if weight is not None and when is not None:
            yield _Weighed(place, when, weight.span)


def _overlap(one: When, other: When) -> bool:
    return one.start < other.end and other.start < one.end
