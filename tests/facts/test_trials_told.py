"""What the card of the shipped definition says of trials, as a psychiatrist reads it."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    CURRENT,
    NO_RESPONSE,
    NOT_TOLERATED,
    SERTRALINE,
    VENLAFAXINE,
    Json,
    concept,
    dispense,
    failed,
    observation,
    order,
    request,
    statement,
)
from evaluated import body, whole

START, LATER = "2025-02-01", "2025-06-01"
DESVENLAFAXINE = "790288"
CLOSE = "the active metabolite of venlafaxine: the two count as two drugs, judge whether they are one trial"
SLEEP_DOXEPIN, SMOKING_BUPROPION = "966787", "1801289"


def card(*resources: Json, **call: Any) -> Json:
    """The card of the definition."""
    cards = body(whole(request(CURRENT, *resources, **call)))["cards"]
    (found,) = [one for one in cards if _rules(one) == ["trd-definition-met"]]
    return found


def _rules(one: Json) -> list[str]:
    return [rule["id"] for rule in one["extension"]["org.cds-service.rules"]]


def told(*resources: Json, **call: Any) -> str:
    return str(card(*resources, **call)["detail"])


def phq9(score: int, when: str) -> Json:
    return observation("44261-6", score, when)


# --- a drug and its metabolite -------------------------------------------------------------------


def test_a_drug_and_its_metabolite_count_as_two_and_the_card_says_what_they_are() -> None:
    found = card(*failed(VENLAFAXINE, START, 84), *failed(DESVENLAFAXINE, LATER, 84))
    assert "at least 2 failed" in found["summary"]
    assert CLOSE in found["detail"]


def test_two_drugs_that_are_not_close_bring_no_such_line() -> None:
    assert "metabolite" not in told(*failed(VENLAFAXINE, START, 84), *failed(SERTRALINE, LATER, 84))


def test_one_of_a_close_pair_that_did_not_count_brings_no_such_line() -> None:
    chart = [*failed(VENLAFAXINE, START, 84), *failed(SERTRALINE, LATER, 84)]
    assert "metabolite" not in told(*chart, *failed(DESVENLAFAXINE, "2025-10-01", 20))


def test_a_close_pair_whose_end_is_not_on_record_is_told_too() -> None:
    assert CLOSE in told(dispense(VENLAFAXINE, START, 84), dispense(DESVENLAFAXINE, LATER, 84))


# --- why a trial does not count ------------------------------------------------------------------


def test_a_trial_of_an_earlier_episode_is_told_in_plain_words() -> None:
    detail = told(*failed(SERTRALINE, "2024-02-01", 84))
    assert "in an earlier episode" in detail
    assert "needs current" not in detail


def test_a_drug_given_up_as_not_tolerated_is_told_in_plain_words() -> None:
    made = order(why=NOT_TOLERATED)
    detail = told(made, dispense(order=made))
    assert ": stopped for intolerance" in detail
    assert "needs failed" not in detail


def test_a_response_is_told_in_plain_words() -> None:
    detail = told(dispense(), phq9(20, START), phq9(4, "2025-04-20"))
    assert ": the patient responded" in detail


def test_an_end_not_on_record_is_told_in_plain_words() -> None:
    assert "not known whether it failed" in told(dispense())


def test_days_without_the_drug_are_told_in_plain_words() -> None:
    made = order(why=NO_RESPONSE)
    thin = [dispense(order=made, day=day, days=days) for day, days in ((START, 25), ("2025-03-12", 25))]
    assert "0.78 of the days with the drug at hand, needs at least 0.8" in told(made, *thin)


# --- look-alikes ---------------------------------------------------------------------------------


def test_look_alikes_are_told_with_why_they_do_not_count() -> None:
    detail = told(*failed(SERTRALINE, START, 84), dispense(SLEEP_DOXEPIN, LATER), order(SMOKING_BUPROPION))
    assert "doxepin 3 MG Oral Tablet" in detail
    assert "Smoking Cessation 12 HR bupropion" in detail
    assert detail.count("made for another use") == 2
    assert "none" not in detail


def test_a_look_alike_handed_out_often_is_told_once_with_its_last_day() -> None:
    fills = [dispense(SLEEP_DOXEPIN, f"2025-0{month}-01", 30) for month in range(3, 9)]
    detail = told(*failed(SERTRALINE, START, 84), *fills, statement(SLEEP_DOXEPIN, "2025-03-01", None))
    assert detail.count("doxepin") == 1
    assert "doxepin 3 MG Oral Tablet, 2025-08-01:" in detail


def test_look_alikes_alone_are_no_trials_and_bring_no_card() -> None:
    assert body(whole(request(CURRENT, dispense(SLEEP_DOXEPIN, LATER))))["cards"] == []


# --- a reason against a score --------------------------------------------------------------------


def test_a_failure_by_its_reason_names_the_score_that_says_otherwise() -> None:
    found = told(*failed(SERTRALINE, START, 84), phq9(20, START), phq9(4, "2025-04-20"))
    assert "stopped for lack of response, yet PHQ-9 total score fell from 20 to 4" in found


@pytest.mark.parametrize("last", [11, 18])
def test_a_failure_that_the_score_bears_out_names_no_conflict(last: int) -> None:
    assert ", yet" not in told(*failed(SERTRALINE, START, 84), phq9(20, START), phq9(last, "2025-04-20"))


def test_a_failure_by_score_names_that_it_was_stopped_as_not_tolerated() -> None:
    made = order(why=NOT_TOLERATED)
    found = told(made, dispense(order=made), phq9(20, START), phq9(15, "2025-04-20"))
    assert "PHQ-9 total score fell from 20 to 15, yet stopped for intolerance" in found


def test_two_scales_that_disagree_are_both_named() -> None:
    madrs = [
        observation(concept(text="MADRS"), score, when) for score, when in ((30, START), (10, "2025-04-20"))
    ]
    found = told(dispense(), phq9(20, START), phq9(15, "2025-04-20"), *madrs)
    assert "PHQ-9 total score fell from 20 to 15, yet MADRS total score fell from 30 to 10" in found


def test_a_row_that_counts_says_how_its_failure_is_known() -> None:
    found = told(
        *failed(SERTRALINE, START, 84), dispense(VENLAFAXINE, LATER), phq9(20, LATER), phq9(22, "2025-08-20")
    )
    assert "2025-02-01 to 2025-04-25: stopped for lack of response" in found
    assert "2025-06-01 to 2025-08-23: PHQ-9 total score went from 20 to 22" in found


def test_a_drug_only_ordered_says_so_and_names_what_is_not_known_once() -> None:
    detail = told(*failed(SERTRALINE, START, 84), order(VENLAFAXINE, LATER))
    assert (
        "venlafaxine, 2025-06-01: only ordered as far as the chart shows; not known how many days were at or"
        " above the minimum dose, on how many days the drug was at hand, whether it failed, whether it was in"
        " this episode"
    ) in detail


# --- what the numbers count ----------------------------------------------------------------------


def test_the_summary_and_the_detail_name_what_each_number_counts() -> None:
    found = card(*failed(SERTRALINE, START, 84), dispense(VENLAFAXINE, LATER, 20))
    assert found["summary"].endswith("(antidepressants on record: at least 2)")
    assert (
        "Antidepressants on record: at least 2. Failed adequate trials among them: at least 1"
        in found["detail"]
    )
