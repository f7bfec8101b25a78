"""POST /cds-services/<id>: a hook call in, cards out. What depends on the rules was done at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from cds_service.errors import RequestError
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.web.discovery import PATH
from cds_service.web.outcome import json_response
from cds_service.web.request import read_request

Clock = Callable[[], datetime]
_encode = msgspec.json.Encoder().encode

_WRONG_TYPES = ("application/x-www-form-urlencoded", "application/xml", "text/html", "text/xml", "text/csv")
_WRONG_FAMILIES = ("multipart/", "image/", "audio/", "video/", "font/")


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of discovery: the hook it answers, and the rulebook it answers with."""

    id: str
    hook: str
    book: ServedRulebook


def register(app: Flask, services: Mapping[str, Service], clock: Clock, zone: tzinfo) -> None:
    """Let the app answer hook calls; `clock` gives the instant at which a call is evaluated."""

    def call(service_id: str) -> Response:
        service = services.get(service_id)
        if service is None:
            raise NotFound
        refuse_media_type(request.content_type, request.headers.get("Content-Encoding"))
        hook_call = read_request(
            request.get_data(cache=False),
            service_id=service.id,
            hook=service.hook,
            as_of=clock(),
            zone=zone,
        )
        return json_response(_encode(evaluate(hook_call, service.book).body))

    app.add_url_rule(f"{PATH}/<service_id>", "call", call, methods=["POST"], strict_slashes=False)


def refuse_media_type(content_type: str | None, encoding: str | None) -> None:
    """Refuse a body that is clearly no JSON; callers name JSON in many ways. Raises RequestError (415)."""
    seen = (content_type or "").partition(";")[0].strip().lower()
    if seen in _WRONG_TYPES or seen.startswith(_WRONG_FAMILIES) or seen.endswith("+xml"):
        raise RequestError(
            "The Content-Type is not JSON; send Content-Type: application/json.",
            status=415,
            code="not-supported",
        )
    if (encoding or "identity").strip().lower() != "identity":
        raise RequestError(
            "The body is compressed; send it without Content-Encoding.", status=415, code="not-supported"
        )
