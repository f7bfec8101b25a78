"""Twelve probes that services like ours have failed: the same body, one thing changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from web.answers import (
    NOW,
    VIEW,
    assert_cards,
    assert_outcome,
    changed,
    decision,
    verdicts,
    view_call,
)
from web.auth.parties import CITY, PUBLIC, client_of, clients_file

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import FeedbackLog
from cds_service.web.app import create_app

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
Listed = tuple[FlaskClient, str]
NEXT = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]


@pytest.fixture
def listed(everywhere: Rulebook, tmp_path: Path) -> Listed:
    """A service that lists one client, and a good token of it."""
    settings = Settings(
        clients=str(clients_file(tmp_path, [client_of(CITY, "city")])),
        public_url=PUBLIC,
        database_url=f"sqlite:///{tmp_path / 'tokens.sqlite3'}",
    )
    return create_app(settings, [everywhere], clock=lambda: NOW).test_client(), CITY.token()


def sent(client: FlaskClient, path: str, value: Any) -> Any:
    return client.post(VIEW, json=changed(view_call(), path, value))


def test_the_body_unchanged_gets_cards(sample: FlaskClient) -> None:
    assert assert_cards(sample.post(VIEW, json=view_call()))["cards"]


def test_1_no_prefetch_and_no_server_is_412_with_the_key(sample: FlaskClient) -> None:
    assert "patient" in assert_outcome(sent(sample, "prefetch", ...), 412)["diagnostics"]


def test_2_one_key_missing_is_200_with_an_unknown(sample: FlaskClient) -> None:
    body = assert_cards(sent(sample, "prefetch/conditions", ...))
    assert verdicts(body) == {
        "heavy-patient": "true",
        "fracture-on-record": "unknown",
        "drug-being-ordered": "false",
    }
    assert decision(body)["complete"] is False


def test_3_an_operation_outcome_is_unknown_never_none(sample: FlaskClient) -> None:
    body = assert_cards(sent(sample, "prefetch/conditions", FAILED))
    assert verdicts(body)["fracture-on-record"] == "unknown"


def test_4_another_patient_is_400(sample: FlaskClient) -> None:
    assert assert_outcome(sent(sample, "prefetch/patient/id", "p2"), 400)["expression"] == [
        "prefetch.patient"
    ]


def test_5_a_next_link_is_a_truncated_answer(sample: FlaskClient) -> None:
    body = assert_cards(sent(sample, "prefetch/observations-vital-signs/link", NEXT))
    (line,) = [one for one in decision(body)["verdicts"] if one["rule"] == "heavy-patient"]
    assert line["verdict"] == "unknown"
    assert line["because"] == [{"key": "observations-vital-signs", "reason": "truncated"}]


def test_6_the_hook_of_another_service_is_400(sample: FlaskClient) -> None:
    assert assert_outcome(sent(sample, "hook", "order-sign"), 400)["expression"] == ["hook"]


def test_7_no_hook_instance_is_400(sample: FlaskClient) -> None:
    assert assert_outcome(sent(sample, "hookInstance", ...), 400)["expression"] == ["hookInstance"]


def test_8_a_bad_token_is_401_where_clients_are_listed(listed: Listed) -> None:
    client, good = listed
    for bad in ("not.a.jwt", "", good[:-8]):
        response = client.post(VIEW, json=view_call(), headers={"Authorization": f"Bearer {bad}"})
        assert_outcome(response, 401)
    assert_outcome(client.post(VIEW, json=view_call()), 401)
    assert_cards(client.post(VIEW, json=view_call(), headers={"Authorization": f"Bearer {good}"}))


def test_9_broken_json_is_400(sample: FlaskClient) -> None:
    broken = json.dumps(view_call()).encode()[:-1]
    assert_outcome(sample.post(VIEW, data=broken, content_type="application/json"), 400)


def test_10_feedback_is_200_and_kept(everywhere: Rulebook, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feedback.sqlite3'}"
    client = create_app(Settings(today=NOW, database_url=url), [everywhere]).test_client()
    (card, *_) = assert_cards(client.post(VIEW, json=view_call()))["cards"]
    entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
    assert client.post(f"{VIEW}/feedback", json={"feedback": [entry]}).status_code == 200
    assert_outcome(client.post(f"{VIEW}/feedback", json=entry), 400)
    assert [kept.entry.card for kept in FeedbackLog(Database(url)).said()] == [card["uuid"]]


def test_11_a_body_over_the_limit_is_413(everywhere: Rulebook) -> None:
    client = create_app(Settings(today=NOW, max_body=100), [everywhere]).test_client()
    assert_outcome(client.post(VIEW, json=view_call()), 413)


def test_12_health_is_200(sample: FlaskClient) -> None:
    assert sample.get("/healthz").status_code == 200


def test_12_metrics_are_200(sample: FlaskClient) -> None:
    assert sample.get("/metrics").status_code == 200
