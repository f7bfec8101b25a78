"""Antidepressant trials, the end: failed by reason or by score, responded, not tolerated; which episode."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chart_builder import (
    CURRENT,
    NO_RESPONSE,
    NOT_TOLERATED,
    SERTRALINE,
    VENLAFAXINE,
    Json,
    ask,
    bundle,
    coding,
    concept,
    condition,
    day,
    dispense,
    failed,
    failed_trials,
    observation,
    order,
    quantity,
    request,
    statement,
    trial,
    trials,
    trials_fact,
)

from cds_service.truth import UNKNOWN

START, END = "2025-02-01", "2025-04-25"  # 84 days, both included
SCORES = "observations-depression-scores"


def outcome(*resources: Json, **call: Any) -> Any:
    return trial(CURRENT, *resources, **call).columns["outcome"]


# --- recorded reasons ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        (NO_RESPONSE, "failed"),
        ("58848006", "failed"),
        (NOT_TOLERATED, "not-tolerated"),
        ("281647001", "not-tolerated"),
        ("182992009", None),
        (None, None),
    ],
)
def test_only_a_recorded_reason_tells_why_an_order_was_stopped(why: str | None, expected: str | None) -> None:
    made = order(why=why)
    assert outcome(made, dispense(order=made)) == expected
    assert outcome(statement(why=why)) == expected


def test_the_standard_code_for_intolerance_is_understood() -> None:
    reason = coding("sintol", "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason")
    made = order(statusReason=concept(reason))
    assert outcome(made, dispense(order=made)) == "not-tolerated"


def test_intolerance_is_not_failure() -> None:
    made = order(why=NOT_TOLERATED)
    assert failed_trials(CURRENT, made, dispense(order=made)).low == 0


def test_a_reason_of_another_drug_or_another_order_says_nothing() -> None:
    made, unlinked = order(), order(why=NO_RESPONSE)
    assert outcome(made, unlinked, dispense(order=made)) is None
    chart = [CURRENT, dispense(), order(VENLAFAXINE, why=NO_RESPONSE)]
    assert {row.columns["ingredient"]: row.columns.get("outcome") for row in trials(*chart)} == {
        "sertraline": None,
        "venlafaxine": None,
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (START, "failed"),
        ("2025-01-18", "failed"),  # 14 days before
        ("2025-01-17", None),
        (END, "failed"),
        ("2025-04-26", None),
        ("2015-02-01", None),
        ("2025", None),
        (None, None),
    ],
)
def test_an_order_without_a_link_speaks_for_the_stretch_it_was_written_in(
    written: str | None, expected: str | None
) -> None:
    assert outcome(order(SERTRALINE, written, why=NO_RESPONSE), dispense()) == expected


def test_an_order_without_a_link_speaks_for_one_stretch_only() -> None:
    chart = [dispense(), dispense(day="2025-08-01"), order(SERTRALINE, "2025-08-01", why=NO_RESPONSE)]
    assert [row.columns["outcome"] for row in trials(CURRENT, *chart)] == ["failed", None]


# --- scores --------------------------------------------------------------------------------------


def phq9(value: Any, when: str | None, **more: Any) -> Json:
    return observation("44261-6", value, when, **more)


def by_score(*scores: Json, **call: Any) -> Any:
    return outcome(dispense(), *scores, **call)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (20, 10, "responded"),
        (22, 11, "responded"),
        (20, 11, "failed"),
        (26, 14, "failed"),
        (26, 13, "responded"),
        (21, 11, "failed"),
        (21, 10, "responded"),
        (20, 20, "failed"),
        (10, 27, "failed"),
        (20, 0, "responded"),
        (0, 0, None),
        (0, 5, None),
    ],
)
def test_a_fall_of_half_is_response_and_less_is_failure(before: int, after: int, expected: Any) -> None:
    assert by_score(phq9(before, START), phq9(after, END)) == expected


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        (day(START, -31), False),
        (day(START, -30), True),
        (day(START, -1), True),
        (START, True),
        (day(START, 1), False),
        ("2025-01", False),
        (None, False),
    ],
)
def test_the_baseline_is_of_the_thirty_days_before_the_start(when: str | None, counts: bool) -> None:
    assert by_score(phq9(20, when), phq9(18, END)) == ("failed" if counts else None)


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        (day(START, 27), False),
        (day(START, 28), True),
        (END, True),
        (day(END, 14), True),
        (day(END, 15), False),
        ("2025-04", False),
        (None, False),
    ],
)
def test_the_follow_up_is_between_day_28_and_14_days_after_the_end(when: str | None, counts: bool) -> None:
    assert by_score(phq9(20, START), phq9(18, when)) == ("failed" if counts else None)


def test_the_last_baseline_and_the_last_follow_up_count() -> None:
    earlier = phq9(27, day(START, -20)), phq9(5, day(START, 40))
    assert by_score(*earlier, phq9(20, START), phq9(18, END)) == "failed"
    assert by_score(*earlier, phq9(20, START), phq9(8, END)) == "responded"


def test_of_one_day_the_last_clock_time_counts_and_without_one_every_score() -> None:
    late, early = phq9(18, f"{END}T15:00:00Z"), phq9(8, f"{END}T09:00:00Z")
    assert by_score(phq9(20, START), late, early) == "failed"
    assert by_score(phq9(20, START), phq9(18, END), phq9(8, END)) is None
    assert by_score(phq9(20, START), phq9(18, END), phq9(17, END)) == "failed"


@pytest.mark.parametrize("status", ["preliminary", "registered", "cancelled", "entered-in-error", "unknown"])
def test_a_score_that_is_not_final_is_none(status: str) -> None:
    assert by_score(phq9(20, START), phq9(8, END, status=status)) is None


def test_scores_of_different_instruments_are_not_compared() -> None:
    madrs = concept(coding("madrs-total", "urn:site"))
    assert by_score(phq9(20, START), observation(madrs, 30, END)) is None
    assert by_score(observation(madrs, 30, START), observation(madrs, 16, END)) == "failed"
    assert by_score(observation(concept(text="MADRS"), 30, START), observation(madrs, 15, END)) == "responded"


def test_a_score_may_be_an_integer_or_below_something() -> None:
    assert by_score(phq9({"valueInteger": 20}, START), phq9({"valueInteger": 18}, END)) == "failed"
    below = {"valueQuantity": quantity(5, "{score}", "<")}
    assert by_score(phq9(20, START), phq9(below, END)) == "responded"
    above = {"valueQuantity": quantity(5, "{score}", ">")}
    assert by_score(phq9(20, START), phq9(above, END)) is None


def test_a_score_after_today_is_no_follow_up() -> None:
    running = dispense(SERTRALINE, "2026-01-01", 90)
    scores = phq9(20, "2026-01-01"), phq9(18, "2026-03-05")
    assert outcome(running, *scores) is None
    assert outcome(running, scores[0], phq9(18, "2026-02-20")) == "failed"


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-20"])
def test_scores_say_nothing_of_a_trial_at_the_beginning_of_the_calendar(start: str) -> None:
    assert outcome(dispense(SERTRALINE, start, 84), phq9(20, "0001-01-02"), phq9(18, "0001-03-25")) is None


def test_a_recorded_failure_stands_beside_a_better_score() -> None:
    made = order(why=NO_RESPONSE)
    assert outcome(made, dispense(order=made), phq9(20, START), phq9(5, END)) == "failed"


# --- what was not obtained -----------------------------------------------------------------------


def test_a_proven_failure_needs_nothing_more() -> None:
    chart = failed(SERTRALINE, START, 84)
    assert outcome(*chart, without=[SCORES]) == "failed"
    assert failed_trials(CURRENT, *chart, without=[SCORES]).low == 1


@pytest.mark.parametrize("key", ["medication-requests", SCORES])
def test_an_outcome_that_a_lost_key_may_tell_is_open(key: str) -> None:
    assert outcome(dispense(), phq9(20, START), phq9(8, END), without=[key]) is UNKNOWN
    assert outcome(dispense(), without=[key]) is UNKNOWN


def test_part_of_the_scores_proves_nothing() -> None:
    some = bundle(phq9(20, START), phq9(18, END), more=True)
    assert outcome(dispense(), prefetch={SCORES: some}) is UNKNOWN


@pytest.mark.parametrize("key", ["medication-dispenses", "medication-statements"])
def test_no_stretch_is_sure_while_supplies_may_be_missing(key: str) -> None:
    chart = [CURRENT, *failed(SERTRALINE, START, 84), statement(VENLAFAXINE, why=NO_RESPONSE)]
    held = request(*chart, keys=[key]).prefetch[key]
    part = bundle(more=True) | {"entry": json.loads(bytes(held))["entry"]}
    assert failed_trials(*chart).low == 2
    assert failed_trials(*chart, prefetch={key: part}).low == 0


# --- the episode ---------------------------------------------------------------------------------


def episode(*conditions: Json, **call: Any) -> Any:
    return trial(dispense(), *conditions, **call).columns["episode"]


def mdd(onset: str | None = None, recorded: str | None = None, **more: Any) -> Json:
    return condition("F33.2", onset, recorded, **more)


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        ("2025-01-10", "current"),
        (START, "current"),
        (f"{START}T15:00:00Z", "current"),  # the day of the first fill
        ("2025-02-02", None),  # the trial spans the onset
        (END, None),
        ("2025-04-26", "earlier"),
        ("2025-12-01", "earlier"),
        ("2025-01", "current"),
        ("2024", "current"),
        ("2025-02", None),
        ("2025", None),
        ("2025-05", "earlier"),
        ("2026", "earlier"),
        (None, None),
        ("years ago", None),
    ],
)
def test_a_trial_is_of_the_episode_it_began_in(onset: str | None, expected: str | None) -> None:
    assert episode(mdd(onset)) == expected


def test_of_several_active_entries_the_latest_onset_counts() -> None:
    assert episode(mdd("2010-05-01"), mdd("2025-01-10")) == "current"
    assert episode(mdd("2010-05-01"), mdd("2025-12-01")) == "earlier"


@pytest.mark.parametrize(
    "over",
    [
        *[{"clinical": status} for status in ("resolved", "remission", "inactive")],
        *[{"verification": status} for status in ("provisional", "refuted", "entered-in-error")],
    ],
)
def test_an_entry_that_is_over_or_unsure_begins_no_episode(over: dict[str, str]) -> None:
    assert episode(mdd("2025-01-10"), mdd("2025-12-01", **over)) == "current"
    assert episode(mdd("2025-01-10", **over)) is None


@pytest.mark.parametrize("absent", [{"clinical": None}, {"verification": None}])
def test_an_entry_without_a_status_is_active_and_confirmed(absent: dict[str, None]) -> None:
    assert episode(mdd("2025-01-10", **absent)) == "current"


def test_a_period_begins_where_it_starts() -> None:
    assert episode(mdd(onsetPeriod={"start": "2025-01-10", "end": "2025-06-01"})) == "current"


def test_a_date_of_recording_says_only_that_the_episode_had_begun() -> None:
    assert episode(mdd(None, "2025-01-10")) == "current"
    assert episode(mdd(None, "2025-12-01")) is None


def test_the_onset_stands_before_the_date_of_recording() -> None:
    assert episode(mdd("2025-01-10", "2025-12-01")) == "current"


def test_of_entries_of_one_day_the_one_that_tells_less_decides_whichever_comes_first() -> None:
    told, recorded = mdd("2025-12-01"), mdd(None, "2025-12-01")
    assert episode(told) == "earlier"
    assert episode(told, recorded) is None
    assert episode(recorded, told) is None


def test_another_depression_begins_no_episode() -> None:
    assert episode(condition("F34.1", "2025-01-10")) is None
    assert episode(mdd("2025-01-10"), condition("F34.1", "2025-12-01")) == "current"


def test_without_the_conditions_the_episode_is_open() -> None:
    assert episode(mdd("2025-12-01"), without=["conditions"]) is UNKNOWN
    assert episode(prefetch={"conditions": bundle(mdd("2025-12-01"), more=True)}) is UNKNOWN


@pytest.mark.parametrize(
    ("onset", "count"), [("2025-01-10", 2), ("2025-05-01", 1), ("2025-12-01", 0), (None, 0)]
)
def test_only_failures_of_this_episode_count(onset: str | None, count: int) -> None:
    chart = [mdd(onset), *failed(SERTRALINE, START, 84), *failed(VENLAFAXINE, "2025-06-01", 90)]
    assert failed_trials(*chart).low == count


def stands_in(*conditions: Json) -> Any:
    """The episode where an entry of bipolar disorder stands in for one of depression."""
    found = ask(trials_fact(episode_otherwise="bipolar"), dispense(), *conditions)
    return found.rows[0].columns["episode"]


def bipolar(onset: str | None) -> Json:
    return condition("F31.4", onset, id="bipolar")


def test_an_entry_that_stands_in_is_read_only_where_there_is_none_of_the_episode() -> None:
    assert stands_in(mdd("2025-01-10"), bipolar("2025-12-01")) == "current"
    assert stands_in(mdd("2025-12-01"), bipolar("2010-01-01")) == "earlier"
    assert stands_in(mdd(None), bipolar("2010-01-01")) is None
    assert stands_in(bipolar("2010-01-01")) == "current"


def test_the_date_of_an_entry_that_stands_in_makes_no_trial_earlier() -> None:
    assert stands_in(bipolar("2025-12-01")) is None


@pytest.mark.parametrize(
    "more", [{"status": s} for s in ("draft", "cancelled", "on-hold")] + [{"intent": "plan"}]
)
def test_the_reason_of_an_order_never_placed_says_nothing(more: dict[str, str]) -> None:
    made = order(why=NO_RESPONSE) | more
    assert outcome(made, dispense(order=made)) is None
    assert outcome(made, dispense()) is None


def test_an_onset_to_come_begins_no_episode() -> None:
    assert episode(mdd("2025-01-10"), mdd("2030-01-01")) == "current"
    assert episode(mdd("2030-01-01", "2025-01-10")) == "current"
    assert episode(mdd("2030-01-01")) is None
