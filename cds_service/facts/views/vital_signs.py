"""The views `blood_pressure` and `body_weight`.

A blood pressure comes as one observation with two components or as two observations of the same moment;
either way one row holds the systolic and diastolic value of the SAME reading. Weights keep their unit: the
fact converts by UCUM or stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When
from cds_service.facts.elements import answer_number, effective
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.quantity import convert
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.parts import parts_of
from cds_service.truth import hull

PANEL, SYSTOLIC, DIASTOLIC = (
    "blood-pressure-panel",
    "systolic-blood-pressure",
    "diastolic-blood-pressure",
)
_SIDES = {SYSTOLIC: "systolic", DIASTOLIC: "diastolic"}


def blood_pressure(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of blood pressure readings, in mm[Hg]."""

    def read(chart: Chart) -> Sequence[Row]:
        readings: dict[object, _Reading] = {}
        for entry, _ in chart.entries(call.keys, "Observation", (PANEL, SYSTOLIC, DIASTOLIC)):
            observation: fhir.Observation = entry.resource
            when = effective(observation, chart) or chart.when(observation.issued)
            panel = bool(observation.component)
            moment = entry.reference if panel or when is None else (when.start, when.end, observation.status)
            known = readings.get(moment)
            if known is None:
                readings[moment] = _Reading(entry.reference, when, when, observation, _sides(entry))
            else:
                known.join(entry.reference, when, _sides(entry))
        return [reading.row(chart) for reading in readings.values() if any(reading.sides.values())]

    return read


class _Reading(Struct, gc=False):
    """The sides of one moment, the observation that was met first, and how it is told as evidence."""

    reference: str
    when: When | None
    date: When | None
    first: fhir.Observation
    sides: dict[str, Cell]

    def join(self, reference: str, when: When | None, sides: Mapping[str, Cell]) -> None:
        """Take in what another observation of the same moment says."""
        self.reference, self.when = min(reference, self.reference), when
        for side, value in sides.items():
            self.sides[side] = _either(self.sides[side], value) if side in self.sides else value

    def row(self, chart: Chart) -> Row:
        """The reading as a line of the view."""
        columns: dict[str, Cell] = {
            "systolic": self.sides.get("systolic"),
            "diastolic": self.sides.get("diastolic"),
            "date": self.date,
            "time": self.date if self.date is not None and self.date.instant else None,
            "status": self.first.status or None,
            "issued": chart.when(self.first.issued),
        }
        return Row(Evidence(self.reference, self.when, "blood pressure"), columns)


def _either(one: Cell, other: Cell) -> Cell:
    """Two values of one moment that cannot be told apart: anything between; None if one is not known."""
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return Quantity(hull((one.span, other.span)), one.unit)
    return None


def _sides(entry: Entry) -> dict[str, Cell]:
    sides: dict[str, Cell] = {}
    for part, asked in parts_of(entry):
        for name, side in _SIDES.items():
            value = answer_number(part) if name in asked.sets else None
            if value is not None:
                sides[side] = _pressure(value)
    return sides


def _pressure(value: Quantity) -> Quantity | None:
    """In mm[Hg]; a number without any unit is taken as mm[Hg], the only unit pressures are charted in."""
    return Quantity(value.span, "mm[Hg]") if not value.unit else convert(value, "mm[Hg]")


def body_weight(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of body weights, each in the unit it was recorded in; without a unit it is not known."""

    def read(chart: Chart) -> Sequence[Row]:
        rows: list[Row] = []
        for entry, _ in chart.entries(call.keys, "Observation", ("body-weight",)):
            observation: fhir.Observation = entry.resource
            when = effective(observation, chart) or chart.when(observation.issued)
            weight = answer_number(observation)
            columns: dict[str, Cell] = {
                "weight": weight if weight is not None and weight.unit else None,
                "date": when,
                "status": observation.status or None,
                "issued": chart.when(observation.issued),
            }
            if weight is not None:
                rows.append(Row(Evidence(entry.reference, when, "body weight"), columns))
        return rows

    return read
