"""Which criteria moved a verdict: the leaves of two why-trees, matched by rule and fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from cds_service.authoring.explain import card_of
from cds_service.authoring.replay.changes import Change, Step, Turn, Why
from cds_service.authoring.whytree import Why as Line
from cds_service.authoring.whytree import why_tree
from cds_service.pipeline import Evaluation

Key = tuple[str, str, int]
_FEW = 4
_SEEN = 3


def reasons(change: Change, before: Evaluation | None, after: Evaluation | None) -> Why:
    """Why a rule's verdict or card changed. An evaluation is None where the rule was not decided."""
    old, new = _leaves(before, change.rule), _leaves(after, change.rule)
    turns = _turned(old, new)
    if change.kind in ("added", "removed"):
        return Why(turns, _card(before, change.rule), _card(after, change.rule))
    return Why(turns)


def reasons_now(change: Change, after: Evaluation | None) -> Why:
    """What decides now, where before is an answer that somebody was given."""
    turns = tuple(replace(turn, alone=True) for turn in _turned({}, _leaves(after, change.rule)))
    if change.kind in ("added", "removed"):
        return Why(turns, "", _card(after, change.rule))
    return Why(turns)


def _turned(old: dict[Key, tuple[Step, bool]], new: dict[Key, tuple[Step, bool]]) -> tuple[Turn, ...]:
    """The lines whose truth differs; where none does, those that were written or answered differently."""
    pairs = [(old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))]
    deciding = [pair for pair in pairs if any(side and side[1] for side in pair)]
    for differs in (_by_truth, _by_words):
        found = [Turn(a and a[0], b and b[0]) for a, b in deciding if differs(a and a[0], b and b[0])]
        if found:
            return tuple(_fresh(turn) for turn in found[:_FEW])
    return ()


def _by_truth(old: Step | None, new: Step | None) -> bool:
    return (old and old.truth) != (new and new.truth)


def _by_words(old: Step | None, new: Step | None) -> bool:
    return (old and (old.criterion, old.value)) != (new and (new.criterion, new.value))


def _fresh(turn: Turn) -> Turn:
    """Of the entries passed over, only those that the other side did not pass over for the same reason."""
    if turn.before is None or turn.after is None:
        return turn
    old, new = turn.before.seen, turn.after.seen
    only = [
        tuple(one for one in mine if one not in other)[:_SEEN] for mine, other in ((old, new), (new, old))
    ]
    return Turn(_with(turn.before, only[0]), _with(turn.after, only[1]))


def _with(step: Step, seen: tuple[str, ...]) -> Step:
    return Step(step.rule, step.criterion, step.truth, step.value, seen)


def _leaves(evaluation: Evaluation | None, rule: str) -> dict[Key, tuple[Step, bool]]:
    if evaluation is None or rule not in evaluation.conclusions:
        return {}
    tree = why_tree(evaluation.decision.record, rule, evaluation.chart)
    count: Counter[tuple[str, str]] = Counter()
    keys: dict[int, Key] = {}
    found: dict[Key, tuple[Step, bool]] = {}
    for owner, line, decides in _walk(tree, rule, {}, decides=True):
        if id(line) not in keys:
            fact = line.text.removeprefix("not ").split()[0].partition(".")[0]
            count[owner, fact] += 1
            keys[id(line)] = (owner, fact, count[owner, fact])
        key = keys[id(line)]
        found[key] = (_step(owner, line), decides or (key in found and found[key][1]))
    return found


def _walk(
    line: Line, owner: str, opened: dict[str, tuple[Line, ...]], *, decides: bool
) -> Iterator[tuple[str, Line, bool]]:
    """Every line without lines below it, with its rule and whether the verdict hangs on it.

    `opened` holds the lines of each rule met; one that is met again is walked again.
    """
    for child in line.children:
        hangs = decides and child.decides
        below = child.children or opened.get(child.rule, ())
        if not below:
            yield owner, child, hangs
            continue
        if child.rule:
            opened[child.rule] = below
        yield from _walk(replace(child, children=below), child.rule or owner, opened, decides=hangs)


def _step(owner: str, line: Line) -> Step:
    passed = (*(f"not counted: {one}" for one in line.refused), *(f"undecided: {one}" for one in line.maybe))
    read = tuple(f"from {one}" for one in line.seen[:1])
    return Step(owner, line.text, line.truth.value, line.value, (*read, *passed))


def _card(evaluation: Evaluation | None, rule: str) -> str:
    if evaluation is None or rule not in evaluation.conclusions:
        return ""
    return str(card_of(evaluation, rule))
