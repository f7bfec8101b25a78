"""Orders that name their drug by a brand code or by another entry of the call, beside a contraindication."""

from __future__ import annotations

import pytest
from one_entry_more import RXNORM, Json, ask, body_of, card_of, concept, verdict

CALL, ANEURYSM = "order-esketamine-aneurysm.order-sign", "contraindication-aneurysmal-disease"
URN = "urn:uuid:6f9c1f5e-1111-4222-8333-444455556666"
MEDICATION: Json = {"resourceType": "Medication", "code": concept(RXNORM, "2119390")}


def signed(drug: Json, *entries: Json) -> Json:
    """The order signed with its drug told so, where nothing says that the patient is a candidate."""
    body = body_of(CALL)
    for key in body["prefetch"]:
        if key.startswith("medication-"):
            body["prefetch"][key] = None
    orders = body["context"]["draftOrders"]["entry"]
    for entry in orders:
        entry["resource"].pop("medicationCodeableConcept", None)
        entry["resource"].pop("medicationReference", None)
        entry["resource"] |= drug
    orders.extend(entries)
    return ask(body)


@pytest.mark.parametrize(
    ("drug", "entries"),
    [
        ({"medicationCodeableConcept": concept(RXNORM, "2119382")}, ()),
        ({"medicationReference": {"reference": URN}}, ({"fullUrl": URN, "resource": MEDICATION},)),
        (
            {"medicationReference": {"reference": "Medication/kit"}},
            ({"resource": MEDICATION | {"id": "kit"}},),
        ),
    ],
    ids=["brand", "urn", "id"],
)
def test_a_contraindicated_order_is_known_however_it_names_its_drug(drug: Json, entries: tuple[Json]) -> None:
    answer = signed(drug, *entries)
    card = card_of(answer, ANEURYSM)
    assert verdict(answer, "ketamine-ordered") == "true"
    assert card is not None and card["indicator"] == "critical"


def test_a_drug_nobody_recognises_beside_a_contraindication_shows_a_card() -> None:
    answer = signed({"medicationReference": {"reference": URN}})
    card = card_of(answer, ANEURYSM)
    assert verdict(answer, "ketamine-ordered") == "unknown"
    assert card is not None and "not recognised" in card["summary"]


def test_a_urn_is_found_among_the_entries_of_a_prefetch_bundle() -> None:
    body = body_of("order-esketamine-56.order-sign")
    patient = {"reference": f"Patient/{body['context']['patientId']}"}
    statement = {
        "resourceType": "MedicationRequest",
        "id": "one-more",
        "status": "active",
        "intent": "order",
        "subject": patient,
        "authoredOn": "2026-02-25",
        "medicationReference": {"reference": URN},
    }
    lorazepam = {"resourceType": "Medication", "code": concept(RXNORM, "6470")}
    entries = [{"resource": statement}, {"fullUrl": URN, "resource": lorazepam}]
    body["prefetch"]["medication-requests"].setdefault("entry", []).extend(entries)
    body["prefetch"]["medication-requests"].pop("total", None)
    assert verdict(ask(body), "interaction-cns-depressant") == "true"
