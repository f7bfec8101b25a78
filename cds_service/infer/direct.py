"""What a rule's verdict is, in forty lines: the definition every other engine is measured against.

A verdict is the truth of the rule's tree over the states of its criteria, rules taken in dependency
order. `missing` follows the unknown nodes down from an unknown root: a criterion reached that way
could still change the verdict, one under a settled node could not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from cds_service.errors import InferenceError
from cds_service.infer.conclusion import Conclusion, States
from cds_service.infer.program import Program, RuleLogic, Tree
from cds_service.truth import UNKNOWN, Truth, all_of, any_of, at_least, negate

_REMEMBERED = 8192


def decide(tree: Tree, truths: Sequence[Truth]) -> Truth:
    """The truth of a tree over the truths of its leaves."""
    if isinstance(tree, int):
        return truths[tree]
    parts = [decide(part, truths) for part in tree.parts]
    if tree.kind == "all":
        return all_of(parts)
    if tree.kind == "any":
        return any_of(parts)
    return negate(parts[0]) if tree.kind == "not" else at_least(tree.n, parts)


def undecided(tree: Tree, truths: Sequence[Truth]) -> list[int]:
    """The leaves that could still change a tree whose truth is unknown."""
    if isinstance(tree, int):
        return [tree]
    still_open = [part for part in tree.parts if decide(part, truths) is UNKNOWN]
    return [leaf for part in still_open for leaf in undecided(part, truths)]


def truths_of(rule: RuleLogic, states: Mapping[str, Truth], done: Mapping[str, Conclusion]) -> list[Truth]:
    """The truth of every leaf. Raises InferenceError if one was not given."""
    try:
        return [done[used].verdict if used else states[text] for text, used in rule.inputs]
    except KeyError as error:
        raise InferenceError(f"rule {rule.id}: no state was given for {error.args[0]!r}") from error


def conclude(rule: RuleLogic, states: Mapping[str, Truth], done: Mapping[str, Conclusion]) -> Conclusion:
    """The conclusion of one rule, given its states and the conclusions it consumes."""
    return conclusion_of(rule, tuple(truths_of(rule, states, done)))


@lru_cache(_REMEMBERED)
def open_leaves(rule: RuleLogic, truths: tuple[Truth, ...]) -> tuple[int, ...]:
    """The leaves that could still change the verdict; none if it is settled."""
    unknown = decide(rule.tree, truths) is UNKNOWN
    return tuple(dict.fromkeys(undecided(rule.tree, truths))) if unknown else ()


@lru_cache(_REMEMBERED)
def conclusion_of(rule: RuleLogic, truths: tuple[Truth, ...]) -> Conclusion:
    """The conclusion of one rule over the truths of its leaves.

    Remembered, since a rule meets the same few combinations all day; none of them says whose they were.
    """
    still_open = {rule.leaves[index].fact for index in open_leaves(rule, truths)}
    missing = tuple([fact for fact in rule.facts if fact in still_open])
    return Conclusion(rule.id, decide(rule.tree, truths), missing, dict(zip(rule.texts, truths, strict=True)))


def forget() -> None:
    """Drop what is remembered, for it would keep rules alive that nobody uses any more."""
    open_leaves.cache_clear()
    conclusion_of.cache_clear()


class DirectEngine:
    """Evaluates every rule in dependency order."""

    name = "direct"

    def __init__(self, program: Program) -> None:
        self.program = program

    def infer(self, states: States) -> dict[str, Conclusion]:
        """The conclusion of every rule. Raises InferenceError if a state is missing."""
        done: dict[str, Conclusion] = {}
        for rule in self.program.rules:
            done[rule.id] = conclude(rule, states.get(rule.id, {}), done)
        return done

    def close(self) -> None:
        """Free what was remembered of the program."""
        forget()
