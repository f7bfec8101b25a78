"""The view `ordered_doses`: one row per order, ingredient, line of dosage and amount told in the line.

Columns: drug, dose (mg), dose_range, line_dose (mg), per_weight (mg/kg), duration (min), rate (mg/min),
per_week, highest_per_week, schedule, route, reason, status, order, lines, date. `with: {weight: fact}` works
out what the order leaves to the body weight; an order that says it itself needs none. A row depends on its
own order alone, but for the weight and conditions given as reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import concept_codes, told_codes
from cds_service.facts.dosing import times_a_week
from cds_service.facts.elements import ELEMENTS
from cds_service.facts.finding import Cell, Evidence, Finding, Quantity, Row
from cds_service.facts.infusion import LineReading, infusion, readings
from cds_service.facts.quantity import convert
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.days import day_as_when
from cds_service.facts.views.ingredients import UNRECOGNISED, ingredients_of
from cds_service.rulebook.terminology import Coded, Ingredient
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, exactly, hull

REQUEST = "MedicationRequest"
_NO_ORDER = frozenset({"proposal", "plan", "option"})
_AMOUNTS: Mapping[str, str] = {"dose": "mg", "per_weight": "mg/kg", "duration": "min", "rate": "mg/min"}
_reason = ELEMENTS[REQUEST]["reason"]


@dataclass(frozen=True, slots=True)
class Weight:
    """The body weight in kg, None if not known; `lost` if data that was not obtained may tell it."""

    kilograms: Span | None
    lost: bool


def ordered_doses(call: ViewCall) -> Callable[[Chart, Mapping[str, Finding]], Sequence[Row]]:
    """A reader of the doses ordered of the drugs in the call's value sets."""
    named = call.arguments.get("weight")

    def read(chart: Chart, used: Mapping[str, Finding]) -> Sequence[Row]:
        weight = _weight(used.get(named)) if isinstance(named, str) else Weight(None, False)
        return [
            row
            for entry, sure, draft in _orders(call, chart)
            for row in _order_rows(entry, call, chart, weight, sure=sure, draft=draft)
        ]

    return read


def _weight(finding: Finding | None) -> Weight:
    value = finding.value if finding is not None else None
    weight = convert(value, "kg") if isinstance(value, Quantity) else None
    if weight is None or weight.span.low <= 0:
        return Weight(None, bool(finding is not None and finding.because))
    return Weight(weight.span, False)


def _orders(call: ViewCall, chart: Chart) -> Iterator[tuple[Entry, bool, bool]]:
    """Orders with whether the drug surely is one asked for, and whether the order is a draft."""
    if call.origin != "chart":
        selected = call.origin == "selections"
        for entry, sure in chart.draft_entries(REQUEST, call.code_in, selected=selected):
            yield entry, sure, True
    if call.origin in ("chart", "drafts-and-chart"):
        for entry, sure in chart.entries((KEY_OF_TYPE[REQUEST],), REQUEST, call.code_in):
            yield entry, sure, False


def _order_rows(
    entry: Entry, call: ViewCall, chart: Chart, weight: Weight, *, sure: bool, draft: bool
) -> Iterator[Row]:
    order: fhir.MedicationRequest = entry.resource
    counts, why = (TRUE, ()) if sure else (UNKNOWN, (entry.contradicted or UNRECOGNISED,))
    if not draft and order.intent in _NO_ORDER:
        counts, why = FALSE, (f"its intent is {order.intent}, which orders nothing",)
    when = chart.when(order.authored_on) or (day_as_when(chart.today, chart) if draft else None)
    reason = _reason(entry, chart)
    for ingredient in ingredients_of(entry, call):
        lines = order.dosage_instruction or (fhir.Dosage(),)
        for line in lines:
            columns: dict[str, Cell] = {
                "drug": ingredient.name,
                **_times(line),
                "route": told_codes(line.route) or None,
                "reason": reason,
                "status": order.status or None,
                "order": entry.reference,
                "lines": Quantity(exactly(len(lines))),
                "date": when,
            }
            for amounts in _amounts(line, ingredient, weight):
                yield Row(Evidence(entry.reference, when, entry.text), columns | amounts, counts, why)


def _amounts(line: fhir.Dosage, ingredient: Ingredient, weight: Weight) -> Sequence[dict[str, Cell]]:
    """The number columns of each amount a line tells, those that come to the same once."""
    found: list[dict[str, Cell]] = []
    for reading in readings(line, ingredient):
        cells = _numbers(reading, weight)
        if cells not in found:
            found.append(cells)
    doses = [dose.span for cells in found if isinstance(dose := cells["dose"], Quantity)]
    whole = hull(doses) if doses else None
    told: dict[str, Cell] = {
        "dose_range": TRUE if whole is not None and not whole.exact else FALSE,
        "line_dose": Quantity(whole, "mg") if whole is not None else None,
    }
    return [cells | told for cells in found]


def _numbers(reading: LineReading, weight: Weight) -> dict[str, Cell]:
    """Dose, dose by weight, duration and rate; UNKNOWN where a weight that was not obtained would tell."""
    said = infusion(reading, weight.kilograms)
    could = infusion(reading, exactly(1.0)) if weight.lost else None
    cells: dict[str, Cell] = {}
    for name, unit in _AMOUNTS.items():
        span: Span | None = getattr(said, name)
        open_cell: Truth | None = UNKNOWN if could and getattr(could, name) is not None else None
        cells[name] = Quantity(span, unit) if span is not None else open_cell
    return cells


def _times(line: fhir.Dosage) -> dict[str, Cell]:
    """How often a week; where that cannot be told, the words and codes in which the line may say it."""
    weekly = times_a_week(line)
    if weekly is not None:
        most = Quantity(exactly(weekly.high), "/wk")
        return {"per_week": Quantity(weekly, "/wk"), "highest_per_week": most, "schedule": None}
    coded = concept_codes(line.timing.code) if line.timing is not None else ()
    moments = ", ".join(line.timing.event) if line.timing is not None else ""
    said = tuple(Coded("text", text, text) for text in (moments, line.text) if text)
    return {"per_week": None, "highest_per_week": None, "schedule": (*coded, *said) or None}
