"""POST /cds-services/<id>: a hook call in, cards out. What depends on the rules was done before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from cds_service.facts.server.heard import Heard
from cds_service.facts.server.reads import FhirReader
from cds_service.pipeline import evaluate
from cds_service.web.arrival import arrived, refuse_if_turned_away
from cds_service.web.body import body_of
from cds_service.web.caller import Gate
from cds_service.web.discovery import PATH
from cds_service.web.observe.call import Seen, Witnesses
from cds_service.web.outcome import json_response
from cds_service.web.request import read_request
from cds_service.web.rules import CurrentRules

Clock = Callable[[], datetime]
_encode = msgspec.json.Encoder().encode


def register(
    app: Flask,
    current: CurrentRules,
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

    def answered(service_id: str, seen: Seen, since: float) -> Response:
        refuse_if_turned_away(request.environ)
        seen.caller = caller = gate.admit(request)
        rules = current.now  # held until the answer is made: engines are freed with their rules
        service = rules.services.get(service_id)
        if service is None:
            raise NotFound
        seen.reading = reading = Heard(reader.begin(caller.fhir, since))
        seen.body = body_of(request, limit)
        seen.request = hook_call = read_request(
            seen.body,
            service_id=service.id,
            hook=service.hook,
            as_of=clock(),
            zone=zone,
        )
        seen.outcome = outcome = evaluate(hook_call, service.served, reading)
        return json_response(_encode(outcome.body))

    def call(service_id: str) -> Response:
        since = arrived(request.environ)
        with witnesses.watch(service_id if service_id in current.now.services else "", since) as seen:
            return answered(service_id, seen, since)

    app.add_url_rule(f"{PATH}/<service_id>", "call", call, methods=["POST"], strict_slashes=False)
