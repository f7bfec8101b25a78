"""The application of the HTTP tests: the sample rulebook, time frozen."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .answers import NOW, RULEBOOKS


@pytest.fixture(scope="session")
def sample_book() -> Rulebook:
    return load_rulebook(RULEBOOKS / "sample")


@pytest.fixture(scope="session")
def sample_app(sample_book: Rulebook) -> Flask:
    return create_app(Settings(today=NOW), [sample_book])


@pytest.fixture
def client(sample_app: Flask) -> FlaskClient:
    return sample_app.test_client()
