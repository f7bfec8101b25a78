"""Rows CORS: pages of listed origins may call and read the answers, refusals too; no other page may."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from cds_service.errors import UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .answers import NOW, VIEW, assert_cards, assert_outcome, searched, view_call

EHR, OTHER = "https://ehr.example.org", "https://elsewhere.example.org"
PATHS = ("/cds-services", "/cds-services/", VIEW, f"{VIEW}/feedback", "/cds-services/not-here")
ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def browsed(sample_book: Rulebook) -> FlaskClient:
    """Two origins are listed, one with a port."""
    origins = (EHR, "http://localhost:8080")
    return create_app(Settings(today=NOW, cors_origins=origins), [sample_book]).test_client()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [EHR, "http://localhost:8080"])
def test_cors_1_a_preflight_of_a_listed_origin_passes(browsed: FlaskClient, path: str, origin: str):
    response = browsed.options(path, headers=ASKED | {"Origin": origin})
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers[ALLOW] == origin
    assert {"authorization", "content-type"} <= set(
        response.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "*",
        "https://ehr.example.org.evil.example",
        "http://ehr.example.org",
        f"{EHR}:444",
        "",
        None,
    ],
)
def test_cors_2_no_other_origin_is_let_in(browsed: FlaskClient, path: str, origin: str | None):
    sent = {} if origin is None else {"Origin": origin}
    preflight = browsed.options(path, headers=ASKED | sent)
    assert preflight.status_code == 204
    for response in (preflight, browsed.post(path, json=view_call(), headers=sent)):
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]
        assert response.headers["Vary"] == "Origin"


def test_cors_2_answers_and_refusals_can_be_read(browsed: FlaskClient):
    nobody = view_call() | {"prefetch": {"patient": None}}
    other = view_call()
    other["prefetch"]["patient"]["id"] = "p2"
    calls = {200: view_call(), 412: nobody, 400: other}
    for status, call in calls.items():
        response = browsed.post(VIEW, json=call, headers={"Origin": EHR})
        assert response.status_code == status
        assert response.headers[ALLOW] == EHR
        assert response.headers["Vary"] == "Origin"
    for response in (
        browsed.get("/cds-services", headers={"Origin": EHR}),
        browsed.get(VIEW, headers={"Origin": EHR}),
        browsed.post("/cds-services/none", json={}, headers={"Origin": EHR}),
        browsed.post(VIEW, data=b"<x/>", content_type="text/xml", headers={"Origin": EHR}),
    ):
        assert response.headers[ALLOW] == EHR


def test_cors_2_a_failure_of_ours_can_be_read(sample_book: Rulebook):
    def broken():
        raise RuntimeError

    app = create_app(Settings(cors_origins=(EHR,)), [sample_book], clock=broken)
    response = app.test_client().post(VIEW, json=view_call(), headers={"Origin": EHR})
    assert response.status_code == 500
    assert response.headers[ALLOW] == EHR


def test_cors_2_credentials_are_never_allowed_and_no_origin_is_any(browsed: FlaskClient):
    for response in (
        browsed.options(VIEW, headers=ASKED | {"Origin": EHR}),
        browsed.post(VIEW, json=view_call(), headers={"Origin": EHR}),
    ):
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "*" not in response.headers[ALLOW]
    with pytest.raises(UsageError, match="CDS_CORS_ORIGINS"):
        Settings.from_environment({"CDS_CORS_ORIGINS": "*"})


def test_without_listed_origins_browsers_are_told_nothing(client: FlaskClient):
    response = client.options(VIEW, headers=ASKED | {"Origin": EHR})
    assert response.status_code == 204
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert ALLOW not in response.headers
    assert "Vary" not in client.post(VIEW, json=view_call(), headers={"Origin": EHR}).headers


def test_health_is_not_for_browsers(browsed: FlaskClient):
    assert ALLOW not in browsed.get("/readyz", headers={"Origin": EHR}).headers


def test_nobody_may_keep_an_answer_or_a_refusal(browsed: FlaskClient):
    """CACHE-1: they hold patient data."""
    refused = view_call() | {"prefetch": {"conditions": searched()}}
    for response in (
        browsed.post(VIEW, json=view_call()),
        browsed.post(VIEW, json=refused),
        browsed.post(VIEW, data=b"{"),
        browsed.post(f"{VIEW}/feedback", data=b"{"),
        browsed.get(VIEW),
    ):
        assert response.headers["Cache-Control"] == "no-store"
    assert browsed.get("/cds-services").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "", None])
@pytest.mark.parametrize("path", [VIEW, f"{VIEW}/feedback"])
def test_a_page_that_is_not_listed_is_refused_whatever_it_says_it_sends(
    browsed: FlaskClient, client: FlaskClient, path: str, content_type: str | None
):
    """A browser sends text without asking first, and would only keep the answer from the page."""
    sent = {"Origin": "https://evil.example"}
    for service in (browsed, client):
        response = service.post(path, data=json.dumps(view_call()), content_type=content_type, headers=sent)
        assert assert_outcome(response, 403)["code"] == "forbidden"


def test_whoever_is_no_page_names_no_origin_and_may_call(browsed: FlaskClient):
    assert_cards(browsed.post(VIEW, json=view_call()))
