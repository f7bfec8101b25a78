"""A recorded call with entries added to its prefetch, answered by the real application."""

from __future__ import annotations

import json
from typing import Any

from test_vignettes import DECISION, FIXTURES, app, rules_of

Json = dict[str, Any]
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"


def body_of(call: str) -> Json:
    """The recorded call, to be changed."""
    body: Json = json.loads((FIXTURES / "requests" / f"{call}.json").read_bytes())
    return body


def ask(body: Json) -> Json:
    """The answer to a call."""
    response = app().test_client().post(f"/cds-services/ketamine-trd-{body['hook']}", json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    got: Json = response.get_json()
    return got


def answer_with(call: str, **more: Json) -> Json:
    """The answer to a recorded call with one more entry per prefetch key (`-` written `_`)."""
    body = body_of(call)
    patient = body["context"]["patientId"]
    for name, resource in more.items():
        whose = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
        entry = {"id": "one-more", whose: {"reference": f"Patient/{patient}"}} | resource
        key = name.replace("_", "-")
        bundle = body["prefetch"][key] or {"resourceType": "Bundle", "type": "searchset"}
        body["prefetch"][key] = bundle
        bundle.setdefault("entry", []).append({"resource": entry})
        bundle.pop("total", None)
    return ask(body)


def concept(system: str = "", code: str = "", display: str = "", text: str = "") -> Json:
    coding = {
        key: value for key, value in (("system", system), ("code", code), ("display", display)) if value
    }
    return ({"coding": [coding]} if coding else {}) | ({"text": text} if text else {})


def condition(code: Json, **more: Any) -> Json:
    return {"resourceType": "Condition", "clinicalStatus": concept(code="active"), "code": code} | more


def allergy(code: Json, **more: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": concept(code="active"),
        "code": code,
    } | more


def verdict(answer: Json, rule: str) -> str:
    told = {item["rule"]: item["verdict"] for item in answer["extension"][DECISION]["verdicts"]}
    return str(told[rule])


def card_of(answer: Json, rule: str) -> Json | None:
    """The card a rule stands behind, alone or merged; None if it shows none."""
    return next((card for card in answer["cards"] if rule in rules_of(card)), None)


def notes_on(answer: Json, reference: str) -> list[str]:
    """What was noted about an entry."""
    notes = answer["extension"][DECISION].get("notes", [])
    return [one["code"] for one in notes if one["reference"] == reference]
