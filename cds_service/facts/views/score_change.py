"""The view `score_change`: for each instrument the last score before a moment, and the latest since.

Columns: instrument, baseline, latest, fall (percent of the baseline; above zero is better on scales where
less is better) and rise, its opposite, baseline_date, date. The moment is another fact (`with: {since:
first_session}`). Scores that cannot be placed before or after it, or in order among themselves, make an
interval of what they allow. Only final scores count, as observations or as items of completed questionnaires.
Nothing is settled if a key was not obtained: a score that is missing may be the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_other
from datetime import timedelta
from math import inf

from msgspec.structs import replace

from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, day_of, midnight
from cds_service.facts.finding import Cell, Evidence, Finding, Quantity, Row
from cds_service.facts.give import latest_candidates
from cds_service.facts.quantity import convert
from cds_service.facts.views.answers import answers
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.terminology import Coded
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, hull, negate

FINAL = frozenset({"final", "amended", "corrected", "completed"})
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Side:
    """The score that stands before or after the moment, as far as it is known."""

    number: Quantity | None
    when: When | None
    sure: bool
    reference: str


def score_change(call: ViewCall) -> Callable[[Chart, Mapping[str, Finding]], Sequence[Row]]:
    """A reader of the change in each instrument of the call's value sets."""
    believed = {name: given for name, given in call.arguments.items() if name == "plausible"}
    instruments = {
        name: answers(with_other(call, code_in=(name,), arguments=believed)) for name in call.code_in
    }
    since = call.text("since")
    later = call.days("baseline_until") if "baseline_until" in call.arguments else None

    def read(chart: Chart, used: Mapping[str, Finding]) -> Sequence[Row]:
        moment = _moment(used[since], later, chart)
        lost = tuple(
            f"{item.key.replace('-', ' ')} were not obtained" for item in chart.not_obtained(call.all_keys)
        )
        rows: list[Row] = []
        for name, scores_of in instruments.items():
            scores = [
                row for row in scores_of(chart) if row.columns["status"] in FINAL and row.counts is not FALSE
            ]
            title = call.book.terminology.valuesets[name].title
            rows.extend(_change(name, title, scores, moment, lost))
        return rows

    return read


def _moment(finding: Finding, later: int | None, chart: Chart) -> When | None:
    """The moment scores are placed by; with `later` the end of that many days after its day."""
    value = finding.value.evidence.when if isinstance(finding.value, Row) else finding.value
    if not isinstance(value, When) or later is None:
        return value if isinstance(value, When) else None
    first, last = day_of(value.start, chart.zone), day_of(max(value.start, value.end - _INSTANT), chart.zone)
    try:
        start, end = (midnight(day + timedelta(days=later + 1), chart.zone) for day in (first, last))
    except OverflowError:
        return None
    return When(start, end + _INSTANT, value.text)


def _change(
    name: str, title: str, scores: Sequence[Row], moment: When | None, lost: tuple[str, ...]
) -> Iterator[Row]:
    """The row of one instrument; none without a score on both sides."""
    if len(scores) < 2:
        return
    placed = [(row, _before(row.evidence.when, moment)) for row in scores]
    baseline = _last([replace(row, counts=before) for row, before in placed if before is not FALSE])
    latest = _last([replace(row, counts=negate(before)) for row, before in placed if before is not TRUE])
    if baseline is None or latest is None:
        return
    fall = _fall(baseline.number, latest.number)
    columns: dict[str, Cell] = {
        "instrument": (Coded("", name, title),),
        "baseline": baseline.number,
        "latest": latest.number,
        "fall": fall,
        "rise": Quantity(Span(-fall.span.high, -fall.span.low), "%") if fall is not None else None,
        "baseline_date": baseline.when,
        "date": latest.when,
    }
    why = lost
    if not (baseline.sure and latest.sure):
        why = (*why, "which scores are before and after cannot be told")
    if lost:
        columns = {column: cell if column == "instrument" else UNKNOWN for column, cell in columns.items()}
    evidence = Evidence(latest.reference, latest.when, title)
    yield Row(evidence, columns, UNKNOWN if why else TRUE, why)


def _before(when: When | None, moment: When | None) -> Truth:
    if when is None or moment is None:
        return UNKNOWN
    if when.end <= moment.start:
        return TRUE
    return FALSE if when.start >= moment.end - _INSTANT else UNKNOWN


def _last(scores: Sequence[Row]) -> Side | None:
    """The last of some scores; of those that may be it, anything between."""
    candidates = latest_candidates(scores)
    if not candidates:
        return None
    sure = any(row.counts is TRUE for row in candidates)
    dates = [row.evidence.when for row in candidates if row.evidence.when is not None]
    newest = max(candidates, key=lambda row: (_start(row), row.evidence.reference))
    when = None
    if len(dates) == len(candidates):
        told = newest.evidence.when.text if newest.evidence.when is not None else ""
        when = When(min(one.start for one in dates), max(one.end for one in dates), told)
    return Side(_number(candidates), when, sure, newest.evidence.reference)


def _start(row: Row) -> float:
    return row.evidence.when.start.timestamp() if row.evidence.when is not None else -inf


def _number(rows: Sequence[Row]) -> Quantity | None:
    cells = [row.columns["number"] for row in rows]
    unit = next((cell.unit for cell in cells if isinstance(cell, Quantity)), "")
    alike = [convert(cell, unit) for cell in cells if isinstance(cell, Quantity)]
    known = [cell.span for cell in alike if cell is not None]
    return Quantity(hull(known), unit) if known and len(known) == len(cells) else None


def _fall(baseline: Quantity | None, latest: Quantity | None) -> Quantity | None:
    """How much less the latest is, in percent of the baseline; not known of a baseline that may be zero."""
    now = convert(latest, baseline.unit) if baseline is not None and latest is not None else None
    if baseline is None or now is None or baseline.span.low <= 0 or now.span.low < 0:
        return None
    least = 100 * (1 - now.span.high / baseline.span.low)
    most = 100 * (1 - now.span.low / baseline.span.high)
    return Quantity(Span(round(least, 6), round(most, 6)), "%")
