"""Of two comparisons of one fact the weaker never matters in all, the stronger never in any.

Only comparisons side by side are seen, not those in nested parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.authoring.lint.bounds import Bound, bound_of, implies
from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import below, nodes, trees_of
from cds_service.rulebook.logic import All, Any_
from cds_service.rulebook.yamlfile import DataPath

_Placed = tuple[DataPath, Bound]


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            for path, node in nodes(*top):
                if not isinstance(node, (All, Any_)):
                    continue
                placed = [(where, bound_of(part)) for where, part in below(path, node)]
                bounds = [(where, bound) for where, bound in placed if bound is not None]
                for where, idle, other in _idle(bounds, strongest=isinstance(node, All)):
                    yield Seen(
                        parsed.file.place(where),
                        f"{idle.text!r} decides nothing beside {other.text!r}",
                        "remove it, or mend the number",
                    )


def _idle(bounds: Sequence[_Placed], *, strongest: bool) -> Iterator[tuple[DataPath, Bound, Bound]]:
    """The comparisons that another makes idle: in all those it implies, in any those that imply it."""
    for where, one in bounds:
        for _, other in bounds:
            strong, weak = (other, one) if strongest else (one, other)
            if implies(strong, weak) and not implies(weak, strong):
                yield where, one, other
                break


CHECK = Check(
    "logic/dominated-criterion", "warning", "regular", "A comparison never matters beside another.", _look
)
