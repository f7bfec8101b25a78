"""Antidepressant trials, ends on record before a supply ran out: the days after them are not surely taken."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    CITALOPRAM,
    CURRENT,
    ESCITALOPRAM,
    NO_RESPONSE,
    SERTRALINE,
    Json,
    day,
    dispense,
    failed_trials,
    observation,
    order,
    quantity,
    statement,
    tablets,
    trial,
    trials,
)

from cds_service.facts.finding import Quantity, Row
from cds_service.truth import UNKNOWN, Span

START, LAST = "2025-02-01", "2025-05-01"  # 90 days, both included
SERTRALINE_50 = "312941"


def number(row: Row, column: str) -> Span:
    cell = row.columns[column]
    assert isinstance(cell, Quantity)
    return cell.span


def bounded(**bounds: Any) -> Json:
    """One tablet a day with an end."""
    daily = tablets()
    return daily | {"timing": {"repeat": daily["timing"]["repeat"] | bounds}}


def until(end: str) -> Json:
    return bounded(boundsPeriod={"start": START, "end": end})


def ordered(dosage: Json, *fills: tuple[int, int], **more: Any) -> list[Json]:
    placed = order(why=NO_RESPONSE, dosage=dosage)
    return [
        placed,
        *(dispense(day=day(START, at), days=n, order=placed, **more) for at, n in fills or [(0, 90)]),
    ]


def days(*resources: Json, **call: Any) -> Span:
    return number(trial(CURRENT, *resources, **call), "days")


# --- what was ordered ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2025-02-20", Span(20, 90)),
        (START, Span(1, 90)),
        ("2025-01-31", Span(0, 90)),
        (LAST, Span(90, 90)),
        ("2025-06-01", Span(90, 90)),  # bounds add no days
        ("2025-03", Span(29, 90)),
        ("soon", Span(90, 90)),
    ],
)
def test_an_order_that_ended_before_the_supply_ran_out_leaves_the_rest_open(end: str, expected: Span) -> None:
    assert days(*ordered(until(end))) == expected


def test_the_instructions_of_the_supply_may_end_before_it_ran_out() -> None:
    placed = order(why=NO_RESPONSE)
    assert days(placed, dispense(days=90, order=placed, dosage=until("2025-02-20"))) == Span(20, 90)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"boundsDuration": quantity(20, "d")}, Span(20, 90)),
        ({"boundsDuration": quantity(8, "wk")}, Span(56, 90)),
        ({"boundsRange": {"low": quantity(10, "d"), "high": quantity(30, "d")}}, Span(30, 90)),
        ({"boundsDuration": quantity(120, "d")}, Span(90, 90)),
        ({"boundsDuration": quantity(20, "{tbl}")}, Span(90, 90)),
    ],
)
def test_a_length_of_time_counts_from_the_day_of_the_supply(bounds: Json, expected: Span) -> None:
    assert days(*ordered(bounded(**bounds))) == expected


def test_each_supply_of_an_order_is_compared_with_its_end() -> None:
    assert days(*ordered(until("2025-03-10"), (0, 30), (30, 30), (60, 30))) == Span(38, 90)


def test_an_order_with_a_line_that_goes_on_has_no_end() -> None:
    placed = order(why=NO_RESPONSE, dosageInstruction=[until("2025-02-20"), tablets()])
    assert days(placed, dispense(days=90, order=placed, dosage=tablets())) == Span(90, 90)


def test_an_order_without_a_link_ends_the_supply_it_was_written_for() -> None:
    supply = dispense(days=90)
    assert days(order(dosage=until("2025-02-20")), supply) == Span(20, 90)
    later = order(written="2025-02-20")
    assert days(order(dosage=until("2025-02-20")), later, supply) == Span(90, 90)
    assert days(order(dosage=until("2025-02-20"), status="draft"), supply) == Span(90, 90)


# --- what was stated -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["stopped", "completed", "active"])
def test_a_statement_that_ended_before_the_supply_ran_out_leaves_the_rest_open(status: str) -> None:
    said = statement(SERTRALINE, START, "2025-02-20", status=status)
    assert days(*ordered(tablets()), said) == Span(20, 90)


@pytest.mark.parametrize(
    "said",
    [
        statement(SERTRALINE, START, LAST),
        statement(SERTRALINE, START, None, status="active"),
        statement(SERTRALINE, "2024-10-01", START),  # an earlier course, until the day of the supply
        statement(SERTRALINE, "2024-10-01", "2025-01-10"),
        statement(SERTRALINE, START, "2025-02-20", status="not-taken"),
        statement(SERTRALINE_50, START, "2025-02-20"),  # the strength was changed
        statement(CITALOPRAM, START, "2025-02-20"),
    ],
)
def test_a_statement_that_contradicts_nothing_shortens_nothing(said: Json) -> None:
    rows = trials(CURRENT, *ordered(tablets()), said)
    spans = [number(row, "days") for row in rows if "days" in row.columns]
    assert Span(90, 90) in spans


def test_of_statements_that_follow_each_other_the_last_end_counts() -> None:
    said = [statement(SERTRALINE, START, "2025-02-20"), statement(SERTRALINE, "2025-03-01", "2025-04-01")]
    assert days(*ordered(tablets()), *said) == Span(60, 90)


def test_a_supply_handed_out_after_the_stated_end_is_taken_up_again() -> None:
    said = statement(SERTRALINE, START, "2025-02-20")
    assert days(*ordered(tablets(), (0, 30), (30, 60)), said) == Span(80, 90)


def test_the_end_of_the_other_drug_of_a_pair_that_counts_as_one_says_nothing() -> None:
    placed = order(ESCITALOPRAM, START, why=NO_RESPONSE)
    supply = dispense(ESCITALOPRAM, START, 90, order=placed)
    assert days(placed, supply, statement(CITALOPRAM, "2024-12-01", "2025-02-20")) == Span(90, 90)


# --- told, and what follows ----------------------------------------------------------------------


def test_the_row_tells_the_end_and_that_the_supply_lasted_longer() -> None:
    row = trial(CURRENT, *ordered(until("2025-02-20")))
    assert "its end is on record as 2025-02-20, before the supply ran out" in row.why
    assert str(row.evidence.when) == f"{START} to {LAST}"
    assert number(row, "adherence") == Span(1, 1)


@pytest.mark.parametrize(("end", "counts"), [("2025-03-13", 0), ("2025-03-14", 1)])
def test_forty_two_days_up_to_the_end_on_record_are_enough(end: str, counts: int) -> None:
    assert failed_trials(CURRENT, *ordered(until(end))).low == counts


def test_scores_tell_nothing_of_a_trial_whose_end_is_open() -> None:
    scores = [observation("44261-6", 20, START), observation("44261-6", 4, "2025-04-20")]
    placed = order(dosage=until("2025-03-20"))
    assert trial(CURRENT, placed, dispense(days=90, order=placed), *scores).columns["outcome"] is None


def test_a_trial_with_an_end_on_record_is_not_surely_over_before_the_episode() -> None:
    episode = CURRENT | {"onsetDateTime": "2025-03-20"}
    assert trial(episode, *ordered(until("2025-02-20"))).columns["episode"] is None


def test_an_order_that_was_not_obtained_may_have_an_end() -> None:
    placed = order(why=NO_RESPONSE, dosage=until("2025-02-20"))
    supply = dispense(days=90, order=placed, dosage=tablets())
    assert trial(CURRENT, placed, supply, without=["medication-requests"]).counts is UNKNOWN
