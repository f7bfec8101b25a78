"""The view `ordered_doses`: a line that tells its amount in several ways gives a row for each."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, observation, quantity
from hypothesis import given
from hypothesis import strategies as st
from view_bench import INTO_VEIN, SPRAY, VIAL, draft, line, mg, number, rows

DRAFTS: Json = {"view": "ordered_doses", "from": "drafts", "code_in": "alpha"}
WEIGHT: Json = {"view": "body_weight", "within": "90 days [1]", "give": "latest value", "unit": "kg"}
WEIGHED: Json = DRAFTS | {"with": {"weight": "weight"}}
NUMBERS = ("dose", "per_weight", "duration", "rate")
PER_KG = quantity(0.5, "mg/kg")
FORTY: Json = {"duration": 40, "durationUnit": "min"}


def weighing(kilograms: float) -> Json:
    return observation("29463-7", {"valueQuantity": quantity(kilograms, "kg")}, "2026-02-25")


def read(made: Json, kilograms: float | None = None, code: str = VIAL) -> list[dict[str, Any]]:
    """The columns of the rows of a draft with this line."""
    weighed = [weighing(kilograms)] if kilograms else []
    found = rows(
        WEIGHED, *weighed, beside={"weight": WEIGHT}, drafts=[draft(made, code=code)], hook="order-sign"
    )
    return [dict(row.columns) for row in found]


def numbers(made: Json, kilograms: float | None = None, code: str = VIAL) -> set[tuple[float | None, ...]]:
    """Dose, dose by weight, duration and rate of each row."""
    return {tuple(number(row[name]) for name in NUMBERS) for row in read(made, kilograms, code)}


def doses(*amounts: Json, **repeat: Any) -> Json:
    """A line with one `doseAndRate` for each amount."""
    return line(None, **repeat) | {"doseAndRate": [{"doseQuantity": amount} for amount in amounts]}


def test_a_dose_by_weight_and_the_one_calculated_of_it_are_a_row_each() -> None:
    assert numbers(doses(PER_KG, mg(42)), 70) == {(35, 0.5, None, None), (42, 0.6, None, None)}


def test_the_order_of_two_amounts_does_not_matter() -> None:
    assert numbers(doses(PER_KG, mg(350)), 70) == numbers(doses(mg(350), PER_KG), 70)


def test_two_amounts_that_come_to_the_same_are_one_row() -> None:
    assert numbers(doses(PER_KG, mg(35), quantity(35000, "ug")), 70) == {(35, 0.5, None, None)}


def test_without_the_weight_an_amount_in_mg_beside_one_by_weight_is_left_open() -> None:
    assert numbers(doses(PER_KG, mg(350))) == {(None, 0.5, None, None), (350, None, None, None)}


def test_a_dose_and_a_rate_of_one_entry_belong_together() -> None:
    ordered = {"doseQuantity": PER_KG, "rateQuantity": quantity(0.75, "mg/kg/h")}
    calculated = {"doseQuantity": mg(70), "rateQuantity": quantity(105, "mg/h")}
    assert numbers({"doseAndRate": [ordered, calculated]}, 70) == {
        (35, 0.5, 40, 0.875),
        (70, 1, 40, 1.75),
    }


def test_a_rate_that_stands_alone_belongs_to_every_dose_of_the_line() -> None:
    rate = {"rateQuantity": quantity(105, "mg/h")}
    apart = {"doseAndRate": [{"doseQuantity": mg(35)}, rate, {"doseQuantity": mg(70)}]}
    assert numbers(apart) == {(35, None, 20, 1.75), (70, None, 40, 1.75)}


def test_a_rate_over_the_duration_told_is_an_amount_beside_the_dose() -> None:
    made = line(mg(350), {"rateQuantity": quantity(0.75, "mg/kg/h")}, **FORTY)
    assert numbers(made) == {(350, None, 40, 8.75), (None, 0.5, 40, None)}
    assert {row[1] for row in numbers(made, 70)} == {5, 0.5}


def test_a_rate_that_agrees_with_dose_and_duration_adds_no_row() -> None:
    assert len(read(line(mg(35), {"rateQuantity": quantity(52.5, "mg/h")}, **FORTY))) == 1


def test_a_volume_beside_a_mass_is_what_the_drug_is_diluted_in() -> None:
    assert numbers(doses(mg(35), quantity(100, "mL"))) == {(35, None, None, None)}


def test_two_volumes_of_one_product_are_two_amounts() -> None:
    found = numbers(doses(quantity(3.5, "mL"), quantity(7, "mL")))
    assert sorted(row[0] or 0 for row in found) == [35, 70]


def test_every_row_of_a_line_tells_from_which_to_which_dose_the_line_goes() -> None:
    told = [row["line_dose"] for row in read(doses(mg(56), mg(112)), code=SPRAY)]
    assert [(cell.span.low, cell.span.high) for cell in told] == [(56, 112)] * 2


def test_very_many_amounts_are_anything_between() -> None:
    [only] = read(doses(*[mg(amount) for amount in range(1, 500)]))
    assert (only["dose"].span.low, only["dose"].span.high) == (1, 499)


@pytest.mark.parametrize("amounts", [(PER_KG, mg(350)), (mg(350), PER_KG), (mg(35), mg(350))])
def test_an_amount_too_large_is_found_beside_one_that_is_not(amounts: tuple[Json, ...]) -> None:
    too_much = WEIGHED | {
        "from": "selections",
        "where": {"route": {"in": "into-vein"}, "per_weight": ">= 0.55 mg/kg [1]"},
    }
    made = draft(doses(*amounts) | {"route": line(None, route=INTO_VEIN)["route"]})
    assert (
        rows(too_much, weighing(70), beside={"weight": WEIGHT}, drafts=[made], hook="order-sign")[
            0
        ].counts.name
        == "TRUE"
    )


amounts = st.sampled_from([mg(35), PER_KG, quantity(50, "mL"), quantity(1e300, "mg"), mg(1e-300), None])
rates = st.sampled_from(
    [
        quantity(52.5, "mg/h"),
        quantity(0.75, "mg/kg/h"),
        quantity(75, "mL/h"),
        quantity(1, "mg/min", "<"),
        None,
    ]
)


@given(amounts, amounts, rates, st.sampled_from([40, 1e-9, None]), st.sampled_from([70.0, 0.001, None]))
def test_knowing_the_weight_changes_nothing_that_was_known_without_it(
    dose: Json | None, other: Json | None, rate: Json | None, minutes: float | None, kilograms: float | None
) -> None:
    timed = {"duration": minutes, "durationUnit": "min"} if minutes else {}
    made = line(dose, {"rateQuantity": rate} if rate else {}, **timed)
    if other:
        made["doseAndRate"] = [*made.get("doseAndRate", []), {"doseQuantity": other}]
    weighed = read(made, kilograms)
    for row in read(made):
        assert any(
            all(row[name] is None or row[name] == known[name] for name in NUMBERS) for known in weighed
        )
