"""What was measured, for a person at a terminal and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from cds_service.authoring.coverage.codes import SetUse
from cds_service.authoring.coverage.measure import DECIDES, RuleCoverage, Target
from cds_service.authoring.coverage.mutants import RuleMutants, Survivor
from cds_service.authoring.coverage.run import Measured


def percent(rules: Sequence[RuleCoverage]) -> float:
    """How much of what there is to see some case showed; 100 if there is nothing to see."""
    wanted = sum(rule.wanted for rule in rules)
    return 100.0 * sum(rule.seen for rule in rules) / wanted if wanted else 100.0


def gap(target: Target) -> str:
    """What no case tried of one target, in words."""
    place = f"{target.place.file}:{target.place.line}"
    text = " ".join(target.text.split())
    short = text if len(text) <= 70 else text[:69] + "…"
    return f"{place}: {short}: {_untried(target)}"


def _untried(target: Target) -> str:
    missing = target.missing
    if target.kind == "number":
        return f"no case tells it from {', '.join(missing)}"
    if target.kind in ("card", "outcome"):
        return "no case shows it" if target.kind == "card" else "no case reaches it"
    never = [what for what in missing if what != DECIDES]
    told = [f"never {' or '.join(never)}"] if never else []
    told += ["no verdict hangs on it"] if DECIDES in missing else []
    return ", ".join(told)


def survived(one: Survivor) -> str:
    """One mutant nobody killed, in words."""
    return f"{one.place.file}:{one.place.line}: {one.where}: {one.before} → {one.after}: no case fails"


# --- text ----------------------------------------------------------------------------------------


def print_text(done: Sequence[Measured], sets: Sequence[SetUse], console: Console, *, codes: bool) -> None:
    """The gaps, then a line per rule, then the sum."""
    for rule in done:
        for line in gaps_of(rule):
            console.print(line, style="red" if console.is_terminal else "", soft_wrap=True, markup=False)
    _print_table(done, console)
    told = f"{percent([rule.coverage for rule in done]):.1f} % covered"
    mutants = [rule.mutants for rule in done if rule.mutants is not None]
    if mutants:
        told += f"; {_mutants_told(mutants)}"
    console.print(told, soft_wrap=True, markup=False, highlight=False)
    for one in sets:
        if codes or one.unmatched:
            console.print(one.told(codes=codes), soft_wrap=True, markup=False, highlight=False)


def gaps_of(rule: Measured) -> Iterator[str]:
    """Everything to mend about one rule, a paragraph each."""
    coverage, mutants = rule.coverage, rule.mutants
    for name in coverage.failed:
        yield f"{coverage.file}: the case {name!r} fails; run cds test"
    for target in coverage.targets:
        if target.missing:
            yield gap(target)
    yield from coverage.stale
    if mutants is None:
        return
    for one in mutants.unexplained:
        yield survived(one) + (f"\n{one.proposal}" if one.proposal else "")
    yield from mutants.stale


def _print_table(done: Sequence[Measured], console: Console) -> None:
    if not console.is_terminal:
        for rule in done:
            console.print("  ".join(_row(rule)), soft_wrap=True, markup=False, highlight=False)
        return
    table = Table("rule", "covered", "cases", "mutants", box=None)
    for rule in done:
        table.add_row(*_row(rule))
    console.print(table)


def _row(rule: Measured) -> tuple[str, str, str, str]:
    coverage, mutants = rule.coverage, rule.mutants
    killed = f"{mutants.killed} of {mutants.made} mutants killed" if mutants is not None else ""
    return coverage.rule, f"{coverage.seen} of {coverage.wanted}", f"{coverage.cases} cases", killed


def _mutants_told(mutants: Sequence[RuleMutants]) -> str:
    made, killed = (sum(getattr(one, name) for one in mutants) for name in ("made", "killed"))
    explained, open_ = sum(one.explained for one in mutants), sum(len(one.unexplained) for one in mutants)
    return f"{made} mutants: {killed} killed, {explained} explained, {open_} survive"


# --- for a program -------------------------------------------------------------------------------


def as_json(done: Sequence[Measured], sets: Sequence[SetUse]) -> dict[str, Any]:
    """The whole report."""
    body: dict[str, Any] = {
        "covered": round(percent([rule.coverage for rule in done]), 2),
        "rules": [_rule(rule) for rule in done],
        "valuesets": [
            {"valueset": one.valueset, "codes": one.codes, "unmatched": list(one.unmatched)} for one in sets
        ],
    }
    mutants = [rule.mutants for rule in done if rule.mutants is not None]
    if mutants:
        body["mutants"] = {
            "made": sum(one.made for one in mutants),
            "killed": sum(one.killed for one in mutants),
            "explained": sum(one.explained for one in mutants),
            "survived": sum(len(one.unexplained) for one in mutants),
        }
    return body


def _rule(rule: Measured) -> dict[str, Any]:
    coverage, mutants = rule.coverage, rule.mutants
    body: dict[str, Any] = {
        "rule": coverage.rule,
        "file": coverage.file,
        "cases": coverage.cases,
        "wanted": coverage.wanted,
        "seen": coverage.seen,
        "failed": list(coverage.failed),
        "staleExcuses": list(coverage.stale),
        "targets": [_target(one) for one in coverage.targets],
    }
    if mutants is not None:
        body["staleExcuses"] += mutants.stale
        body["mutants"] = {
            "made": mutants.made,
            "killed": mutants.killed,
            "survivors": [_survivor(one) for one in mutants.survivors],
        }
    return body


def _target(one: Target) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "line": one.place.line,
        "text": one.text,
        "wanted": list(one.wanted),
        "missing": list(one.missing),
        "excused": {what: excuse.reason for what, excuse in one.excused.items()},
        "seen": {what: list(names) for what, names in one.seen.items() if names},
    }


def _survivor(one: Survivor) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "line": one.place.line,
        "where": one.where,
        "before": one.before,
        "after": one.after,
        "reason": one.reason,
        "proposal": one.proposal,
    }
