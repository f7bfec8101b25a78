"""A hook call through the application, with the EHR's FHIR server behind it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fixture_server import REQUESTS, FixtureServer
from flask import Flask
from flask.testing import FlaskClient
from losing import DECISION, book
from werkzeug.test import TestResponse

from cds_service.facts.request import HookRequest
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.request import read_request

STORY = next(path for path in REQUESTS if path.name.startswith("v01"))
TOKEN = "zq7-token.of~this/call+only="
NOW = "2026-03-01T12:00:00+00:00"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def app() -> Flask:
    settings = Settings.from_environment({"CDS_TODAY": NOW, "CDS_DEADLINE_MS": "20000"})
    return create_app(settings, [book()])


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        yield made


def call(server: str, keys: tuple[str, ...] = (), **access: Any) -> Json:
    """The recorded call with some of its keys, and access to the server."""
    body: Json = json.loads(STORY.read_text())
    body["prefetch"] = {key: value for key, value in body["prefetch"].items() if key in keys}
    body["fhirServer"] = server
    if access:
        body["fhirAuthorization"] = {"access_token": TOKEN, "token_type": "Bearer", "scope": "x"} | access
    return body


def post(client: FlaskClient, body: Json) -> TestResponse:
    return client.post(f"/cds-services/{book().id}-patient-view", json=body)


def test_a_call_without_prefetch_is_answered_from_the_server(
    client: FlaskClient, server: FixtureServer
) -> None:
    whole = post(client, json.loads(STORY.read_text())).json
    read = post(client, call(server.base, expires_in=300, subject="us")).json
    assert whole is not None
    assert read is not None
    assert read == whole
    assert all(seen.authorized for seen in server.seen)


def test_a_server_without_the_patient_is_a_412(client: FlaskClient, server: FixtureServer) -> None:
    server.fail["Patient"] = 404
    answer = post(client, call(server.base))
    assert answer.status_code == 412
    assert "patient" in answer.text


def test_nothing_but_the_patient_is_a_412_that_names_the_keys(
    client: FlaskClient, server: FixtureServer
) -> None:
    for kind in ("Condition", "AllergyIntolerance", "Procedure", "Observation", "QuestionnaireResponse"):
        server.fail[kind] = 403
    for kind in ("Request", "Statement", "Dispense", "Administration"):
        server.fail[f"Medication{kind}"] = 403
    answer = post(client, call(server.base))
    assert answer.status_code == 412
    assert "observations-suicidality" in answer.text


def test_a_call_whose_token_is_of_no_use_is_not_answered_from_what_anybody_may_read(
    client: FlaskClient, server: FixtureServer
) -> None:
    keys = ("patient", "conditions")
    assert post(client, call(server.base)).status_code == 200  # this server, and this service, ask for none
    server.seen.clear()
    answer = post(client, call(server.base, keys, expires_in=0))
    assert answer.json is not None
    assert answer.json["extension"][DECISION]["complete"] is False
    assert server.seen == []
    refused = post(client, call(server.base, ("patient",), expires_in=0))
    assert refused.status_code == 412
    assert "The FHIR server was not asked: the access token of the call cannot be used" in refused.text
    assert server.base not in refused.text


@pytest.mark.parametrize("keys", [(), ("patient",)])
def test_a_412_says_why_the_server_was_not_asked(client: FlaskClient, keys: tuple[str, ...]) -> None:
    for server, reason in (
        ("https://10.1.2.3/fhir", "its address is neither public and reached by https"),
        ("", "the call names no fhirServer"),
    ):
        answer = post(client, call(server, keys))
        assert answer.status_code == 412
        assert reason in answer.text
        assert "10.1.2.3" not in answer.text


def test_one_read_that_fails_is_said_by_one_card(client: FlaskClient, server: FixtureServer) -> None:
    server.fail["Condition"] = 500
    answer = post(client, call(server.base)).json
    assert answer is not None
    assert answer["extension"][DECISION]["complete"] is False
    cards = [card for card in answer["cards"] if "conditions (could not be read)" in card["detail"]]
    assert len(cards) == 1


def test_a_server_elsewhere_is_not_read_by_a_service_for_this_machine(client: FlaskClient) -> None:
    answer = post(client, call("https://10.1.2.3/fhir", ("patient", "conditions")))
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["extension"][DECISION]["complete"] is False


def test_neither_the_token_nor_the_patient_is_in_a_log_and_the_token_in_no_answer(
    client: FlaskClient, server: FixtureServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (0, 404, 500, 503):
        server.behave()
        server.fail.update({"Condition": status, "Patient": status} if status else {})
        answer = post(client, call(server.base, expires_in=300, subject="us"))
        assert TOKEN not in answer.text
    assert TOKEN not in caplog.text
    assert f"patient={json.loads(STORY.read_text())['context']['patientId']}" not in caplog.text


# --- the access as it is read --------------------------------------------------------------------


def read_with(authorization: Json | None) -> HookRequest:
    made = call("https://ehr.example.org/fhir") | {"fhirAuthorization": authorization}
    body = json.dumps(made).encode()
    settings = Settings.from_environment({"CDS_TODAY": NOW})
    assert settings.today is not None
    request = read_request(
        body, service_id="s", hook="patient-view", as_of=settings.today, zone=settings.timezone
    )
    assert TOKEN not in repr(request)
    return request


def access_of(**access: Any) -> tuple[str, bool]:
    """The token that is used, and whether there is one that cannot be."""
    found = read_with({"access_token": TOKEN, "token_type": "Bearer", "scope": "x"} | access)
    return found.access_token, found.token_unusable


@pytest.mark.parametrize(
    "access",
    [
        {"expires_in": 300},
        {"token_type": "bearer"},
        {"expires_in": "soon"},
        {"scope": None},
        {"subject": "us"},
    ],
)
def test_a_bearer_token_is_taken(access: Json) -> None:
    assert access_of(**access) == (TOKEN, False)


@pytest.mark.parametrize(
    "access",
    [
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": 0},
        {"expires_in": -5},
        {"access_token": "two words"},
        {"access_token": "line\r\nHost: evil.test"},
        {"access_token": ""},
        {"access_token": None},
    ],
)
def test_any_other_token_is_not_used_and_known_to_be_of_no_use(access: Json) -> None:
    assert access_of(**access) == ("", True)


@pytest.mark.parametrize("authorization", [None, {}])
def test_no_authorization_is_no_token_and_none_of_no_use(authorization: Json | None) -> None:
    found = read_with(authorization)
    assert (found.access_token, found.token_unusable) == ("", False)
