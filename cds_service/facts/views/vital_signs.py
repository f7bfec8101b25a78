"""The views `blood_pressure` and `body_weight`.

A blood pressure comes as one observation with two components or as two observations of the same moment;
either way one row holds the systolic and diastolic value of the SAME reading. One that cannot be read is a
row, too: no older one stands in for it. Weights keep their unit: the fact converts by UCUM or stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf, isinf

from msgspec import Struct
from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.ahead import dated_ahead, put_in_doubt
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When
from cds_service.facts.elements import answer_number, effective, issued
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.give import latest_candidates
from cds_service.facts.quantity import convert
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.plausible import Plausible
from cds_service.facts.views.pressures_told import DIASTOLIC, PANEL, SYSTOLIC, sides_told, tells_more
from cds_service.facts.views.weight_jumps import Jumps
from cds_service.truth import hull, truth_of

_LONGEST_DAY = timedelta(hours=25)
"""That of the change from summer time."""


def blood_pressure(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of blood pressure readings, in mm[Hg]; what is not plausible is not known."""
    plausible = Plausible.of(call)

    def read(chart: Chart) -> Sequence[Row]:
        rows = [reading.row(chart, plausible) for reading in _readings(call.keys, chart)]
        return put_in_doubt(rows, chart)

    return read


def _readings(keys: tuple[str, ...], chart: Chart) -> Sequence[_Reading]:
    """The readings that tell a value, whether or not it can be read or be true; read once per chart."""
    known: list[_Reading] | None = chart.cache.get((PANEL, keys))
    if known is None:
        met: dict[object, _Reading] = {}
        for entry, _ in chart.entries(keys, "Observation", (PANEL, SYSTOLIC, DIASTOLIC)):
            observation: fhir.Observation = entry.resource
            when = effective(observation, chart) or issued(observation, chart)
            panel = bool(observation.component)
            moment = entry.reference if panel or when is None else (when.start, when.end, observation.status)
            sides = sides_told(entry)
            more, reading = tells_more(entry, sides), met.get(moment)
            if reading is None:
                met[moment] = _Reading(entry.reference, when, when, observation, sides, more)
            else:
                reading.join(entry.reference, when, sides, more)
        told = [one for one in met.values() if one.more or any(one.sides.values())]
        known = chart.cache[PANEL, keys] = told
    return known


class _Reading(Struct, gc=False):
    """The sides of one moment, the observation that was met first, and how it is told as evidence.

    `more` if it tells a pressure in a way that cannot be read.
    """

    reference: str
    when: When | None
    date: When | None
    first: fhir.Observation
    sides: dict[str, Quantity | None]
    more: bool

    def join(
        self, reference: str, when: When | None, sides: Mapping[str, Quantity | None], more: bool
    ) -> None:
        """Take in what another observation of the same moment says."""
        self.reference, self.when, self.more = min(reference, self.reference), when, self.more or more
        for side, value in sides.items():
            self.sides[side] = _either(self.sides[side], value) if side in self.sides else value

    def row(self, chart: Chart, plausible: Plausible) -> Row:
        """The reading as a line of the view."""
        believed = _believed(self.sides, plausible)
        doubted = [side for side, value in self.sides.items() if value is not None and believed[side] is None]
        columns: dict[str, Cell] = {
            **believed,
            "implausible": truth_of(bool(doubted)),
            "unreadable": truth_of(self.more and any(self.sides.get(side) is None for side in believed)),
            "dated_ahead": truth_of(self.reference in dated_ahead(chart)),
            "without_day": truth_of(self.date is None or self.date.end - self.date.start > _LONGEST_DAY),
            "date": self.date,
            "time": self.date if self.date is not None and self.date.instant else None,
            "status": self.first.status or None,
            "issued": issued(self.first, chart),
        }
        return Row(Evidence(self.reference, self.when, "blood pressure"), columns)


def _believed(sides: Mapping[str, Quantity | None], plausible: Plausible) -> dict[str, Quantity | None]:
    """Both sides, each None if it cannot be true; a lower value above the upper one makes both untrue."""
    upper, lower = sides.get("systolic"), sides.get("diastolic")
    if upper is not None and lower is not None and upper.span.high < lower.span.low:
        upper = lower = None
    return {"systolic": plausible.kept(SYSTOLIC, upper), "diastolic": plausible.kept(DIASTOLIC, lower)}


def _either(one: Quantity | None, other: Quantity | None) -> Quantity | None:
    """Two values of one moment that cannot be told apart: anything between; None if one is not known."""
    if one is None or other is None:
        return None
    return Quantity(hull((one.span, other.span)), one.unit)


def body_weight(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of body weights, each in the unit it was recorded in; without a unit it is not known.

    With `agree_within`, weights that may be of one time are not known if they differ by more percent of the
    lower; with `jump`, neither is one that far from the weight before it, if none of another time agrees.
    """
    jumps = Jumps.of(call)
    most = 1 + call.amount("agree_within").number / 100 if "agree_within" in call.arguments else inf

    def read(chart: Chart) -> Sequence[Row]:
        rows: list[Row] = []
        for entry, _ in chart.entries(call.keys, "Observation", ("body-weight",)):
            observation: fhir.Observation = entry.resource
            when = effective(observation, chart) or issued(observation, chart)
            weight = answer_number(observation)
            columns: dict[str, Cell] = {
                "weight": weight if weight is not None and weight.unit else None,
                "date": when,
                "status": observation.status or None,
                "issued": issued(observation, chart),
            }
            if weight is not None:
                rows.append(Row(Evidence(entry.reference, when, "body weight"), columns))
        rows = rows if isinf(most) else _agreeing(rows, most)
        return put_in_doubt(rows if jumps is None else jumps.left_open(rows), chart)

    return read


def _agreeing(rows: Sequence[Row], most: float) -> list[Row]:
    """The weights, those open that contradict another of the same time: one of them is wrong.

    Of weights of the very same time only those issued last are compared.
    """
    dated = [(row, row.evidence.when) for row in rows if row.evidence.when is not None]
    wrong = {
        (when.start, when.end)
        for group in _meeting(dated)
        for _, when in group
        if _contradict(latest_candidates(_met(group, when)), most)
    }
    return [
        replace(row, columns={**row.columns, "weight": None})
        if row.evidence.when is not None and (row.evidence.when.start, row.evidence.when.end) in wrong
        else row
        for row in rows
    ]


Dated = tuple[Row, When]


def _meeting(dated: Sequence[Dated]) -> Iterator[list[Dated]]:
    """The rows that may be of one time with another, in groups that share no time."""
    group: list[Dated] = []
    reached: datetime | None = None
    for row, when in sorted(dated, key=lambda one: one[1].start):
        if reached is None or when.start >= reached:
            if len(group) > 1:
                yield group
            group, reached = [], when.end
        group.append((row, when))
        reached = max(reached, when.end)
    if len(group) > 1:
        yield group


def _met(dated: Sequence[Dated], time: When) -> list[Row]:
    """The rows that may be of some time."""
    return [row for row, when in dated if when.start < time.end and time.start < when.end]


def _contradict(rows: Sequence[Row], most: float) -> bool:
    """Whether the greatest of some weights is more than so many times the least."""
    cells = [row.columns["weight"] for row in rows]
    known = [cell for cell in cells if isinstance(cell, Quantity)]
    alike = [convert(cell, known[0].unit) for cell in known]
    spans = [cell.span for cell in alike if cell is not None]
    return len(spans) > 1 and max(span.high for span in spans) > most * min(span.low for span in spans)
