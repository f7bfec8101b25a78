"""In which order the cards of an answer stand: which stand above others that they stood below before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from cds_service.authoring.replay.changes import Json, shown


class Moved(NamedTuple):
    """On one call: the card of a rule stands above that of another, below which it stood before."""

    call: str
    above: str
    below: str


class Rearranged(NamedTuple):
    """One rule whose card moved, and on which calls: above which others, and below which."""

    rule: str
    above: Mapping[str, tuple[str, ...]]
    below: Mapping[str, tuple[str, ...]]

    @property
    def calls(self) -> tuple[str, ...]:
        """The calls on which it moved."""
        return tuple(
            sorted({call for side in (self.above, self.below) for held in side.values() for call in held})
        )


def moved(call: str, before: Json | None, after: Json | None) -> tuple[Moved, ...]:
    """Every pair of rules whose cards changed places; both answers show a card of both."""
    old, new = _places(before), _places(after)
    pairs = combinations(sorted(old.keys() & new.keys()), 2)
    turned = ((one, other) for one, other in pairs if (old[one] - old[other]) * (new[one] - new[other]) < 0)
    return tuple(Moved(call, *sorted(pair, key=new.__getitem__)) for pair in turned)


def _places(body: Json | None) -> dict[str, int]:
    """By rule, the place of its card in an answer."""
    return {name: at for at, (names, _) in enumerate(shown(body)) for name in names}


def rearranged(moves: Sequence[Moved], edited: Collection[str]) -> Iterator[Rearranged]:
    """Each pair once, under the rule that moved past most: edited rules first."""
    left = list(moves)
    while left:
        count = Counter(rule for one in left for rule in (one.above, one.below))
        rule = min(count, key=lambda one: (one not in edited, -count[one], one))
        mine = [one for one in left if rule in (one.above, one.below)]
        left = [one for one in left if rule not in (one.above, one.below)]
        yield Rearranged(
            rule,
            _by_rule((one.below, one.call) for one in mine if one.above == rule),
            _by_rule((one.above, one.call) for one in mine if one.below == rule),
        )


def _by_rule(pairs: Iterator[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for rule, call in sorted(pairs):
        found.setdefault(rule, []).append(call)
    return {
        rule: tuple(calls) for rule, calls in sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    }


def told(one: Rearranged) -> Iterator[str]:
    """`now above treatment-options (80), caution-bipolar (2)`, and the same of what it went below."""
    for word, side in (("above", one.above), ("below", one.below)):
        if side:
            yield f"now {word} " + ", ".join(f"{rule} ({len(calls)})" for rule, calls in side.items())
