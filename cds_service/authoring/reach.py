"""Which verdicts a rule can reach at all: a rule whose facts are all `partial` is never false.

Each criterion's possible answers follow from what its fact gives and what silence means; the tree combines
them as if they were independent of each other, which may name a verdict too many, never one too few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import product

from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import ConclusionFact, Fact, RowsFact
from cds_service.rulebook.logic import All, Any_, Logic, Not
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, at_least, negate

Verdicts = frozenset[Truth]

_EVERY: Verdicts = frozenset(Truth)
_UP: Verdicts = frozenset({TRUE, UNKNOWN})
_DOWN: Verdicts = frozenset({FALSE, UNKNOWN})
_OPEN_TOP = ("count", "count_distinct")
"""What a partial record answers with a lower bound."""


def reachable(rule: Rule, rules: Mapping[str, Rule]) -> Verdicts:
    """The verdicts some chart could lead to. `rules` are those it may consume, by id."""
    return _logic(rule.logic, rule, rules)


def answers(criterion: Criterion, rule: Rule, rules: Mapping[str, Rule]) -> Verdicts:
    """The states of one criterion that some chart could lead to."""
    return _criterion(criterion, rule, rules)


def _logic(logic: Logic, rule: Rule, rules: Mapping[str, Rule]) -> Verdicts:
    if isinstance(logic, Criterion):
        return _criterion(logic, rule, rules)
    if isinstance(logic, Not):
        return frozenset(negate(truth) for truth in _logic(logic.part, rule, rules))
    if isinstance(logic, All):
        return _folded(all_of, (_logic(part, rule, rules) for part in logic.all))
    if isinstance(logic, Any_):
        return _folded(any_of, (_logic(part, rule, rules) for part in logic.any))
    parts = [_logic(part, rule, rules) for part in logic.at_least.of]
    return frozenset(at_least(logic.at_least.n, combined) for combined in product(*parts))


def _folded(join: Callable[[Iterable[Truth]], Truth], parts: Iterable[Verdicts]) -> Verdicts:
    return reduce(lambda left, right: frozenset(join(pair) for pair in product(left, right)), parts)


def _criterion(criterion: Criterion, rule: Rule, rules: Mapping[str, Rule]) -> Verdicts:
    fact = rule.data[criterion.fact]
    if isinstance(fact, ConclusionFact):
        return reachable(rules[fact.conclusion], rules)
    give = getattr(getattr(fact, "give", None), "kind", "")
    if give == "exists" and _never_sure(fact):
        return _DOWN if getattr(fact, "record", None) != "partial" else frozenset({UNKNOWN})
    if getattr(fact, "record", None) != "partial":
        return _EVERY
    if give == "exists":
        return _UP
    # A count has no upper end; a first date may lie further back, so its age has none either.
    if give in _OPEN_TOP or give == "earliest date":
        return _UP if criterion.comparator in (">=", ">", "!=") else _DOWN
    return _EVERY


def _never_sure(fact: Fact) -> bool:
    """Whether every row that counts is marked as unsure: by the very condition that lets it count."""
    return isinstance(fact, RowsFact) and any(
        fact.where.get(element) == test for element, test in fact.unsure.items()
    )
