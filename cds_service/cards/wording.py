"""A finding in words: numbers as a reader writes them, bounds as bounds, dates as recorded.

A `Style` says how chart text is made safe and how several lines are joined; everything else is the same in
a summary and in a detail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isinf, isnan

from cds_service.cards.escape import NOTHING, REASON_LIMIT, VALUE_LIMIT, clean, escape
from cds_service.facts.dates import BEING_ORDERED, ONGOING, When
from cds_service.facts.finding import Cell, Finding, OwnWords, Quantity, Row
from cds_service.facts.wording import number_text, span_text
from cds_service.truth import FALSE, TRUE, Truth

ROW_LIMIT = 12
_DATE = r"\d{4}(-\d{2}){0,2}"
_DAYS = re.compile(
    rf"{_DATE}( or {_DATE})?( to {_DATE}( or {_DATE})?|, {ONGOING})?|{ONGOING}|{BEING_ORDERED}", re.ASCII
)
_ESCAPED_CITATION = re.compile(r"\\\[(\d{1,4})\\\]")


@dataclass(frozen=True, slots=True)
class Style:
    """How chart text is printed (`text`, with a length limit) and how lines are joined (`lines`)."""

    text: Callable[[str, int], str]
    lines: Callable[[Sequence[str]], str]


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


PLAIN = Style(clean, "; ".join)
MARKDOWN = Style(escape, _bullets)
INLINE = Style(escape, "; ".join)
"""Markdown kept on one line."""


def number(value: float) -> str:
    """35, 9.8: rounded as a reader would, no trailing zero, no exponent."""
    return NOTHING if isnan(value) or isinf(value) else number_text(value)


def yes_no(state: Truth) -> str:
    """The state of a question in words."""
    if state is TRUE:
        return "yes"
    return "no" if state is FALSE else NOTHING


def day(when: When | None) -> str:
    """The day, or as much of it as was recorded; the first and the last of a stretch of days."""
    if when is None:
        return NOTHING
    text = str(when)
    return text if _DAYS.fullmatch(text) else when.start.date().isoformat()


def cell(value: Cell, style: Style) -> str:
    """One column of a row."""
    if value is None:
        return NOTHING
    if isinstance(value, Quantity):
        return span_text(value.span)
    if isinstance(value, When):
        return day(value)
    if isinstance(value, Truth):
        return yes_no(value)
    if isinstance(value, tuple):
        value = next((code.display or code.code for code in value), "")
    return style.text(value, VALUE_LIMIT)


def value_of(finding: Finding, style: Style) -> str:
    """The answer itself: a number, a date, a row's words, or yes, no, unknown."""
    value = finding.value
    if isinstance(value, Quantity):
        return span_text(value.span)
    if isinstance(value, When):
        return day(value)
    if isinstance(value, Row):
        return _name(value, style)
    return yes_no(finding.state)


def first_row(finding: Finding) -> Row | None:
    """The row a placeholder's part is read from: the value if it is one, else the latest."""
    if isinstance(finding.value, Row):
        return finding.value
    return finding.rows[0] if finding.rows else None


def display(finding: Finding, style: Style) -> str:
    """The words of the row behind the answer."""
    row = first_row(finding)
    return NOTHING if row is None else _name(row, style)


def date(finding: Finding) -> str:
    """The date of the answer: its own if it is a date, else that of the row behind it."""
    if isinstance(finding.value, When):
        return day(finding.value)
    row = first_row(finding)
    return NOTHING if row is None else day(_when(row))


def unit(finding: Finding, declared: str, style: Style) -> str:
    """The unit of the value, else the one the rule declares; nothing if there is none."""
    value = finding.value
    own = value.unit if isinstance(value, Quantity) else ""
    return style.text(own or declared, VALUE_LIMIT) if own or declared else ""


def column(finding: Finding, name: str, style: Style) -> str:
    """One column of the row behind the answer."""
    row = first_row(finding)
    return NOTHING if row is None else cell(row.columns.get(name), style)


def rows(listed: Iterable[Row], style: Style) -> str:
    """One line per row: its words, its date, and why it does not surely count; what reads the same once."""
    lines = list(dict.fromkeys(_line(row, style) for row in listed))
    if not lines:
        return "none"
    more = len(lines) - ROW_LIMIT
    return style.lines([*lines[:ROW_LIMIT], f"and {more} more"] if more > 0 else lines)


def _line(row: Row, style: Style) -> str:
    when = _when(row)
    head = _name(row, style) + (f", {day(when)}" if when else "")
    why = "; ".join(_reason(reason, style) for reason in row.why)
    return f"{head}: {why}" if why else head


def _reason(reason: str, style: Style) -> str:
    """A reason, safe to print; only in one that is all ours a number in brackets is a citation."""
    text = style.text(reason, REASON_LIMIT)
    return _ESCAPED_CITATION.sub(r"[\1]", text) if isinstance(reason, OwnWords) else text


def _name(row: Row, style: Style) -> str:
    return style.text(row.evidence.text, VALUE_LIMIT) if row.evidence.text else NOTHING


def _when(row: Row) -> When | None:
    own = row.columns.get("date")
    return row.evidence.when or (own if isinstance(own, When) else None)
