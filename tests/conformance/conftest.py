"""The applications of the conformance tests: the shipped rules, and a sample rulebook on every hook."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web.answers import NOW, RULEBOOKS

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .calls import EVERY_HOOK
from .checks import Json

ROOT = Path(__file__).parents[2]
REQUESTS = sorted((ROOT / "fhir_fixtures" / "requests").glob("*.json"))


@pytest.fixture(scope="session")
def everywhere() -> Rulebook:
    """The sample rulebook, every rule of it on every hook."""
    book = load_rulebook(RULEBOOKS / "sample")
    rules = tuple(rule.model_copy(update={"hooks": EVERY_HOOK}) for rule in book.rules)
    return dataclasses.replace(book, rules=rules)


@pytest.fixture(scope="session")
def sample(everywhere: Rulebook) -> FlaskClient:
    """The sample rulebook served on every hook."""
    return create_app(Settings(today=NOW), [everywhere]).test_client()


@pytest.fixture(scope="session")
def shipped() -> FlaskClient:
    """The shipped rules."""
    return create_app(Settings(rules=ROOT / "rules", today=NOW)).test_client()


@pytest.fixture(scope="session")
def answered(shipped: FlaskClient, sample: FlaskClient) -> dict[str, Json]:
    """The answers to every fixture, and of the sample rulebook on every hook, by name."""
    found: dict[str, Json] = {}
    for path in REQUESTS:
        call = json.loads(path.read_bytes())
        response = shipped.post(f"/cds-services/ketamine-trd-{call['hook']}", json=call)
        assert response.status_code == 200, path.name
        found[path.stem] = response.get_json()
    return found
