"""Which facts must be known for a tree of criteria to be true, or false."""

from __future__ import annotations

from functools import reduce

from cds_service.authoring.lint.trees import below, meaning
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import CalculateFact, facts_used
from cds_service.rulebook.logic import All, AtLeast, Logic, Not
from cds_service.rulebook.rule import Rule


def sure_if(logic: Logic | None, verdict: bool, not_true: frozenset[str] = frozenset()) -> frozenset[str]:
    """The facts without which the tree cannot come out so. A tree that is not there says nothing.

    `not_true` are meanings of parts that do not hold, so that they are not what makes an any true.
    """
    if logic is None:
        return frozenset()
    if isinstance(logic, Criterion):
        return frozenset({logic.fact})
    if isinstance(logic, Not):
        return sure_if(logic.part, not verdict)
    parts = [part for _, part in below((), logic) if not (verdict and meaning(part) in not_true)]
    each = [sure_if(part, verdict, not_true) for part in parts]
    if _needs_every_part(logic, verdict):
        return frozenset().union(*each)
    return reduce(frozenset.intersection, each) if each else frozenset()


def _needs_every_part(logic: Logic, verdict: bool) -> bool:
    if isinstance(logic, AtLeast):
        return verdict and logic.at_least.n == len(logic.at_least.of)
    return isinstance(logic, All) is verdict


def made_known(rule: Rule, known: frozenset[str]) -> frozenset[str]:
    """With what follows: the parts of a known calculation, and a calculation of which every part is known."""
    found = set(known)
    size = -1
    while len(found) != size:
        size = len(found)
        for name, fact in rule.data.items():
            if isinstance(fact, CalculateFact):
                parts = facts_used(fact)
                if name in found:
                    found.update(parts)
                elif found.issuperset(parts):
                    found.add(name)
    return frozenset(found)
