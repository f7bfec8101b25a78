"""GET /healthz: the process lives. GET /readyz: it can answer hook calls, and with which rules."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from flask import Flask, Response

from cds_service.errors import StoreUnavailable
from cds_service.rulebook.book import Rulebook
from cds_service.store.database import Database
from cds_service.web.outcome import json_response

_ALIVE = b'{"status":"alive"}'
_NO_STORE = "the database cannot be used: hook calls are answered, feedback is refused with 503"


def readiness(rulebooks: Sequence[Rulebook], engine: str, degraded: Sequence[str] = ()) -> tuple[int, bytes]:
    """Status and body of /readyz: 200 with what is served, or 503 with the reasons why nothing is.

    `degraded` are things that do not work while hook calls are answered all the same.
    """
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
    return 200, msgspec.json.encode(body | ({"degraded": list(degraded)} if degraded else {}))


def _reasons(rulebooks: Sequence[Rulebook]) -> list[str]:
    if not rulebooks:
        return ["no rulebook is loaded"]
    if not any(book.hooks for book in rulebooks):
        return ["no rule is active or shadow, so there is no service"]
    return []


def _degraded(database: Database) -> list[str]:
    try:
        database.check()
    except StoreUnavailable:
        return [_NO_STORE]
    return []


def register(app: Flask, rulebooks: Sequence[Rulebook], engine: str, database: Database) -> None:
    """Let the app answer /healthz and /readyz, which looks whether the database can be used."""
    ready = not _reasons(rulebooks)

    def healthz() -> Response:
        return json_response(_ALIVE)

    def readyz() -> Response:
        status, body = readiness(rulebooks, engine, _degraded(database) if ready else ())
        return json_response(body, status)

    app.add_url_rule("/healthz", "healthz", healthz, methods=["GET"])
    app.add_url_rule("/readyz", "readyz", readyz, methods=["GET"])
