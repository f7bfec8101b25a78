"""Antidepressant trials, reasons for stopping: each closes its own order, what follows the rest."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    CITALOPRAM,
    CURRENT,
    ESCITALOPRAM,
    NO_RESPONSE,
    NOT_TOLERATED,
    SERTRALINE,
    VENLAFAXINE,
    Json,
    bundle,
    day,
    dispense,
    failed,
    failed_trials,
    observation,
    order,
    statement,
    trial,
)

from cds_service.truth import UNKNOWN

START = "2025-12-15"
SERTRALINE_50 = "312941"
WENT_ON = "a reason for stopping is on record, yet the drug went on"
NOT_STOPPED = "a reason for stopping is on record, yet the entry says that it was not stopped"


def filled(code: str, at: int, days: int, why: str | None, status: str = "stopped") -> list[Json]:
    """An order of its own and its supply, so many days after the start."""
    placed = order(code, day(START, at), why=why, status=status)
    return [placed, dispense(code, day(START, at), days, order=placed)]


def outcome(*resources: Json, **call: Any) -> Any:
    return trial(CURRENT, *resources, **call).columns["outcome"]


# --- what follows --------------------------------------------------------------------------------

LOW = filled(SERTRALINE_50, 0, 30, NO_RESPONSE)
SCORES = [observation("44261-6", 22, START), observation("44261-6", 2, "2026-02-27")]


def test_a_dose_raised_for_lack_of_response_is_no_failure_while_the_trial_goes_on() -> None:
    row = trial(CURRENT, *LOW, *filled(SERTRALINE, 30, 60, None, "active"))
    assert (row.columns["outcome"], row.why) == (None, (WENT_ON,))


def test_scores_count_for_a_trial_that_went_on() -> None:
    raised = [*LOW, *filled(SERTRALINE, 30, 60, None, "active")]
    assert outcome(*raised, *SCORES) == "responded"
    assert failed_trials(CURRENT, *raised, *SCORES).low == 0
    worse = [SCORES[0], observation("44261-6", 20, "2026-02-27")]
    assert outcome(*raised, *worse) == "failed"


@pytest.mark.parametrize(
    ("why", "expected"), [(NO_RESPONSE, "failed"), (NOT_TOLERATED, "not-tolerated"), (None, None)]
)
def test_a_trial_that_went_on_ends_as_what_followed_did(why: str | None, expected: str | None) -> None:
    assert outcome(*LOW, *filled(SERTRALINE, 30, 40, why)) == expected


def test_a_change_to_the_drug_it_counts_as_is_no_failure_of_the_trial() -> None:
    change = [
        *filled(CITALOPRAM, 0, 28, NO_RESPONSE),
        *filled(ESCITALOPRAM, 28, 90, None, "active"),
    ]
    assert outcome(*change) is None
    ended = [*filled(CITALOPRAM, 0, 28, NO_RESPONSE), *filled(ESCITALOPRAM, 28, 40, NO_RESPONSE)]
    assert outcome(*ended) == "failed"


def test_an_intolerance_at_a_dose_that_was_lowered_is_no_end_of_the_trial() -> None:
    lowered = [
        *filled(SERTRALINE, 0, 30, NOT_TOLERATED),
        *filled(SERTRALINE_50, 30, 60, None, "active"),
    ]
    assert outcome(*lowered) is None


def test_a_supply_without_an_order_may_be_what_followed() -> None:
    assert outcome(*LOW, dispense(SERTRALINE_50, day(START, 30), 30)) is None
    assert outcome(dispense(SERTRALINE_50, day(START, -20), 20), *LOW) == "failed"


def test_refills_of_the_order_that_was_stopped_are_part_of_it() -> None:
    placed = order(SERTRALINE, START, why=NO_RESPONSE)
    fills = [dispense(SERTRALINE, day(START, at), 30, order=placed) for at in (0, 30)]
    assert outcome(placed, *fills) == "failed"


@pytest.mark.parametrize(("at", "length", "expected"), [(0, 30, "failed"), (5, 20, "failed"), (5, 25, None)])
def test_an_order_beside_it_follows_only_if_it_lasted_longer_or_began_later(
    at: int, length: int, expected: str | None
) -> None:
    beside = filled(SERTRALINE, at, length, None)
    assert outcome(*LOW, *beside) == expected


def test_a_statement_that_goes_on_where_another_was_stopped_keeps_the_trial_open() -> None:
    first = statement(SERTRALINE, START, day(START, 29), why=NO_RESPONSE)
    second = statement(SERTRALINE, day(START, 30), day(START, 60))
    assert outcome(first, second) is None
    assert outcome(first) == "failed"


def test_an_order_without_a_link_ends_where_the_next_one_was_written() -> None:
    supply = dispense(SERTRALINE, START, 60)
    stopped = order(SERTRALINE, START, why=NO_RESPONSE)
    assert outcome(supply, stopped, order(SERTRALINE, day(START, 30))) is None
    assert outcome(supply, stopped, order(SERTRALINE, day(START, -5))) == "failed"


# --- ordered further -----------------------------------------------------------------------------


def test_a_new_order_not_yet_dispensed_keeps_a_trial_open_that_reaches_today() -> None:
    running = filled(SERTRALINE_50, 0, 77, NO_RESPONSE)
    raised = order(SERTRALINE, "2026-02-28", status="active")
    assert outcome(*running, raised) is None
    assert outcome(*running, raised | {"status": "draft"}) == "failed"
    other = order(VENLAFAXINE, "2026-02-28", status="active")
    assert failed_trials(CURRENT, *running, other).low == 1


@pytest.mark.parametrize(("days", "expected"), [(62, "failed"), (63, None)])
def test_an_active_order_says_nothing_of_a_trial_that_ended_more_than_a_gap_ago(
    days: int, expected: str | None
) -> None:
    """63 days from 15 December end on 15 February, 14 days before 1 March."""
    supply = filled(SERTRALINE_50, 0, days, NO_RESPONSE)
    assert outcome(*supply, order(SERTRALINE, "2026-02-20", status="active")) == expected


def test_an_active_order_older_than_the_one_that_was_stopped_is_no_sign_that_it_goes_on() -> None:
    stale = order(SERTRALINE, "2025-11-01", status="active")
    assert outcome(*filled(SERTRALINE, 0, 77, NO_RESPONSE), stale) == "failed"


def test_a_statement_that_it_is_still_taken_keeps_a_trial_open_whose_order_was_stopped() -> None:
    said = statement(SERTRALINE, START, None, status="active")
    assert outcome(order(SERTRALINE, START, why=NO_RESPONSE), said) is None
    over = statement(SERTRALINE, START, "2026-02-20", status="completed")
    assert outcome(order(SERTRALINE, START, why=NO_RESPONSE), over) == "failed"


# --- no stop at all ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [("stopped", "failed"), ("completed", "failed"), ("active", None), ("unknown", None)],
)
def test_a_reason_stands_only_where_the_order_was_stopped(status: str, expected: str | None) -> None:
    row = trial(CURRENT, *filled(SERTRALINE, 0, 60, NO_RESPONSE, status))
    assert row.columns["outcome"] == expected
    assert (NOT_STOPPED in row.why) is (expected is None)


def test_a_reason_beside_an_active_statement_is_no_stop() -> None:
    assert outcome(statement(SERTRALINE, START, None, status="active", why=NO_RESPONSE)) is None


def test_a_proven_failure_stands_beside_an_earlier_one_that_went_on() -> None:
    chart = [*failed(VENLAFAXINE, "2025-06-01", 90), *LOW, *filled(SERTRALINE, 30, 60, None, "active")]
    assert failed_trials(CURRENT, *chart).low == 1


# --- what was not obtained -----------------------------------------------------------------------


def test_a_lost_order_may_be_the_one_that_follows() -> None:
    def some(*orders: Json) -> dict[str, Any]:
        return {"prefetch": {"medication-requests": bundle(*orders, more=True)}}

    placed, supply = filled(SERTRALINE, 0, 60, NO_RESPONSE)
    assert outcome(placed, supply, **some(placed)) == "failed"
    running = filled(SERTRALINE, 0, 77, NO_RESPONSE)
    assert outcome(*running, **some(running[0])) is UNKNOWN
    unlinked = dispense(SERTRALINE, START, 60)
    assert trial(CURRENT, placed, unlinked, **some(placed)).counts is UNKNOWN
