"""Small charts for the test server, and how its answers are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.authoring.charts import ChartFile
from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.store import Store

Json = dict[str, Any]
MARK = "zq7mark"
"""Stands in values of requests; no refusal and no told line may hold it."""


def patient(number: str = "p1", **members: Any) -> Json:
    return {"resourceType": "Patient", "id": number, **members}


def observation(number: str, when: str = "2026-02-01", owner: str = "p1", **members: Any) -> Json:
    coding = {"system": "http://loinc.org", "code": "29463-7"}
    return {
        "resourceType": "Observation",
        "id": number,
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{owner}"},
        "effectiveDateTime": when,
        **members,
    }


def store_of(*resources: Json) -> Store:
    """One chart; its patient is p1 unless one is among the resources."""
    people = [one for one in resources if one["resourceType"] == "Patient"]
    held = resources if people else (patient(), *resources)
    return Store.of([ChartFile("example.json", None, "p1", tuple(held))])


def client_of(*resources: Json, **faults: Any) -> FlaskClient:
    return create_fhir_app(store_of(*resources), Knobs(**faults)).test_client()


def ids(bundle: Json) -> list[str]:
    """The ids of a page's matches, in order."""
    entries = bundle.get("entry", [])
    return [one["resource"]["id"] for one in entries if one["search"]["mode"] == "match"]


def found(client: FlaskClient, search: str) -> list[str]:
    """The ids of a search's only page."""
    response = client.get(f"/fhir/{search}")
    assert response.status_code == 200, response.text
    return ids(searchset(response))


def searchset(response: TestResponse) -> Json:
    """A valid searchset whose entries lie under its own base."""
    assert response.status_code == 200, response.text
    body: Json = json.loads(response.data)
    Bundle.model_validate(body)
    assert body["type"] == "searchset"
    assert body["link"][0]["relation"] == "self"
    return body


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def pages(client: FlaskClient, search: str) -> Iterable[Json]:
    """Every page of a search, by its next links."""
    page = searchset(client.get(f"/fhir/{search}"))
    yield page
    while (url := link(page, "next")) is not None:
        assert url.startswith("http://localhost/fhir/")
        page = searchset(client.get(urlsplit(url).path))
        yield page


def refused(response: TestResponse, status: int) -> str:
    """The text of a refusal, which is a valid OperationOutcome and repeats nothing."""
    assert response.status_code == status, response.text
    body = json.loads(response.data)
    OperationOutcome.model_validate(body)
    assert MARK not in response.text
    (issue,) = body["issue"]
    assert issue["severity"] == "error"
    return str(issue["details"]["text"])
