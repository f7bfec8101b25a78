"""What would have to be different for a verdict to be another: the smallest sets of criteria to change.

Found on the logic trees, through every rule that is consumed, and checked by deciding them again. What is
asked of the chart in several places has one answer, in all rules (samefact.py), also where it is to stay as
it is; no criterion is changed to what it can never be. Whether a chart could hold such a combination of
answers to different questions is not asked. Of very wide trees the ways with many changes may be missed; none
that is told is wrong, or says too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

from cds_service.authoring.reach import Verdicts, answers
from cds_service.authoring.samefact import Answer, Claim, SameFacts, follows, span_of
from cds_service.cards.condition import holds
from cds_service.cards.reading import Reading, Record
from cds_service.infer.direct import decide
from cds_service.infer.program import Branch, Leaf, RuleLogic, Tree, flatten, logic_of
from cds_service.rulebook.book import taken
from cds_service.rulebook.fact import ConclusionFact
from cds_service.rulebook.logic import Logic
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

_KEPT = 40
"""How many sets are kept at each step, those with the fewest changes; a reader looks at a few."""


class Flip(NamedTuple):
    """One criterion that would have to be `needed` instead of what it is; named where it was first met."""

    rule: str
    criterion: str
    fact: str
    needed: Truth


Way = frozenset[Flip]


class _Pin(NamedTuple):
    """A criterion taken to be `flip.needed`; `new` if that is not what it is."""

    flip: Flip
    new: bool


_Pins = frozenset[_Pin]
_Found = tuple[_Pins, ...]
_ANYHOW: _Found = (frozenset(),)


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


def ways(record: Record, wishes: Iterable[Wish], same: SameFacts | None = None) -> tuple[Way, ...]:
    """The smallest sets of changes that fulfil every wish at once; one empty set if nothing has to change.

    Ways found with one `same` name a criterion of several rules alike.
    """
    wished = tuple(wishes)
    found, search = _ANYHOW, _Search(record, same or SameFacts())
    for wish in wished:
        parts = [search.tree(wish.rule, wish.logic, wish.logic.tree, truth) for truth in wish.wanted]
        found = _both(found, _any(parts))
    changed = {_without_excess(search, wished, _changes(pins)) for pins in found}
    kept = [way for way in changed if _fulfilled(search, wished, way)]
    smallest = [way for way in kept if not any(other < way for other in kept)]
    return tuple(sorted(smallest, key=lambda way: (len(way), sorted(way))))


def _without_excess(search: _Search, wishes: tuple[Wish, ...], way: Way) -> Way:
    """The way without changes that the others make superfluous."""
    for flip in sorted(way):
        if _fulfilled(search, wishes, way - {flip}):
            way = way - {flip}
    return way


def _fulfilled(search: _Search, wishes: tuple[Wish, ...], way: Way) -> bool:
    """Whether all is as wished once every change is made, and with it what follows from it."""
    changed = {search.same.claims[one.rule, one.criterion]: one.needed for one in way}
    asked = {claim.answer for claim in changed}
    spans = {one: span_of(pair for pair in changed.items() if pair[0].answer == one) for one in asked}
    possible = {answer: span for answer, span in spans.items() if span is not None}
    deciding = replace(search, changed=changed, spans=possible)
    return len(possible) == len(spans) and all(
        deciding.truth(wish.rule, wish.logic) in wish.wanted for wish in wishes
    )


@dataclass(frozen=True)
class _Search:
    """The trees of one decision; `changed` are truths taken instead of those found, `spans` what numbers are
    left by them, `known` the ways of consumed rules met already."""

    record: Record
    same: SameFacts
    changed: Mapping[Claim, Truth] = field(default_factory=dict)
    spans: Mapping[Answer, Span] = field(default_factory=dict)
    known: dict[tuple[str, Truth], _Found] = field(default_factory=dict)

    def truth(self, rule: Rule, logic: RuleLogic) -> Truth:
        """The truth of a tree under the changes."""
        return decide(logic.tree, [self.leaf(rule, leaf) for leaf in logic.leaves])

    def leaf(self, rule: Rule, leaf: Leaf) -> Truth:
        if leaf.conclusion in self.record.findings:
            used = self.record.rules[leaf.conclusion]
            return self.truth(used, logic_of(used))
        assert leaf.criterion is not None
        claim = self.same.claim(rule, leaf.criterion)
        if claim in self.changed:
            return self.changed[claim]
        implied = follows(claim, self.spans[claim.answer]) if claim.answer in self.spans else UNKNOWN
        if implied is not UNKNOWN:
            return implied
        names = dict(zip(_facts(rule), taken(rule), strict=True))
        return holds(
            leaf.criterion, Reading(rule, names, self.record.findings.get(rule.rule, {}), self.record)
        )

    def tree(self, rule: Rule, logic: RuleLogic, tree: Tree, wanted: Truth) -> _Found:
        """The ways for a part of a tree to be what is wanted."""
        if isinstance(tree, int):
            return self._leaf(rule, logic.leaves[tree], wanted)
        if tree.kind == "not":
            other = {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}[wanted]
            return self.tree(rule, logic, tree.parts[0], other)

        def part_ways(part: Tree, truth: Truth) -> _Found:
            return self.tree(rule, logic, part, truth)

        return _undecided(tree, part_ways) if wanted is UNKNOWN else _counted(tree, wanted, part_ways)

    def _leaf(self, rule: Rule, leaf: Leaf, wanted: Truth) -> _Found:
        if leaf.conclusion in self.record.findings:
            key = (leaf.conclusion, wanted)
            if key not in self.known:
                used = self.record.rules[leaf.conclusion]
                logic = logic_of(used)
                self.known[key] = self.tree(used, logic, logic.tree, wanted)
            return self.known[key]
        new = self.leaf(rule, leaf) is not wanted
        assert leaf.criterion is not None
        if new and not _changeable(answers(leaf.criterion, rule, self.record.rules), wanted):
            return ()
        named = self.same.named[self.same.claim(rule, leaf.criterion)]
        return (frozenset({_Pin(Flip(*named, wanted), new)}),)


def _changeable(possible: Verdicts, wanted: Truth) -> bool:
    """Whether a reader is told to change to this: never to what cannot be, and to know less only where a yes
    or a no cannot be: then unknown is what is left when it is not the other."""
    return wanted in possible and (wanted is not UNKNOWN or possible != frozenset(Truth))


def _facts(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name, fact in rule.data.items() if isinstance(fact, ConclusionFact))


PartWays = Callable[[Tree, Truth], _Found]


def _needed(branch: Branch) -> tuple[int, int]:
    """How many parts must be true for the branch to be true, and how many false for it to be false."""
    most = len(branch.parts)
    true_needed = {"all": most, "any": 1}.get(branch.kind, branch.n)
    return true_needed, most - true_needed + 1


def _counted(branch: Branch, wanted: Truth, part_ways: PartWays) -> _Found:
    """`all`, `any` and `at_least` alike: enough parts are what is wanted, the others may be anything."""
    needed = _needed(branch)[wanted is FALSE]
    held: list[_Found] = [_ANYHOW, *(() for _ in range(needed))]
    for part in branch.parts:
        mine = part_ways(part, wanted)
        more = [_any((held[count], _both(held[count - 1], mine))) for count in range(1, needed + 1)]
        held = [_ANYHOW, *more]
    return held[needed]


def _undecided(branch: Branch, part_ways: PartWays) -> _Found:
    """Too few parts are true, and too few are false; so every part counts."""
    true_needed, false_needed = _needed(branch)
    held: dict[tuple[int, int], _Found] = {(0, 0): _ANYHOW}
    for part in branch.parts:
        step: dict[tuple[int, int], list[_Found]] = {}
        options = {truth: part_ways(part, truth) for truth in (TRUE, FALSE, UNKNOWN)}
        for (true, false), (truth, found) in product(held, options.items()):
            key = (true + (truth is TRUE), false + (truth is FALSE))
            if key[0] < true_needed and key[1] < false_needed:
                step.setdefault(key, []).append(_both(held[true, false], found))
        held = {key: _any(several) for key, several in step.items()}
    return _any(held.values())


def _both(one: _Found, other: _Found) -> _Found:
    """Every union that does not take one criterion to be two things."""
    return _fewest(a | b for a, b in product(one, other) if _agree(a | b))


def _agree(pins: _Pins) -> bool:
    return len({pin.flip[:2] for pin in pins}) == len(pins)


def _any(several: Iterable[_Found]) -> _Found:
    return _fewest(pins for found in several for pins in found)


def _changes(pins: _Pins) -> Way:
    return frozenset(pin.flip for pin in pins if pin.new)


def _fewest(found: Iterable[_Pins]) -> _Found:
    """Those with the fewest changes, none of which takes more for granted than another."""
    kept: list[_Pins] = []
    for pins in sorted(set(found), key=lambda one: (sum(pin.new for pin in one), len(one), sorted(one))):
        if len(kept) == _KEPT:
            break
        if not any(other <= pins for other in kept):
            kept.append(pins)
    return tuple(kept)
