"""Supplies of one drug joined into stretches, and how many days a stretch covers.

Overlapping supplies are merged, not shifted forward: a refill fetched early adds no days twice. Where dates
are known to the day every number is one; where a date may be any of several days, or a supply may have
ended before it ran out, a number is the interval from the least to the most that any reading of the dates
gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from cds_service.facts.views.days import Days
from cds_service.facts.views.supply import Supply
from cds_service.truth import Span, exactly


class Run(Struct, frozen=True, gc=False):
    """A stretch on one drug without a gap longer than the rule bridges.

    It began on a day from `begun` to `first` and ended on one from `last` to `until`. `parts` are the
    supplies that surely belong together: one, unless dates are vague. `plain` if every day of every supply
    is known.
    """

    supplies: tuple[Supply, ...]
    parts: tuple[tuple[Supply, ...], ...]
    begun: date
    first: date
    last: date
    until: date
    days: Span
    plain: bool

    @property
    def exact(self) -> bool:
        """Whether every reading of its dates gives the same stretch."""
        return self.plain or (len(self.parts) == 1 and self.begun == self.first and self.last == self.until)

    @property
    def ends(self) -> Days:
        """The days on which its supply may have run out, whatever else is on record of its end."""
        return (self.until if self.plain else max(one.last for one in self.supplies)), self.until

    def days_of(self, sure: Sequence[Supply], possible: Sequence[Supply]) -> Span:
        """Days that some of the supplies cover: the sure ones at least, the possible ones at most.

        Both in the order of the stretch. Of parts that may be stretches of their own the longest counts.
        """
        if len(sure) == len(possible) == len(self.supplies):
            return self.days
        return _covered(sure, possible, self.parts)

    @property
    def adherence(self) -> Span:
        """Days covered as a share of those from the first to the last."""
        if len(self.supplies) == 1:
            return exactly(1.0)
        if self.plain:
            return exactly(self.days.low / ((self.until - self.begun).days + 1))
        least, most = self._gaps()
        low, high = self.days.low, self.days.high
        return Span(low / max(1, low + most), high / (high + least))

    def _gaps(self) -> tuple[float, float]:
        """How many days without supply lie in it, at least and at most."""
        least = _between([(one.begun or one.first, one.until) for one in self.supplies])
        if any(one.begun != one.first for one in self.supplies):
            return least, (self.until - self.begun).days + 1 - self.days.low
        return least, _between([(one.first, one.sure_end) for one in self.supplies if one.least])


def _covered(sure: Sequence[Supply], possible: Sequence[Supply], parts: Sequence[Sequence[Supply]]) -> Span:
    most = min(covered_most(possible), sum(one.most for one in possible))
    if len(parts) == 1:
        return Span(covered_least(sure), most)
    chosen = {id(one) for one in sure}
    least = (covered_least([one for one in part if id(one) in chosen]) for part in parts)
    return Span(max(least, default=0), most)


def covered_least(supplies: Sequence[Supply]) -> int:
    """Days that all readings cover, or the days of the longest supply, whenever it was."""
    sure = _union(
        sorted((one.first, one.sure_end) for one in supplies if one.least and one.first <= one.sure_end)
    )
    return max(sure, max((one.least for one in supplies), default=0))


def covered_most(supplies: Sequence[Supply]) -> int:
    """Days that one reading or another covers."""
    return _union((one.begun, one.until) for one in supplies if one.begun is not None)


def _union(stretches: Iterable[Days]) -> int:
    """Days in any of some stretches that are sorted by their first day."""
    days, reached = 0, 0
    for first, last in stretches:
        end = last.toordinal()
        if end > reached:
            days += end - max(first.toordinal() - 1, reached)
            reached = end
    return days


def _between(stretches: Sequence[Days]) -> int:
    """Days in none of them, from the first to the last."""
    held = sorted(stretches)
    if not held:
        return 0
    whole = (max(last for _, last in held) - held[0][0]).days + 1
    return max(0, whole - _union(held))


def runs(supplies: Sequence[Supply], bridged_gap: int) -> Iterator[Run]:
    """Supplies of one drug joined into stretches; a gap of up to `bridged_gap` days does not end one."""
    settled = sorted(
        (one for one in supplies if one.begun is not None),
        key=lambda one: (one.begun or date.min, one.until, one.entry.reference),
    )
    group: list[Supply] = []
    reached = date.min
    for one in settled:
        assert one.begun is not None
        if group and (one.begun - reached).days - 1 > bridged_gap:
            yield _run(group, bridged_gap)
            group, reached = [], date.min
        group.append(one)
        reached = max(reached, one.until)
    if group:
        yield _run(group, bridged_gap)


def _run(group: Sequence[Supply], gap: int) -> Run:
    begun = group[0].begun
    assert begun is not None
    if all(one.exact for one in group):
        held, until = tuple(group), max(one.until for one in group)
        return Run(held, (held,), begun, begun, until, until, exactly(covered_most(held)), plain=True)
    taken = [one for one in group if one.least]
    parts = tuple(tuple(part) for part in _parts(taken, gap))
    taken = taken or list(group)
    return Run(
        tuple(group),
        parts,
        begun,
        min(one.first for one in taken),
        max(one.sure_end for one in taken),
        max(one.until for one in group),
        _covered(group, group, parts),
        plain=False,
    )


def _parts(group: Sequence[Supply], gap: int) -> Iterator[Sequence[Supply]]:
    """The supplies that no reading of their dates puts further apart than the gap."""
    part: list[Supply] = []
    for one in group:
        if part and not any(_near(one, other, gap) for other in reversed(part)):
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def _near(one: Supply, other: Supply, gap: int) -> bool:
    """Whether two supplies were surely taken without a longer gap between them."""
    return max((one.first - other.sure_end).days, (other.first - one.sure_end).days) - 1 <= gap
