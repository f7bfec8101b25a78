"""What would have to be different for a verdict to be another: the smallest sets of criteria to change.

Found on the logic trees, through every rule that is consumed, and checked by deciding them again. Whether a
chart could hold such a combination of answers is not asked: criteria are changed as if they were free. Where
one criterion stands twice and is wished both true and false, a way may be missed; none that is told is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from cds_service.cards.condition import holds
from cds_service.cards.reading import Reading, Record
from cds_service.infer.direct import decide
from cds_service.infer.program import Branch, Leaf, RuleLogic, Tree, flatten, logic_of
from cds_service.rulebook.book import taken
from cds_service.rulebook.fact import ConclusionFact
from cds_service.rulebook.logic import Logic
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

_KEPT = 12
"""How many sets are kept at each step, the smallest; a reader looks at a few."""


class Flip(NamedTuple):
    """One criterion that would have to be `needed` instead of what it is."""

    rule: str
    criterion: str
    fact: str
    needed: Truth


Way = frozenset[Flip]
Ways = tuple[Way, ...]
AS_IT_IS: Ways = (frozenset(),)


class Wish(NamedTuple):
    """A tree of criteria of a rule, and the truths that would do."""

    rule: Rule
    logic: RuleLogic
    wanted: tuple[Truth, ...]


def of_rule(rule: Rule, *wanted: Truth) -> Wish:
    """A rule's own logic."""
    return Wish(rule, logic_of(rule), wanted)


def of_condition(rule: Rule, logic: Logic, *wanted: Truth) -> Wish:
    """A condition of one of the rule's cards."""
    consumes = {name: fact.conclusion for name, fact in rule.data.items() if isinstance(fact, ConclusionFact)}
    return Wish(rule, flatten(rule.rule, logic, consumes=consumes), wanted)


def ways(record: Record, wishes: Iterable[Wish]) -> Ways:
    """The smallest sets of changes that fulfil every wish at once; one empty set if nothing has to change."""
    wished = tuple(wishes)
    found: Ways = AS_IT_IS
    search = _Search(record)
    for wish in wished:
        found = _both(
            found, _any(search.tree(wish.rule, wish.logic, wish.logic.tree, truth) for truth in wish.wanted)
        )
    return tuple(way for way in found if _fulfilled(record, wished, way))


def _fulfilled(record: Record, wishes: tuple[Wish, ...], way: Way) -> bool:
    deciding = _Search(record, {(one.rule, one.criterion): one.needed for one in way})
    return all(deciding.truth(wish.rule, wish.logic) in wish.wanted for wish in wishes)


@dataclass(frozen=True)
class _Search:
    """The trees of one decision; `changed` are truths taken instead of those found,
    `known` the ways of consumed rules met already."""

    record: Record
    changed: Mapping[tuple[str, str], Truth] = field(default_factory=dict)
    known: dict[tuple[str, Truth], Ways] = field(default_factory=dict)

    def truth(self, rule: Rule, logic: RuleLogic) -> Truth:
        """The truth of a tree under the changes."""
        return decide(logic.tree, [self.leaf(rule, leaf) for leaf in logic.leaves])

    def leaf(self, rule: Rule, leaf: Leaf) -> Truth:
        key = (rule.rule, leaf.text)
        if key in self.changed:
            return self.changed[key]
        if leaf.conclusion in self.record.findings:
            used = self.record.rules[leaf.conclusion]
            return self.truth(used, logic_of(used))
        assert leaf.criterion is not None
        names = dict(zip(_facts(rule), taken(rule), strict=True))
        return holds(
            leaf.criterion, Reading(rule, names, self.record.findings.get(rule.rule, {}), self.record)
        )

    def tree(self, rule: Rule, logic: RuleLogic, tree: Tree, wanted: Truth) -> Ways:
        """The ways for a part of a tree to be what is wanted."""
        if isinstance(tree, int):
            return self._leaf(rule, logic.leaves[tree], wanted)
        if tree.kind == "not":
            other = {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}[wanted]
            return self.tree(rule, logic, tree.parts[0], other)
        return _counted(tree, wanted, lambda part, truth: self.tree(rule, logic, part, truth))

    def _leaf(self, rule: Rule, leaf: Leaf, wanted: Truth) -> Ways:
        if self.leaf(rule, leaf) is wanted:
            return AS_IT_IS
        if wanted is UNKNOWN:  # nobody is told to know less
            return ()
        if leaf.conclusion in self.record.findings:
            key = (leaf.conclusion, wanted)
            if key not in self.known:
                used = self.record.rules[leaf.conclusion]
                logic = logic_of(used)
                self.known[key] = self.tree(used, logic, logic.tree, wanted)
            return self.known[key]
        return (frozenset({Flip(rule.rule, leaf.text, leaf.fact, wanted)}),)


def _facts(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name, fact in rule.data.items() if isinstance(fact, ConclusionFact))


def _counted(branch: Branch, wanted: Truth, part_ways: Callable[[Tree, Truth], Ways]) -> Ways:
    """`all`, `any` and `at_least` alike: so many parts must be true, or so many false to rule that out."""
    most = len(branch.parts)
    true_needed = {"all": most, "any": 1}.get(branch.kind, branch.n)
    false_needed = most - true_needed + 1
    held: dict[tuple[int, int], Ways] = {(0, 0): AS_IT_IS}
    for part in branch.parts:
        step: dict[tuple[int, int], list[Ways]] = {}
        options = {truth: part_ways(part, truth) for truth in (TRUE, FALSE, UNKNOWN)}
        for (true, false), (truth, found) in product(held, options.items()):
            key = (min(true + (truth is TRUE), true_needed), min(false + (truth is FALSE), false_needed))
            step.setdefault(key, []).append(_both(held[true, false], found))
        held = {key: _any(several) for key, several in step.items()}
    ends = [
        found
        for (true, false), found in held.items()
        if _end(true, false, true_needed, false_needed) is wanted
    ]
    return _any(ends)


def _end(true: int, false: int, true_needed: int, false_needed: int) -> Truth:
    return TRUE if true >= true_needed else FALSE if false >= false_needed else UNKNOWN


def _both(one: Ways, other: Ways) -> Ways:
    """Every union that does not want one criterion to be two things."""
    return _smallest(a | b for a, b in product(one, other) if _agree(a | b))


def _agree(way: Way) -> bool:
    return len({(one.rule, one.criterion) for one in way}) == len(way)


def _any(several: Iterable[Ways]) -> Ways:
    return _smallest(way for found in several for way in found)


def _smallest(found: Iterable[Way]) -> Ways:
    """The smallest sets, none of which holds another."""
    kept: list[Way] = []
    for way in sorted(set(found), key=lambda one: (len(one), sorted(one))):
        if len(kept) == _KEPT:
            break
        if not any(other <= way for other in kept):
            kept.append(way)
    return tuple(kept)
