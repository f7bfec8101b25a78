"""Rows CORS: a browser may call from a listed origin, and from no other."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from web.answers import NOW, VIEW, changed, view_call

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .rows import row

EHR, OTHER = "https://ehr.example.org", "https://evil.example.org"
PATHS = ("/cds-services", VIEW, f"{VIEW}/feedback")


@pytest.fixture
def browsed(everywhere: Rulebook) -> FlaskClient:
    return create_app(Settings(today=NOW, cors_origins=(EHR,)), [everywhere]).test_client()


@row("CORS-1", "SB-2")
def test_a_preflight_is_answered_on_every_path(browsed: FlaskClient) -> None:
    asked = {
        "Origin": EHR,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for path in PATHS:
        response = browsed.options(path, headers=asked)
        assert response.status_code in (200, 204)
        assert response.headers["Access-Control-Allow-Origin"] == EHR
        allowed = response.headers["Access-Control-Allow-Headers"].lower()
        assert {"authorization", "content-type"} <= {name.strip() for name in allowed.split(",")}
        other = browsed.options(path, headers=asked | {"Origin": OTHER})
        assert "Access-Control-Allow-Origin" not in other.headers


@row("CORS-2")
def test_a_listed_origin_can_read_answers_and_refusals_and_no_other_can(browsed: FlaskClient) -> None:
    calls = (view_call(), changed(view_call(), "prefetch", {}), {})
    for origin, told, expected in ((EHR, EHR, [200, 412, 400]), (OTHER, None, [403, 403, 403])):
        responses = [browsed.post(VIEW, json=call, headers={"Origin": origin}) for call in calls]
        assert [response.status_code for response in responses] == expected
        for response in responses:
            assert response.headers.get("Access-Control-Allow-Origin") == told
            assert "Access-Control-Allow-Credentials" not in response.headers
            assert "Origin" in response.headers.get("Vary", "") or told is None
