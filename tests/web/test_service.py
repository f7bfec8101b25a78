"""POST /cds-services/<id>: the probes that other services fail, and every way to be refused."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .answers import (
    MARK,
    NOW,
    SELECT,
    VIEW,
    assert_cards,
    assert_outcome,
    changed,
    decision,
    fracture,
    mixed,
    searched,
    select_call,
    verdicts,
    view_call,
)

FAILED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "exception", "diagnostics": MARK}],
}


def reasons(body: dict[str, Any], rule: str) -> dict[str, str]:
    """Key to reason, for one rule."""
    (line,) = [line for line in decision(body)["verdicts"] if line["rule"] == rule]
    return {one["key"]: one["reason"] for one in line.get("because", [])}


def test_a_full_call_gets_its_cards(client: FlaskClient):
    body = assert_cards(client.post(VIEW, json=view_call()))
    assert {card["indicator"] for card in body["cards"]} == {"warning", "critical"}
    assert verdicts(body) == {"heavy-patient": "true", "fracture-on-record": "true"}
    assert datetime.fromisoformat(decision(body)["asOf"]) == NOW
    assert decision(body)["rulebook"]["id"] == "sample"


def test_an_order_being_written_gets_its_cards(client: FlaskClient):
    body = assert_cards(client.post(SELECT, json=select_call()))
    assert verdicts(body) == {"heavy-patient": "true", "drug-being-ordered": "true"}


def test_the_same_call_gets_the_same_verdicts_on_both_engines(sample_book: Rulebook):
    answers = [
        verdicts(
            assert_cards(
                create_app(Settings(today=NOW, engine=engine), [sample_book])
                .test_client()
                .post(VIEW, json=view_call())
            )
        )
        for engine in (None, "direct")
    ]
    assert answers[0] == answers[1]


def test_the_injected_clock_tells_the_time_unless_it_is_frozen(sample_book: Rulebook):
    later = datetime(2040, 1, 1, tzinfo=UTC)
    running = create_app(Settings(), [sample_book], clock=lambda: later).test_client()
    frozen = create_app(Settings(today=NOW), [sample_book], clock=lambda: later).test_client()
    seen = [decision(assert_cards(c.post(VIEW, json=view_call())))["asOf"] for c in (running, frozen)]
    assert [datetime.fromisoformat(one) for one in seen] == [later, NOW]


def test_an_order_without_a_drug_yet_is_answered(client: FlaskClient):
    """The public sandbox calls on every keystroke, also before a drug is chosen (rows SB-1, SB-4)."""
    draft = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "category": {"a": 1},
    }
    drafts = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    call = changed(select_call(), "context/draftOrders", drafts)
    del call["context"]["encounterId"]
    body = assert_cards(client.post(SELECT, json=call))
    assert verdicts(body)["drug-being-ordered"] != "true"


# --- the probes of reference/peers.md ------------------------------------------------------------


def test_without_prefetch_and_server_the_answer_is_412_with_the_key(client: FlaskClient):
    issue = assert_outcome(client.post(VIEW, json=changed(view_call(), "prefetch", ...)), 412)
    assert "patient" in issue["diagnostics"]
    assert issue["code"] == "incomplete"


def test_the_patient_alone_is_412_with_the_other_keys(client: FlaskClient):
    call = changed(view_call(), "prefetch", {"patient": view_call()["prefetch"]["patient"]})
    issue = assert_outcome(client.post(VIEW, json=call), 412)
    assert "conditions" in issue["diagnostics"]
    assert "observations-vital-signs" in issue["diagnostics"]


def test_one_key_missing_leaves_its_rules_unknown_and_says_so(client: FlaskClient):
    body = assert_cards(client.post(VIEW, json=changed(view_call(), "prefetch/conditions", ...)))
    assert verdicts(body) == {"heavy-patient": "true", "fracture-on-record": "unknown"}
    assert decision(body)["complete"] is False
    assert reasons(body, "fracture-on-record") == {"conditions": "not-supplied"}


def test_a_failed_search_is_never_an_empty_one(client: FlaskClient):
    body = assert_cards(client.post(VIEW, json=changed(view_call(), "prefetch/conditions", FAILED)))
    assert verdicts(body)["fracture-on-record"] == "unknown"
    assert reasons(body, "fracture-on-record") == {"conditions": "failed"}
    assert decision(body)["complete"] is False


@pytest.mark.parametrize("empty", [None, {"resourceType": "Bundle", "type": "searchset"}])
def test_searched_and_empty_is_complete(client: FlaskClient, empty: Any):
    body = assert_cards(client.post(VIEW, json=changed(view_call(), "prefetch/conditions", empty)))
    assert decision(body)["complete"] is True


def test_another_patient_than_the_contexts_is_refused(client: FlaskClient):
    issue = assert_outcome(client.post(VIEW, json=changed(view_call(), "prefetch/patient/id", MARK)), 400)
    assert issue["expression"] == ["prefetch.patient"]


def test_another_patients_resources_are_no_facts(client: FlaskClient):
    call = changed(view_call(), "prefetch/conditions", searched(fracture("c2", MARK, MARK)))
    body = assert_cards(client.post(VIEW, json=call))
    assert verdicts(body) == {"heavy-patient": "true", "fracture-on-record": "unknown"}
    assert reasons(body, "fracture-on-record") == {"conditions": "other-patient"}


def test_another_patients_resources_among_others_are_dropped(client: FlaskClient):
    body = assert_cards(client.post(VIEW, json=mixed(view_call())))
    assert verdicts(body) == {"heavy-patient": "unknown", "fracture-on-record": "true"}
    assert reasons(body, "heavy-patient") == {"observations-vital-signs": "other-patient"}


def test_a_page_with_a_next_link_proves_presence_only(client: FlaskClient):
    link = [{"relation": "next", "url": "https://ehr.example/next"}]
    call = changed(view_call(), "prefetch/observations-vital-signs/link", link)
    body = assert_cards(client.post(VIEW, json=call))
    assert verdicts(body) == {"heavy-patient": "unknown", "fracture-on-record": "true"}
    assert reasons(body, "heavy-patient") == {"observations-vital-signs": "truncated"}


def test_the_hook_of_another_service_is_refused(client: FlaskClient):
    issue = assert_outcome(client.post(VIEW, json=select_call()), 400)
    assert issue["expression"] == ["hook"]
    assert "patient-view" in issue["details"]["text"]


def test_no_hook_instance_is_refused(client: FlaskClient):
    issue = assert_outcome(client.post(VIEW, json=changed(view_call(), "hookInstance", ...)), 400)
    assert issue["expression"] == ["hookInstance"]


def test_broken_json_is_refused(client: FlaskClient):
    assert_outcome(client.post(VIEW, data=b'{"hook": ', content_type="application/json"), 400)


def test_a_token_is_not_looked_at_where_no_clients_are_configured(client: FlaskClient):
    assert_cards(client.post(VIEW, json=view_call(), headers={"Authorization": "Bearer not.a.jwt"}))


def test_a_body_over_the_limit_is_refused_before_it_is_read(client: FlaskClient):
    assert_outcome(client.post(VIEW, data=b"x" * 10_000_001, content_type="application/json"), 413)


def test_a_body_over_the_limit_is_refused_also_without_a_length(sample_book: Rulebook):
    client = create_app(Settings(max_body=1000), [sample_book]).test_client()
    for size, status in ((5000, 413), (1001, 413), (1000, 400), (999, 400)):
        response = client.post(
            VIEW,
            input_stream=io.BytesIO(b"1" * size),
            content_type="application/json",
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        assert_outcome(response, status)


class Dripping(io.BytesIO):
    """Hands out a few bytes at a time, as a slow network does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


def test_a_body_that_arrives_in_drops_is_read_whole(client: FlaskClient):
    raw = json.dumps(view_call()).encode()
    for length in ({"CONTENT_LENGTH": str(len(raw))}, {"wsgi.input_terminated": True}):
        assert_cards(client.post(VIEW, input_stream=Dripping(raw), environ_overrides=length))


def test_a_body_shorter_than_its_length_is_refused(client: FlaskClient):
    raw = json.dumps(view_call()).encode()
    response = client.post(VIEW, data=raw, environ_overrides={"CONTENT_LENGTH": str(len(raw) + 1)})
    assert_outcome(response, 400)


# --- media types, methods, addresses -------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=utf8; version=1",
        "application/json;",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
        "application/vnd.ehr.call+json",
        "Application/JSON",
        None,
        "",
    ],
)
def test_json_by_its_names_or_without_one_is_read(client: FlaskClient, content_type: str | None):
    assert_cards(client.post(VIEW, data=json.dumps(view_call()), content_type=content_type))


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/xml", "application/xml", "application/fhir+xml; charset=utf-8", "image/png", "*/*"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("text/plain", "text/json", "json", "application/", "application/octet-stream"),
        *("application/jsonx", "application/json5", "application/json-seq", "application/+json"),
        *("application/json+fhir", "application/x-ndjson", "application/fhir+json+xml"),
        *("application/json, text/plain", "application/json,application/json", "text/fhir+json"),
    ],
)
@pytest.mark.parametrize("path", [VIEW, f"{VIEW}/feedback"])
def test_any_other_type_is_refused_with_the_ones_that_are_read(
    client: FlaskClient, path: str, content_type: str
):
    response = client.post(path, data=json.dumps(view_call()).encode(), content_type=content_type)
    issue = assert_outcome(response, 415)
    assert "application/json" in issue["details"]["text"]


@pytest.mark.parametrize(
    "charset", ["utf-16", "iso-8859-1", "windows-1252", "utf-8; charset=utf-16", '"utf-16"', '"', "utf-8 x"]
)
def test_another_charset_than_utf_8_is_refused(client: FlaskClient, charset: str):
    """Whatever the bytes look like: in latin-1 the same ones may be another name or drug."""
    content_type = f"application/json; charset={charset}"
    response = client.post(VIEW, data=json.dumps(view_call()), content_type=content_type)
    assert "UTF-8" in assert_outcome(response, 415)["details"]["text"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/cds-services/nothing", "/cds-services/sample", f"{VIEW}/a"]
)
def test_an_unknown_address_is_404(client: FlaskClient, path: str):
    assert_outcome(client.post(path, json=view_call()), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_and_says_which_one(client: FlaskClient, method: str):
    response = client.open(VIEW, method=method)
    assert_outcome(response, 405)
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "TRACE", "NONSENSE"])
@pytest.mark.parametrize(
    "path", ["//cds-services", "/cds-services//x", "//healthz", "/a/../b", "/%00", "//evil"]
)
def test_a_strange_address_is_404_and_no_redirect(client: FlaskClient, path: str, method: str):
    response = client.open(path, method=method)
    assert (response.status_code, response.content_type) == (404, "application/json")
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/cds-services", VIEW, f"{VIEW}/feedback"]
)
def test_options_says_which_methods_there_are_and_nothing_else(client: FlaskClient, path: str):
    response = client.options(path)
    assert (response.status_code, response.data) == (204, b"")
    assert "OPTIONS" in response.headers["Allow"]
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/cds-services"])
def test_another_method_is_405_everywhere(client: FlaskClient, path: str, method: str):
    response = client.open(path, method=method)
    assert_outcome(response, 405)
    assert "GET" in response.headers["Allow"]


def test_a_failure_of_ours_is_a_number_here_and_class_and_place_in_the_log(sample_book, caplog):
    def broken() -> datetime:
        try:
            raise KeyError(MARK)
        except KeyError as error:
            raise ValueError(f"secret {MARK}") from error

    client = create_app(Settings(), [sample_book], clock=broken).test_client()
    with caplog.at_level(logging.ERROR):
        issue = assert_outcome(client.post(VIEW, json=view_call()), 500)
    assert issue["code"] == "exception"
    number = issue["diagnostics"].removeprefix("incident ")
    (record,) = caplog.records
    assert number in record.getMessage()
    assert "ValueError at test_service.py" in record.getMessage()
    assert "KeyError at test_service.py" in record.getMessage()
    assert MARK not in caplog.text
    assert record.exc_info is None
