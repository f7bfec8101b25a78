"""Answers to suicide questions in codes nobody listed, and in nested items, through the real application."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import LOINC, SNOMED, Json, answer_with, card_of, concept, notes_on, verdict

CALL = "v01-clear-trd.patient-view"
SCREEN, CRITICAL = "suicidality-screen-positive", "suicidality-critical"
YES: Json = {"valueBoolean": True}


def observed(question: str, answer: Json, status: str = "final") -> Json:
    resource = {
        "resourceType": "Observation",
        "status": status,
        "code": concept(LOINC, question),
        "effectiveDateTime": "2026-02-28",
        "valueCodeableConcept": answer,
    }
    return answer_with(CALL, observations_suicidality=resource)


def form(*items: Json, status: str = "completed") -> Json:
    resource = {
        "resourceType": "QuestionnaireResponse",
        "status": status,
        "authored": "2026-02-28",
        "item": list(items),
    }
    return answer_with(CALL, questionnaire_responses=resource)


def item(link: str, *answers: Json, **more: Any) -> Json:
    return {"linkId": link, "answer": list(answers)} | more


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("93374-7", concept(LOINC, "LA9194-7", "High")),
        ("93374-7", concept(LOINC, "LA9194-7", text="High")),
        ("93250-9", concept(LOINC, "LA99999-9", "Yes")),
        ("93250-9", concept(SNOMED, "10828004", "Positive")),
        ("93250-9", concept(SNOMED, "52101004")),
    ],
)
def test_the_display_of_a_code_nobody_listed_is_read_like_a_text(question: str, answer: Json) -> None:
    assert verdict(observed(question, answer), CRITICAL) == "true"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("93250-9", concept(SNOMED, "999001", "Somewhat")),
        ("93250-9", concept(LOINC, "LA99999-9")),
        ("93374-7", concept(LOINC, "LA9194-7")),
    ],
)
def test_an_answer_that_cannot_be_read_shows_the_card_and_a_note(question: str, answer: Json) -> None:
    body = observed(question, answer)
    assert verdict(body, CRITICAL) == "unknown" and card_of(body, SCREEN) is not None
    assert notes_on(body, "Observation/one-more") == ["answer-not-read"]


def test_a_no_in_a_listed_code_stays_a_no() -> None:
    body = observed("93250-9", concept(LOINC, "LA32-8", "No"))
    assert card_of(body, SCREEN) is None and notes_on(body, "Observation/one-more") == []


@pytest.mark.parametrize("outer", ["93267-3", "a-group"])
def test_an_item_nested_in_an_answer_is_read(outer: str) -> None:
    nested = item("93269-9", YES)
    assert verdict(form(item(outer, YES | {"item": [nested]})), CRITICAL) == "true"
    deeper = item("1", YES | {"item": [item("2", YES | {"item": [nested]})]})
    assert verdict(form(deeper), CRITICAL) == "true"


@pytest.mark.parametrize("definition", ["http://loinc.org/44260-8", "http://loinc.org#44260-8"])
def test_an_item_is_named_by_its_definition(definition: str) -> None:
    daily = {"valueCoding": {"system": LOINC, "code": "LA6571-9", "display": "Nearly every day"}}
    assert verdict(form(item("9", daily, definition=definition)), SCREEN) == "true"


DAILY: Json = {"valueCoding": {"system": LOINC, "code": "LA6571-9", "display": "Nearly every day"}}
ITEM_9 = "Thoughts that you would be better off dead, or of hurting yourself"


@pytest.mark.parametrize("answer", [DAILY, {"valueInteger": 1}, {"valueString": "a lot"}])
def test_item_9_told_by_a_number_and_its_text_shows_the_card(answer: Json) -> None:
    body = form(item("9", answer, text=ITEM_9))
    card = card_of(body, SCREEN)
    assert verdict(body, SCREEN) == "unknown" and card is not None
    assert "better off dead" in card["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        item("9", {"valueInteger": 0}, text=ITEM_9),
        item("9", {"valueString": "Not at all"}, text=ITEM_9),
        item("4", DAILY, text="Feeling tired or having little energy"),
    ],
)
def test_a_zero_and_another_question_show_none(asked: Json) -> None:
    assert card_of(form(asked), SCREEN) is None


def test_a_later_zero_told_in_words_does_not_take_a_positive_item_away() -> None:
    body = form(item("/44260-8", DAILY), item("9", {"valueInteger": 0}, text=ITEM_9))
    assert verdict(body, SCREEN) == "true"


@pytest.mark.parametrize("text", ["Did you have some intention of acting on them?", "Wished to be dead?"])
def test_a_question_of_the_c_ssrs_in_words_is_read_by_a_person(text: str) -> None:
    body = form(item("4", YES, text=text))
    assert verdict(body, CRITICAL) == "unknown" and card_of(body, SCREEN) is not None


@pytest.mark.parametrize("status", ["in-progress", "stopped"])
@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ("93249-1", CRITICAL),
        ("93250-9", CRITICAL),
        ("93269-9", CRITICAL),
        ("93247-5", SCREEN),
        ("93267-3", SCREEN),
    ],
)
def test_a_yes_in_a_form_that_is_not_final_shows_a_card_that_names_it(
    status: str, question: str, rule: str
) -> None:
    body = form(item(question, YES), status=status)
    card = card_of(body, rule)
    assert verdict(body, rule) == "unknown" and card is not None
    assert question in card["detail"] and "not final" in card["detail"] + card["summary"]


def test_item_9_in_a_form_that_is_not_final_shows_the_card() -> None:
    body = form(item("/44260-8", DAILY), status="in-progress")
    assert verdict(body, SCREEN) == "unknown" and card_of(body, SCREEN) is not None


@pytest.mark.parametrize("status", ["preliminary", "registered", "unknown"])
@pytest.mark.parametrize(
    ("question", "answer"), [("93250-9", concept(LOINC, "LA33-6")), ("93374-7", concept(text="High"))]
)
def test_an_observation_that_is_not_final_shows_the_card(status: str, question: str, answer: Json) -> None:
    body = observed(question, answer, status)
    assert verdict(body, CRITICAL) == "unknown" and card_of(body, CRITICAL) is not None


def test_a_no_that_is_not_final_and_a_yes_entered_in_error_show_none() -> None:
    for body in (
        form(item("93250-9", {"valueBoolean": False}), status="in-progress"),
        form(item("93250-9", YES), status="entered-in-error"),
        observed("93250-9", concept(LOINC, "LA33-6"), "entered-in-error"),
    ):
        assert card_of(body, CRITICAL) is None and card_of(body, SCREEN) is None
