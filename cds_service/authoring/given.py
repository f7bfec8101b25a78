"""The values of a fact test as findings: `true`, `12`, `2+`, `2025-03-01`, `{systolic: 150}`, `unknown`.

What may stand for a fact follows from what the fact gives. Raises GivenError with what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from math import inf

from cds_service.errors import CdsError
from cds_service.facts.calculated import calculation
from cds_service.facts.dates import EVER, When, parse_when
from cds_service.facts.finding import Cell, Evidence, Finding, Quantity, Row
from cds_service.rulebook.criterion import TIME_UNITS
from cds_service.rulebook.fact import CalculateFact, ConclusionFact, Fact, facts_used
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, exactly

Scalar = bool | int | float | str
Value = Scalar | Mapping[str, Scalar]

FACT_TEST = "fact-test"
"""Stands for the resource behind a finding that a test made up."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_AT_LEAST = re.compile(rf"({_NUMBER})\+")
_AT_MOST = re.compile(rf"<= ?({_NUMBER})")
_BETWEEN = re.compile(rf"({_NUMBER}) to ({_NUMBER})")
_EARLIER = " or earlier"
_UNKNOWN = "unknown"
_YES_NO = "write true, false or unknown"
_A_NUMBER = "write a number, 2+ (at least 2), 2 to 4, or unknown"
_A_DATE = "write year-month-day, or unknown"


class GivenError(CdsError):
    """A value that cannot stand for the fact; `hint` says what can."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def finding_of(rule: Rule, name: str, value: Value, zone: tzinfo) -> Finding:
    """The finding a value stands for. Raises GivenError if the fact can never give it."""
    fact = rule.data[name]
    if value == _UNKNOWN:
        return Finding(UNKNOWN)
    kind = kind_of(fact)
    if kind == "yes/no":
        return _yes_no(name, value, zone, can_show_rows=not isinstance(fact, ConclusionFact))
    if kind == "date":
        return Finding(TRUE, _date(name, value, zone))
    if kind == "reading":
        return _reading(rule, name, value, zone)
    return Finding(TRUE, _quantity(name, value, unit_of(rule, name)))


def findings_of(rule: Rule, values: Mapping[str, Value], zone: tzinfo) -> dict[str, Finding]:
    """A finding for every fact of a rule; a calculation that is not given is done.

    Raises GivenError for a value that does not fit, KeyError for a fact that `not_given` names.
    """
    findings: dict[str, Finding] = {}

    def find(name: str) -> Finding:
        if name not in findings:
            findings[name] = _found(name)
        return findings[name]

    def _found(name: str) -> Finding:
        fact = rule.data[name]
        if name in values or not isinstance(fact, CalculateFact):
            return finding_of(rule, name, values[name], zone)
        return calculation(fact)({used: find(used) for used in facts_used(fact)})

    return {name: find(name) for name in rule.data}


def not_given(rule: Rule, values: Mapping[str, Value]) -> tuple[str, ...]:
    """The facts that have no value and cannot be calculated from those that have."""
    return tuple(name for name in rule.data if not _has_value(rule, name, values))


def _has_value(rule: Rule, name: str, values: Mapping[str, Value]) -> bool:
    fact = rule.data[name]
    if name in values or not isinstance(fact, CalculateFact):
        return name in values
    return all(_has_value(rule, used, values) for used in facts_used(fact))


def kind_of(fact: Fact) -> str:
    """What a fact gives: `yes/no`, `date`, `reading` or `number`."""
    if isinstance(fact, ConclusionFact):
        return "yes/no"
    if isinstance(fact, CalculateFact):
        return "number"
    give = fact.give
    if give.yes_no:
        return "yes/no"
    if give.kind in ("latest date", "earliest date"):
        return "date"
    return "reading" if give.kind == "latest reading" else "number"


def unit_of(rule: Rule, name: str, column: str = "") -> str:
    """The unit a number of this fact has: the declared one, else the one it is compared in."""
    fact = rule.data[name]
    declared = str(getattr(fact, "unit", ""))
    if declared:
        return declared
    if getattr(getattr(fact, "give", None), "kind", "") == "age":
        return "a"
    units = (one.unit for one in rule.criteria if one.fact == name and one.column == column)
    return next((unit for unit in units if unit and unit not in TIME_UNITS), "")


def _yes_no(name: str, value: Value, zone: tzinfo, *, can_show_rows: bool) -> Finding:
    if isinstance(value, bool):
        return Finding(TRUE if value else FALSE)
    if can_show_rows and isinstance(value, Mapping):
        return Finding(TRUE, rows=(_row(name, value, {}, zone),))
    if can_show_rows and isinstance(value, str) and not re.fullmatch(rf"{_NUMBER}\+?", value):
        return Finding(TRUE, rows=(Row(Evidence(FACT_TEST, None, value)),))
    hint = f"{_YES_NO}; or the words of what was found" if can_show_rows else _YES_NO
    raise GivenError(f"{name} is a yes/no question, {value!r} does not answer it", hint)


def _reading(rule: Rule, name: str, value: Value, zone: tzinfo) -> Finding:
    if not isinstance(value, Mapping):
        hint = "write its columns, for example {systolic: 150, diastolic: 80}, or unknown"
        raise GivenError(f"{name} gives a reading, {value!r} is none", hint)
    units = {column: unit_of(rule, name, column) for column in value}
    row = _row(name, value, units, zone)
    return Finding(TRUE, row, (row,))


def _row(name: str, value: Mapping[str, Scalar], units: Mapping[str, str], zone: tzinfo) -> Row:
    """A row of the columns given; `display` is its words, `date` also when it was."""
    columns = {
        column: _cell(cell, units.get(column, ""), zone)
        for column, cell in value.items()
        if column != "display"
    }
    when = columns.get("date")
    if "date" in columns and not isinstance(when, When):
        raise GivenError(f"{name}: {value['date']!r} is not a date", _A_DATE)
    return Row(
        Evidence(FACT_TEST, when if isinstance(when, When) else None, str(value.get("display", ""))), columns
    )


def _cell(value: Scalar, unit: str, zone: tzinfo) -> Cell:
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, str):
        if value == _UNKNOWN:
            return None
        span = _span(value)
        return Quantity(span, unit) if span is not None else parse_when(value, zone) or value
    return Quantity(exactly(value), unit)


def _quantity(name: str, value: Value, unit: str) -> Quantity:
    span = None if isinstance(value, (bool, Mapping)) else _span(value)
    if span is None:
        raise GivenError(f"{name} gives a number, {value!r} is none", _A_NUMBER)
    return Quantity(span, unit)


def _span(value: int | float | str) -> Span | None:
    if not isinstance(value, str):
        return exactly(value)
    if at_least := _AT_LEAST.fullmatch(value):
        return Span(float(at_least[1]), inf)
    if at_most := _AT_MOST.fullmatch(value):
        return Span(-inf, float(at_most[1]))
    between = _BETWEEN.fullmatch(value)
    if between and float(between[1]) <= float(between[2]):
        return Span(float(between[1]), float(between[2]))
    return None


def _date(name: str, value: Value, zone: tzinfo) -> When:
    text = value if isinstance(value, str) else ""
    when = parse_when(text.removesuffix(_EARLIER), zone)
    if when is None:
        raise GivenError(f"{name} gives a date, {value!r} is none", _A_DATE)
    return When(EVER, when.end, when.text) if text.endswith(_EARLIER) else when
