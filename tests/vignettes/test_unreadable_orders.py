"""Orders whose reason, drug or frequency cannot be read, through the real application, as they are signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_vignettes import DECISION, FIXTURES, app, rules_of

Json = dict[str, Any]
TEXT: Json = {"reasonCode": [{"text": "Low mood that tablets did not help"}]}
LOCAL: Json = {"reasonCode": [{"coding": [{"system": "urn:site", "code": "R17"}]}]}
DEAD: Json = {"reasonReference": [{"reference": "Condition/not-there"}]}
OBSERVED: Json = {"reasonReference": [{"reference": "Observation/v01-phq9"}]}
PAIN: Json = {"reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "R52"}]}]}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CONFIRM, IV = "contraindication-aneurysmal-disease", "dose-check-ketamine-iv"


def signed(call: str, *, add: tuple[Json, ...] = (), lose: str = "", **changes: Any) -> Json:
    """The answer to a recorded call with its only draft changed (None removes), and more drafts added."""
    path: Path = FIXTURES / "requests" / f"{call}.order-sign.json"
    body = json.loads(path.read_bytes())
    body["prefetch"].pop(lose, None)
    entries = body["context"]["draftOrders"]["entry"]
    first = entries[0]["resource"]
    made = {name: value for name, value in (first | changes).items() if value is not None}
    entries[:] = [{"resource": made}, *({"resource": first | one} for one in add)]
    response = app().test_client().post("/cds-services/ketamine-trd-order-sign", json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    got: Json = response.get_json()
    return got


def verdict(body: Json, rule: str) -> str:
    told = {item["rule"]: item["verdict"] for item in body["extension"][DECISION]["verdicts"]}
    return str(told[rule])


def leads(body: Json) -> list[str]:
    return [rules_of(card)[0] for card in body["cards"]]


COULD_NOT = "Some safety checks for ketamine or esketamine could not be made"


def warned(body: Json, drug: Json) -> Json:
    """The answer without the card about checks not made, which a drug told by a dead reference must raise."""
    cards = [card for card in body["cards"] if card["summary"] != COULD_NOT]
    assert len(body["cards"]) - len(cards) == ("medicationReference" in drug)
    return body | {"cards": cards}


def given(reason: Json) -> Json:
    return {"reasonCode": None, "reasonReference": None} | reason


reasons = pytest.mark.parametrize(
    "reason", [TEXT, LOCAL, DEAD, OBSERVED], ids=["text", "local", "dead", "other"]
)


@reasons
def test_in_current_depression_an_unreadable_reason_counts_like_none(reason: Json) -> None:
    unreadable, without = signed("order-iv-60-mg", **given(reason)), signed("order-iv-60-mg", **given({}))
    for body in (unreadable, without):
        assert (verdict(body, "ketamine-ordered"), verdict(body, IV)) == ("true", "true")
    assert leads(unreadable) == leads(without)
    (told,) = [card["detail"] for card in unreadable["cards"] if rules_of(card)[0] == IV]
    assert "cannot be read" in told


@reasons
def test_without_depression_an_unreadable_reason_leaves_it_open_and_says_so(reason: Json) -> None:
    body = signed("order-sedation-in-words", **given(reason))
    assert (verdict(body, "ketamine-ordered"), verdict(body, IV)) == ("unknown", "unknown")
    assert leads(body) == [CONFIRM, IV]
    assert {card["indicator"] for card in body["cards"]} == {"info"}
    for card in body["cards"]:
        assert "reason that can be read" in card["summary"]
        assert "More than" not in card["detail"]


@pytest.mark.parametrize("call", ["order-iv-60-mg", "order-sedation-in-words"])
def test_a_reason_coded_as_something_else_is_left_alone(call: str) -> None:
    for reason in (PAIN, PAIN | DEAD, {"reasonCode": [*PAIN["reasonCode"], *TEXT["reasonCode"]]}):
        body = signed(call, **given(reason))
        assert (verdict(body, "ketamine-ordered"), body["cards"]) == ("false", [])


def test_a_reference_to_conditions_that_were_not_obtained_is_not_called_unreadable() -> None:
    body = signed("order-iv-60-mg", lose="conditions", **given(DEAD))
    assert verdict(body, "ketamine-ordered") == "unknown"
    assert not any("could not be read" in card["summary"] for card in body["cards"])
    assert body["extension"][DECISION]["complete"] is False


@pytest.mark.parametrize(
    "drug",
    [
        {"medicationCodeableConcept": {"text": "mixture 12, as by protocol"}},
        {"medicationCodeableConcept": {"coding": [{"system": "urn:site", "code": "X1"}]}},
        {"medicationReference": {"reference": "Medication/not-there"}},
    ],
    ids=["text", "local code", "dead reference"],
)
def test_a_drug_nobody_recognises_is_told_of_only_where_it_could_matter(drug: Json) -> None:
    change = {"medicationCodeableConcept": None} | drug
    candidate = warned(signed("order-unrecognised-candidate", **change), drug)
    assert (verdict(candidate, "ketamine-ordered"), leads(candidate)) == ("unknown", ["ketamine-ordered"])
    assert candidate["cards"][0]["indicator"] == "info"
    assert signed("order-unrecognised-nobody", **change)["cards"] == []
    assert warned(signed("order-unrecognised-candidate", **change, **PAIN), drug)["cards"] == []


@pytest.mark.parametrize(
    "drug",
    [
        {"medicationCodeableConcept": {"text": "Esketaminum spray"}},
        {"medicationCodeableConcept": {"coding": [{"code": "X1", "display": "ketaminhcl"}]}},
        {"medicationReference": {"reference": "Medication/x", "display": "Spravatto 84"}},
    ],
    ids=["text", "display", "reference"],
)
def test_words_that_read_like_ketamine_are_told_of_for_everybody(drug: Json) -> None:
    change = {"medicationCodeableConcept": None} | drug
    for call in ("order-unrecognised-candidate", "order-unrecognised-nobody"):
        body = signed(call, **change)
        body = warned(body, drug) if call.endswith("candidate") else body
        assert (leads(body), body["cards"][0]["indicator"]) == (["ketamine-ordered"], "warning")


@pytest.mark.parametrize(
    "drug", [{"text": "Lisinopril 10 mg"}, {"coding": [{"system": RXNORM, "code": "36437"}]}]
)
def test_a_known_other_drug_gets_no_card_however_it_is_told(drug: Json) -> None:
    body = signed("order-unrecognised-candidate", medicationCodeableConcept=drug)
    assert (verdict(body, "ketamine-ordered"), body["cards"]) == ("false", [])


def test_ketamine_named_in_words_is_recognised_and_checked() -> None:
    body = signed("order-iv-60-mg", medicationCodeableConcept={"text": "Ketamine infusion"})
    assert (verdict(body, "ketamine-ordered"), verdict(body, IV)) == ("true", "true")


def test_a_drug_nobody_recognises_beside_esketamine_is_told_of_too() -> None:
    odd = {"id": "draft-odd", "medicationCodeableConcept": {"text": "mixture 12"}, "reasonCode": []}
    body = signed("order-esketamine-84", add=(odd,))
    assert verdict(body, "ketamine-ordered") == "true"
    assert "ketamine-ordered" in leads(body)


def test_an_order_that_says_nothing_of_frequency_gets_no_card_about_it() -> None:
    call = "order-esketamine-frequency-in-words"
    told = [card["summary"] for card in signed(call)["cards"]]
    assert any("frequency could not be read" in summary for summary in told)
    path = FIXTURES / "requests" / f"{call}.order-sign.json"
    line = json.loads(path.read_bytes())["context"]["draftOrders"]["entry"][0]["resource"][
        "dosageInstruction"
    ][0]
    silent = signed(call, dosageInstruction=[{key: value for key, value in line.items() if key != "text"}])
    assert verdict(silent, "dose-check-esketamine") == "unknown"
    assert not any("frequency" in card["summary"] for card in silent["cards"])
