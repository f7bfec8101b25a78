"""What a fact is made of, in one line each: the calculation with its parts, the moment it counts from.

target_dose = 0.5 [1] * weight: 35 mg (weight 70 kg, 2026-02-25)
after session_start + 40 minutes [7]: session_start is 2026-03-01T10:00
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cds_service.authoring.whyrow import answer
from cds_service.cards.reading import UNREAD
from cds_service.facts.finding import Finding
from cds_service.rulebook.fact import CalculateFact, Fact, RowsFact, ViewFact
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import VIEWS
from cds_service.truth import UNKNOWN

Findings = Mapping[str, Finding]


def made_of(name: str, rule: Rule, findings: Findings) -> tuple[str, ...]:
    """The lines of a fact and of those it is made of, each once; none for one that asks the chart alone."""
    return tuple(dict.fromkeys(_lines(name, rule, findings)))


def calculations(rule: Rule, findings: Findings) -> tuple[str, ...]:
    """Every calculation of a rule, in its order."""
    return tuple(
        calculation_line(name, fact, rule, findings)
        for name, fact in rule.data.items()
        if isinstance(fact, CalculateFact)
    )


def _lines(name: str, rule: Rule, findings: Findings) -> Iterator[str]:
    fact = rule.data[name]
    used: list[str] = []
    if isinstance(fact, CalculateFact):
        yield calculation_line(name, fact, rule, findings)
        used = [part.fact for part in fact.calculate.operands if part.fact]
    if isinstance(fact, RowsFact):
        for word, anchor in (("after", fact.after), ("before", fact.before)):
            if anchor is not None:
                yield f"{word} {anchor.text}: {_told(anchor.fact, rule, findings, ' is ')}"
                used.append(anchor.fact)
    if isinstance(fact, ViewFact):
        for argument, other in fact_arguments(fact):
            told = _told(other, rule, findings, " is ")
            yield f"with {argument}: {told.removeprefix(f'{argument} is ')}"
            used.append(other)
    for other in used:
        yield from _lines(other, rule, findings)


def fact_arguments(fact: ViewFact) -> Iterator[tuple[str, str]]:
    """The arguments of a view that are facts of the rule, and which."""
    for argument, kind in VIEWS[fact.view].arguments.items():
        value = fact.arguments.get(argument)
        if kind == "fact" and isinstance(value, str):
            yield argument, value


def calculation_line(name: str, fact: CalculateFact, rule: Rule, findings: Findings) -> str:
    """`name = formula: result (each part, its date)`."""
    finding = findings.get(name, UNREAD)
    result = "unknown" if finding.state is UNKNOWN else answer(fact, finding, "")[0]
    named = dict.fromkeys((part.fact, part.column) for part in fact.calculate.operands if part.fact)
    parts = "; ".join(_told(other, rule, findings, " ", column) for other, column in named)
    return f"{name} = {fact.calculate.text}: {result} ({parts})"


def _told(name: str, rule: Rule, findings: Findings, verb: str, column: str = "") -> str:
    """A fact with its answer and the day of the entry it was read from."""
    fact, finding = rule.data[name], findings.get(name, UNREAD)
    value, day = _answered(fact, finding, column)
    label = f"{name}.{column}" if column else name
    return f"{label}{verb}{value}" + (f", {day}" if day and day != value else "")


def _answered(fact: Fact, finding: Finding, column: str) -> tuple[str, str]:
    value, seen = answer(fact, finding, column)
    if finding.state is UNKNOWN:
        return value, ""
    days = [one.day for one in seen if one.day]
    day = days[0] if days and not isinstance(fact, CalculateFact) else ""
    if column:
        return value.removeprefix(f"{column} "), day
    return (value or day), day
