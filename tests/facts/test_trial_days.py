"""Antidepressant trials, the days: supplies merged and bridged, days at dose, what counts as taken at all.

The fixture charts tell the stories; here every number has both its sides.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from chart_builder import (
    CITALOPRAM,
    CURRENT,
    ESCITALOPRAM,
    NO_RESPONSE,
    SERTRALINE,
    VENLAFAXINE,
    Json,
    concept,
    day,
    dispense,
    dosage,
    failed,
    failed_trials,
    order,
    quantity,
    statement,
    tablets,
    trial,
    trials,
)

from cds_service.facts.finding import Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

START = "2025-02-01"


def number(row: Row, column: str) -> Span:
    cell = row.columns[column]
    assert isinstance(cell, Quantity)
    return cell.span


def days(row: Row) -> float:
    assert number(row, "days").exact
    return number(row, "days").low


def fills(*parts: tuple[int, int], code: str = SERTRALINE, **more: Any) -> list[Json]:
    """An order that failed, and fills: (days after the start, days of supply)."""
    made = order(code, START, why=NO_RESPONSE)
    return [
        CURRENT,
        made,
        *(dispense(code, day(START, at), length, order=made, **more) for at, length in parts),
    ]


# --- merged, bridged, covered --------------------------------------------------------------------


def test_overlapping_fills_are_merged_and_not_shifted() -> None:
    row = trial(*fills((0, 30), (10, 30)))
    assert (days(row), str(row.columns["end"])) == (40, "2025-03-12")


def test_a_fill_inside_another_adds_nothing() -> None:
    assert days(trial(*fills((0, 84), (10, 30)))) == 84


def test_the_same_fill_twice_over_is_one() -> None:
    assert days(trial(*fills((0, 30), (0, 30)))) == 30


@pytest.mark.parametrize(("gap", "stretches"), [(0, 1), (1, 1), (14, 1), (15, 2), (40, 2)])
def test_a_gap_of_fourteen_days_is_bridged_and_of_fifteen_is_not(gap: int, stretches: int) -> None:
    rows = trials(*fills((0, 30), (30 + gap, 30)))
    assert len(rows) == stretches
    assert sum(days(row) for row in rows) == 60


def test_bridged_days_count_as_elapsed_and_not_as_covered() -> None:
    row = trial(*fills((0, 30), (44, 30)))
    assert (days(row), number(row, "adherence").low) == (60, 60 / 74)


@pytest.mark.parametrize(("gap", "adherence", "counts"), [(10, 44 / 54, 1), (11, 0.8, 1), (12, 44 / 56, 0)])
def test_exactly_four_fifths_of_the_days_covered_are_enough(gap: int, adherence: float, counts: int) -> None:
    chart = fills((0, 22), (22 + gap, 22))
    assert number(trial(*chart), "adherence").low == adherence
    assert failed_trials(*chart).low == counts


@pytest.mark.parametrize(("length", "counts"), [(42, 1), (41, 0), (43, 1), (1, 0)])
def test_forty_two_days_are_enough_and_forty_one_are_not(length: int, counts: int) -> None:
    assert failed_trials(*fills((0, length))).low == counts


def test_two_stretches_apart_do_not_make_one_trial() -> None:
    assert failed_trials(*fills((0, 30), (60, 30))).low == 0


# --- today, yesterday, tomorrow ------------------------------------------------------------------


def test_a_supply_still_running_ends_today() -> None:
    row = trial(CURRENT, dispense(SERTRALINE, "2026-02-01", 90))
    assert (days(row), str(row.columns["end"])) == (29, "2026-03-01")


def test_a_supply_of_the_future_is_none() -> None:
    assert trials(CURRENT, dispense(SERTRALINE, "2026-03-02", 90)) == []
    assert days(trial(CURRENT, dispense(SERTRALINE, "2026-03-01", 90))) == 1
    assert trials(CURRENT, statement(SERTRALINE, "2027-01-01", None, status="active")) == []


def test_the_day_of_a_clock_time_is_that_of_the_zone() -> None:
    late = dispense(SERTRALINE, "2025-02-02T03:00:00Z", 30)
    assert str(trial(CURRENT, late).columns["start"]) == "2025-02-02"
    assert str(trial(CURRENT, late, zone=ZoneInfo("America/New_York")).columns["start"]) == "2025-02-01"


def test_a_stretch_over_a_change_of_clocks_has_its_calendar_days() -> None:
    row = trial(CURRENT, dispense(SERTRALINE, "2025-03-01", 30), zone=ZoneInfo("Europe/Berlin"))
    assert days(row) == 30


@pytest.mark.parametrize(
    "broken", [{"days": None}, {"day": None}, {"day": "soon"}, {"days": quantity(30, "{tbl}")}]
)
def test_a_fill_without_a_day_or_a_length_is_possible_only(broken: dict[str, Any]) -> None:
    row = trial(CURRENT, dispense(SERTRALINE, **broken))
    assert "days" not in row.columns
    assert row.columns["ingredient"] == "sertraline"
    assert failed_trials(CURRENT, dispense(SERTRALINE, **broken)).low == 0


@pytest.mark.parametrize(
    ("supply", "length"),
    [
        (quantity(12, "wk"), 84),
        ({"value": 84, "unit": "days"}, 84),
        ({"value": 84}, 84),
        (quantity(0, "d"), None),
    ],
)
def test_days_of_supply_may_be_weeks_or_without_a_unit(supply: Json, length: int | None) -> None:
    row = trial(CURRENT, dispense(SERTRALINE, START, supply))
    assert (days(row) if "days" in row.columns else None) == length


def test_the_day_it_was_prepared_stands_in_for_the_day_it_was_handed_over() -> None:
    assert str(trial(dispense(SERTRALINE, None, 30, whenPrepared=START)).columns["start"]) == START


# --- dose ----------------------------------------------------------------------------------------


def test_days_below_the_minimum_dose_do_not_count_but_are_covered() -> None:
    made = order("312940", START, why=NO_RESPONSE)
    low, high = (
        dispense("312940", START, 30, order=made),
        dispense(SERTRALINE, day(START, 30), 30, order=made),
    )
    row = trial(CURRENT, made, low, high)
    assert (days(row), number(row, "days_at_dose")) == (60, Span(30, 30))
    assert failed_trials(CURRENT, made, low, high).low == 0


@pytest.mark.parametrize(("count", "at_dose"), [(0.5, Span(84, 84)), (0.49, Span(0, 0)), (1, Span(84, 84))])
def test_the_minimum_dose_itself_is_enough(count: float, at_dose: Span) -> None:
    """Half a tablet of 100 mg is the 50 mg a sertraline trial needs."""
    assert number(trial(dispense(dosage=tablets(count))), "days_at_dose") == at_dose


@pytest.mark.parametrize("told", [{"text": "as directed"}, dosage(quantity(100, "mg"))])
def test_a_dose_that_cannot_be_told_leaves_the_days_at_dose_open(told: Json) -> None:
    assert number(trial(dispense(dosage=told)), "days_at_dose") == Span(0, 84)


def test_a_fill_without_instructions_has_those_of_its_order() -> None:
    made = order(SERTRALINE, START, dosage=tablets(2))
    assert number(trial(made, dispense(order=made)), "dose") == Span(200, 200)
    assert number(trial(made, dispense(order=made, dosage=tablets())), "dose") == Span(100, 100)


def test_without_any_instruction_the_number_handed_out_tells_the_dose() -> None:
    bare = dispense(days=30, quantity=quantity(60, "{tbl}"))
    del bare["dosageInstruction"]
    assert number(trial(bare), "dose") == Span(200, 200)
    assert trial(bare | {"quantity": quantity(60, "mL")}).columns["dose"] is None
    assert trial(bare | {"quantity": quantity(60, "{tbl}", "<")}).columns["dose"] is None


def test_a_weekly_capsule_has_a_minimum_of_its_own() -> None:
    weekly = dosage(quantity(1, "{cap}"), frequency=1, period=1, periodUnit="wk")
    assert number(trial(dispense("313995", dosage=weekly)), "days_at_dose") == Span(84, 84)
    thin = dosage(quantity(1, "{cap}"), frequency=1, period=2, periodUnit="wk")
    assert number(trial(dispense("313995", dosage=thin)), "days_at_dose") == Span(0, 0)


def test_a_patch_is_counted_by_the_hour() -> None:
    one = dosage(quantity(1, "{patch}"), frequency=1, period=1, periodUnit="d")
    row = trial(dispense("865206", dosage=one))
    assert (number(row, "dose"), number(row, "days_at_dose")) == (Span(6, 6), Span(84, 84))


def test_a_drug_known_by_text_or_ingredient_has_no_strength_to_count_on() -> None:
    for code in (concept(text="Effexor XR 150mg daily"), "39786"):
        assert number(trial(dispense(code)), "days_at_dose") == Span(0, 84)
    measured = dispense("39786", dosage=dosage(quantity(150, "mg"), frequency=1, period=1, periodUnit="d"))
    assert number(trial(measured), "days_at_dose") == Span(84, 84)


# --- taken at all --------------------------------------------------------------------------------

NEEDED = tablets() | {"asNeededBoolean": True}


@pytest.mark.parametrize(
    "status", ["cancelled", "entered-in-error", "declined", "on-hold", "preparation", "stopped"]
)
def test_what_was_never_handed_over_is_no_supply(status: str) -> None:
    assert [row for row in trials(dispense(status=status)) if row.counts is not FALSE] == []


def test_a_drug_taken_only_when_needed_is_no_trial() -> None:
    made = order(dosage=NEEDED)
    for chart in (
        [dispense(dosage=NEEDED)],
        [statement(dosage=NEEDED)],
        [made, dispense(order=made)],
        [made],
    ):
        (row,) = trials(*chart)
        assert (row.counts, row.why) == (FALSE, ("taken only when needed",))


def test_whether_it_was_taken_when_needed_is_open_while_its_order_is_lost() -> None:
    made = order(dosage=NEEDED)
    row = trial(made, dispense(order=made), without=["medication-requests"])
    assert (row.counts, number(row, "days_at_dose")) == (UNKNOWN, Span(0, 84))


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "draft"},
        {"status": "cancelled"},
        {"status": "on-hold"},
        {"status": "entered-in-error"},
        {"doNotPerform": True},
        {"intent": "proposal"},
        {"intent": "plan"},
        {"intent": "option"},
    ],
)
def test_an_order_that_never_held_is_no_trial(broken: dict[str, Any]) -> None:
    assert [row for row in trials(CURRENT, order(why=NO_RESPONSE) | broken) if row.counts is not FALSE] == []


def test_an_order_alone_is_seen_and_never_adequate() -> None:
    row = trial(CURRENT, order(why=NO_RESPONSE))
    assert (row.counts, row.columns.get("days"), row.columns.get("outcome")) == (TRUE, None, None)
    assert failed_trials(CURRENT, order(why=NO_RESPONSE)).low == 0


def test_statements_count_where_nothing_was_dispensed() -> None:
    assert days(trial(statement(SERTRALINE, START, "2025-02-28"))) == 28
    assert failed_trials(CURRENT, statement(why=NO_RESPONSE)).low == 1


@pytest.mark.parametrize("status", ["intended", "on-hold", "unknown", "entered-in-error", "not-taken"])
def test_a_statement_that_does_not_say_taken_is_none(status: str) -> None:
    assert [row for row in trials(statement(status=status)) if row.counts is not FALSE] == []


def test_an_open_statement_runs_to_today_only_while_active() -> None:
    assert days(trial(statement(SERTRALINE, "2026-02-01", None, status="active"))) == 29
    assert "days" not in trial(statement(SERTRALINE, "2026-02-01", None, status="stopped")).columns


def test_overlapping_statements_are_merged_in_any_order() -> None:
    one, other = statement(SERTRALINE, START, "2025-03-01"), statement(SERTRALINE, "2025-02-20", "2025-04-30")
    assert days(trial(one, other)) == days(trial(other, one)) == 89


def test_a_statement_about_dispensed_days_adds_nothing() -> None:
    assert days(trial(dispense(days=30), statement(SERTRALINE, START, "2025-06-30"))) == 30


def test_a_statement_that_it_was_not_taken_leaves_a_supply_open() -> None:
    row = trial(CURRENT, *failed(SERTRALINE, START, 84), statement(status="not-taken"))
    assert (row.counts, row.why[-1]) == (UNKNOWN, "a statement says that it was not taken")
    other = failed_trials(CURRENT, *failed(SERTRALINE, START, 84), statement(VENLAFAXINE, status="not-taken"))
    assert other.low == 1


# --- which drug ----------------------------------------------------------------------------------


def test_brand_and_generic_of_one_ingredient_are_one_drug() -> None:
    chart = [*failed("208149", START, 56), *failed("410584", "2025-06-01", 70)]
    assert failed_trials(CURRENT, *chart).low == 1
    assert {row.columns["ingredient"] for row in trials(*chart)} == {"sertraline"}


def test_enantiomer_and_racemate_count_once() -> None:
    chart = [*failed(CITALOPRAM, START, 56), *failed(ESCITALOPRAM, "2025-06-01", 56)]
    assert failed_trials(CURRENT, *chart).low == 1


@pytest.mark.parametrize(
    "code",
    [
        *["966787", "966791", "966793", "966795", "1000091", "1000093", "1000095", "1801289", "1551468"],
        *["1551474", "1430122", "1430128", "859186", "859188", "859190", "859192", "859193"],
        *["2119381", "238082", "6448"],
    ],
)
def test_look_alikes_and_other_drugs_are_no_antidepressant(code: str) -> None:
    assert [row for row in trials(dispense(code)) if row.counts is not FALSE] == []


def test_a_combination_counts_through_its_antidepressant() -> None:
    assert trial(dispense("403970")).columns["ingredient"] == "fluoxetine"


def test_a_long_life_of_statements_is_counted_at_once() -> None:
    """Hostile dates cost nothing: days are counted by intervals."""
    many = [statement(SERTRALINE, "0002-01-01", None, status="active") for _ in range(200)]
    assert days(trial(*many, as_of=datetime(2026, 3, 1, tzinfo=UTC))) > 700_000
