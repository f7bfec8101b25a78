"""Probes of given facts: each case with one fact changed, the first also with two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from itertools import combinations

from cds_service.authoring.given import GivenError, Value, finding_of, kind_of
from cds_service.authoring.testfile import Case, Item
from cds_service.facts.dates import months_before
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import ConclusionFact
from cds_service.rulebook.rule import Rule

_PAIRED = 3
"""Cases of which two facts are changed at once."""
_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "years": 12}


def fact_cases(rule: Rule, items: Sequence[Item], facts: Collection[str]) -> Iterator[Item]:
    """Items of given facts near those that are there: one of these facts changed, or with a second one."""
    known = [item for item in items if not item.case.whole_chart]
    for item in known:
        for change in _changes(rule, item):
            if not change.keys().isdisjoint(facts):
                yield _with(item, change)
    for item in known[:_PAIRED]:
        for first, second in combinations(_changes(rule, item), 2):
            near = not first.keys().isdisjoint(facts) or not second.keys().isdisjoint(facts)
            if near and first.keys() != second.keys():
                yield _with(item, {**first, **second})


def _with(item: Item, change: Mapping[str, Value]) -> Item:
    given = {**item.case.given, **change}
    name = "with " + ", ".join(f"{fact} {_told(value)}" for fact, value in change.items())
    case = Case.model_validate({"name": f"{item.case.name}, {name}", "expect": "unknown"})
    return replace(item, case=case.model_copy(update={"given": given, "hook": item.case.hook}))


def _told(value: Value) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{column} {cell}" for column, cell in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _changes(rule: Rule, item: Item) -> Iterator[dict[str, Value]]:
    values = {**item.tests.defaults, **item.case.given}
    numbers = _numbers(rule)
    for name, fact in rule.data.items():
        kind = kind_of(fact)
        for value in _values(kind, numbers[name], values.get(name), item.tests.today):
            if value == values.get(name) or not _fits(rule, name, value):
                continue
            yield {name: value}
        if kind == "yes/no" and not isinstance(fact, ConclusionFact):
            yield {name: "An entry on record"}


def _fits(rule: Rule, name: str, value: Value) -> bool:
    try:
        finding_of(rule, name, value, UTC)
    except GivenError:
        return False
    return True


def _numbers(rule: Rule) -> dict[str, list[Criterion]]:
    found: dict[str, list[Criterion]] = defaultdict(list)
    for criterion in rule.criteria:
        if criterion.number is not None:
            found[criterion.fact].append(criterion)
    return found


def _values(kind: str, criteria: list[Criterion], now: Value | None, today: date) -> Iterator[Value]:
    yield "unknown"
    if kind == "yes/no":
        yield from (True, False)
        return
    for criterion in criteria:
        number = criterion.number or 0.0
        step = 1.0 if number == int(number) else 0.1
        for moved in (number - step, number, number + step):
            moved = round(moved, 6)
            cell: float | int = int(moved) if moved == int(moved) else moved
            if kind == "date":
                day = _day(today, cell, criterion.unit)
                yield from (day.isoformat() for day in (day,) if day is not None)
            elif kind == "reading":
                yield {**(now if isinstance(now, Mapping) else {}), criterion.column: cell}
            else:
                yield cell
                yield f"{cell}+"


def _day(today: date, number: float, unit: str) -> date | None:
    if unit in _DAYS:
        return today - timedelta(days=number * _DAYS[unit])
    if unit in _MONTHS:
        return months_before(today, int(number * _MONTHS[unit]))
    return None
