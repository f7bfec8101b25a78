"""Entries dated after the time of the call: what they report has not happened by their date.

The date is wrong (a local time sent as UTC, a typing error), so nobody can tell when it was. Such an entry
may count and never surely does; its date may be any. What is planned (orders, statements, what has not begun)
is no report and stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cds_service.facts.chart import Chart
from cds_service.facts.dates import EVER, NEVER, When
from cds_service.facts.elements import DATES, PLANNED, DateReader
from cds_service.facts.finding import Evidence, Row
from cds_service.facts.read import Note
from cds_service.rulebook.views import FINDABLE
from cds_service.truth import FALSE, UNKNOWN, Truth, all_of

AHEAD = "dated-ahead"
WHY = "dated after the time of this call: check its date"
_RESULTS: dict[str, tuple[str, ...]] = {
    "Observation": FINDABLE["Observation"].dates,
    "QuestionnaireResponse": FINDABLE["QuestionnaireResponse"].dates,
    "MedicationAdministration": FINDABLE["MedicationAdministration"].dates,
    "MedicationDispense": FINDABLE["MedicationDispense"].dates,
    "Procedure": FINDABLE["Procedure"].dates,
}
"""What reports something done or found, and the dates that say when; the first recorded one does."""
_LISTED = ("Condition", "AllergyIntolerance")
"""What stands on a list now, whenever it began: in doubt only if every date it has lies ahead."""
_DATES_OF: Mapping[str, tuple[DateReader, ...]] = {
    kind: tuple(DATES[kind][name] for name in names)
    for kind, names in (*_RESULTS.items(), *((kind, FINDABLE[kind].dates) for kind in _LISTED))
}
_WHOLE = "QuestionnaireResponse"


def dated_ahead(chart: Chart) -> frozenset[str]:
    """The references of the entries that rules may ask for and that are dated ahead."""
    known: frozenset[str] | None = chart.cache.get(AHEAD)
    if known is None:
        known = chart.cache[AHEAD] = frozenset(_references_ahead(chart))
    return known


def reports_ahead(chart: Chart) -> bool:
    """Whether a result is dated ahead, so that the answer must also be known without it."""
    return any(not reference.startswith(_LISTED) for reference in dated_ahead(chart))


def notes_ahead(chart: Chart) -> tuple[Note, ...]:
    """A note on each of them."""
    return tuple(Note(AHEAD, reference) for reference in sorted(dated_ahead(chart)))


def doubt(reference: str, chart: Chart) -> Truth:
    """Whether an entry dated ahead counts: maybe; not at all where the chart is read without them."""
    return FALSE if chart.by_now and not reference.startswith(_LISTED) else UNKNOWN


def any_time(when: When | None) -> When | None:
    """A date that may be any, told as recorded."""
    return When(EVER, NEVER, when.text) if when is not None else None


def put_in_doubt(rows: Sequence[Row], chart: Chart) -> Sequence[Row]:
    """Rows of a view, those of entries dated ahead no longer sure and of any time."""
    ahead = dated_ahead(chart)
    if not ahead:
        return rows
    return [_in_doubt(row, chart) if row.evidence.reference in ahead else row for row in rows]


def _in_doubt(row: Row, chart: Chart) -> Row:
    evidence = Evidence(row.evidence.reference, any_time(row.evidence.when), row.evidence.text)
    columns = {name: any_time(cell) if isinstance(cell, When) else cell for name, cell in row.columns.items()}
    counts = all_of((row.counts, doubt(row.evidence.reference, chart)))
    return replace(row, evidence=evidence, columns=columns, counts=counts, why=(*row.why, WHY))


def _references_ahead(chart: Chart) -> Iterator[str]:
    for (_, kind), shelf in chart.shelves.items():
        dates = _DATES_OF.get(kind)
        if dates is not None:
            for entry in shelf.entries if kind == _WHOLE else shelf.filed:
                if _is_ahead(entry.resource, dates, chart, every=kind in _LISTED):
                    yield entry.reference


def _is_ahead(resource: Any, dates: Sequence[DateReader], chart: Chart, *, every: bool) -> bool:
    """Whether the first recorded date lies ahead, or with `every` all of them do."""
    ahead = False
    for read in dates:
        when = read(resource, chart)
        if when is not None:
            ahead = chart.is_ahead(when)
            if not ahead or not every:
                break
    return ahead and getattr(resource, "status", "") not in PLANNED
