"""Cases nobody wrote yet, near those that are there: one of them may kill a mutant, and is then proposed.

A probe is judged as a pasted case would be: it must pass on the rule and fail on the mutant.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from cds_service.authoring.bench import Bench
from cds_service.authoring.cases import Runner
from cds_service.authoring.coverage.chartprobes import chart_cases
from cds_service.authoring.coverage.edits import Edit
from cds_service.authoring.coverage.factprobes import fact_cases
from cds_service.authoring.coverage.trial import Trial, Variant, tried
from cds_service.authoring.testfile import Case, Detail, Item
from cds_service.errors import CdsError
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.rule import Rule

_SHORT = 40
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ./_-]*")
MOST = 1200
"""Probes tried for the mutants of one fact, or of one condition; those left get no proposal."""

Alive = tuple[Edit, Variant]
_Near = tuple[str, frozenset[str]]
"""What probes are made from: the fact edited, or the facts that an edited condition names."""


def proposals(runner: Runner, rule: Rule, trials: Sequence[Trial], alive: Sequence[Alive]) -> dict[Edit, str]:
    """For each mutant a case, as YAML, that passes on the rule and fails on it; none where none is found.

    Each probe is decided once and tried on every mutant near it. Probes are made one after the other and not
    kept: a chart takes a megabyte.
    """
    found: dict[Edit, str] = {}
    for near, group in _grouped(rule, alive).items():
        waiting = dict(group)
        for probe in _probes(runner, rule, trials, near, tuple(waiting)):
            for edit, variant in tuple(waiting.items()):
                case = told_apart(probe, variant)
                if case is not None and kills(runner, replace(probe.item, case=case), variant):
                    found[edit] = as_yaml(case)
                    del waiting[edit]
            if not waiting:
                break
    return found


def _grouped(rule: Rule, alive: Sequence[Alive]) -> dict[_Near, list[Alive]]:
    groups: dict[_Near, list[Alive]] = defaultdict(list)
    for edit, variant in alive:
        fact = rule.data.get(edit.fact)
        alone = fact is not None and not isinstance(fact, CalculateFact)
        groups[(edit.fact, frozenset()) if alone else ("", edit.mentions(rule.data))].append((edit, variant))
    return groups


def _probes(
    runner: Runner, rule: Rule, trials: Sequence[Trial], near: _Near, edits: Sequence[Edit]
) -> Iterator[Trial]:
    """Probes near the cases there are, as the rule decides them: of given facts, or of charts of one fact."""
    alone = runner_alone(runner, rule)
    for case in _cases(runner, rule, trials, near, edits):
        try:
            yield tried(alone, case)
        except (CdsError, KeyError, ValueError, TypeError):
            continue


def _cases(
    runner: Runner, rule: Rule, trials: Sequence[Trial], near: _Near, edits: Sequence[Edit]
) -> Iterator[Item]:
    fact, named = near
    if fact:
        yield from islice(chart_cases(runner, rule, trials, fact, [edit.path for edit in edits]), MOST)
        return
    yield from islice(fact_cases(rule, [trial.item for trial in trials], named), MOST)
    for name in sorted(named):  # buttons need a real order, which given facts have not
        yield from islice(chart_cases(runner, rule, trials, name, [("data", name, "with", "")]), MOST)


def runner_alone(runner: Runner, rule: Rule) -> Runner:
    """The runner of a rulebook of this rule and those it consumes, which decides it as the whole one does."""
    book = runner.bench.book
    smaller = replace(book, rules=book.with_taken([rule.rule]))
    return replace(runner, bench=Bench(smaller, replace(runner.bench.cards, rulebook=smaller)))


def kills(runner: Runner, item: Item, variant: Variant) -> bool:
    """Whether a case, pasted, passes on the rule and fails on the variant."""
    try:
        trial = tried(runner, item)
    except CdsError:
        return False
    return not trial.failed() and variant.kills(trial)


def told_apart(probe: Trial, variant: Variant) -> Case | None:
    """The probe's case with what only the rule makes of it; None if the variant answers the same."""
    try:
        return expected(probe, variant.on(probe))
    except CdsError:
        return None


def expected(probe: Trial, other: Trial) -> Case | None:
    """The case of a probe with what the rule makes of it, and just what the other does not."""
    own, made = probe.conclusion, probe.card.made
    case = probe.item.case.model_copy(update={"expect": own.verdict})
    if own.verdict is not other.conclusion.verdict:
        return case
    if set(own.missing) != set(other.conclusion.missing):
        return case.model_copy(update={"missing": own.missing})
    if made is not other.card.made:
        return case.model_copy(update={"card": made})
    if not made or probe.card.built is None or other.card.built is None:
        return None
    mine, its = probe.card.built, other.card.built
    if mine.summary != its.summary:
        return case.model_copy(update={"card": True, "summary": mine.summary})
    labels, others = (tuple(one.label for one in card.suggestions) for card in (mine, its))
    if labels != others:
        return case.model_copy(update={"suggestions": labels})
    detail = _detail(mine.body, its.body)
    return None if detail is None else case.model_copy(update={"detail": detail})


def _detail(mine: str, its: str) -> Detail | None:
    """A line that only one of two texts has."""
    own, other = _lines(mine), _lines(its)
    kept = next((line for line in own if line not in its), None)
    if kept is not None:
        return Detail(contains=(_short(kept, its),))
    gone = next((line for line in other if line not in mine), None)
    return None if gone is None else Detail(lacks=(_short(gone, mine),))


def _short(line: str, other: str) -> str:
    """The beginning of a line, as long as it has to be to stand in no other."""
    ends = [at for at, char in enumerate(line) if char == " " and at >= _SHORT]
    return next((line[:end] for end in ends if line[:end] not in other), line)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def as_yaml(case: Case) -> str:
    """A case as it stands in a test file, only what differs from the defaults."""
    body = case.model_dump(exclude_defaults=True, exclude={"expect"})
    verdict = {"true": True, "false": False}.get(case.expect.value, case.expect.value)
    body = _before(body, {"expect": verdict}, ("missing", "card", "summary", "detail", "suggestions"))
    lines = [line for key, value in body.items() for line in _member(key, value)]
    return "\n".join(["  - " + lines[0], *("    " + line for line in lines[1:])]) + "\n"


def _member(key: str, value: Any) -> Iterator[str]:
    """One member of a case; every change of a chart has its own line."""
    if key == "change":
        yield "change:"
        yield from (f"  {_scalar(path)}: {_written(one)}" for path, one in value.items())
    else:
        yield f"{key}: {_written(value)}"


def _before(body: dict[str, Any], put: dict[str, Any], following: tuple[str, ...]) -> dict[str, Any]:
    """`put` before the keys that follow it in a test file."""
    first = {key: value for key, value in body.items() if key not in following}
    return first | put | {key: value for key, value in body.items() if key in following}


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """A text without quotes where YAML reads it as that text anywhere."""
    plain = _PLAIN.fullmatch(text) and text not in ("true", "false", "null") and not text.endswith(" ")
    return text if plain else json.dumps(text, ensure_ascii=False)
