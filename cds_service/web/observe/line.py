"""One line of the decision log: what was asked by whom, decided by which rules, on which data, and shown.

It holds nothing that the caller wrote but `hookInstance`, which is a UUID, and a tenant that the list of
clients names. Ids of the patient, the user and the encounter are pseudonyms, or left out; `masked` names
them by their place in the call. No resource, text, reference or token is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from cds_service.cards.response import DECISION, RULES
from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts.finding import NotObtained
from cds_service.pipeline import Outcome
from cds_service.web.caller import Caller
from cds_service.web.observe.call import Call
from cds_service.web.observe.mask import Mask
from cds_service.web.outcome import code_of

_encode = msgspec.json.Encoder().encode
_KEPT = ("id", "asOf", "rulebook", "complete", "withheld")
_VERDICTS = ("true", "unknown", "false")


def line_of(call: Call, mask: Mask, captured: str = "") -> bytes:
    """The line of one call, its end included; `captured` is the digest of the call where it was kept."""
    line: dict[str, Any] = {
        "time": call.time.astimezone(UTC).isoformat(timespec="milliseconds"),
        "status": call.status,
        "ms": _milliseconds(call.seconds),
    }
    if call.service:
        line["service"] = call.service
    line |= _asked(call, mask)
    if call.error is not None:
        line |= _refused(call.error)
    if call.outcome is not None:
        line |= _decided(call.outcome)
    if call.reads:
        line["reads"] = [
            {"key": read.key, "outcome": read.outcome, "ms": read.milliseconds, "bytes": read.size}
            for read in call.reads
        ]
    if captured:
        line["captured"] = captured
    return _encode(line) + b"\n"


def _asked(call: Call, mask: Mask) -> dict[str, Any]:
    """Who asked, about whom: ids that were given, as pseudonyms."""
    line: dict[str, Any] = {}
    hidden: dict[str, tuple[str, str]] = {}
    if call.caller is not None:
        line |= _client(call.caller)
        if call.caller.tenant and not call.caller.listed:
            hidden["tenant"] = ("tenant", call.caller.tenant)
    request = call.request
    if request is not None:
        line |= {"hook": request.hook, "hookInstance": request.hook_instance}
        hidden["user"] = ("context.userId", request.user)
        hidden["patient"] = ("context.patientId", request.patient_id)
        hidden["encounter"] = ("context.encounterId", request.encounter_id)
    hidden = {name: pair for name, pair in hidden.items() if pair[1]}
    for name, (path, value) in hidden.items():
        if pseudonym := mask.of(path, value):
            line[name] = pseudonym
    if hidden:
        line["masked"] = [path for path, _ in hidden.values()]
    return line


def _client(caller: Caller) -> dict[str, Any]:
    tenant = {"tenant": caller.tenant} if caller.tenant and caller.listed else {}
    return {"client": caller.name} | tenant


def _refused(error: Exception) -> dict[str, Any]:
    """Why there was no answer: the kind of problem and its place in the body, never its words."""
    line: dict[str, Any] = {"reason": code_of(error)}
    if isinstance(error, RequestError) and error.where:
        line["where"] = error.where
    if isinstance(error, DataUnavailable):
        line["notObtained"] = _because(NotObtained(*pair) for pair in error.states.items())
    return line


def _decided(outcome: Outcome) -> dict[str, Any]:
    told = outcome.body["extension"][DECISION]
    decision = outcome.evaluation.decision
    line = {name: told[name] for name in _KEPT if name in told}
    line["engine"] = outcome.evaluation.engine
    line["stages"] = {name: _milliseconds(seconds) for name, seconds in outcome.seconds.items()}
    line["verdicts"] = _verdicts(told.get("verdicts", ()))
    line["notObtained"] = _because(decision.not_obtained)
    line["notes"] = dict(Counter(code for code, _ in decision.notes))
    line["cards"] = [_card(card) for card in outcome.body["cards"]]
    return line


def _verdicts(told: Any) -> dict[str, list[str]]:
    """Rules and versions by verdict; those in shadow are among them."""
    by: dict[str, list[str]] = {verdict: [] for verdict in _VERDICTS}
    for one in told:
        by[one["verdict"]].append(f"{one['rule']}@{one['version']}")
    return {verdict: rules for verdict, rules in by.items() if rules}


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    rules = [{"id": rule["id"], "version": rule["version"]} for rule in card["extension"][RULES]]
    return {"uuid": card["uuid"], "indicator": card["indicator"], "rules": rules}


def _because(missed: Any) -> list[dict[str, str]]:
    return [{"key": each.key, "reason": each.reason} for each in missed]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
