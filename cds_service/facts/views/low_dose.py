"""Whether an entry of a drug says, by itself, that less is taken a day than a table asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.dosing import daily_dose
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.ingredients import ingredients_of
from cds_service.facts.views.supply import dispensed
from cds_service.rulebook.terminology import Ingredient
from cds_service.truth import FALSE, TRUE, Truth, any_of

Minimum = Mapping[str, float]


def minimum_of(call: ViewCall) -> Minimum:
    """The least mg a day by product or ingredient, of the tables the call names; empty without one."""
    table = call.table("minimum_dose")
    if table is None:
        return {}
    column = call.text("dose_column") or table.columns[0]
    found = {key: row.values.get(column) for key, row in table.rows.items()}
    return {key: float(value) for key, value in found.items() if isinstance(value, (int, float))}


def low_dose(entry: Entry, call: ViewCall, minimum: Minimum, chart: Chart) -> Truth | None:
    """TRUE if the daily dose is below the minimum, FALSE if it is not; None if either is not told.

    Only the entry itself is read: an order that was not obtained must not change what a supply says. Of a
    combination one drug at its minimum is enough.
    """
    if not minimum:
        return None
    told = [_low(entry, one, minimum, chart) for one in ingredients_of(entry, call)]
    known = [each for each in told if each is not None]
    if FALSE in known:
        return FALSE
    return any_of(known) if known and len(known) == len(told) else None


def _low(entry: Entry, ingredient: Ingredient, minimum: Minimum, chart: Chart) -> Truth | None:
    product = entry.drug.product if entry.drug is not None else ""
    least = minimum.get(product, minimum.get(ingredient.rxcui))
    dose = _daily(entry, ingredient, chart)
    if dose is None or least is None:
        return None
    return TRUE if dose < least - 1e-9 else FALSE


def _daily(entry: Entry, ingredient: Ingredient, chart: Chart) -> float | None:
    """Milligrams a day by the entry's own words; None of a range, whose upper end may be enough."""
    resource: Any = entry.resource
    if isinstance(resource, fhir.MedicationAdministration):
        return None
    taken = isinstance(resource, fhir.MedicationStatement)
    lines = resource.dosage if taken else resource.dosage_instruction
    if any(_ranges(line) for line in lines):
        return None
    if isinstance(resource, fhir.MedicationDispense):
        supply = dispensed(entry, ingredient, {}, chart, orders_known=True)
        return supply.dose if supply is not None else None
    return daily_dose(lines, ingredient)


def _ranges(line: fhir.Dosage) -> bool:
    repeat = line.timing.repeat if line.timing is not None else None
    often = repeat is not None and bool(repeat.frequency_max or repeat.period_max)
    return often or any(given.dose_range is not None for given in line.dose_and_rate)
