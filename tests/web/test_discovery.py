"""GET /cds-services: one service per rulebook and hook, cached by a tag that follows the rules."""

from __future__ import annotations

import dataclasses
import json

from flask.testing import FlaskClient

from cds_service.facts.prefetch import templates
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.discovery import describe, version_of

from .answers import assert_outcome, empties


def test_every_hook_of_the_rulebook_is_a_service(client: FlaskClient, sample_book: Rulebook):
    response = client.get("/cds-services")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    services = response.get_json()["services"]
    assert [(one["id"], one["hook"]) for one in services] == [
        ("sample-patient-view", "patient-view"),
        ("sample-order-select", "order-select"),
    ]
    for one in services:
        assert one["title"].startswith(sample_book.about.title)
        assert one["description"] == sample_book.about.description
        assert one["usageRequirements"] == sample_book.about.usage
        assert one["prefetch"] == templates(sample_book, one["hook"])
        assert "patient" in one["prefetch"]
    assert not list(empties(response.get_json(), "body"))


def test_the_order_of_the_templates_survives(client: FlaskClient, sample_book: Rulebook):
    first = json.loads(client.get("/cds-services").data)["services"][0]
    assert list(first["prefetch"]) == list(templates(sample_book, "patient-view"))


def test_every_service_discovered_answers(client: FlaskClient):
    for one in client.get("/cds-services").get_json()["services"]:
        assert_outcome(client.post(f"/cds-services/{one['id']}", data=b"{}"), 400)


def test_a_known_tag_gets_304_without_a_body(client: FlaskClient):
    first = client.get("/cds-services")
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert first.headers["Cache-Control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/cds-services", headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
    assert client.get("/cds-services", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_tag_follows_the_rules_even_where_discovery_does_not_change(sample_book: Rulebook):
    edited = dataclasses.replace(sample_book, digest="sha256:other")
    assert describe([edited]) == describe([sample_book])
    assert version_of(b"x", [edited]) != version_of(b"x", [sample_book])
    assert version_of(b"x", [sample_book]) == version_of(b"x", [sample_book])


def test_no_rulebook_is_an_empty_list(tmp_path):
    app = create_app(Settings(rules=tmp_path))
    assert app.test_client().get("/cds-services").get_json() == {"services": []}


def test_discovery_answers_head_and_a_trailing_slash_and_refuses_post(client: FlaskClient):
    assert client.head("/cds-services").status_code == 200
    assert client.get("/cds-services/").status_code == 200
    assert "GET" in client.post("/cds-services").headers["Allow"]
    assert_outcome(client.post("/cds-services"), 405)


def test_discovery_lives_behind_a_path_prefix(client: FlaskClient):
    assert client.get("/cds-services", environ_overrides={"SCRIPT_NAME": "/cds"}).status_code == 200
