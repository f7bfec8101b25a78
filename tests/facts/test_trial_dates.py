"""Antidepressant trials, dates told by month or year: every number is what all readings of them allow."""

from __future__ import annotations

from calendar import monthrange

import pytest
from chart_builder import (
    ADEQUATE_AND_FAILED,
    CURRENT,
    NO_RESPONSE,
    SERTRALINE,
    Json,
    ask,
    day,
    dispense,
    failed_trials,
    observation,
    order,
    statement,
    tablets,
    trial,
    trials,
    trials_fact,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.finding import Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth


def number(row: Row, column: str) -> Span:
    cell = row.columns[column]
    assert isinstance(cell, Quantity)
    return cell.span


def taken(start: str, end: str) -> Json:
    return statement(SERTRALINE, start, end, why=NO_RESPONSE)


def handed_out(*fills: tuple[str, int]) -> list[Json]:
    """An order that failed and what was handed out on it: (day or month, days of supply)."""
    placed = order(why=NO_RESPONSE)
    return [placed, *(dispense(day=when, days=days, order=placed) for when, days in fills)]


# --- statements ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2025-02", "2025-03", Span(2, 59)),
        ("2025-01", "2025-03", Span(30, 90)),
        ("2025-02", "2025-02", Span(1, 28)),
        ("2025", "2025", Span(1, 365)),
        ("2025-02-10", "2025-03", Span(20, 50)),
        ("2025-02", "2025-05", Span(63, 120)),
        ("2026-02", "2026-03", Span(2, 29)),  # nothing after today
    ],
)
def test_a_statement_by_month_covers_from_its_shortest_to_its_longest_reading(
    start: str, end: str, days: Span
) -> None:
    row = trial(CURRENT, taken(start, end))
    assert (number(row, "days"), number(row, "days_at_dose")) == (days, days)
    assert number(row, "adherence") == Span(1, 1)


@pytest.mark.parametrize(
    ("start", "end", "state"),
    [
        ("2025-02", "2025-05", TRUE),  # 63 days at least
        ("2025-02", "2025-03", UNKNOWN),
        ("2025-02", "2025-02", FALSE),  # 28 at most
    ],
)
def test_forty_two_days_are_decided_only_where_every_reading_agrees(
    start: str, end: str, state: Truth
) -> None:
    data = trials_fact() | {"where": ADEQUATE_AND_FAILED, "give": "count"}
    found = ask(data, CURRENT, taken(start, end))
    assert [row.counts for row in (*found.rows, *found.rejected)] == [state]


def test_what_ended_before_it_began_has_no_days() -> None:
    row = trial(CURRENT, taken("2025-08-29", "2025-06-01"))
    assert "days" not in row.columns
    assert row.why == ("it ended before it began, as recorded",)


def test_a_row_tells_the_dates_as_they_are_known() -> None:
    row = trial(CURRENT, taken("2025-02", "2025-03"))
    assert str(row.evidence.when) == "2025-02 to 2025-03"
    assert (str(row.columns["start"]), str(row.columns["end"])) == ("2025-02", "2025-03")
    assert row.why[-1] == "dates by month"
    assert trial(CURRENT, taken("2024", "2025")).why[-1] == "dates by year"
    assert "dates by month" not in trial(CURRENT, taken("2025-02-01", "2025-03-31")).why


# --- supplies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fills", "days"),
    [
        ([("2025-06", 60)], Span(60, 60)),  # whenever it began
        ([("2026-01", 45)], Span(30, 45)),  # it may reach past today
        ([("2025-02", 30), ("2025-02", 30)], Span(30, 57)),
        ([("2025-02", 30), ("2025-03", 30)], Span(30, 60)),
        ([("2025-06", 60), ("2025-07-10", 30)], Span(60, 89)),
    ],
)
def test_supplies_by_month_cover_what_their_readings_allow(fills: list[tuple[str, int]], days: Span) -> None:
    row = trial(CURRENT, *handed_out(*fills))
    assert number(row, "days").high == days.high
    assert number(row, "days").low == days.low


def test_the_end_of_a_supply_by_month_lies_in_one_of_two_months() -> None:
    row = trial(CURRENT, *handed_out(("2025-06", 60)))
    assert str(row.evidence.when) == "2025-06 to 2025-07 or 2025-08"
    assert str(trial(CURRENT, *handed_out(("2025", 60))).evidence.when) == "2025 to 2025 or 2026"


def test_supplies_that_may_be_stretches_apart_count_as_the_longest_of_them() -> None:
    rows = trials(CURRENT, *handed_out(("2025-02", 30), ("2025-04", 35)))
    assert [number(row, "days") for row in rows] == [Span(35, 65)]
    apart = trials(CURRENT, *handed_out(("2025-02", 30), ("2025-07", 35)))
    assert [number(row, "days") for row in apart] == [Span(35, 35), Span(30, 30)]


def test_scores_tell_nothing_of_dates_that_are_not_known_to_the_day() -> None:
    scores = [observation("44261-6", 20, "2025-01-31"), observation("44261-6", 18, "2025-04-30")]
    vague = statement(SERTRALINE, "2025-02", "2025-05")
    assert trial(CURRENT, vague, *scores).columns["outcome"] is None
    assert trial(CURRENT, statement(SERTRALINE, "2025-02-01", "2025-05-10"), *scores).columns["outcome"]


def test_a_trial_by_month_is_of_an_earlier_episode_only_if_it_surely_ended_before() -> None:
    episode = CURRENT | {"onsetDateTime": "2025-03-20"}
    assert trial(episode, taken("2025-01", "2025-02")).columns["episode"] == "earlier"
    assert trial(episode, taken("2025-01", "2025-03")).columns["episode"] is None


# --- statements beside supplies ------------------------------------------------------------------


def test_a_statement_that_may_share_a_day_with_a_supply_adds_at_most() -> None:
    placed = order(why=NO_RESPONSE)
    filled = [placed, dispense(day="2025-03-15", days=30, order=placed)]
    row = trial(CURRENT, *filled, statement(SERTRALINE, "2025-01", "2025-03"))
    assert number(row, "days") == Span(1, 103)  # or it ended within the supply
    apart = trial(CURRENT, *filled, statement(SERTRALINE, "2025-01-31", "2025-03-01"))
    assert number(apart, "days") == Span(60, 60)


def test_a_statement_within_the_days_of_a_supply_adds_nothing() -> None:
    row = trial(CURRENT, *handed_out(("2025-02-01", 30)), statement(SERTRALINE, "2025-02", "2025-02"))
    assert number(row, "days").high == 30


# --- every reading -------------------------------------------------------------------------------

MONTHS = st.integers(1, 8).map(lambda month: f"2025-{month:02}")


def reading(month: str, at: int) -> str:
    """A day of a month, counted from its first."""
    year, number = (int(part) for part in month.split("-"))
    return day(f"{month}-01", at % monthrange(year, number)[1])


@given(
    st.lists(
        st.tuples(MONTHS, st.booleans(), st.integers(0, 30), st.integers(5, 90), st.sampled_from([0.25, 1])),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_what_a_vague_chart_settles_every_reading_of_it_settles_alike(
    fills: list[tuple[str, bool, int, int, float]],
) -> None:
    placed = order(why=NO_RESPONSE)

    def charted(*, vague: bool) -> list[Json]:
        return [
            dispense(
                day=month if vague and by_month else reading(month, at),
                days=days,
                order=placed,
                dosage=tablets(number),
            )
            for month, by_month, at, days, number in fills
        ]

    data = trials_fact() | {"where": ADEQUATE_AND_FAILED, "give": "count"}
    told = ask(data, CURRENT, placed, *charted(vague=True))
    true = ask(data, CURRENT, placed, *charted(vague=False))
    sure = [row for row in told.rows if row.counts is TRUE]
    assert not sure or true.rows
    assert not true.rows or told.rows


def test_a_failed_trial_by_month_counts_if_it_was_surely_long_enough() -> None:
    assert failed_trials(CURRENT, taken("2025-02", "2025-05")).low == 1
    assert failed_trials(CURRENT, taken("2025-02", "2025-03")).low == 0
