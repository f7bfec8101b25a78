"""Parts of one all that can never hold together, and comparisons that nothing can meet.

Only parts side by side are seen; what facts exclude by their meaning is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from cds_service.authoring.lint.bounds import Bound, bound_of, exclude
from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import Part, below, meaning, nodes, trees_of
from cds_service.rulebook.logic import All, Logic, Not
from cds_service.rulebook.rule import Fact, RowsFact, Rule

_NEVER_BELOW_0 = ("count", "count_distinct", "age")


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            for path, node in nodes(*top):
                if isinstance(node, All):
                    yield from (
                        Seen(
                            parsed.file.place(where),
                            f"this can never hold beside {other!r}",
                            "mend one of the two, or write any instead of all",
                        )
                        for where, other in _contradictions((path, node))
                    )
                elif _impossible(node, parsed.model):
                    yield Seen(parsed.file.place(path), "a count or age is never below 0", "mend the number")


def _contradictions(top: Part) -> Iterator[tuple[tuple[str | int, ...], str]]:
    parts = list(below(*top))
    for index, (where, part) in enumerate(parts):
        for _, earlier in parts[:index]:
            if _clash(part, earlier):
                yield where, _named(earlier)
                break


def _clash(one: Logic, other: Logic) -> bool:
    first, second = bound_of(one), bound_of(other)
    if first is not None and second is not None:
        return exclude(first, second)
    return _negates(one, other) or _negates(other, one)


def _negates(one: Logic, other: Logic) -> bool:
    return isinstance(one, Not) and meaning(one.part) == meaning(other)


def _named(logic: Logic) -> str:
    bound = bound_of(logic)
    return bound.text if bound is not None else meaning(logic)


def _impossible(logic: Logic, rule: Rule) -> bool:
    bound = None if isinstance(logic, Not) else bound_of(logic)
    return bound is not None and _counted(rule.data.get(bound.subject.rstrip("."))) and _below_0(bound)


def _counted(fact: Fact | None) -> bool:
    return isinstance(fact, RowsFact) and fact.give.kind in _NEVER_BELOW_0


def _below_0(bound: Bound) -> bool:
    return bound.low == -inf and (bound.high < 0 or (bound.high == 0 and not bound.high_held))


CHECK = Check("logic/unreachable-criterion", "error", "regular", "Criteria can never hold together.", _look)
