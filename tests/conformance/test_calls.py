"""Rows R and H: what a call must hold, what is overlooked, and what every refusal looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from web.answers import INSTANCE, MARK, NOW, VIEW, assert_cards, assert_outcome, changed, view_call

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .rows import row

ACCESS = {
    "access_token": MARK,
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "user/Patient.rs",
    "subject": "cds-service4",
}
SERVER = "https://ehr.example.org/fhir"


def refused(client: FlaskClient, call: Any, status: int = 400) -> str:
    """The place a refused call is told to look at."""
    body = call if isinstance(call, bytes) else json.dumps(call).encode()
    issue = assert_outcome(client.post(VIEW, data=body, content_type="application/json"), status)
    return str(issue.get("expression", [""])[0])


def accepted(client: FlaskClient, call: Any) -> dict[str, Any]:
    return assert_cards(client.post(VIEW, json=call))


@row("G-1")
def test_every_body_is_json_and_says_so(sample: FlaskClient) -> None:
    for response in (sample.get("/cds-services"), sample.post(VIEW, json=view_call()), sample.post(VIEW)):
        assert response.content_type == "application/json"
        assert isinstance(json.loads(response.data), dict)
    assert sample.post(VIEW, data=b"<x/>", content_type="application/xml").status_code == 415


@row("G-5", "R-1")
@pytest.mark.parametrize("spoil", [b'{"a": 1,}', b'// note\n{"a": 1}', b'{"a": 1', b"[1]", b'"x"', b""])
def test_a_body_that_is_no_json_object_is_refused(sample: FlaskClient, spoil: bytes) -> None:
    refused(sample, spoil)
    accepted(sample, view_call())


@row("R-1")
def test_another_media_type_or_method_is_refused(sample: FlaskClient) -> None:
    body = json.dumps(view_call())
    for other in ("text/xml", "text/plain", "application/jsonx", "application/json; charset=utf-16"):
        assert_outcome(sample.post(VIEW, data=body, content_type=other), 415)
    assert_outcome(sample.get(VIEW), 405)
    for json_type in ("application/json; charset=utf-8", "application/fhir+json", None):
        assert_cards(sample.post(VIEW, data=body, content_type=json_type))


@row("R-2")
@pytest.mark.parametrize("hook", [..., "", 5, "order-sign", "Patient-View"])
def test_a_call_names_the_hook_of_the_service(sample: FlaskClient, hook: Any) -> None:
    assert refused(sample, changed(view_call(), "hook", hook)) == "hook"


@row("R-3")
def test_a_call_has_a_hook_instance_that_is_a_uuid(sample: FlaskClient) -> None:
    for instance in (..., "", "not-a-uuid", 7):
        assert refused(sample, changed(view_call(), "hookInstance", instance)) == "hookInstance"
    for instance in (INSTANCE, INSTANCE.upper(), f"urn:uuid:{INSTANCE}"):
        accepted(sample, changed(view_call(), "hookInstance", instance))


@row("R-4")
def test_a_repeated_hook_instance_is_answered_again(sample: FlaskClient) -> None:
    assert accepted(sample, view_call()) == accepted(sample, view_call())
    other = accepted(sample, changed(view_call(), "hookInstance", INSTANCE.replace("d", "e")))
    assert other["extension"] != accepted(sample, view_call())["extension"]


@row("R-5")
def test_an_access_token_needs_a_server(sample: FlaskClient) -> None:
    assert refused(sample, view_call() | {"fhirAuthorization": ACCESS}) == "fhirServer"
    accepted(sample, view_call() | {"fhirAuthorization": ACCESS, "fhirServer": SERVER})
    accepted(sample, view_call() | {"fhirServer": SERVER})


@row("R-8")
def test_an_access_token_for_another_patient_is_refused(sample: FlaskClient) -> None:
    call = view_call() | {"fhirServer": SERVER}
    assert (
        refused(sample, call | {"fhirAuthorization": ACCESS | {"patient": "p2"}})
        == "fhirAuthorization.patient"
    )
    accepted(sample, call | {"fhirAuthorization": ACCESS | {"patient": "p1"}})


@row("R-9")
@pytest.mark.parametrize("scope", ["user/Patient.rs patient/*.rs", "user/Patient.read", "odd scope", ""])
def test_no_syntax_of_scopes_is_refused(sample: FlaskClient, scope: str) -> None:
    accepted(sample, view_call() | {"fhirServer": SERVER, "fhirAuthorization": ACCESS | {"scope": scope}})


@row("R-10")
@pytest.mark.parametrize("context", [..., None, {}, [], "p1", {"userId": "Practitioner/1"}])
def test_a_call_has_a_context(sample: FlaskClient, context: Any) -> None:
    assert refused(sample, changed(view_call(), "context", context)).startswith("context")


@row("R-12")
def test_extensions_and_unknown_members_change_nothing(sample: FlaskClient) -> None:
    odd = {"org.example.x": {"a": [1, None]}, "note": "x"}
    call = view_call() | {"extension": odd, "unheardOf": [odd], "fhirServer": SERVER}
    call["fhirAuthorization"] = ACCESS | {"extension": odd}
    call["context"] |= {"extension": odd}
    assert accepted(sample, call) == accepted(sample, view_call())
    assert (
        refused(sample, json.dumps(call).encode()[:-1] + b', "extension": {}}') == ""
    )  # twice is no extension


@row("R-13")
def test_any_worker_answers_any_call_alike(sample: FlaskClient, everywhere: Rulebook) -> None:
    other = create_app(Settings(today=NOW), [everywhere]).test_client()
    assert accepted(other, view_call()) == accepted(sample, view_call())
    accepted(sample, changed(view_call(), "prefetch/observations-vital-signs", None))
    assert accepted(other, view_call()) == accepted(sample, view_call())


@row("R-15", "FB-13")
def test_an_unknown_address_is_404_with_a_reason(sample: FlaskClient) -> None:
    for path in ("nothing", "nothing/feedback", "sample-patient-view/analytics/1", "sample"):
        assert_outcome(sample.post(f"/cds-services/{path}", json=view_call()), 404)
    assert sample.post(VIEW, json=view_call()).status_code == 200


@row("H-1")
def test_nothing_to_advise_is_200_with_an_empty_list(sample: FlaskClient) -> None:
    call = changed(view_call(), "prefetch/conditions", None)
    body = accepted(sample, changed(call, "prefetch/observations-vital-signs", None))
    assert body["cards"] == []
    assert accepted(sample, view_call())["cards"] != []


@row("H-2", "PF-8")
def test_data_that_cannot_be_had_is_412_with_the_keys_and_never_an_empty_200(sample: FlaskClient) -> None:
    for prefetch in (..., {}, {"patient": view_call()["prefetch"]["patient"]}):
        response = sample.post(VIEW, json=changed(view_call(), "prefetch", prefetch))
        issue = assert_outcome(response, 412)
        assert issue["diagnostics"].startswith("Not obtained: ")
        assert issue["expression"]
    accepted(sample, view_call())


@row("H-3", "H-4", "SB-13")
@pytest.mark.parametrize(
    ("status", "made"),
    [
        (400, {"json": {}}),
        (404, {"path": "/cds-services/nothing", "json": {}}),
        (405, {"method": "PUT"}),
        (412, {"json": changed(view_call(), "prefetch", ...)}),
        (413, {"data": b"x" * 10_000_001, "content_type": "application/json"}),
        (415, {"data": b"<x/>", "content_type": "text/xml"}),
    ],
)
def test_every_refusal_is_an_operation_outcome_without_a_value_of_the_call(
    sample: FlaskClient, status: int, made: dict[str, Any]
) -> None:
    response = sample.open(**{"path": VIEW, "method": "POST"} | made)
    issue = assert_outcome(response, status)
    assert {"severity", "code", "details"} <= set(issue)
    assert "Traceback" not in response.text


@row("H-5")
def test_no_answer_is_without_a_body(sample: FlaskClient) -> None:
    calls = (
        {},
        view_call(),
        changed(view_call(), "prefetch", {}),
        changed(view_call(), "prefetch/conditions", None),
    )
    for call in calls:
        response = sample.post(VIEW, json=call)
        assert response.status_code != 204
        assert response.get_json()


@row("SEC-20")
def test_no_access_token_comes_back(sample: FlaskClient) -> None:
    for call in (
        view_call(),
        changed(view_call(), "prefetch", {}),
        changed(view_call(), "hookInstance", MARK),
    ):
        response = sample.post(VIEW, json=call | {"fhirServer": SERVER, "fhirAuthorization": ACCESS})
        assert MARK not in response.text + str(response.headers)


@row("SEC-22")
@pytest.mark.parametrize("id", ["../x", "p1/../p2", "p1?_count=1", "p1%2f", "p1 ", "x" * 65])
def test_an_id_that_could_lead_elsewhere_is_refused(sample: FlaskClient, id: str) -> None:
    for name in ("patientId", "encounterId"):
        assert refused(sample, changed(view_call(), f"context/{name}", id)) == f"context.{name}"
    accepted(sample, changed(view_call(), "context/encounterId", "A-b.9"))
