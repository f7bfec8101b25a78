"""The views `blood_pressure` and `body_weight`.

A blood pressure comes as one observation with two components or as two observations of the same moment;
either way one row holds the systolic and diastolic value of the SAME reading. Weights keep their unit: the
fact converts by UCUM or stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
_NO_SIDES: Mapping[str, Cell] = dict.fromkeys(_SIDES.values())


def blood_pressure(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of blood pressure readings, in mm[Hg]."""

    def read(chart: Chart) -> Sequence[Row]:
        readings: dict[object, Row] = {}
        for entry, _ in chart.entries(call.keys, "Observation", (PANEL, SYSTOLIC, DIASTOLIC)):
            observation: fhir.Observation = entry.resource
            when = effective(observation, chart) or chart.when(observation.issued)
            sides = _sides(entry, chart)
            panel = bool(observation.component)
            moment = entry.reference if panel or when is None else (when.start, when.end, observation.status)
            known = readings.get(moment)
            columns = dict(known.columns) if known else _blank(observation, when, chart)
            for side, value in sides.items():
                columns[side] = _either(columns[side], value) if side in columns else value
            reference = min(entry.reference, known.evidence.reference) if known else entry.reference
            readings[moment] = Row(Evidence(reference, when, "blood pressure"), columns)
        whole = (Row(row.evidence, {**_NO_SIDES, **row.columns}) for row in readings.values())
        return [row for row in whole if row.columns["systolic"] or row.columns["diastolic"]]

    return read


def _blank(observation: fhir.Observation, when: When | None, chart: Chart) -> dict[str, Cell]:
    return {
        "date": when,
        "time": when if when is not None and when.instant else None,
        "status": observation.status or None,
        "issued": chart.when(observation.issued),
    }


def _either(one: Cell, other: Cell) -> Cell:
    """Two values of one moment that cannot be told apart: anything between; None if one is not known."""
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return Quantity(hull((one.span, other.span)), one.unit)
    return None


def _sides(entry: Entry, chart: Chart) -> dict[str, Cell]:
    sides: dict[str, Cell] = {}
    for part, _, sets in parts_of(entry, chart):
        for name, side in _SIDES.items():
            if name in sets:
                value = answer_number(part)
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
