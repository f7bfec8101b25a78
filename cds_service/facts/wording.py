"""Cells of rows in plain words, for reasons: "34 days at or above the minimum dose"."""

from __future__ import annotations

from math import floor, isinf, log10

from cds_service.facts.dates import When
from cds_service.facts.finding import Cell, Quantity
from cds_service.truth import Span

_MOST = 6
"""Decimals, at most, that tell a number from a limit."""


def number_text(number: float, apart_from: float | None = None) -> str:
    """A number as a reader writes it: 69.99 as 70, 233.33 as 233.3, 0.781 as 0.78, 0.0125 as 0.013.

    One decimal from 10 on, two below, two digits of what is smaller than 0.1; no idle zero, no exponent. A
    limit that the number does not equal (`apart_from`) is not rounded to: 0.796 beside 0.8 stays 0.796.
    """
    size = abs(number)
    usual = 1 if size >= 10 else 2 if size >= 0.1 or not size else 1 - floor(log10(size))
    text = _rounded(number, usual)
    while apart_from is not None and number != apart_from and float(text) == apart_from and usual < _MOST:
        usual += 1
        text = _rounded(number, usual)
    return text


def _rounded(number: float, decimals: int) -> str:
    text = f"{number:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def span_text(span: Span, apart_from: float | None = None) -> str:
    """An interval: 2, at least 2, at most 4, 2 to 4, unknown."""
    if span.exact and not isinf(span.low):
        return number_text(span.low, apart_from)
    low, high = (number_text(end, apart_from) if not isinf(end) else "" for end in (span.low, span.high))
    if low == high:
        return low or "unknown"
    if not low:
        return f"at most {high}"
    return f"{low} to {high}" if high else f"at least {low}"


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


def said(cell: Cell, label: str, limit: float | None = None) -> str:
    """A value with its label: numbers stand before it ("34 days at dose"), words after ("outcome failed").

    A number is told so that it differs from the limit it missed.
    """
    if isinstance(cell, Quantity):
        return f"{span_text(cell.span, limit)} {label}"
    return f"{label} {cell_text(cell)}"
