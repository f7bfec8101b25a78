"""Amounts are converted exactly or not compared at all."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts import fhir
from cds_service.facts.finding import Quantity
from cds_service.facts.quantity import convert, known_unit, read_quantity, unit_of
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, compare, exactly

UCUM = "http://unitsofmeasure.org"
UNITS = [
    "g",
    "kg",
    "mg",
    "ug",
    "[lb_av]",
    "[oz_av]",
    "mm[Hg]",
    "kPa",
    "d",
    "h",
    "min",
    "wk",
    "mL",
    "L",
    "cm",
    "m",
]


@pytest.mark.parametrize(
    ("value", "unit", "other", "same"),
    [
        (154.3235835, "[lb_av]", "kg", 70),
        (2469.17734, "[oz_av]", "kg", 70),
        (70000, "g", "kg", 70),
        (0.25, "g", "mg", 250),
        (50, "ug", "mg", 0.05),
        (18.665, "kPa", "mm[Hg]", 140),
        (2, "wk", "d", 14),
        (36, "h", "d", 1.5),
        (40, "min", "h", 2 / 3),
        (1, "L", "mL", 1000),
        (1.5, "g/d", "mg/d", 1500),
        (72, "[in_i]", "cm", 182.88),
        (21, "", "{score}", 21),
    ],
)
def test_an_amount_is_the_same_in_another_unit(value: float, unit: str, other: str, same: float) -> None:
    converted = convert(Quantity(exactly(value), unit), other)
    assert converted is not None
    assert converted.unit == other
    assert converted.span.low == converted.span.high == pytest.approx(same, rel=1e-4)


@pytest.mark.parametrize(
    ("unit", "other"),
    [
        ("kg", "cm"),
        ("kg", ""),
        ("", "kg"),
        ("stone", "kg"),
        ("kg", "stone"),
        ("mg", "mL"),
        ("mg", "mg/d"),
        ("KG", "kg"),
    ],
)
def test_amounts_that_do_not_measure_the_same_are_never_converted(unit: str, other: str) -> None:
    assert convert(Quantity(exactly(70), unit), other) is None


def test_a_unit_nobody_knows_is_only_the_same_as_itself() -> None:
    assert not known_unit("stone")
    assert convert(Quantity(exactly(11), "stone"), "stone") == Quantity(exactly(11), "stone")


@given(st.floats(0.001, 1e6), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_there_and_back_is_the_same_amount(value: float, unit: str, other: str) -> None:
    there = convert(Quantity(exactly(value), unit), other)
    if there is not None:
        back = convert(there, unit)
        assert back is not None
        assert back.span.low == pytest.approx(value)


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        (fhir.Quantity(value=1, unit="kilogram", system=UCUM, code="kg"), "kg"),
        (fhir.Quantity(value=1, unit="lbs"), "[lb_av]"),
        (fhir.Quantity(value=1, unit="Pounds"), "[lb_av]"),
        (fhir.Quantity(value=1, unit="mmHg"), "mm[Hg]"),
        (fhir.Quantity(value=1, unit=" kg "), "kg"),
        (fhir.Quantity(value=1, unit="kg", system="http://snomed.info/sct", code="258683005"), "kg"),
        (fhir.Quantity(value=1, code="mg"), "mg"),
        (fhir.Quantity(value=1), ""),
        (fhir.Quantity(value=1, unit="stone"), "stone"),
    ],
)
def test_the_unit_is_the_ucum_code_or_a_text_whose_meaning_is_plain(
    quantity: fhir.Quantity, unit: str
) -> None:
    assert unit_of(quantity) == unit


@pytest.mark.parametrize(
    ("comparator", "span"),
    [
        ("", Span(5, 5)),
        ("<", Span(-inf, 5)),
        ("<=", Span(-inf, 5)),
        (">", Span(5, inf)),
        (">=", Span(5, inf)),
    ],
)
def test_a_comparator_makes_an_interval(comparator: str, span: Span) -> None:
    assert read_quantity(fhir.Quantity(value=5, comparator=comparator)) == Quantity(span)


def test_below_five_settles_only_what_every_number_below_five_settles() -> None:
    below = read_quantity(fhir.Quantity(value=5, comparator="<"))
    assert below is not None
    assert compare(below.span, ">", exactly(9)) is FALSE
    assert compare(below.span, "<", exactly(9)) is TRUE
    assert compare(below.span, ">=", exactly(3)) is UNKNOWN


@pytest.mark.parametrize("quantity", [None, fhir.Quantity(unit="kg"), fhir.Quantity(value=1e300, unit="kg")])
def test_without_a_finite_value_there_is_no_amount(quantity: fhir.Quantity | None) -> None:
    assert read_quantity(quantity) is None
