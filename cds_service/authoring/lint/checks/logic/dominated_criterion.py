"""A part that another beside it makes idle: in all what the others imply, in any what implies another.

Of two comparisons of one fact the weaker never matters in all, the stronger never in any; nor does
`any: [a, b]` beside `a` in all. Only parts side by side are seen. Equal ones are logic/duplicate-criterion's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.authoring.lint.bounds import bound_of
from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.checks.data.fact_decides_nothing import idle_facts
from cds_service.authoring.lint.implied import follows
from cds_service.authoring.lint.trees import Part, below, meaning, nodes, trees_of
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.logic import All, Any_, Logic


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            told = idle_facts(parsed.model) if top[0] == ("logic",) else frozenset()
            for path, node in nodes(*top):
                if isinstance(node, (All, Any_)):
                    for (where, idle), other in _idle(below(path, node), everyone=isinstance(node, All)):
                        if told.isdisjoint(_facts(idle)):
                            yield Seen(
                                parsed.file.place(where),
                                f"{_named(idle)} decides nothing beside {other}",
                                "remove it, or mend it or the all and any around it",
                            )


def _idle(parts: Sequence[Part], *, everyone: bool) -> Iterator[tuple[Part, str]]:
    """The parts of an all (`everyone`) or any that can go, each with what makes it idle."""
    left = list(parts)
    for part in sorted(parts, key=lambda one: isinstance(one[1], Criterion)):  # a whole tree goes first
        others = [one for one in left if meaning(one[1]) != meaning(part[1])]
        alone = [one for _, one in others if (follows(part[1], one) if everyone else follows(one, part[1]))]
        if alone or (everyone and follows(part[1], *(one for _, one in others))):
            left.remove(part)
            yield part, _named(alone[0]) if alone else "the others"


def _named(part: Logic) -> str:
    if isinstance(part, Criterion):
        return repr(part.text)
    bound = bound_of(part)
    return repr(bound.text) if bound is not None else "this part"


def _facts(part: Logic) -> set[str]:
    return {one.fact for _, one in nodes((), part) if isinstance(one, Criterion)}


CHECK = Check(
    "logic/dominated-criterion", "warning", "regular", "A criterion never matters beside another.", _look
)
