"""An application that keeps a decision log, and its lines read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from ..answers import NOW

CAME = datetime(2026, 4, 1, 9, 30, 15, 250_000, tzinfo=UTC)
"""When calls come by the real clock; they are judged at NOW."""


@dataclass
class Place:
    """An application, and the folder of its log and database."""

    folder: Path
    app: Flask

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def path(self) -> Path:
        return self.folder / "decisions.jsonl"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def post(self, address: str, body: Any, **options: Any) -> tuple[TestResponse, dict[str, Any]]:
        """The answer to a call, and the one line that it added."""
        before = len(self.lines())
        response = self.client.post(address, json=body, **options)
        (line,) = self.lines()[before:]
        return response, line

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics that is not 0, as `name{labels}`, the labels in their order."""
        response = self.client.get("/metrics")
        assert response.status_code == 200
        return samples(response.text)


def samples(text: str) -> dict[str, float]:
    """The samples of a scrape."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if not line.startswith("#") and not name.partition("{")[0].endswith("_created"):
            assert name not in found
            found[name] = float(value)
    return {name: value for name, value in found.items() if value}


@pytest.fixture
def make_place(tmp_path: Path, sample_book: Rulebook) -> Callable[..., Place]:
    """Makes a place; `options` are those of the application, `changes` of its settings."""

    def make(options: dict[str, Any] | None = None, **changes: Any) -> Place:
        settings = {
            "today": NOW,
            "decision_log": str(tmp_path / "decisions.jsonl"),
            "database_url": f"sqlite:///{tmp_path}/cds.sqlite3",
        }
        chosen = Settings(**(settings | changes))
        return Place(tmp_path, create_app(chosen, [sample_book], clock=lambda: CAME, **options or {}))

    return make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()
