"""Ketamine on record whose reason or status nobody can read, beside an aneurysm, as the chart opens."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import (
    ICD,
    RXNORM,
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

CLEAR, NOBODY = "v01-clear-trd.patient-view", "questionnaire-in-progress.patient-view"
ANEURYSM, USE, PERHAPS = (
    "contraindication-aneurysmal-disease",
    "ketamine-in-use",
    "ketamine-perhaps-in-use",
)
KETAMINE, ESKETAMINE = concept(RXNORM, "6130", "ketamine"), concept(RXNORM, "2119365", "esketamine")
IN_WORDS = [concept(text="treatment resistant depression")]


def entry(kind: str, drug: Json, **more: Any) -> Json:
    order = {"intent": "order", "authoredOn": "2026-02-10"} if kind == "MedicationRequest" else {}
    return {"resourceType": kind, "status": "active", "medicationCodeableConcept": drug} | order | more


def whose(body: Json) -> Json:
    return {"reference": f"Patient/{body['context']['patientId']}"}


def opened(drug: Json, call: str = NOBODY, **more: Json) -> Json:
    key = "medication_requests" if drug["resourceType"] == "MedicationRequest" else "medication_statements"
    return answer_with(call, **{key: drug}, **({"conditions": condition(concept(ICD, "I67.1"))} | more))


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement"])
def test_ketamine_with_its_reason_in_words_is_treatment_in_current_depression(kind: str) -> None:
    body = opened(entry(kind, KETAMINE, reasonCode=IN_WORDS), CLEAR)
    assert (verdict(body, USE), verdict(body, ANEURYSM)) == ("true", "true")
    card = card_of(body, ANEURYSM)
    assert card is not None and card["indicator"] == "critical" and "hold the next dose" in card["detail"]


@pytest.mark.parametrize(
    "drug",
    [
        entry("MedicationRequest", KETAMINE, reasonCode=IN_WORDS),
        entry("MedicationStatement", KETAMINE, reasonCode=IN_WORDS),
        entry("MedicationRequest", ESKETAMINE, status="unknown"),
        entry("MedicationStatement", ESKETAMINE, status="unknown"),
    ],
)
def test_a_contraindication_is_named_where_nobody_can_tell_whether_ketamine_is_in_use(drug: Json) -> None:
    body = opened(drug)
    assert (verdict(body, USE), verdict(body, ANEURYSM)) == ("unknown", "unknown")
    card = card_of(body, ANEURYSM)
    assert card is not None and card["indicator"] == "warning"
    assert "hold the next dose" in card["detail"] and "I67.1" in card["detail"]


def test_ketamine_without_a_reason_and_without_depression_is_taken_for_an_anaesthetic() -> None:
    body = opened(entry("MedicationRequest", KETAMINE))
    assert (verdict(body, USE), card_of(body, ANEURYSM)) == ("unknown", None)


def test_ketamine_without_a_reason_beside_what_may_be_depression_names_the_aneurysm() -> None:
    body = body_of(NOBODY)
    entries = [condition(concept(SNOMED, "35489007")), condition(concept(ICD, "I67.1"))]
    body["prefetch"]["conditions"].pop("total", None)
    body["prefetch"]["medication-requests"].pop("total", None)
    for number, one in enumerate(entries):
        resource = one | {"id": f"c{number}", "subject": whose(body)}
        body["prefetch"]["conditions"].setdefault("entry", []).append({"resource": resource})
    order = entry("MedicationRequest", KETAMINE, id="order", subject=whose(body))
    body["prefetch"]["medication-requests"]["entry"] = [{"resource": order}]
    card = card_of(ask(body), ANEURYSM)
    assert card is not None and "may be in use" in card["summary"]


@pytest.mark.parametrize("status", ["stopped", "completed", "on-hold"])
def test_ketamine_that_ended_names_nothing(status: str) -> None:
    body = opened(entry("MedicationRequest", ESKETAMINE, status=status))
    assert (verdict(body, USE), verdict(body, PERHAPS), card_of(body, ANEURYSM)) == ("false", "false", None)


def test_maybe_in_use_without_a_contraindication_shows_no_card() -> None:
    drug = entry("MedicationRequest", ESKETAMINE, status="unknown")
    body = answer_with(NOBODY, medication_requests=drug)
    assert [card for card in body["cards"] if "may be in use" in card["summary"]] == []
