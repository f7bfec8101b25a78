"""GET /healthz: the process lives. GET /readyz: it can answer hook calls, and with which rules."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from flask import Flask, Response

from cds_service.rulebook.book import Rulebook
from cds_service.web.outcome import json_response

_ALIVE = b'{"status":"alive"}'


def readiness(rulebooks: Sequence[Rulebook], engine: str) -> tuple[int, bytes]:
    """Status and body of /readyz: 200 with what is served, or 503 with the reasons why nothing is."""
    reasons = _reasons(rulebooks)
    body = {
        "status": "not ready" if reasons else "ready",
        "engine": engine,
        "rulebooks": [
            {"id": book.id, "version": book.about.version, "digest": book.digest} for book in rulebooks
        ],
    }
    if reasons:
        return 503, msgspec.json.encode(body | {"reasons": reasons})
    return 200, msgspec.json.encode(body)


def _reasons(rulebooks: Sequence[Rulebook]) -> list[str]:
    if not rulebooks:
        return ["no rulebook is loaded"]
    if not any(book.hooks for book in rulebooks):
        return ["no rule is active or shadow, so there is no service"]
    return []


def register(app: Flask, rulebooks: Sequence[Rulebook], engine: str) -> None:
    """Let the app answer /healthz and /readyz."""
    status, body = readiness(rulebooks, engine)

    def healthz() -> Response:
        return json_response(_ALIVE)

    def readyz() -> Response:
        return json_response(body, status)

    app.add_url_rule("/healthz", "healthz", healthz, methods=["GET"])
    app.add_url_rule("/readyz", "readyz", readyz, methods=["GET"])
