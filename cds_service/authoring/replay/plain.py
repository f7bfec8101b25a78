"""Replay under one version of the rules: what every call gets, and whether that is what was approved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.authoring.replay.approved import write_approved
from cds_service.authoring.replay.changes import Change, changes
from cds_service.authoring.replay.decide import Replayed
from cds_service.authoring.replay.impact import HEADINGS, ORDER
from cds_service.authoring.replay.sequence import moved
from cds_service.cards.response import DECISION, RULES


@dataclass
class Tally:
    """What was met on the way, for the last line and the exit code."""

    replayed: int = 0
    cards: int = 0
    failures: int = 0
    stale: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything was replayed and is as approved."""
        return not (self.failures or self.stale)


@dataclass(frozen=True)
class Approvals:
    """The approved answers of recorded calls; none where `folder` is None. `accept` writes them anew."""

    folder: Path | None
    recorded: frozenset[str]
    accept: bool = False

    def difference(self, one: Replayed) -> str:
        """What differs from the approved answer in words, "" for nothing; accepted, it is written."""
        if self.folder is None or one.call not in self.recorded or one.answered.body is None:
            return ""
        path = self.folder / f"{one.call}.json"
        approved = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if approved == one.answered.body:
            return ""
        if self.accept:
            write_approved(path, one.answered.body)
        if approved is None:
            return "no approved answer yet"
        found = changes(one.call, approved, one.answered.body)
        words = [_told(change) for change in found]
        words += [ORDER] if moved(one.call, approved, one.answered.body) else []
        return "; ".join(words) or "versions, or data that no card shows"


def _told(change: Change) -> str:
    old, new = change.verdicts
    return f"{change.rule}: {HEADINGS[change.kind]}" + (f", {old} → {new}" if old != new else "")


def lines(one: Replayed, difference: str, *, accepted: bool) -> Iterator[str]:
    """One call in words: its cards in their order, or why there is none."""
    if one.failure:
        yield f"{one.call}: could not be replayed: {one.failure}"
        return
    if one.answered.refused:
        yield f"{one.call}: refused, {one.answered.refused}"
        return
    body = one.answered.body or {}
    cards = body.get("cards", [])
    yield f"{one.call}: {_verdicts(body)}" + ("" if cards else "; no card")
    for card in cards:
        yield f"  [{card['indicator']}] {card['summary']}  ({card['extension'][RULES][0]['id']})"
    if difference:
        yield f"  {'accepted' if accepted else 'not as approved'}: {difference}"


def _verdicts(body: Mapping[str, Any]) -> str:
    found = [item["verdict"] for item in body["extension"][DECISION].get("verdicts", [])]
    return ", ".join(f"{found.count(truth)} {truth}" for truth in ("true", "false", "unknown"))


def as_json(one: Replayed, difference: str) -> dict[str, Any]:
    """One call for a program."""
    body: dict[str, Any] = {"call": one.call, "hook": one.hook}
    if one.failure:
        return body | {"failure": one.failure}
    if one.answered.body is None:
        return body | {"refused": one.answered.refused}
    answer = one.answered.body
    verdicts = {item["rule"]: item["verdict"] for item in answer["extension"][DECISION].get("verdicts", [])}
    body |= {"rulebook": answer["extension"][DECISION]["rulebook"]["id"], "verdicts": verdicts}
    return body | {"cards": answer["cards"]} | ({"difference": difference} if difference else {})


def summary(tally: Tally, *, accepted: bool) -> str:
    """The last line."""
    parts = [f"{tally.replayed} calls replayed, {tally.cards} cards"]
    if tally.stale:
        what = "approved answers written anew" if accepted else "not as approved (--accept to approve)"
        parts.append(f"{len(tally.stale)} {what}")
    if tally.failures:
        parts.append(f"{tally.failures} could not be replayed")
    return ", ".join(parts)
