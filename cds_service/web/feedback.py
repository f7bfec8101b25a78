"""POST /cds-services/<id>/feedback: what became of cards, on disk before the caller hears 200.

One body is kept whole or not at all: one wrong entry is a 400 that names it, a database that cannot be used a
503, and then nothing of the body was kept. Specification 2.0.1, "Feedback". What callers may leave out or
send as null or "" counts as absent; unknown members pass; a card that nobody knows is kept too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
from flask import Flask, Response, request
from msgspec import Raw
from werkzeug.exceptions import NotFound

from cds_service.cards.identity import prefix_of
from cds_service.facts.members import refuse_duplicates
from cds_service.store.feedback import Channel, Entry, FeedbackLog
from cds_service.web.arrival import refuse_if_turned_away
from cds_service.web.body import body_of
from cds_service.web.caller import Gate
from cds_service.web.discovery import PATH
from cds_service.web.observe.start import Kept
from cds_service.web.outcome import json_response
from cds_service.web.request import refuse_encoding
from cds_service.web.rules import CurrentRules
from cds_service.web.service import Clock
from cds_service.web.values import ABSENT, NULL, decode, members_of, missing, text_in, unusable

MOST_ENTRIES = 1_000
"""Far more than a screen shows; a body of more would hold the database for long."""

LONGEST_COMMENT = 4_000
"""Characters. A longer one is refused, not cut: what was acknowledged is kept whole."""

_MOST_SUGGESTIONS = 100
_LONGEST_REASON = 1_000
_CODING = ("system", "code", "display")
_OUTCOMES = ("accepted", "overridden")
_IDENTIFIER = re.compile(r"[!-~]{1,128}")
_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:)(\d{2})(?:\.(\d{1,100}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_ENTRIES = "an array of entries, each with card, outcome and outcomeTimestamp"
_list = msgspec.json.Decoder(list[Raw])


def register(
    app: Flask,
    current: CurrentRules,
    log: FeedbackLog,
    *,
    gate: Gate,
    clock: Clock,
    limit: int,
    tell: Kept,
) -> None:
    """Let the app answer feedback on the cards of our services; `limit` is the longest body in bytes.

    `tell` is told of what was kept.
    """

    def feedback(service_id: str) -> Response:
        refuse_if_turned_away(request.environ)
        caller = gate.admit(request)
        if service_id not in current.now.services:
            raise NotFound
        entries = read_feedback(body_of(request, limit))
        tenant = caller.tenant if caller.listed else ""
        log.keep(entries, Channel(caller.name, tenant, service_id), clock())
        tell(service_id, entries)
        return json_response(msgspec.json.encode({"received": len(entries)}))

    address = f"{PATH}/<service_id>/feedback"
    app.add_url_rule(address, "feedback", feedback, methods=["POST"], strict_slashes=False)


def read_feedback(body: bytes) -> tuple[Entry, ...]:
    """The entries of a body. Raises RequestError (400) for the first that is wrong, naming it."""
    refuse_encoding(body)
    members = members_of(Raw(body), "")
    refuse_duplicates(body)
    sent = members.get("feedback", ABSENT)
    if sent in (ABSENT, NULL):
        raise missing("feedback", _ENTRIES)
    entries = decode(_list, sent, "feedback")
    if not 1 <= len(entries) <= MOST_ENTRIES:
        raise unusable("feedback", f"1 to {MOST_ENTRIES:,} entries")
    return tuple(_entry(raw, f"feedback[{index}]") for index, raw in enumerate(entries))


def _entry(raw: Raw, where: str) -> Entry:
    members = members_of(raw, where)
    card = _identifier(members, "card", where)
    outcome = text_in(members, "outcome", where)
    if outcome not in _OUTCOMES:
        refuse = unusable if outcome else missing
        raise refuse(f"{where}.outcome", "accepted or overridden")
    suggestions = _suggestions(members.get("acceptedSuggestions", ABSENT), f"{where}.acceptedSuggestions")
    if outcome == "accepted" and not suggestions:
        raise missing(f"{where}.acceptedSuggestions", "the suggestions accepted, each an object with its id")
    why = _object(members.get("overrideReason", ABSENT), f"{where}.overrideReason")
    reason = _object(why.get("reason", ABSENT), f"{where}.overrideReason.reason")
    told = {name: _text(reason, name, f"{where}.overrideReason.reason") for name in _CODING}
    return Entry(
        card=card,
        rule_prefix=prefix_of(card) if _UUID.fullmatch(card) else "",
        outcome=outcome,
        outcome_time=_instant(text_in(members, "outcomeTimestamp", where), f"{where}.outcomeTimestamp"),
        suggestions=suggestions,
        reason_system=told["system"],
        reason_code=told["code"],
        reason_display=told["display"],
        comment=_text(why, "userComment", f"{where}.overrideReason", LONGEST_COMMENT),
    )


def _object(raw: Raw, where: str) -> dict[str, Raw]:
    """The members of an object that may be absent or null."""
    return {} if raw in (ABSENT, NULL) else members_of(raw, where)


def _identifier(members: dict[str, Raw], name: str, where: str) -> str:
    """The uuid of a card or suggestion, UUIDs all written alike; other services' ids stay as they are."""
    seen = text_in(members, name, where)
    if not seen:
        raise missing(f"{where}.{name}", "the uuid that stood in the answer")
    if _IDENTIFIER.fullmatch(seen) is None:
        raise unusable(f"{where}.{name}", "the uuid that stood in the answer")
    found = _UUID.fullmatch(seen)
    return found[1].lower() if found else seen


def _suggestions(raw: Raw, where: str) -> tuple[str, ...]:
    if raw in (ABSENT, NULL):
        return ()
    sent = decode(_list, raw, where)
    if len(sent) > _MOST_SUGGESTIONS:
        raise unusable(where, f"at most {_MOST_SUGGESTIONS} suggestions")
    places = [f"{where}[{index}]" for index in range(len(sent))]
    return tuple(
        _identifier(members_of(one, place), "id", place) for one, place in zip(sent, places, strict=True)
    )


def _text(members: dict[str, Raw], name: str, where: str, longest: int = _LONGEST_REASON) -> str:
    seen = text_in(members, name, where)
    if len(seen) > longest or "\x00" in seen:
        raise unusable(f"{where}.{name}", f"at most {longest:,} characters, none of them NUL")
    return seen


def _instant(text: str, where: str) -> datetime:
    """An instant of RFC 3339, in UTC; beyond the microsecond it is cut. Raises RequestError (400)."""
    expected = "an instant such as 2026-03-01T12:00:00Z"
    if not text:
        raise missing(where, expected)
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        raise unusable(where, expected)
    day, minute, second, fraction, offset = parts.groups(default="")
    if second == "60":  # a leap second, which Python does not know
        second, fraction = "59", "999999"
    written = f"{day}T{minute}{second}.{fraction[:6]:0<6}{offset.upper()}"
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise unusable(where, expected) from None
