"""One call decided under one version of the rules, or under two and compared. Runs in worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from cds_service.authoring.replay.approved import normalised
from cds_service.authoring.replay.calls import Call
from cds_service.authoring.replay.changes import Change, changes
from cds_service.authoring.replay.sequence import Moved, moved
from cds_service.authoring.replay.turns import reasons, reasons_now
from cds_service.cards.response import answer
from cds_service.errors import RequestError, UsageError
from cds_service.pipeline import Evaluation, ServedRulebook, examine
from cds_service.rulebook.load import load_rulebook
from cds_service.web.discovery import service_id
from cds_service.web.outcome import refused_as


@dataclass(frozen=True, slots=True)
class RulesAt:
    """A rulebook on disk: what a worker needs to load it and to be sure that it is the same."""

    folder: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One rulebook in two versions; None where a version does not have it."""

    before: RulesAt | None
    after: RulesAt | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call got: an answer as approved files hold it, or why it was refused (`412 …`), or neither.

    Neither means that no rule of the rulebook is for the hook.
    """

    body: Mapping[str, Any] | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A call under one rulebook. `failure` says why it could not be made at all."""

    call: str
    hook: str
    answered: Answered = Answered()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A call under both versions: what changed for each rule, and whether it is now refused, or no longer.

    `moved` are the cards that both show in another order.
    """

    call: str
    changes: tuple[Change, ...] = ()
    moved: tuple[Moved, ...] = ()
    refused: tuple[str, str] = ("", "")
    failure: str = ""


@lru_cache(maxsize=16)
def prepared(at: RulesAt) -> ServedRulebook:
    """The rulebook ready to decide calls. Raises UsageError if the files changed, RuleError."""
    book = load_rulebook(at.folder)
    if book.digest != at.digest:
        raise UsageError(f"{at.folder.as_posix()} changed while it was replayed; start again")
    return ServedRulebook.prepare(book, "direct")


def decide(call: Call, books: tuple[RulesAt, ...]) -> tuple[Replayed, ...]:
    """The call under every rulebook that has a rule for its hook."""
    try:
        found = [_answered(call, at)[0] for at in books]
    except UsageError as error:
        return (Replayed(call.name, call.hook, failure=str(error)),)
    told = [one for one in found if one.body is not None or one.refused]
    return tuple(Replayed(call.name, call.hook, one) for one in told)


def compare(call: Call, pairs: tuple[Pair, ...], same: tuple[RulesAt, ...] = ()) -> tuple[Compared, ...]:
    """The call under both versions of every rulebook that changed.

    Under those that are the `same` it is only made, to see that it can be replayed.
    """
    try:
        for at in same:
            _made(call, prepared(at))
        return tuple(_compare(call, pair) for pair in pairs)
    except UsageError as error:
        return (Compared(call.name, failure=str(error)),)


def recheck(call: Call, books: tuple[RulesAt, ...]) -> tuple[Compared, ...]:
    """A call that a service answered, under the rulebook that it asked: what differs from that answer."""
    try:
        held = call.held()
        at = next((at for at in books if _serves(at, held.service, call.hook)), None)
        if at is None:
            raise UsageError(f"no rulebook here serves {held.service}")
        after, new = _answered(call, at)
    except (UsageError, RequestError) as error:
        return (Compared(call.name, failure=str(error)),)
    if held.refused or after.refused:
        return (Compared(call.name, refused=(held.refused, after.refused)),)
    before = normalised(held.answer) if held.answer is not None else None
    found = tuple(replace(one, why=reasons_now(one, new)) for one in changes(call.name, before, after.body))
    return (Compared(call.name, found, moved(call.name, before, after.body)),)


def _made(call: Call, served: ServedRulebook) -> None:
    """Make the call of a hook as `_answered` does, but decide nothing. Raises UsageError if it cannot be."""
    if call.hook in served.plans:
        with suppress(RequestError):  # refused by both versions alike
            call.request(served.book, served.plans[call.hook].keys, UTC)


def _serves(at: RulesAt, service: str, hook: str) -> bool:
    return service_id(prepared(at).book, hook) == service


def _compare(call: Call, pair: Pair) -> Compared:
    (before, old), (after, new) = _answered(call, pair.before), _answered(call, pair.after)
    if before.refused or after.refused:
        return Compared(call.name, refused=(before.refused, after.refused))
    differ = changes(call.name, before.body, after.body)
    found = tuple(replace(one, why=reasons(one, old, new)) for one in differ)
    return Compared(call.name, found, moved(call.name, before.body, after.body))


def _answered(call: Call, at: RulesAt | None) -> tuple[Answered, Evaluation | None]:
    served = prepared(at) if at is not None else None
    if served is None or call.hook not in served.plans:
        return Answered(), None
    try:
        request, source = call.request(served.book, served.plans[call.hook].keys, UTC)
        evaluation = examine(request, served, source, explain=True)
    except RequestError as error:
        return Answered(refused=refused_as(error)), None
    body = msgspec.json.decode(msgspec.json.encode(answer(evaluation.decision)))
    return Answered(normalised(body)), evaluation
