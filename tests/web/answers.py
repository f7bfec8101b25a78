"""Sample calls, and what every answer has to be whatever was asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULEBOOKS = Path(__file__).parent / "rulebooks"
MARK = "zq7othermark"
"""Stands in the resources of another patient; no answer may hold it."""

SCRIPT = "<script>alert(1)</script>"
"""No card may hold markup of the chart unescaped."""

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
VIEW, SELECT = "/cds-services/sample-patient-view", "/cds-services/sample-order-select"

# The issue types of FHIR R4 (http://hl7.org/fhir/R4/valueset-issue-type.html) that this service may use.
ISSUE_TYPES = {
    *("invalid", "structure", "required", "value", "not-supported", "not-found", "too-long"),
    *("processing", "incomplete", "transient", "exception", "login", "forbidden"),
}


def resource(kind: str, number: str, patient: str, **members: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": number, "subject": {"reference": f"Patient/{patient}"}, **members}


def coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def fracture(number: str, patient: str, display: str = "Fracture") -> dict[str, Any]:
    code = coded("http://snomed.info/sct", "125605004", display)
    return resource("Condition", number, patient, code=code, onsetDateTime="2025-05-01")


def weight(number: str, patient: str, kg: float) -> dict[str, Any]:
    unit = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    code = coded("http://loinc.org", "29463-7", f"Body weight {patient}")
    return resource(
        "Observation",
        number,
        patient,
        status="final",
        code=code,
        effectiveDateTime="2026-02-01T08:00:00Z",
        valueQuantity={"value": kg} | unit,
    )


def order(number: str, patient: str) -> dict[str, Any]:
    drug = coded("http://www.nlm.nih.gov/research/umls/rxnorm", "161", "Acetaminophen")
    return resource(
        "MedicationRequest", number, patient, status="draft", intent="order", medicationCodeableConcept=drug
    )


def searched(*resources: dict[str, Any], **members: Any) -> dict[str, Any]:
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **members}


def view_call() -> dict[str, Any]:
    """A patient with a fracture and 120 kg."""
    return {
        "hook": "patient-view",
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"},
            "conditions": searched(fracture("c1", "p1")),
            "observations-vital-signs": searched(weight("o1", "p1", 120)),
        },
    }


def select_call() -> dict[str, Any]:
    """The same patient, for whom the sample drug is being ordered."""
    call = view_call() | {"hook": "order-select"}
    call["context"] |= {
        "encounterId": "e1",
        "selections": ["MedicationRequest/d1"],
        "draftOrders": {
            "resourceType": "Bundle",
            "entry": [{"resource": order("d1", "p1")}],
        },
    }
    return call


def mixed(call: dict[str, Any]) -> dict[str, Any]:
    """The call with another patient's resources among the data and the drafts."""
    call = copy.deepcopy(call)
    prefetch = call["prefetch"]
    prefetch["conditions"]["entry"].append({"resource": fracture("c2", MARK, MARK)})
    prefetch["observations-vital-signs"]["entry"].append({"resource": weight("o2", MARK, 77)})
    if "draftOrders" in call["context"]:
        call["context"]["draftOrders"]["entry"].append({"resource": order("d2", MARK)})
    return call


def changed(call: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The call with one value replaced; `...` removes it. Steps of the path are separated by `/`."""
    call = copy.deepcopy(call)
    *steps, last = path.split("/")
    place: Any = call
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return call


def assert_outcome(response: TestResponse, status: int) -> dict[str, Any]:
    """The answer is this failure, explained by a valid OperationOutcome that nobody may keep."""
    assert response.status_code == status, response.data[:300]
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = json.loads(response.data)
    OperationOutcome.model_validate(body)
    (issue,) = body["issue"]
    assert issue["severity"] == "error"
    assert issue["code"] in ISSUE_TYPES
    assert issue["details"]["text"]
    assert MARK not in response.text
    return issue


def assert_cards(response: TestResponse) -> dict[str, Any]:
    """The answer is a card response as the specification wants it."""
    assert response.status_code == 200, response.data[:300]
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = json.loads(response.data, parse_constant=_no_constant)
    assert isinstance(body["cards"], list)
    ours = without_echoes(body)
    assert MARK not in json.dumps(ours)
    assert not list(empties(ours, "body"))
    for card in body["cards"]:
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert card["source"]["topic"]["code"]
        assert card["uuid"]
    return body


def without_echoes(body: dict[str, Any]) -> dict[str, Any]:
    """The answer without the orders an update sends back: they are what the caller sent (row A-4)."""
    ours = copy.deepcopy(body)
    for card in ours["cards"]:
        for suggestion in card.get("suggestions", []):
            for action in suggestion.get("actions", []):
                if action.get("type") == "update":
                    action.pop("resource", None)
    return ours


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def empties(value: Any, where: str) -> Iterator[str]:
    """The places that hold null, "", [] or {}, which no answer may (`cards` alone may be [])."""
    if value in (None, "", [], {}) and value is not False and value != 0 and where != "body.cards":
        yield where
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from empties(inner, f"{where}.{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empties(inner, f"{where}[{index}]")


def verdicts(body: dict[str, Any]) -> dict[str, str]:
    """Rule to verdict, as the decision extension says."""
    return {line["rule"]: line["verdict"] for line in decision(body)["verdicts"]}


def decision(body: dict[str, Any]) -> dict[str, Any]:
    """The decision extension of a card response."""
    found: dict[str, Any] = body["extension"]["org.cds-service.decision"]
    return found


def assert_answered(client: FlaskClient, address: str, body: bytes) -> dict[str, str] | None:
    """A valid refusal, or cards that hold nothing of another patient and no markup; the verdicts if any."""
    response = client.post(address, data=body, content_type="application/json")
    if response.status_code == 200:
        answer = assert_cards(response)
        assert SCRIPT not in json.dumps(without_echoes(answer)["cards"])
        return verdicts(answer)
    assert 400 <= response.status_code < 500, response.data[:300]
    assert SCRIPT not in response.text
    assert_outcome(response, response.status_code)
    return None
