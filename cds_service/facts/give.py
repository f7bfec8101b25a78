"""From rows to the one answer of a fact. Absence, upper bounds and "the latest" need everything obtained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from cds_service.facts.chart import Chart
from cds_service.facts.dates import EVER, When, day_of, years_between
from cds_service.facts.finding import Cell, Finding, NotObtained, Quantity, Row
from cds_service.facts.quantity import convert
from cds_service.facts.rows import Rows
from cds_service.rulebook.criterion import Give
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, counted, found, hull

Giver = Callable[[Rows, tuple[NotObtained, ...], Chart], Finding]


def giver(
    give: Give,
    *,
    complete: bool,
    unit: str,
    value_column: str,
    answer_columns: frozenset[str],
    maybe_stands: bool,
) -> Giver:
    """The function that answers a `give`; `complete` is what the author says of the record.

    `maybe_stands` if a row that may count does so whatever else was not obtained.
    """
    kind = give.kind
    if kind == "exists":
        return lambda rows, because, chart: _exists(rows, because, complete)
    if kind == "count":
        return lambda rows, because, chart: _count(rows, because, complete)
    if kind == "count_distinct":
        return lambda rows, because, chart: _distinct(rows, because, complete, give.column, chart)
    if kind == "latest value":
        return lambda rows, because, chart: _latest_value(rows, because, value_column, unit)
    if kind == "latest reading":
        return lambda rows, because, chart: _latest_reading(rows, because, unit)
    if kind == "latest date":
        return lambda rows, because, chart: _latest_date(rows, because)
    if kind == "earliest date":
        return lambda rows, because, chart: _earliest_date(rows, because, complete)
    if kind == "any_yes":
        return lambda rows, because, chart: _any_yes(rows, because, answer_columns)
    if kind == "possible":
        return lambda rows, because, chart: _possible(rows, because, maybe_stands)
    return lambda rows, because, chart: _age(because, chart)


def _split(rows: Rows) -> tuple[list[Row], list[Row]]:
    sure: list[Row] = []
    maybe: list[Row] = []
    for row in rows.counted:
        (sure if row.counts is TRUE else maybe).append(row)
    return sure, maybe


def _finding(
    rows: Rows, because: tuple[NotObtained, ...], state: Truth, value: Quantity | When | Row | None = None
) -> Finding:
    return Finding(state, value, tuple(rows.counted), tuple(rows.rejected), because)


def _exists(rows: Rows, because: tuple[NotObtained, ...], complete: bool) -> Finding:
    sure, maybe = _split(rows)
    state = found(len(sure), len(maybe), obtained=not because, complete=complete)
    shown = Rows(sure, rows.rejected) if sure else rows
    return _finding(shown, because, state)


def _count(rows: Rows, because: tuple[NotObtained, ...], complete: bool) -> Finding:
    sure, maybe = _split(rows)
    span = counted(len(sure), len(maybe), obtained=not because, complete=complete)
    return _finding(rows, because, TRUE, Quantity(span))


def _distinct(
    rows: Rows, because: tuple[NotObtained, ...], complete: bool, column: str, chart: Chart
) -> Finding:
    sure, maybe = _split(rows)
    known = {_distinct_key(row, column, chart) for row in sure} - {None}
    further = {_distinct_key(row, column, chart) for row in maybe} - known - {None}
    vague = sum(_distinct_key(row, column, chart) is None for row in rows.counted)
    least = len(known) or (1 if sure else 0)
    most = len(known) + len(further) + vague
    span = counted(least, max(0, most - least), obtained=not because, complete=complete)
    return _finding(rows, because, TRUE, Quantity(span))


def _distinct_key(row: Row, column: str, chart: Chart) -> object:
    cell = row.columns.get(column)
    if not isinstance(cell, When):
        return cell
    first, last = day_of(cell.start, chart.zone), day_of(cell.end - (cell.end - cell.start) / 2, chart.zone)
    return first if first == last else None


def latest_candidates(rows: Sequence[Row]) -> list[Row]:
    """The rows that may be the latest: no sure one is definitely later. Linear in the rows.

    Of rows at the same time the one issued later stands, where both say when they were issued.
    """
    starts = [row.evidence.when.start for row in rows if row.counts is TRUE and row.evidence.when is not None]
    if not starts:
        return list(rows)
    newest = max(starts)
    rest = [row for row in rows if row.evidence.when is None or row.evidence.when.end > newest]
    issues: dict[tuple[datetime, datetime], datetime] = {}
    for row in rest:
        when, issued = row.evidence.when, _issued(row)
        if row.counts is TRUE and when is not None and issued is not None:
            time = (when.start, when.end)
            issues[time] = max(issued.start, issues.get(time, issued.start))
    return [row for row in rest if not _issued_before(row, issues)] if issues else rest


def _issued_before(row: Row, issues: Mapping[tuple[datetime, datetime], datetime]) -> bool:
    """Whether a sure row of the very same time was issued later."""
    when, issued = row.evidence.when, _issued(row)
    if when is None or issued is None:
        return False
    last = issues.get((when.start, when.end))
    return last is not None and issued.end <= last


def _issued(row: Row) -> When | None:
    """When a dated row was issued."""
    issued = row.columns.get("issued")
    return issued if isinstance(issued, When) and row.evidence.when is not None else None


def _latest_value(rows: Rows, because: tuple[NotObtained, ...], column: str, unit: str) -> Finding:
    candidates = latest_candidates(rows.counted)
    if because or not any(row.counts is TRUE for row in candidates):
        return _finding(rows, because, UNKNOWN)
    cells = [_in_unit(row.columns.get(column), unit) for row in candidates]
    spans = [cell.span for cell in cells if cell is not None]
    shown = Rows(candidates, rows.rejected)
    units = {cell.unit for cell in cells if cell is not None}
    if len(spans) < len(cells) or len(units) > 1:
        return _finding(shown, because, UNKNOWN)
    return _finding(shown, because, TRUE, Quantity(hull(spans), unit or units.pop()))


def _in_unit(cell: Cell, unit: str) -> Quantity | None:
    if not isinstance(cell, Quantity):
        return None
    return convert(cell, unit) if unit else cell


def _latest_reading(rows: Rows, because: tuple[NotObtained, ...], unit: str) -> Finding:
    candidates = latest_candidates(rows.counted)
    if because or not any(row.counts is TRUE for row in candidates):
        return _finding(rows, because, UNKNOWN)
    first = candidates[0]
    columns = {name: _merged(name, candidates, unit) for name in first.columns}
    return _finding(Rows(candidates, rows.rejected), because, TRUE, replace(first, columns=columns))


def _merged(name: str, rows: Sequence[Row], unit: str) -> Cell:
    cells = [row.columns.get(name) for row in rows]
    if not isinstance(cells[0], Quantity):
        return cells[0] if all(cell == cells[0] for cell in cells) else None
    measured = [_in_unit(cell, unit) for cell in cells]
    known = [cell for cell in measured if cell is not None]
    if len(known) < len(cells) or len({cell.unit for cell in known}) > 1:
        return None
    return Quantity(hull(cell.span for cell in known), known[0].unit)


def _latest_date(rows: Rows, because: tuple[NotObtained, ...]) -> Finding:
    dates = [row.evidence.when for row in rows.counted]
    sure = [row.evidence.when for row in rows.counted if row.counts is TRUE]
    known = [when for when in sure if when is not None]
    if because or not known or None in dates:
        return _finding(rows, because, UNKNOWN)
    newest = max(known, key=lambda when: when.start)
    end = max(when.end for when in dates if when is not None)
    return _finding(rows, because, TRUE, When(newest.start, end, newest.text))


def _earliest_date(rows: Rows, because: tuple[NotObtained, ...], complete: bool) -> Finding:
    """Of a partial record the first date seen means "on or before"."""
    sure = [row.evidence.when for row in rows.counted if row.counts is TRUE]
    known = [when for when in sure if when is not None]
    if because or not known:
        return _finding(rows, because, UNKNOWN)
    oldest = min(known, key=lambda when: when.end)
    dates = [row.evidence.when for row in rows.counted]
    starts = [when.start for when in dates if when is not None]
    start = min(starts) if complete and None not in dates else EVER
    return _finding(rows, because, TRUE, When(start, oldest.end, oldest.text))


def _any_yes(rows: Rows, because: tuple[NotObtained, ...], answer_columns: frozenset[str]) -> Finding:
    """True if any yes; false if answered and all no; unknown if never answered or not all was obtained."""
    sure, maybe = _split(rows)
    if sure:
        return _finding(Rows(sure, rows.rejected), because, TRUE)
    answered = [row for row in rows.rejected if _answered_no(row, answer_columns)]
    state = FALSE if answered and not maybe and not because else UNKNOWN
    return _finding(Rows(rows.counted, latest_answers(answered) or rows.rejected), because, state)


def _possible(rows: Rows, because: tuple[NotObtained, ...], maybe_stands: bool) -> Finding:
    """True if a row counts or may count; false if there is none and all was obtained."""
    if any(maybe_stands or not because or row.counts is TRUE for row in rows.counted):
        return _finding(rows, because, TRUE)
    return _finding(rows, because, UNKNOWN if because else FALSE)


def latest_answers(rows: Sequence[Row]) -> list[Row]:
    """The rows that answered no, latest first."""
    return sorted(rows, key=lambda row: str(row.evidence.when or ""), reverse=True)


def _answered_no(row: Row, answer_columns: frozenset[str]) -> bool:
    return row.columns.get("refused") is TRUE and any(
        row.columns.get(column) is not None for column in answer_columns
    )


def _age(because: tuple[NotObtained, ...], chart: Chart) -> Finding:
    person = chart.patient
    birth = chart.when(person.birth_date) if person is not None else None
    if birth is None:
        return Finding(UNKNOWN, because=because)
    first = day_of(birth.start, chart.zone)
    last = max(first, day_of(birth.end - (birth.end - birth.start) / 1000, chart.zone))
    youngest, oldest = years_between(last, chart.today), years_between(first, chart.today)
    if oldest < 0:
        return Finding(UNKNOWN, because=because)
    return Finding(TRUE, Quantity(Span(max(0, youngest), oldest), "a"), because=because)
