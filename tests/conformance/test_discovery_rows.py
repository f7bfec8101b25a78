"""Rows D and P: what discovery says of each service, and which templates it asks clients to fill in."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from web.answers import empties

from cds_service.facts.prefetch import templates
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.hooks import hook_named
from cds_service.rulebook.load import load_rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .calls import EVERY_HOOK, call
from .checks import Json, is_text
from .rows import ROOT, row

USER_TOKENS = ("userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId")
SERVICE: Json = {
    "id": "sample-patient-view",
    "hook": "patient-view",
    "title": "Sample",
    "description": "A sample.",
    "usageRequirements": "Send everything.",
    "prefetch": {
        "patient": "Patient/{{context.patientId}}",
        "observations-x": "Observation?patient={{context.patientId}}&code=http://loinc.org|1-8",
    },
}
_TOKEN = re.compile(r"\{\{(.*?)\}\}")
_PARAMETER = re.compile(r"(patient|subject|encounter|code|category|status|date(:in)?|_id|_sort|_count)")


def queries(service: Json) -> list[str]:
    found = service.get("prefetch", {})
    return [str(query) for query in found.values()] if isinstance(found, dict) else []


def tokens(service: Json) -> Iterator[str]:
    for query in queries(service):
        yield from _TOKEN.findall(query)


def _allowed(service: Json) -> frozenset[str]:
    return frozenset(f"context.{name}" for name in hook_named(str(service.get("hook"))).tokens)


def _any_query(bad: Callable[[str], bool]) -> Callable[[Json], bool]:
    return lambda service: any(bad(query) for query in queries(service))


def _any_token(bad: Callable[[str], bool]) -> Callable[[Json], bool]:
    return lambda service: any(bad(token) for token in tokens(service))


def _outside_the_subset(query: str) -> bool:
    kind, _, search = query.partition("?")
    names = [part.partition("=")[0] for part in search.split("&") if part]
    return not re.match(r"[A-Z][A-Za-z]+(/|$)", kind) or not all(map(_PARAMETER.fullmatch, names))


BAD: dict[str, Callable[[Json], bool]] = {
    "D-4": lambda service: not is_text(service.get("hook")),
    "D-5": lambda service: not is_text(service.get("title")),
    "D-6": lambda service: not is_text(service.get("description")),
    "D-7": lambda service: (
        service.get("id") in (None, "feedback") or quote(str(service["id"]), safe="") != service["id"]
    ),
    "D-8": lambda service: (
        not service.get("prefetch", True)
        or not all(isinstance(query, str) and query for query in service["prefetch"].values())
    ),
    "D-9": lambda service: not is_text(service.get("usageRequirements")),
    "D-10": lambda service: "version" in service,
    "D-11": lambda service: "hookVersion" in service,
    "D-13": lambda service: not isinstance(service.get("extension", {}), dict),
    "P-1": _any_query(lambda query: query.startswith("/") or "://" in query.partition("?")[0]),
    "P-2": _any_query(lambda query: bool(re.search(r"[{}%]", _TOKEN.sub("", query)))),
    "P-3": lambda service: (
        not _allowed(service).issuperset(t for t in tokens(service) if t.startswith("context"))
    ),
    "P-4": lambda service: not {*USER_TOKENS, *_allowed(service)}.issuperset(tokens(service)),
    "P-5": _any_token(lambda token: "(" in token or token.count(".") > 1),
    "P-6": _any_token(lambda token: "today" in token),
    "P-7": _any_token(lambda token: "ofType" in token),
    "P-8": _any_token(lambda token: "|" in token),
    "P-9": _any_token(lambda token: "%" in token),
    "P-10": _any_query(_outside_the_subset),
    "SB-6": _any_query(lambda query: query.count("date=") > 1),
}
SPOILED: dict[str, tuple[str, Any]] = {
    "D-4": ("hook", ""),
    "D-5": ("title", ""),
    "D-6": ("description", None),
    "D-7": ("id", "a/b"),
    "D-8": ("prefetch", {"patient": {"url": "Patient/1"}}),
    "D-9": ("usageRequirements", ""),
    "D-10": ("version", "STU2"),
    "D-11": ("hookVersion", "1.0"),
    "D-13": ("extension", "text"),
    "P-1": ("prefetch", {"patient": "/Patient/{{context.patientId}}"}),
    "P-2": ("prefetch", {"patient": "Patient/{context.patientId}"}),
    "P-3": ("prefetch", {"orders": "Patient/{{context.draftOrders}}"}),
    "P-4": ("prefetch", {"user": "Practitioner/{{userId}}"}),
    "P-5": ("prefetch", {"x": "Patient/{{context.draftOrders.entry.resource.id}}"}),
    "P-6": ("prefetch", {"x": "Observation?date=ge{{today() - 90 days}}"}),
    "P-7": ("prefetch", {"x": "Patient/{{context.x.ofType(Patient)}}"}),
    "P-8": ("prefetch", {"x": "Patient?_id={{context.a|context.b}}"}),
    "P-9": ("prefetch", {"x": "Patient/{{%patient.id}}"}),
    "P-10": ("prefetch", {"x": "Observation?patient={{context.patientId}}&_include=x"}),
    "SB-6": ("prefetch", {"x": "Observation?date=ge2020&date=le2021"}),
}


@pytest.fixture(scope="session")
def discovered(sample: FlaskClient, shipped: FlaskClient) -> list[Json]:
    return [one for client in (sample, shipped) for one in client.get("/cds-services").get_json()["services"]]


@row(*BAD)
@pytest.mark.parametrize("id", BAD)
def test_every_service_is_described_as_the_row_says_and_a_spoiled_one_is_not(
    discovered: list[Json], id: str
) -> None:
    assert [one["id"] for one in discovered if BAD[id](one)] == []
    assert not BAD[id](SERVICE)
    name, value = SPOILED[id]
    assert BAD[id](copy.deepcopy(SERVICE) | {name: value})


@row("D-1", "D-14")
def test_discovery_is_always_there(sample: FlaskClient, tmp_path: Path) -> None:
    nothing = create_app(Settings(rules=tmp_path)).test_client()
    for client, prefix in ((sample, ""), (nothing, ""), (sample, "/cds")):
        assert client.get("/cds-services", environ_overrides={"SCRIPT_NAME": prefix}).status_code == 200
    assert sample.get("/cds-service").status_code == 404


@row("D-2", "D-3")
def test_discovery_is_an_object_with_a_list_of_services(sample: FlaskClient, tmp_path: Path) -> None:
    assert create_app(Settings(rules=tmp_path)).test_client().get("/cds-services").get_json() == {
        "services": []
    }
    body = sample.get("/cds-services").get_json()
    assert set(body) == {"services"}
    assert isinstance(body["services"], list)
    assert len(body["services"]) == len(EVERY_HOOK)
    assert list(empties(body, "body")) == []


@row("D-7", "D-15", "K-13")
@pytest.mark.parametrize("hook", EVERY_HOOK)
def test_each_id_is_the_last_step_of_the_address_that_answers(sample: FlaskClient, hook: str) -> None:
    ids = {one["hook"]: one["id"] for one in sample.get("/cds-services").get_json()["services"]}
    assert "/" not in ids[hook]
    assert sample.post(f"/cds-services/{ids[hook]}", json=call(hook)).status_code == 200
    assert sample.post(f"/cds-services/{hook}", json=call(hook)).status_code == 404


@row("D-12", "SB-12")
def test_no_two_services_share_an_id(discovered: list[Json]) -> None:
    ids = [one["id"] for one in discovered]
    assert len(set(ids)) == len(ids)


@row("D-16")
def test_discovery_is_open_where_no_clients_are_listed(sample: FlaskClient) -> None:
    for headers in ({}, {"Authorization": "Bearer not.a.jwt"}):
        assert sample.get("/cds-services", headers=headers).status_code == 200


@row("P-3", "K-4")
def test_a_hook_without_an_encounter_is_not_asked_for_one(shipped: FlaskClient) -> None:
    ketamine = shipped.get("/cds-services").get_json()["services"]
    assert all("encounter" in one["prefetch"] for one in ketamine)
    book = load_rulebook(ROOT / "rules" / "ketamine-trd")
    moved = dataclasses.replace(
        book, rules=tuple(rule.model_copy(update={"hooks": ("order-dispatch",)}) for rule in book.rules)
    )
    assert "patient" in templates(moved, "order-dispatch")
    assert "encounter" not in templates(moved, "order-dispatch")


@row("P-9")
def test_the_order_of_the_templates_survives(sample: FlaskClient, everywhere: Rulebook) -> None:
    for one in sample.get("/cds-services").get_json()["services"]:
        assert list(one["prefetch"]) == list(templates(everywhere, one["hook"]))
        assert next(iter(one["prefetch"])) == "patient"
