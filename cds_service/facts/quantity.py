"""Amounts in UCUM units, converted exactly or not at all: other units are never silently compared."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from cds_service.facts import fhir
from cds_service.facts.finding import Quantity
from cds_service.truth import Span, exactly

# Factor to the first unit of each dimension (UCUM, section "Base Units" and "Customary Unit Atoms").
_DIMENSIONS: tuple[Mapping[str, float], ...] = (
    {"g": 1.0, "kg": 1e3, "mg": 1e-3, "ug": 1e-6, "mcg": 1e-6, "[lb_av]": 453.59237, "[oz_av]": 28.349523125},
    {
        "d": 1.0,
        "days": 1.0,
        "h": 1 / 24,
        "hours": 1 / 24,
        "min": 1 / 1440,
        "minutes": 1 / 1440,
        "s": 1 / 86400,
        "wk": 7.0,
        "weeks": 7.0,
        "mo": 30.4375,
        "a": 365.25,
        "months": 30.4375,
        "years": 365.25,
    },
    {"mm[Hg]": 1.0, "kPa": 7.500615758},
    {"mg/d": 1.0, "g/d": 1e3, "ug/d": 1e-3},
    {"mL": 1.0, "L": 1e3},
    {"cm": 1.0, "m": 100.0, "[in_i]": 2.54},
    {"1": 1.0, "": 1.0, "{score}": 1.0, "%": 0.01},
)
_DIMENSION_OF: Mapping[str, Mapping[str, float]] = {unit: group for group in _DIMENSIONS for unit in group}
# Display texts seen in the wild where no UCUM code was sent.
_SPOKEN: Mapping[str, str] = {
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pound": "[lb_av]",
    "pounds": "[lb_av]",
    "mmhg": "mm[Hg]",
    "mm hg": "mm[Hg]",
    "kg": "kg",
    "g": "g",
    "mg": "mg",
    "day": "d",
    "days": "d",
    "week": "wk",
    "weeks": "wk",
}


def known_unit(unit: str) -> bool:
    """Whether amounts in this unit can be converted at all."""
    return unit in _DIMENSION_OF


def convert(quantity: Quantity, unit: str) -> Quantity | None:
    """The same amount in another unit; None if the two do not measure the same thing."""
    if quantity.unit == unit:
        return quantity
    here, there = _DIMENSION_OF.get(quantity.unit), _DIMENSION_OF.get(unit)
    if here is None or here is not there:
        return None
    factor = here[quantity.unit] / here[unit]
    return Quantity(Span(quantity.span.low * factor, quantity.span.high * factor), unit)


def unit_of(quantity: fhir.Quantity) -> str:
    """The UCUM unit: the code if there is one, else the unit text where its meaning is plain."""
    if quantity.code and (not quantity.system or quantity.system == "http://unitsofmeasure.org"):
        return quantity.code
    text = quantity.unit.strip()
    return text if text in _DIMENSION_OF else _SPOKEN.get(text.lower(), text)


def read_quantity(quantity: fhir.Quantity | None) -> Quantity | None:
    """A FHIR Quantity as an interval: `< 5` is anything below five. None without a finite value."""
    if quantity is None or quantity.value is None or not -1e12 < quantity.value < 1e12:
        return None
    unit, value = unit_of(quantity), float(quantity.value)
    if quantity.comparator in ("<", "<="):
        return Quantity(Span(-inf, value), unit)
    if quantity.comparator in (">", ">="):
        return Quantity(Span(value, inf), unit)
    return Quantity(exactly(value), unit)
