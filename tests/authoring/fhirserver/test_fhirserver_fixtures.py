"""All charts of the fixtures at once: every patient, and every prefetch search of every hook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from fhir_examples import ids, searchset
from fixture_files import FIXTURES, STORIES, codes, expected, resources, visit
from flask.testing import FlaskClient

from cds_service.authoring.charts import ChartFile, chart_request
from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.facts.prefetch import templates
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook

RULES = Path(__file__).parents[3] / "rules" / "ketamine-trd"
FILES = [FIXTURES / "charts" / f"{story}.json" for story in STORIES]


@pytest.fixture(scope="module")
def store() -> Store:
    return Store.read(FILES)


@pytest.fixture(scope="module")
def client(store: Store) -> FlaskClient:
    return create_fhir_app(store).test_client()


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(RULES)


def test_the_list_of_patients_holds_every_story(client: FlaskClient, store: Store) -> None:
    bundle = searchset(client.get("/fhir/Patient"))
    listed = ids(bundle)
    assert listed == list(store.patients.values())
    assert len(listed) == bundle["total"] == len(STORIES)
    # The Sandbox's list of patients fails as a whole on one without this.
    assert all(one["resource"]["name"][0]["given"] for one in bundle["entry"])


@pytest.mark.parametrize("story", STORIES)
def test_every_resource_of_a_story_can_be_read(client: FlaskClient, story: str) -> None:
    for one in resources(story):
        response = client.get(f"/fhir/{one['resourceType']}/{one['id']}")
        assert json.loads(response.data) == one


@pytest.mark.parametrize("story", STORIES)
def test_every_search_of_every_hook_finds_the_chart_of_its_patient(
    client: FlaskClient, store: Store, book: Rulebook, story: str
) -> None:
    """As a search by the codes of an observation alone finds it; components and texts are not searched."""
    running = visit(story)
    names = {"{{context.patientId}}": store.patients[story]}
    names["{{context.encounterId}}"] = running["id"] if running else "none"
    every = {key: text for hook in book.hooks for key, text in templates(book, hook).items()}
    for key, template in every.items():
        path = template
        for token, value in names.items():
            path = path.replace(token, value)
        response = client.get(f"/fhir/{path}")
        if key == "encounter" and running is None:
            assert response.status_code == 404
        elif key in ("patient", "encounter"):
            assert json.loads(response.data) == expected(story, key)[0]
        else:
            assert ids(searchset(response)) == [one["id"] for one in _searched(story, key, template)]


def _searched(story: str, key: str, template: str) -> list[dict[str, Any]]:
    if not key.startswith("observations-"):
        return expected(story, key)
    wanted = {one.rpartition("|")[2] for one in template.partition("&code=")[2].split(",")}
    return [one for one in resources(story, "Observation") if codes(one["code"]) & wanted]


@pytest.mark.parametrize("story", STORIES)
def test_a_replayed_chart_supplies_what_the_server_would_find(
    client: FlaskClient, book: Rulebook, story: str
) -> None:
    """`cds explain --chart` and an EHR that is asked see the same data, but for what has no code to find."""
    uncoded = {one["id"] for one in resources(story, "Observation") if "coding" not in one["code"]}
    call = chart_request(ChartFile.read(FIXTURES / "charts" / f"{story}.json"), book, "patient-view")
    for key, template in templates(book, "patient-view").items():
        if key in ("patient", "encounter"):
            continue
        supplied = json.loads(bytes(call.prefetch[key]))
        path = template.replace("{{context.patientId}}", call.patient_id)
        told = [one for one in ids(supplied) if one not in uncoded]
        assert ids(searchset(client.get(f"/fhir/{path}"))) == told


def test_the_synthea_patients_can_be_served_beside_the_charts() -> None:
    files = [*FILES, *sorted((FIXTURES / "synthea").glob("*.json"))]
    with serving(create_fhir_app(Store.read(files))) as base:
        bundle = requests.get(f"{base}/Patient?_count=0", timeout=30).json()
    assert bundle["total"] == len(files)
