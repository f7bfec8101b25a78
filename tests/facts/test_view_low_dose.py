"""The column `low_dose` of `current_drugs`: what an entry says by itself of its daily dose."""

from __future__ import annotations

import pytest
from chart_builder import Json, administration, ask, dispense, dosage, order, quantity, statement, tablets

from cds_service.facts.finding import Cell
from cds_service.truth import FALSE, TRUE

TRAZODONE, FIFTY = "10737", "856377"
TODAY = "2026-02-20"
DRUGS: Json = {
    "view": "current_drugs",
    "code_in": "antidepressant",
    "with": {
        "minimum_dose": "antidepressant-minimum-dose",
        "dose_column": "minimum",
        "given_within": "1 day [13]",
    },
    "give": "exists",
    "record": "complete",
    "because": "A test says so [13].",
}


def low(*resources: Json, without: str = "") -> Cell:
    """The column of the first entry."""
    asked = DRUGS | ({"with": {"given_within": "1 day [13]"}} if without else {})
    return ask(asked, *resources).rows[0].columns["low_dose"]


def daily(amount: Json, **repeat: object) -> Json:
    return dosage(amount, **({"frequency": 1, "period": 1, "periodUnit": "d"} | repeat))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (daily(quantity(149, "mg")), TRUE),
        (daily(quantity(150, "mg")), FALSE),
        (daily(quantity(75, "mg"), frequency=2), FALSE),
        (daily(quantity(75, "mg"), frequencyMax=2), None),
        (daily(quantity(75, "mg"), periodMax=2), None),
        (dosage(quantity(50, "mg")), None),
        ({"text": "50 mg at night"}, None),
        ({"doseAndRate": [{"doseRange": {"low": quantity(50, "mg"), "high": quantity(200, "mg")}}]}, None),
    ],
)
def test_the_daily_dose_of_an_order_or_statement_is_low_if_it_is_surely_below_the_minimum(
    line: Json, expected: object
) -> None:
    assert low(order(TRAZODONE, TODAY, status="active", dosage=line)) is expected
    assert low(statement(TRAZODONE, TODAY, None, status="active", dosage=line)) is expected


@pytest.mark.parametrize(("number", "expected"), [(30, TRUE), (90, FALSE)])
def test_a_supply_without_instructions_tells_its_dose_by_what_was_handed_out(
    number: int, expected: object
) -> None:
    supply = dispense(FIFTY, TODAY, 30, quantity=quantity(number, "{tbl}"))
    supply.pop("dosageInstruction")
    assert low(supply) is expected


def test_a_supply_is_not_read_by_the_order_it_names_which_may_be_lost() -> None:
    ordered = order(FIFTY, TODAY, status="active", dosage=tablets())
    supply = dispense(FIFTY, TODAY, 30, order=ordered)
    assert low(supply) is None


def test_a_dose_given_and_a_call_without_a_table_tell_nothing() -> None:
    assert low(administration(TRAZODONE, "2026-03-01T08:00:00Z")) is None
    assert (
        low(order(TRAZODONE, TODAY, status="active", dosage=daily(quantity(50, "mg"))), without="table")
        is None
    )
