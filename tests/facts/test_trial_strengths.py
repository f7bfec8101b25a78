"""Antidepressant trials, the dose: strengths taken together, refills, doses that cannot be true."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    CITALOPRAM,
    CURRENT,
    ESCITALOPRAM,
    NO_RESPONSE,
    RXNORM,
    SERTRALINE,
    Json,
    ask,
    coding,
    concept,
    day,
    dispense,
    failed_trials,
    order,
    statement,
    tablets,
    trial,
    trials_fact,
)

from cds_service.facts.finding import Quantity, Row
from cds_service.truth import Span

START = "2025-10-01"
NORTRIPTYLINE_25, NORTRIPTYLINE_50 = "317136", "198046"
SERTRALINE_25, SERTRALINE_50 = "312940", "312941"


def number(row: Row, column: str) -> Span:
    cell = row.columns[column]
    assert isinstance(cell, Quantity)
    return cell.span


def filled(code: str, at: int = 0, days: int = 60, count: float = 1, **more: Any) -> list[Json]:
    """An order of its own and its supply, so many days after the start."""
    placed = order(code, day(START, at), why=NO_RESPONSE, dosage=tablets(count))
    return [placed, dispense(code, day(START, at), days, order=placed, dosage=tablets(count), **more)]


@pytest.mark.parametrize(
    ("chart", "at_dose", "dose"),
    [
        # 50 mg and 25 mg handed out for the very same days: 75 mg is the minimum
        ([*filled(NORTRIPTYLINE_50), *filled(NORTRIPTYLINE_25)], Span(60, 60), Span(75, 75)),
        ([*filled(NORTRIPTYLINE_25, count=2), *filled(NORTRIPTYLINE_25)], Span(60, 60), Span(75, 75)),
        # the same dose twice over: recorded twice, or two of them
        ([*filled(NORTRIPTYLINE_50), *filled(NORTRIPTYLINE_50)], Span(0, 60), Span(50, 100)),
        # another day: both, or one after the other
        ([*filled(NORTRIPTYLINE_50), *filled(NORTRIPTYLINE_25, 1, 59)], Span(0, 59), Span(50, 75)),
        ([*filled(NORTRIPTYLINE_50), *filled(NORTRIPTYLINE_25, 50)], Span(0, 10), Span(25, 75)),
        # one after the other
        ([*filled(NORTRIPTYLINE_50), *filled(NORTRIPTYLINE_25, 60)], Span(0, 0), Span(25, 50)),
        # even the sum is too little
        ([*filled(NORTRIPTYLINE_25), *filled(NORTRIPTYLINE_25, 1, 60)], Span(0, 0), Span(25, 50)),
    ],
)
def test_supplies_that_overlap_come_to_the_larger_the_sum_or_anything_between(
    chart: list[Json], at_dose: Span, dose: Span
) -> None:
    row = trial(CURRENT, *chart)
    assert (number(row, "days_at_dose"), number(row, "dose")) == (at_dose, dose)


def test_refills_of_one_order_that_overlap_are_taken_one_after_the_other() -> None:
    placed = order(NORTRIPTYLINE_50, START, why=NO_RESPONSE)
    fills = [dispense(NORTRIPTYLINE_50, day(START, at), 30, order=placed) for at in (0, 20, 40)]
    row = trial(CURRENT, placed, *fills)
    assert (number(row, "days_at_dose"), number(row, "dose")) == (Span(0, 0), Span(50, 50))


def test_statements_of_two_strengths_are_read_alike() -> None:
    both = [statement(code, START, day(START, 59)) for code in (NORTRIPTYLINE_50, NORTRIPTYLINE_25)]
    assert number(trial(CURRENT, *both), "days_at_dose") == Span(60, 60)


def test_a_strength_nobody_can_read_beside_one_that_is_too_little_leaves_the_days_open() -> None:
    unread = dispense(NORTRIPTYLINE_25, START, 60, dosage={"text": "as directed"})
    row = trial(CURRENT, *filled(NORTRIPTYLINE_50), unread)
    assert number(row, "days_at_dose") == Span(0, 60)
    assert row.columns["dose"] is None


def test_a_strength_beside_one_that_is_enough_changes_nothing() -> None:
    row = trial(CURRENT, *filled(SERTRALINE), *filled(SERTRALINE_25, 7, 30))
    assert number(row, "days_at_dose") == Span(60, 60)


def test_a_strength_whose_day_is_vague_is_never_surely_taken_with_another() -> None:
    vague = dispense(NORTRIPTYLINE_25, "2025-10", 60, order=None, dosage=tablets())
    row = trial(CURRENT, *filled(NORTRIPTYLINE_50), vague)
    assert number(row, "days_at_dose") == Span(0, 60)


def test_many_strengths_at_once_are_read_without_adding_refills() -> None:
    chart = [one for at in range(0, 60, 10) for one in filled(NORTRIPTYLINE_25, at, 10)]
    assert number(trial(CURRENT, *chart), "dose") == Span(25, 25)


# --- told ----------------------------------------------------------------------------------------


def test_a_row_of_two_drugs_names_both_each_with_its_own_minimum() -> None:
    row = trial(CURRENT, *filled(CITALOPRAM, 0, 28), *filled(ESCITALOPRAM, 28, 60, count=0.5))
    assert row.evidence.text == ("citalopram 20 mg/d (minimum 20), then escitalopram 5 mg/d (minimum 10)")
    assert number(row, "days_at_dose") == Span(28, 28)
    assert row.columns["ingredient"] == "citalopram"


def test_a_row_of_one_drug_names_it_once() -> None:
    row = trial(CURRENT, *filled(SERTRALINE_50, 0, 30), *filled(SERTRALINE, 30, 30))
    assert row.evidence.text == "sertraline 50 to 100 mg/d (minimum 50 mg/d)"


# --- doses that cannot be true -------------------------------------------------------------------


@pytest.mark.parametrize(("count", "dose"), [(4, Span(400, 400)), (4.01, None), (100, None)])
def test_a_dose_above_the_greatest_of_the_table_is_not_read(count: float, dose: Span | None) -> None:
    """Twice the highest usual dose of sertraline is 400 mg: a hundred tablets of 100 mg are 100 mg."""
    row = trial(CURRENT, *filled(SERTRALINE, count=count))
    cell = row.columns["dose"]
    assert (cell.span if isinstance(cell, Quantity) else cell) == dose
    assert number(row, "days_at_dose") == (Span(60, 60) if dose else Span(0, 60))
    unread = "a dose on record is more than anybody takes, and was not read"
    assert (unread in row.why) is (dose is None)


def test_a_dose_that_cannot_be_true_makes_no_failed_trial() -> None:
    assert failed_trials(CURRENT, *filled(SERTRALINE, count=4)).low == 1
    assert failed_trials(CURRENT, *filled(SERTRALINE, count=50)).low == 0


def test_a_product_has_a_greatest_dose_of_its_own() -> None:
    weekly = concept(coding("313995", RXNORM))
    assert trial(CURRENT, dispense(weekly, START, 60)).columns["dose"] is None


def test_without_the_table_every_dose_is_read() -> None:
    data = trials_fact()
    del data["with"]["greatest_dose"]
    (row,) = ask(data, CURRENT, *filled(SERTRALINE, count=50)).rows
    assert number(row, "dose") == Span(5000, 5000)
