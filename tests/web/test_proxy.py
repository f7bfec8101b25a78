"""X-Forwarded headers count only from listed proxies; a base path is answered with and without it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient

from cds_service.errors import UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.proxy import behind_proxies, is_trusted

from .answers import NOW, VIEW, assert_cards, assert_outcome, view_call

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
FORWARDED = {
    "X-Forwarded-For": "192.0.2.1, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "cds.example.org",
    "X-Forwarded-Prefix": "/base",
}


def seen_by(settings: Settings, peer: str, path: str = "/told", **headers: str) -> dict[str, Any]:
    """What the application believes about a call that came from `peer`."""
    app = Flask("told")
    app.add_url_rule(
        "/told", "told", lambda: jsonify(url=request.url, client=request.remote_addr, path=request.path)
    )
    app.wsgi_app = behind_proxies(app.wsgi_app, settings)  # type: ignore[method-assign]
    response = app.test_client().get(
        path, headers=headers, environ_overrides={"REMOTE_ADDR": peer}, base_url="http://10.0.0.9:5000"
    )
    return response.get_json() or {"status": response.status_code}


@pytest.mark.parametrize("peer", ["10.1.2.3", "::1", "::ffff:10.1.2.3"])
def test_a_listed_proxy_is_believed(peer: str):
    assert seen_by(Settings(trusted_proxies=PROXIES), peer, **FORWARDED) == {
        "url": "https://cds.example.org/base/told",
        "client": "198.51.100.7",
        "path": "/told",
    }


@pytest.mark.parametrize("peer", ["11.0.0.1", "127.0.0.1", "::2", "", "unix:", "localhost", "10.1.2.3.evil"])
def test_anybody_else_is_not_believed(peer: str):
    assert seen_by(Settings(trusted_proxies=PROXIES), peer, **FORWARDED) == {
        "url": "http://10.0.0.9:5000/told",
        "client": peer,
        "path": "/told",
    }


def test_without_listed_proxies_nobody_is_believed():
    assert seen_by(Settings(), "10.1.2.3", **FORWARDED)["url"] == "http://10.0.0.9:5000/told"


def test_an_address_that_is_none_is_not_trusted():
    assert not is_trusted("fe80::1%eth0", PROXIES)
    assert is_trusted("fe80::1%eth0", (ip_network("fe80::/10"),))


@pytest.mark.parametrize("path", ["/told", "/base/told"])
def test_a_proxy_may_leave_the_base_path_or_take_it_off(path: str):
    settings = Settings(public_url="https://cds.example.org/base")
    assert seen_by(settings, "127.0.0.1", path)["path"] == "/told"


@pytest.mark.parametrize("path", ["/base", "/basetold", "/other/told", "/base/base/told"])
def test_nothing_else_is_taken_off(path: str):
    settings = Settings(public_url="https://cds.example.org/base")
    assert seen_by(settings, "127.0.0.1", path) == {"status": 404}


def test_the_prefix_that_a_listed_proxy_names_is_taken_off_if_it_was_left():
    settings = Settings(trusted_proxies=PROXIES)
    assert seen_by(settings, "10.0.0.1", "/base/told", **FORWARDED)["path"] == "/told"
    assert seen_by(settings, "11.0.0.1", "/base/told", **FORWARDED) == {"status": 404}


@pytest.fixture(scope="module")
def below(sample_book: Rulebook) -> FlaskClient:
    settings = Settings(today=NOW, public_url="https://cds.example.org/hooks/v1")
    return create_app(settings, [sample_book]).test_client()


@pytest.mark.parametrize("base", ["", "/hooks/v1"])
def test_d_1_every_address_answers_below_the_base_path_too(below: FlaskClient, base: str):
    assert len(below.get(f"{base}/cds-services").get_json()["services"]) == 2
    assert_cards(below.post(base + VIEW, json=view_call()))
    assert_outcome(below.post(f"{base}{VIEW}/feedback", json={}), 400)
    assert below.get(f"{base}/healthz").status_code == 200
    assert below.options(base + VIEW).status_code == 204


def test_a_public_url_that_names_discovery_itself_is_refused_with_the_one_that_was_meant():
    with pytest.raises(UsageError, match=r"try https://cds.example.org/base\."):
        Settings.from_environment({"CDS_PUBLIC_URL": "https://cds.example.org/base/cds-services/"})
