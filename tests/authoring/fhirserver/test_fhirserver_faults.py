"""The test server told to misbehave, over real HTTP and in one process."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from fhir_examples import (
    MARK,
    client_of,
    found,
    ids,
    link,
    observation,
    patient,
    refused,
    searchset,
    store_of,
)

from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving

WEIGHT, SCORE = "http://loinc.org|29463-7", "http://loinc.org|44261-6"
ROWS = [observation(f"o{number}") for number in range(5)]


def test_a_slow_type_pauses_before_its_answer_and_others_do_not() -> None:
    pauses: list[float] = []
    app = create_fhir_app(store_of(*ROWS), Knobs(slow={"Observation": 1500}), pause=pauses.append)
    client = app.test_client()
    assert client.get("/fhir/Patient/p1").status_code == 200
    assert pauses == []
    searchset(client.get("/fhir/Observation"))
    client.get("/fhir/Observation/o1")
    assert pauses == [1.5, 1.5]


def test_one_search_can_fail_while_others_of_its_type_answer() -> None:
    client = client_of(*ROWS, fail={f"Observation?code={WEIGHT},{SCORE}": 503})
    refused(client.get(f"/fhir/Observation?patient=p1&code={SCORE},{WEIGHT}"), 503)
    refused(client.post("/fhir/Observation/_search", data={"code": f"{WEIGHT},{SCORE}"}), 503)
    assert len(found(client, f"Observation?code={WEIGHT}")) == 5
    assert len(found(client, "Observation?patient=p1")) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_a_failing_type_answers_with_the_status_it_was_told(status: int) -> None:
    client = client_of(*ROWS, fail={"Observation": status})
    refused(client.get("/fhir/Observation?patient=p1"), status)
    refused(client.get("/fhir/Observation/o1"), status)
    assert found(client, "Patient?_id=p1") == ["p1"]


@pytest.mark.parametrize(("most", "total"), [(0, 5), (2, 5), (5, 6), (9, 6)])
def test_a_truncating_server_claims_more_than_ever_comes(most: int, total: int) -> None:
    bundle = searchset(client_of(*ROWS, truncate={"Observation": most}).get("/fhir/Observation?patient=p1"))
    assert len(ids(bundle)) == min(most, 5)
    assert bundle["total"] == total
    assert link(bundle, "next") is None


def test_a_dropped_type_is_not_there_and_not_announced() -> None:
    client = client_of(*ROWS, drop=frozenset({"Observation"}))
    refused(client.get("/fhir/Observation?patient=p1"), 404)
    refused(client.get("/fhir/Observation/o1"), 404)
    statement = json.loads(client.get("/fhir/metadata").data)
    assert "Observation" not in [one["type"] for one in statement["rest"][0]["resource"]]


def test_a_token_is_asked_for_everywhere_but_metadata() -> None:
    client = client_of(*ROWS, token="made-up", page=1)
    url = link(json.loads(client.get("/fhir/Observation", headers=bearer("made-up")).data), "next")
    assert url is not None
    page = url.removeprefix("http://localhost")
    for path in ("/fhir/Patient/p1", "/fhir/Observation", page):
        for headers in ({}, bearer(MARK), {"Authorization": "made-up"}):
            response = client.get(path, headers=headers)
            refused(response, 401)
            assert response.headers["WWW-Authenticate"] == "Bearer"
        assert client.get(path, headers=bearer("made-up")).status_code == 200
    assert client.get("/fhir/metadata").status_code == 200
    assert client.options("/fhir/Patient").status_code == 204


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_token_is_not_shown_with_the_knobs() -> None:
    assert MARK not in repr(Knobs(token=MARK))


# --- over real HTTP ------------------------------------------------------------------------------


def test_pages_are_followed_over_http() -> None:
    with serving(create_fhir_app(store_of(*ROWS), Knobs(page=2))) as base:
        url: str | None = f"{base}/Observation?patient=p1&_sort=_id"
        seen: list[str] = []
        while url is not None:
            assert url.startswith(f"{base}/")
            page = requests.get(url, timeout=10).json()
            seen += ids(page)
            url = link(page, "next")
    assert seen == ["o0", "o1", "o2", "o3", "o4"]


def test_the_sandbox_finds_what_it_needs() -> None:
    """The calls of the public CDS Hooks Sandbox (cds-hooks.md SB-3), with the headers it sends."""
    person = patient(name=[{"family": "Fixture", "given": ["Ann"]}])
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}
    problem = {"resourceType": "Condition", "id": "c", "code": code, "subject": {"reference": "Patient/p1"}}
    with serving(create_fhir_app(store_of(person, problem, *ROWS))) as base, requests.Session() as browser:
        browser.headers.update({"Origin": "http://localhost:8080", "Accept": "application/json+fhir"})

        def get(path: str) -> Any:
            answer = browser.get(base + path, timeout=10)
            assert answer.ok
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Content-Type"] == "application/json+fhir"
            return answer.json()

        assert get("/metadata")["fhirVersion"].startswith("4.0")
        assert [one["resource"]["id"] for one in get("/Patient")["entry"]] == ["p1"]
        assert get("/Patient/p1")["name"][0]["given"] == ["Ann"]
        assert get("/Condition?patient=p1")["total"] == 1
        searched = browser.post(f"{base}/Observation/_search", data={"patient": "p1"}, timeout=10)
        assert searched.json()["total"] == 5
        launch = browser.post(f"{base}/_services/smart/Launch", json={"launch_url": "x"}, timeout=10)
        assert (launch.status_code, launch.json()["resourceType"]) == (501, "OperationOutcome")
        assert launch.headers["Access-Control-Allow-Origin"] == "*"
