"""Answers to suicide questions in codes nobody listed, and in nested items, through the real application."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import LOINC, SNOMED, Json, answer_with, card_of, concept, notes_on, verdict

CALL = "v01-clear-trd.patient-view"
SCREEN, CRITICAL = "suicidality-screen-positive", "suicidality-critical"
YES: Json = {"valueBoolean": True}


def observed(question: str, answer: Json) -> Json:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, question),
        "effectiveDateTime": "2026-02-28",
        "valueCodeableConcept": answer,
    }
    return answer_with(CALL, observations_suicidality=resource)


def form(*items: Json) -> Json:
    resource = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
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
