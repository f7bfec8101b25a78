"""Answers that are on record and tell nothing: numbers that cannot be true, shapes that nobody reads."""

from __future__ import annotations

import pytest
from chart_builder import Json, ask, observation

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

SCORED = {"scores": "phq9-answer-scores", "plausible": "plausible-range"}
ITEM_9: Json = {
    "view": "answers",
    "code_in": ["phq9-item-9"],
    "with": SCORED,
    "within": "30 days [13]",
    "give": "latest value",
}
PLAN: Json = {
    "view": "answers",
    "code_in": ["cssrs-intent-or-plan"],
    "where": {"answer": {"in": "affirmative-answers"}},
    "give": "any_yes",
}
OTHER_SHAPES: list[Json] = [
    {"valueRange": {"low": {"value": 1}, "high": {"value": 3}}},
    {"valueRatio": {"numerator": {"value": 2}, "denominator": {"value": 3}}},
    {"valueDateTime": "2026-02-01"},
    {"valuePeriod": {"start": "2026-02-01"}},
    {"valueTime": "12:00:00"},
    {"valueSampledData": {"dimensions": 1}},
]


@pytest.mark.parametrize("number", [-1, 7, 0.5, 3.5])
def test_a_number_the_question_cannot_have_is_not_known_and_no_older_one_stands_in(number: float) -> None:
    value = {"valueQuantity": {"value": number}}
    rows = [observation("44260-8", 3, "2026-02-20"), observation("44260-8", value, "2026-02-27")]
    found = ask(ITEM_9, *rows)
    assert found.state is UNKNOWN
    assert [row.why for row in found.rows] == [(f"{number} cannot be true",)]


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_every_number_the_question_can_have_is_known(number: int) -> None:
    assert ask(ITEM_9, observation("44260-8", number, "2026-02-27")).state is TRUE


def test_a_number_that_cannot_be_true_gives_way_to_a_later_one_that_can() -> None:
    found = ask(ITEM_9, observation("44260-8", 7, "2026-02-20"), observation("44260-8", 0, "2026-02-27"))
    assert found.state is TRUE


@pytest.mark.parametrize(("comparator", "state"), [(">=", TRUE), ("<", UNKNOWN)])
def test_of_a_bound_only_the_part_that_can_be_true_counts(comparator: str, state: Truth) -> None:
    least = {"valueQuantity": {"value": -1 if comparator == "<" else 1, "comparator": comparator}}
    assert ask(ITEM_9, observation("44260-8", least, "2026-02-27")).state is state


@pytest.mark.parametrize("value", OTHER_SHAPES)
def test_an_answer_in_a_shape_nobody_reads_is_an_answer_nobody_can_read(value: Json) -> None:
    assert ask(ITEM_9, observation("44260-8", value, "2026-02-27")).state is UNKNOWN
    unread = {**ITEM_9, "where": {"number": {"absent": True}}, "give": "possible"}
    assert ask(unread, observation("44260-8", value, "2026-02-27")).state is TRUE
    plan = ask({**PLAN, "give": "possible"}, observation("93250-9", value, "2026-02-27"))
    assert plan.state is TRUE


def test_an_answer_in_another_shape_takes_no_older_answer_away() -> None:
    said_no = observation("93250-9", False, "2026-02-20")
    assert ask(PLAN, said_no).state is FALSE
    assert ask(PLAN, said_no, observation("93250-9", OTHER_SHAPES[0], "2026-02-27")).state is UNKNOWN
    assert (
        ask(PLAN, observation("93250-9", True, "2026-02-20"), observation("93250-9", OTHER_SHAPES[0])).state
        is TRUE
    )


@pytest.mark.parametrize(
    "value", [{"valueDate": "2026-02-01"}, {"valueUri": "urn:a"}, {"valueReference": {}}]
)
def test_so_is_one_of_a_form(value: Json) -> None:
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": "form",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "authored": "2026-02-27",
        "item": [{"linkId": "93250-9", "answer": [value]}],
    }
    assert ask({**PLAN, "give": "possible"}, form).state is TRUE


def test_a_question_without_any_value_was_not_answered() -> None:
    assert ask({**PLAN, "give": "possible"}, observation("93250-9", {}, "2026-02-27")).state is FALSE
