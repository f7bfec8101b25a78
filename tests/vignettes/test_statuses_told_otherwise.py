"""Problems and allergies whose status is no FHIR code, or that ended, through the real application."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import ICD, RXNORM, Json, answer_with, ask, body_of, card_of, concept, notes_on, verdict

CALL = "v01-clear-trd.patient-view"
TRD, ANEURYSM = "trd-definition-met", "contraindication-aneurysmal-disease"
ALLERGY = "contraindication-hypersensitivity"


def with_depression(**changed: Any) -> Json:
    """The recorded call, its depression with other elements; None takes one away."""
    body = body_of(CALL)
    for entry in body["prefetch"]["conditions"]["entry"]:
        kept = entry["resource"] | changed
        entry["resource"] = {name: value for name, value in kept.items() if value is not None}
    return ask(body)


def depression(body: Json) -> str:
    return verdict(body, "major-depression-current")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (concept(text="Resolved"), "false"),
        (concept(code="Resolved"), "false"),
        (concept("urn:site", "9", "Resolved"), "false"),
        (concept("urn:site", "9"), "unknown"),
    ],
)
def test_a_depression_whose_status_is_no_code_is_not_taken_as_active(status: Json, expected: str) -> None:
    body = with_depression(clinicalStatus=status)
    assert depression(body) == verdict(body, TRD) == expected
    assert card_of(body, "treatment-options") is None


def test_a_depression_that_ended_is_not_current() -> None:
    ended = with_depression(clinicalStatus=None, abatementDateTime="2025-12-01")
    assert depression(ended) == "false" and card_of(ended, "treatment-options") is None
    assert depression(with_depression(clinicalStatus=None)) == "true"


def test_a_depression_called_active_that_ended_is_open_and_noted() -> None:
    body = with_depression(id="both", abatementDateTime="2025-12-01")
    assert depression(body) == "unknown"
    assert "status-unclear" in notes_on(body, "Condition/both")


@pytest.mark.parametrize("text", ["Refuted", "Entered in error"])
def test_an_aneurysm_disowned_in_words_shows_no_card(text: str) -> None:
    aneurysm = {"resourceType": "Condition", "code": concept(ICD, "I67.1")}
    body = answer_with(CALL, conditions={**aneurysm, "verificationStatus": concept(text=text)})
    assert card_of(body, ANEURYSM) is None
    assert notes_on(body, "Condition/one-more") == [text.casefold().replace(" ", "-")]


def test_an_allergy_whose_status_nobody_can_read_is_open() -> None:
    entry = {"resourceType": "AllergyIntolerance", "code": concept(RXNORM, "6130")}
    for status, expected in (("Resolved", "false"), ("Active", "true"), ("see letter", "unknown")):
        body = answer_with(CALL, allergies={**entry, "clinicalStatus": concept(text=status)})
        assert verdict(body, ALLERGY) == expected
