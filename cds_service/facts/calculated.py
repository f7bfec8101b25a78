"""Facts made of other facts: one operator between numbers, as intervals; unknown if a part is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, isinf, isnan

from cds_service.facts.finding import Finding, NotObtained, Quantity, Row
from cds_service.facts.quantity import convert
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.formula import Calculation, Operand
from cds_service.truth import TRUE, UNKNOWN, Span, exactly

Used = Mapping[str, Finding]


def calculation(fact: CalculateFact) -> Callable[[Used], Finding]:
    """A reader of a calculated fact from the findings of the facts it names."""
    formula, unit, step = fact.calculate, fact.unit, fact.round

    def read(used: Used) -> Finding:
        left, right = _value(formula.left, used), _value(formula.right, used)
        rows = tuple(row for finding in used.values() for row in finding.rows)
        because = _because(used)
        result = _apply(formula, left, right) if left is not None and right is not None else None
        if result is None:
            return Finding(UNKNOWN, None, rows, because=because)
        span = Span(_rounded(result.low, step), _rounded(result.high, step))
        told = unit or (left.unit if left else "")
        return Finding(TRUE, Quantity(span, told), rows, because=because)

    return read


def _because(used: Used) -> tuple[NotObtained, ...]:
    return tuple(dict.fromkeys(item for finding in used.values() for item in finding.because))


def _value(operand: Operand, used: Used) -> Quantity | None:
    if operand.number is not None:
        return Quantity(exactly(operand.number))
    finding = used[operand.fact]
    value = finding.value
    if isinstance(value, Row):
        cell = value.columns.get(operand.column)
        return cell if isinstance(cell, Quantity) else None
    return value if isinstance(value, Quantity) and not operand.column else None


def _apply(formula: Calculation, left: Quantity, right: Quantity) -> Span | None:
    a, b = left.span, right.span
    if formula.operator in "+-":
        same = convert(right, left.unit) if right.unit and left.unit else right
        if same is None:
            return None
        b = same.span
        return (
            Span(a.low + b.low, a.high + b.high)
            if formula.operator == "+"
            else Span(a.low - b.high, a.high - b.low)
        )
    if formula.operator == "/" and b.low <= 0 <= b.high:
        return None
    corners = [_corner(formula.operator, x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return None if any(isnan(corner) for corner in corners) else Span(min(corners), max(corners))


def _corner(operator: str, x: float, y: float) -> float:
    if isinf(x) and isinf(y):
        return float("nan")
    return x * y if operator == "*" else x / y


def _rounded(number: float, step: float | None) -> float:
    if step is None or not isfinite(number):
        return number
    return round(round(number / step) * step, 9)
