"""Entries dated after the call, as a local time sent as UTC is, through the real application. Now is noon."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import ICD, LOINC, Json, ask, body_of, card_of, concept, condition, notes_on, verdict

SESSION, CLEAR_TRD = "session-no-reading-after.patient-view", "v01-clear-trd.patient-view"
SCREEN, CRITICAL, TRD = "suicidality-screen-positive", "suicidality-critical", "trd-definition-met"
CAUTION, RECHECK = "caution-blood-pressure", "monitoring-blood-pressure-recheck"
PRESSURES, ITEM_9 = "observations-blood-pressure", "observations-suicidality"


def called(call: str, key: str, *resources: Json) -> Json:
    """The answer to a recorded call with some entries more under a key."""
    body = body_of(call)
    patient = {"reference": f"Patient/{body['context']['patientId']}"}
    bundle = body["prefetch"].get(key) or {"resourceType": "Bundle", "type": "searchset"}
    entries = [
        {"resource": {"id": f"more-{at}", "subject": patient} | one} for at, one in enumerate(resources)
    ]
    body["prefetch"][key] = {**bundle, "entry": [*bundle.get("entry", []), *entries]}
    body["prefetch"][key].pop("total", None)
    return ask(body)


def pressure(systolic: int, diastolic: int, at: str) -> Json:
    def part(code: str, value: int) -> Json:
        unit = {"unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
        return {"code": concept(LOINC, code), "valueQuantity": {"value": value, **unit}}

    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "85354-9"),
        "effectiveDateTime": at,
        "component": [part("8480-6", systolic), part("8462-4", diastolic)],
    }


def item9(answer: int, at: str) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "44260-8"),
        "effectiveDateTime": at,
        "valueInteger": answer,
    }


HIGH = pressure(192, 118, "2026-03-01T11:50:00Z")


@pytest.mark.parametrize("at", ["2026-03-01T17:55:00Z", "2026-03-02", "2062-03-01"])
def test_a_reading_dated_ahead_takes_no_warning_away(at: str) -> None:
    before = called(SESSION, PRESSURES, HIGH)
    after = called(SESSION, PRESSURES, HIGH, pressure(128, 80, at))
    for rule in (CAUTION, RECHECK):
        assert verdict(before, rule) == verdict(after, rule) == "true"
        assert card_of(before, rule) is not None and card_of(after, rule) is not None
    assert notes_on(before, "Observation/more-0") == []
    assert notes_on(after, "Observation/more-1") == ["dated-ahead"]


def test_a_high_reading_dated_ahead_leaves_the_question_open() -> None:
    normal, high = pressure(124, 78, "2026-03-01T11:50:00Z"), pressure(192, 118, "2026-03-01T17:55:00Z")
    assert verdict(called(SESSION, PRESSURES, normal), CAUTION) == "false"
    assert verdict(called(SESSION, PRESSURES, normal, high), CAUTION) == "unknown"


def test_an_overdue_reading_stays_overdue_beside_one_dated_ahead() -> None:
    body = called(SESSION, PRESSURES, pressure(124, 78, "2026-03-01T17:55:00Z"))
    assert verdict(body, RECHECK) == "true" and card_of(body, RECHECK) is not None


def test_a_clock_a_little_ahead_is_no_date_to_come() -> None:
    body = called(SESSION, PRESSURES, pressure(192, 118, "2026-03-01T12:03:00Z"))
    assert verdict(body, CAUTION) == "true"
    assert notes_on(body, "Observation/more-0") == []


@pytest.mark.parametrize(
    ("early", "late", "expected"), [(2, 0, "true"), (0, 2, "unknown"), (0, 0, "unknown"), (2, 2, "true")]
)
def test_an_answer_dated_ahead_clears_no_suicide_screen(early: int, late: int, expected: str) -> None:
    answers = item9(early, "2026-03-01T09:00:00Z"), item9(late, "2026-03-01T18:00:00Z")
    body = called(CLEAR_TRD, ITEM_9, *answers)
    assert verdict(body, SCREEN) == expected
    assert (card_of(body, SCREEN) is not None) is (early + late > 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((2, "2026-02-28"), (0, "2026-02-28")),
        ((2, "2026-02-28T09:00:00Z"), (0, "2026-02-28")),
        ((0, "2026-02-28T09:00:00Z"), (2, "2026-02-28")),
    ],
)
def test_answers_of_one_day_that_disagree_show_the_card_that_names_them(first: Any, second: Any) -> None:
    body = called(CLEAR_TRD, ITEM_9, item9(*first), item9(*second))
    card = card_of(body, SCREEN)
    assert verdict(body, SCREEN) == "unknown" and card is not None
    assert "0 to 2" in card["detail"]
    assert card["detail"].count("2026-02-28") >= 2


def test_a_later_no_still_closes_an_earlier_yes() -> None:
    body = called(CLEAR_TRD, ITEM_9, item9(2, "2026-02-27"), item9(0, "2026-02-28"))
    assert verdict(body, SCREEN) == "unknown" and card_of(body, SCREEN) is None


def test_a_problem_recorded_ahead_may_be_there() -> None:
    bipolar = condition(concept(ICD, "F31.9"), recordedDate="2026-03-01T17:00:00Z")
    body = called(CLEAR_TRD, "conditions", bipolar)
    assert verdict(body, TRD) == "unknown" and card_of(body, "treatment-options") is None
    assert notes_on(body, "Condition/more-0") == ["dated-ahead"]


def test_an_onset_of_the_past_outweighs_a_recording_ahead() -> None:
    bipolar = condition(concept(ICD, "F31.9"), onsetDateTime="2024", recordedDate="2026-03-01T17:00:00Z")
    body = called(CLEAR_TRD, "conditions", bipolar)
    assert verdict(body, TRD) == "false" and notes_on(body, "Condition/more-0") == []


def test_a_dose_is_computed_from_the_last_weight_that_is_not_ahead() -> None:
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "29463-7"),
        "effectiveDateTime": "2026-03-01T18:00:00Z",
        "valueQuantity": {"value": 45, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    card = card_of(called(CLEAR_TRD, "observations-body-weight", weight), "treatment-options")
    assert card is not None and "35 mg" in card["detail"] and "2026-02-25" in card["detail"]
