"""Cells of rows in plain words, for reasons: "34 days at or above the minimum dose"."""

from __future__ import annotations

from math import isinf

from cds_service.facts.dates import When
from cds_service.facts.finding import Cell, Quantity
from cds_service.truth import Span


def number_text(number: float) -> str:
    """A number without idle digits: 35, 9.8, 0.55."""
    return f"{round(number, 6):.6f}".rstrip("0").rstrip(".")


def span_text(span: Span) -> str:
    """An interval: 2, at least 2, at most 4, 2 to 4, unknown."""
    if span.exact:
        return number_text(span.low)
    if isinf(span.low):
        return "unknown" if isinf(span.high) else f"at most {number_text(span.high)}"
    if isinf(span.high):
        return f"at least {number_text(span.low)}"
    return f"{number_text(span.low)} to {number_text(span.high)}"


def cell_text(cell: Cell) -> str:
    """A column's value as a reader would say it; unknown where the chart does not say."""
    if cell is None:
        return "unknown"
    if isinstance(cell, Quantity):
        text = span_text(cell.span)
        return f"{text} {cell.unit}" if cell.unit and text != "unknown" else text
    if isinstance(cell, When):
        return str(cell)
    if isinstance(cell, tuple):
        return next((code.display or code.code for code in cell), "unknown")
    return str(cell)


def said(cell: Cell, label: str) -> str:
    """A value with its label: numbers stand before it ("34 days at dose"), words after ("outcome failed")."""
    if isinstance(cell, Quantity):
        return f"{span_text(cell.span)} {label}"
    return f"{label} {cell_text(cell)}"
