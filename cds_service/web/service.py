"""POST /cds-services/<id>: a hook call in, cards out. What depends on the rules was done at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import IO

import msgspec
from flask import Flask, Request, Response, request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from cds_service.errors import RequestError
from cds_service.facts.server.reads import FhirReader
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.web.caller import Gate
from cds_service.web.discovery import PATH
from cds_service.web.observe.call import Seen, Witnesses
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
    served: ServedRulebook


def register(
    app: Flask,
    services: Mapping[str, Service],
    *,
    clock: Clock,
    zone: tzinfo,
    limit: int,
    gate: Gate,
    reader: FhirReader,
    witnesses: Witnesses,
) -> None:
    """Let the app answer hook calls.

    `clock` gives the instant at which a call is evaluated, `limit` is the longest body in bytes, `gate` lets
    callers in before anything is read, `reader` reads from their FHIR servers what they did not send,
    `witnesses` are told of every call.
    """

    def answered(service_id: str, seen: Seen) -> Response:
        seen.caller = caller = gate.admit(request)
        service = services.get(service_id)
        if service is None:
            raise NotFound
        seen.reading = reading = reader.begin(caller.fhir)
        refuse_media_type(request.content_type, request.headers.get("Content-Encoding"))
        seen.request = hook_call = read_request(
            read_body(request, limit),
            service_id=service.id,
            hook=service.hook,
            as_of=clock(),
            zone=zone,
        )
        seen.outcome = outcome = evaluate(hook_call, service.served, reading)
        return json_response(_encode(outcome.body))

    def call(service_id: str) -> Response:
        with witnesses.watch(service_id if service_id in services else "") as seen:
            return answered(service_id, seen)

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


def read_body(sent: Request, limit: int) -> bytes:
    """The whole body, of known length or chunked. Raises RequestEntityTooLarge over `limit` bytes.

    Werkzeug's own reading returns the first `limit` bytes of a longer chunked body as if they were all.
    """
    length = sent.content_length
    if length is None and not sent.environ.get("wsgi.input_terminated"):
        return b""
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    body = _read(sent.environ["wsgi.input"], limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) < length:
        raise RequestError("The body is shorter than its Content-Length.", code="structure")
    return body


def _read(stream: IO[bytes], most: int) -> bytes:
    """Up to `most` bytes: a server may hand out less at a time than it was asked for."""
    first = stream.read(most)
    parts, missing = [first], most - len(first)
    while missing and parts[-1]:
        parts.append(stream.read(missing))
        missing -= len(parts[-1])
    return b"".join(parts) if len(parts) > 1 else first
