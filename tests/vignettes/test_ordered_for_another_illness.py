"""Antidepressants ordered for pain or hot flushes are no trials for depression, through the real service."""

from __future__ import annotations

import pytest
from one_entry_more import ICD, Json, ask, body_of, card_of, concept, verdict

TRD = "trd-definition-met"


def with_reason(code: Json, drug: str) -> Json:
    """The recorded call, the orders of one drug with a reason."""
    body = body_of("v01-clear-trd.patient-view")
    for entry in body["prefetch"]["medication-requests"]["entry"]:
        if drug in str(entry["resource"]["medicationCodeableConcept"]):
            entry["resource"]["reasonCode"] = [code]
    return ask(body)


@pytest.mark.parametrize("code", ["G43.909", "N95.1"])
def test_a_drug_ordered_for_another_illness_leaves_the_definition_open(code: str) -> None:
    body = with_reason(concept(ICD, code, "Something else"), "313581")
    card = card_of(body, TRD)
    assert verdict(body, TRD) == "unknown" and card is not None
    assert "ordered for another illness: Something else" in card["detail"]
    assert card_of(body, "treatment-options") is None


def test_a_drug_ordered_for_depression_counts() -> None:
    assert verdict(with_reason(concept(ICD, "F33.2"), "313581"), TRD) == "true"
