"""Suicide risk told by the reason of the encounter, by a rating, or by a code that no value set lists."""

from __future__ import annotations

import pytest
from one_entry_more import (
    ICD,
    LOINC,
    SNOMED,
    Json,
    answer_with,
    ask,
    body_of,
    card_of,
    concept,
    condition,
    verdict,
)

SCREEN, CRITICAL = "suicidality-screen-positive", "suicidality-critical"
CALL = "v01-clear-trd.patient-view"


def visit(*reasons: Json, status: str = "in-progress") -> Json:
    """The answer to the start of an emergency encounter with these reasons, nothing on the list."""
    body = body_of("v13-emergency-suicidality.encounter-start")
    body["prefetch"]["conditions"] = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    body["prefetch"]["encounter"] |= {"reasonCode": list(reasons), "status": status}
    return ask(body)


@pytest.mark.parametrize(
    "reason", [concept(ICD, "R45.851"), concept(ICD, "T14.91XA"), concept(SNOMED, "6471006")]
)
def test_ideation_or_an_attempt_as_reason_of_the_encounter_is_acute(reason: Json) -> None:
    answer = visit(concept(ICD, "R07.9"), reason)
    card = card_of(answer, CRITICAL)
    assert verdict(answer, CRITICAL) == "true" and card is not None
    assert "reason of this encounter" in card["detail"]


@pytest.mark.parametrize(
    "reason",
    [concept(text="suicidal thoughts"), concept(SNOMED, "999001", "Intentional overdose of opioid")],
)
def test_a_reason_of_the_encounter_in_words_is_shown_to_be_read(reason: Json) -> None:
    answer = visit(reason)
    card = card_of(answer, SCREEN)
    assert verdict(answer, CRITICAL) == "unknown" and card is not None
    assert "reason of this encounter" in card["detail"]


@pytest.mark.parametrize("reason", [concept(ICD, "R07.9"), concept(text="chest pain")])
def test_another_reason_of_the_encounter_shows_nothing(reason: Json) -> None:
    answer = visit(reason)
    assert [card_of(answer, rule) for rule in (CRITICAL, SCREEN)] == [None, None]


def test_neither_an_encounter_without_a_reason_nor_one_that_is_over_shows_anything() -> None:
    for answer in (visit(), visit(concept(ICD, "R45.851"), status="finished")):
        assert [card_of(answer, rule) for rule in (CRITICAL, SCREEN)] == [None, None]


@pytest.mark.parametrize(
    "value", [concept(LOINC, "LA9193-9", "Moderate"), concept(text="moderate risk"), concept(text="Medium")]
)
def test_a_moderate_rating_of_today_is_a_positive_screen(value: Json) -> None:
    rating = {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "93374-7"),
        "effectiveDateTime": "2026-03-01",
        "valueCodeableConcept": value,
    }
    answer = answer_with(CALL, observations_suicidality=rating)
    card = card_of(answer, SCREEN)
    assert verdict(answer, SCREEN) == "true" and card is not None
    assert "rated moderate" in card["detail"]


@pytest.mark.parametrize(
    "words",
    [
        "Deliberate overdose of acetaminophen",
        "Thoughts of harming self",
        "Wants to be dead",
        "Self-laceration of wrist",
        "Intentionally harming self",
        "Attempted hanging",
        "Intentional poisoning by drug",
        "Deliberate self-cutting",
    ],
)
def test_self_harm_by_a_code_nobody_listed_is_shown_to_be_read(words: str) -> None:
    answer = answer_with(CALL, conditions=condition(concept(SNOMED, "999001", words)))
    card = card_of(answer, SCREEN)
    assert card is not None and words.split("-")[0] in card["detail"]


@pytest.mark.parametrize(
    "words",
    [
        "Accidental overdose",
        "Accidental drug overdose",
        "Unintentional poisoning by drug",
        "Intentional weight loss",
        "Patient's intentional underdosing of medication regimen",
        "Laceration of wrist",
        "Fear of death",
    ],
)
def test_harm_that_nobody_meant_is_not(words: str) -> None:
    answer = answer_with(CALL, conditions=condition(concept(SNOMED, "999001", words)))
    assert card_of(answer, SCREEN) is None


def test_an_intentional_overdose_of_days_ago_is_acute() -> None:
    overdose = concept(SNOMED, "59274003", "Intentional drug overdose")
    answer = answer_with(CALL, conditions=condition(overdose, recordedDate="2026-02-27"))
    assert verdict(answer, CRITICAL) == "true"
