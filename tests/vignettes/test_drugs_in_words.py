"""Drugs told by a brand, or by a name nobody knows, beside treatment, through the real application."""

from __future__ import annotations

import pytest
from one_entry_more import Json, answer_with, ask, body_of, card_of, concept, verdict

IN_USE, ORDERED = "esketamine-week-6-aaa-in-words.patient-view", "order-esketamine-56.order-sign"
CANDIDATE = "v01-clear-trd.patient-view"
INTERACTIONS = tuple(
    f"interaction-{name}" for name in ("cns-depressant", "psychostimulant", "maoi", "cyp3a4")
)

UNKNOWN_ORDER: Json = {
    "resourceType": "MedicationRequest",
    "id": "one-more",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": concept(text="Zorbinex 20 mg"),
}


def on_the_list(call: str, text: str, status: str = "active") -> Json:
    resource = {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": concept(text=text),
    }
    return answer_with(call, medication_statements=resource)


@pytest.mark.parametrize(
    ("brand", "rule"),
    [
        ("Vicodin 5/500", "interaction-cns-depressant"),
        ("Tylenol #3", "interaction-cns-depressant"),
        ("Adderall XR", "interaction-psychostimulant"),
        ("Zyvox", "interaction-maoi"),
        ("Biaxin XL 500 mg", "interaction-cyp3a4"),
        ("Tegretol", "interaction-cyp3a4"),
        ("Dilantin 100 mg", "interaction-cyp3a4"),
        ("Paxlovid", "interaction-cyp3a4"),
    ],
)
@pytest.mark.parametrize("call", [IN_USE, ORDERED, CANDIDATE])
def test_a_drug_told_by_its_brand_alone_shows_its_card(call: str, brand: str, rule: str) -> None:
    answer = on_the_list(call, brand)
    assert verdict(answer, rule) == "true" and card_of(answer, rule) is not None


@pytest.mark.parametrize("call", [IN_USE, ORDERED])
def test_a_name_nobody_knows_shows_one_card_for_all_interactions(call: str) -> None:
    answer = on_the_list(call, "Zorbinex 20 mg")
    cards = [card_of(answer, rule) for rule in INTERACTIONS]
    card = cards[0]
    assert {verdict(answer, rule) for rule in INTERACTIONS} == {"unknown"}
    assert card is not None and all(one == card for one in cards)
    assert "Zorbinex 20 mg" in card["detail"] and card["indicator"] == "warning"
    assert len(answer["cards"]) <= 8


def test_it_shows_none_for_a_mere_candidate_and_none_once_stopped() -> None:
    for answer in (
        on_the_list(CANDIDATE, "Zorbinex 20 mg"),
        on_the_list(IN_USE, "Zorbinex 20 mg", "not-taken"),
        on_the_list(IN_USE, "Tylenol 500 mg"),
    ):
        assert [card_of(answer, rule) for rule in INTERACTIONS] == [None] * 4


def test_a_list_that_did_not_come_shows_the_could_not_check_card_instead() -> None:
    body = body_of(IN_USE)
    patient = {"reference": f"Patient/{body['context']['patientId']}"}
    del body["prefetch"]["medication-statements"]
    body["prefetch"]["medication-requests"]["entry"].append(
        {"resource": UNKNOWN_ORDER | {"subject": patient}}
    )
    answer = ask(body)
    assert {verdict(answer, rule) for rule in INTERACTIONS} == {"unknown"}
    assert any("could not be made" in card["summary"] for card in answer["cards"])
    assert not any("could not read" in card["summary"] for card in answer["cards"])
