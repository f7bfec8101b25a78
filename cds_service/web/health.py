"""GET /healthz: the process lives. GET /readyz: it can answer hook calls, and with which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Flask, Response

from cds_service.errors import StoreUnavailable
from cds_service.rulebook.book import Rulebook
from cds_service.store.database import Database
from cds_service.web.outcome import json_response
from cds_service.web.reload import Reloader, failure_entry
from cds_service.web.roster import Roster, rules_entry
from cds_service.web.rules import CurrentRules, Rules

_ALIVE = b'{"status":"alive"}'
_NO_TOKENS = "the database cannot be used: tokens cannot be remembered, so every call is refused with 503"
_NO_STORE = "the database cannot be used: hook calls are answered, feedback is refused with 503"


def readiness(
    rules: Rules,
    more: Mapping[str, Any],
    degraded: Sequence[str] = (),
    broken: Sequence[str] = (),
) -> tuple[int, bytes]:
    """Status and body of /readyz: 200 with what is served, or 503 with the reasons why nothing is.

    `more` is what is told beside it. `degraded` are things that do not work while hook calls are answered all
    the same, `broken` those without which no call is answered.
    """
    reasons = [*_reasons(rules.books), *broken]
    body = {
        "status": "not ready" if reasons else "ready",
        "engine": rules.engine,
        "rulebooks": rules_entry(rules.books),
        **more,
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


def _usable(database: Database) -> bool:
    try:
        database.check_writing()
    except StoreUnavailable:
        return False
    return True


def register(
    app: Flask,
    current: CurrentRules,
    database: Database,
    roster: Roster,
    reloader: Reloader,
    *,
    with_tokens: bool,
) -> None:
    """Let the app answer /healthz and /readyz, which looks whether the database can be used.

    `roster` knows the rules of every worker, `reloader` whether those on disk could not be taken.
    `with_tokens` means that calls need one, and so the database that remembers which were used.
    """

    def healthz() -> Response:
        return json_response(_ALIVE)

    def readyz() -> Response:
        rules = current.now
        more = failure_entry(reloader.failure) | {"workers": roster.everybody()}
        if _reasons(rules.books) or _usable(database):
            status, body = readiness(rules, more)
        elif with_tokens:
            status, body = readiness(rules, more, broken=[_NO_TOKENS])
        else:
            status, body = readiness(rules, more, degraded=[_NO_STORE])
        return json_response(body, status)

    app.add_url_rule("/healthz", "healthz", healthz, methods=["GET"])
    app.add_url_rule("/readyz", "readyz", readyz, methods=["GET"])
