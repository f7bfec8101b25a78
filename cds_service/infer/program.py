"""The logic of a hook's rules, ready to run: trees over numbered criteria, in dependency order.

Built once per rulebook and hook, frozen, and the same for every engine. An engine sees only what is
here: no YAML, no facts, no dates. Programs can be made without rule files, which is how the tests
generate thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from cds_service.errors import InferenceError
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import All, Any_, ConclusionFact, Logic, Not, Rule

Kind = Literal["all", "any", "not", "at_least"]

MAX_CONSUMED = 15
"""Conclusions one rule may consume: a join of the durable engine holds 16 messages (DESIGN 6)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One criterion of a rule; `conclusion` is the rule whose verdict it is, "" for a plain one."""

    text: str
    fact: str
    conclusion: str = ""
    criterion: Criterion | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """An inner node; `n` is read by at_least only."""

    kind: Kind
    parts: tuple[Tree, ...]
    n: int = 0


Tree = int | Branch
"""A tree of branches whose leaves are indexes into `RuleLogic.leaves`."""


@dataclass(frozen=True, eq=False)
class RuleLogic:
    """What an engine needs of one rule. `facts` is the order of its data, which `missing` keeps.

    Compared by identity: what was concluded of a rule is remembered under it.
    """

    id: str
    tree: Tree
    leaves: tuple[Leaf, ...]
    facts: tuple[str, ...]

    @cached_property
    def consumes(self) -> Mapping[str, str]:
        """The facts of this rule that are conclusions, and whose."""
        return {leaf.fact: leaf.conclusion for leaf in self.leaves if leaf.conclusion}

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The criteria as written."""
        return tuple(leaf.text for leaf in self.leaves)

    @cached_property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """Per leaf its text and the rule whose verdict it is."""
        return tuple((leaf.text, leaf.conclusion) for leaf in self.leaves)

    @cached_property
    def joins(self) -> tuple[tuple[int, str], ...]:
        """The leaves that are conclusions, and whose."""
        return tuple((index, leaf.conclusion) for index, leaf in enumerate(self.leaves) if leaf.conclusion)

    @cached_property
    def leaves_of(self) -> Mapping[str, tuple[int, ...]]:
        """By fact the leaves that compare it."""
        facts = dict.fromkeys(leaf.fact for leaf in self.leaves)
        return {name: tuple(at for at, leaf in enumerate(self.leaves) if leaf.fact == name) for name in facts}

    @cached_property
    def plain(self) -> tuple[Leaf, ...]:
        """The criteria whose state must be given to an engine."""
        return tuple(leaf for leaf in self.leaves if not leaf.conclusion)

    @cached_property
    def gates(self) -> tuple[Leaf, ...]:
        """The plain criteria of the outermost `all`: one of them false settles the rule."""
        parts = self.tree.parts if isinstance(self.tree, Branch) and self.tree.kind == "all" else (self.tree,)
        members = dict.fromkeys(part for part in parts if isinstance(part, int))
        return tuple(self.leaves[index] for index in members if not self.leaves[index].conclusion)


@dataclass(frozen=True)
class Program:
    """The rules in dependency order: each stands after those it consumes."""

    rules: tuple[RuleLogic, ...]

    @cached_property
    def consumed(self) -> frozenset[str]:
        """The ids of the rules some other rule consumes."""
        return frozenset(used for rule in self.rules for used in rule.consumes.values())

    @cached_property
    def by_id(self) -> Mapping[str, RuleLogic]:
        """Rule logic by rule id."""
        return {rule.id: rule for rule in self.rules}


def compile_program(rules: Sequence[Rule]) -> Program:
    """The program of checked rules. Raises InferenceError if they do not stand on their own."""
    return program_of(logic_of(rule) for rule in rules)


def program_of(logics: Iterable[RuleLogic]) -> Program:
    """Order the rules by what they consume.

    Raises InferenceError, naming the rule, for an id used twice, a conclusion of a rule that is not
    among them, a cycle, more than MAX_CONSUMED conclusions, or a fact missing from the rule's data.
    """
    given = tuple(logics)
    known = {logic.id: logic for logic in given}
    if len(known) != len(given):
        raise InferenceError("two rules of one program share an id")
    for logic in given:
        _check(logic, known)
    graph = {logic.id: sorted(set(logic.consumes.values())) for logic in given}
    try:
        return Program(tuple(known[name] for name in TopologicalSorter(graph).static_order()))
    except CycleError as error:
        raise InferenceError(f"rules consume each other: {' → '.join(error.args[1])}") from error


def _check(logic: RuleLogic, known: Mapping[str, RuleLogic]) -> None:
    used = set(logic.consumes.values())
    if unknown := sorted(used - known.keys()):
        raise InferenceError(f"rule {logic.id} consumes {', '.join(unknown)}, not among the rules given")
    if len(used) > MAX_CONSUMED:
        raise InferenceError(
            f"rule {logic.id} consumes {len(used)} conclusions, at most {MAX_CONSUMED} can be joined: "
            "group them through a definition"
        )
    if strays := sorted({leaf.fact for leaf in logic.leaves} - set(logic.facts)):
        raise InferenceError(f"rule {logic.id} compares {', '.join(strays)}, not among its data")


def logic_of(rule: Rule) -> RuleLogic:
    """The logic of one rule."""
    consumes = {name: fact.conclusion for name, fact in rule.data.items() if isinstance(fact, ConclusionFact)}
    return flatten(rule.rule, rule.logic, consumes=consumes, facts=tuple(rule.data))


def flatten(
    name: str, logic: Logic, *, consumes: Mapping[str, str] | None = None, facts: tuple[str, ...] = ()
) -> RuleLogic:
    """Any logic of the rule language as a tree over numbered criteria; equal texts share a number.

    Also serves the conditions of cards. Without `facts` the order is that of first use.
    """
    numbering = _Numbering(name, consumes or {})
    tree = numbering.tree(logic)
    leaves = tuple(numbering.leaves.values())
    return RuleLogic(name, tree, leaves, facts or tuple(dict.fromkeys(leaf.fact for leaf in leaves)))


@dataclass
class _Numbering:
    rule: str
    consumes: Mapping[str, str]
    leaves: dict[str, Leaf] = field(default_factory=dict)

    def tree(self, logic: Logic) -> Tree:
        if isinstance(logic, Criterion):
            return self._leaf(logic)
        if isinstance(logic, All):
            return Branch("all", self._trees(logic.all))
        if isinstance(logic, Any_):
            return Branch("any", self._trees(logic.any))
        if isinstance(logic, Not):
            return Branch("not", (self.tree(logic.part),))
        return Branch("at_least", self._trees(logic.at_least.of), logic.at_least.n)

    def _trees(self, parts: Iterable[Logic]) -> tuple[Tree, ...]:
        return tuple(self.tree(part) for part in parts)

    def _leaf(self, criterion: Criterion) -> int:
        source = self.consumes.get(criterion.fact, "")
        if source and (criterion.comparator or criterion.column):
            raise InferenceError(
                f"rule {self.rule}: {criterion.text!r} compares a conclusion, which is yes/no"
            )
        if criterion.text not in self.leaves:
            self.leaves[criterion.text] = Leaf(criterion.text, criterion.fact, source, criterion)
        return list(self.leaves).index(criterion.text)
