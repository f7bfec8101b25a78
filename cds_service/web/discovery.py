"""GET /cds-services: which services there are and what each wants to be sent.

The answer depends on the rules alone, so its bytes are made once, with them. Keys keep their order, because
a prefetch template may refer to an earlier one. The ETag changes whenever a rulebook does, even where this
answer does not: a client that asks again learns that the advice may differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask, Response, request

from cds_service.facts.prefetch import templates
from cds_service.rulebook.book import Rulebook
from cds_service.web.caller import Gate

if TYPE_CHECKING:
    from cds_service.web.rules import CurrentRules

PATH = "/cds-services"


def service_id(rulebook: Rulebook, hook: str) -> str:
    """The id of the service that answers a hook with a rulebook."""
    return f"{rulebook.id}-{hook}"


def describe(rulebooks: Iterable[Rulebook]) -> bytes:
    """The discovery document (specification 2.0.1, "Discovery"): one service per rulebook and hook."""
    services = [_service(rulebook, hook) for rulebook in rulebooks for hook in rulebook.hooks]
    return msgspec.json.encode({"services": services})


def _service(rulebook: Rulebook, hook: str) -> dict[str, Any]:
    about = rulebook.about
    described = {
        "id": service_id(rulebook, hook),
        "hook": hook,
        "title": f"{about.title} ({hook})",
        "description": about.description.strip(),
        "usageRequirements": about.usage.strip(),
        "prefetch": templates(rulebook, hook),
    }
    return {name: value for name, value in described.items() if value}


def version_of(body: bytes, rulebooks: Iterable[Rulebook]) -> str:
    """The entity tag of a discovery document: its bytes and the digest of every rulebook."""
    digest = hashlib.sha256(body)
    for rulebook in rulebooks:
        digest.update(f"\n{rulebook.id}={rulebook.digest}".encode())
    return digest.hexdigest()[:32]


def register(app: Flask, current: CurrentRules, gate: Gate) -> None:
    """Let the app answer GET /cds-services to whom `gate` lets in."""

    def discovery() -> Response:
        gate.admit_to_discovery(request)
        rules = current.now
        known = request.if_none_match.contains_weak(rules.tag)
        response = Response(status=304) if known else Response(rules.discovery, mimetype="application/json")
        response.set_etag(rules.tag)
        response.headers["Cache-Control"] = "no-cache"
        return response

    app.add_url_rule(PATH, "discovery", discovery, methods=["GET"], strict_slashes=False)
