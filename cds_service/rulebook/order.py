"""The order in which rules are decided: a rule stands after those its verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.errors import Problem
from cds_service.rulebook.book import consumed
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import ConclusionFact, Rule


def in_order(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Dependency order, otherwise the order given. A cycle is not followed (`cycles` reports it)."""
    by_id = {rule.rule: rule for rule in rules}
    placed: dict[str, Rule] = {}
    entered: set[str] = set()

    def place(rule: Rule) -> None:
        if rule.rule in entered:
            return
        entered.add(rule.rule)
        for wanted in consumed(rule):
            if wanted in by_id:
                place(by_id[wanted])
        placed[rule.rule] = rule

    for rule in rules:
        place(rule)
    return tuple(placed.values())


def cycles(rules: Sequence[Parsed[Rule]]) -> Iterator[Problem]:
    """One problem for each ring of rules that wait for one another, at the conclusion that closes it."""
    by_id = {parsed.model.rule: parsed for parsed in rules}
    settled: set[str] = set()
    for start in by_id:
        yield from _walk(start, (), by_id, settled)


def _walk(
    rule: str, trail: tuple[str, ...], by_id: dict[str, Parsed[Rule]], settled: set[str]
) -> Iterator[Problem]:
    if rule in settled:
        return
    here = (*trail, rule)
    judging = set(consumed(by_id[rule].model))
    for name, fact in by_id[rule].model.data.items():
        if not isinstance(fact, ConclusionFact) or fact.conclusion not in judging & by_id.keys():
            continue
        if fact.conclusion in here:
            ring = " → ".join((*here[here.index(fact.conclusion) :], fact.conclusion))
            yield by_id[rule].problem(
                ("data", name, "conclusion"),
                "logic/conclusion-cycle",
                f"these rules wait for one another: {ring}",
                "let one of them ask the chart itself",
            )
        else:
            yield from _walk(fact.conclusion, here, by_id, settled)
    settled.add(rule)
