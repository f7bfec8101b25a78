"""What differs between two answers to one call, rule by rule: verdicts, and the cards that are seen.

Compared are answers as JSON, so an approved answer of last year compares like one made just now. Ids and the
versions of rules are left out of the comparison: they change with every edit and nobody sees them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cds_service.cards.response import DECISION, RULES

Json = Mapping[str, Any]
Kind = Literal["added", "removed", "tone", "words", "beside", "verdict"]

UNCHECKED = "could-not-check"
"""The name under which the card that belongs to no rule is compared."""
_ID = re.compile(r"uuid-\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COMPARED = ("uuid", "extension", "indicator", "summary", "detail")


@dataclass(frozen=True, slots=True)
class CardText:
    """What is compared of a card. `beside` is everything but tone and words: suggestions, links, reasons."""

    indicator: str
    summary: str
    detail: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One rule in one answer; no card means it shows none."""

    version: str
    verdict: str
    card: CardText | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One deciding line: its rule, the criterion, its truth, the answer and what it was read from."""

    rule: str
    criterion: str
    truth: str
    value: str = ""
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A deciding line before and after; None where that version has no such line.

    `alone`: before is an answer, of which nobody knows the lines.
    """

    before: Step | None
    after: Step | None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Why:
    """What decided a change: the lines that turned, and where the verdict stayed, why a card shows or not."""

    turns: tuple[Turn, ...] = ()
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one rule on one call; None where that version does not evaluate the rule."""

    rule: str
    call: str
    before: State | None
    after: State | None
    why: Why = Why()

    @property
    def kind(self) -> Kind:
        """The most visible thing that changed."""
        old = self.before.card if self.before else None
        new = self.after.card if self.after else None
        if old is None or new is None:
            return "verdict" if old is new else "added" if old is None else "removed"
        if old.indicator != new.indicator:
            return "tone"
        if (old.summary, old.detail) != (new.summary, new.detail):
            return "words"
        return "beside" if old.beside != new.beside else "verdict"

    @property
    def verdicts(self) -> tuple[str, str]:
        """The verdict before and after, `not evaluated` where the rule was not."""
        return _verdict(self.before), _verdict(self.after)

    @property
    def cards(self) -> tuple[CardText | None, CardText | None]:
        """The card before and after."""
        return self.before.card if self.before else None, self.after.card if self.after else None


def _verdict(state: State | None) -> str:
    return state.verdict if state else "not evaluated"


def changes(call: str, before: Json | None, after: Json | None) -> tuple[Change, ...]:
    """Every rule whose verdict or card differs; None is an answer that no rule took part in."""
    old, new = states(before), states(after)
    names = dict.fromkeys((*old, *new))
    found = (Change(name, call, old.get(name), new.get(name)) for name in sorted(names))
    return tuple(one for one in found if _differs(one))


def _differs(change: Change) -> bool:
    verdicts = change.verdicts
    return verdicts[0] != verdicts[1] or change.cards[0] != change.cards[1]


def states(body: Json | None) -> dict[str, State]:
    """Every rule of an answer with its verdict and card, and the could-not-check card if there is one."""
    if body is None:
        return {}
    cards = {name: _card(card) for names, card in shown(body) for name in names}
    verdicts = _verdicts(body)
    found = {rule: State(one["version"], one["verdict"], cards.get(rule)) for rule, one in verdicts.items()}
    if UNCHECKED in cards:
        found[UNCHECKED] = State("", "unknown", cards[UNCHECKED])
    return found


def shown(body: Json | None) -> Iterator[tuple[tuple[str, ...], Json]]:
    """The cards of an answer in their order, each with the rules that it is of, or `could-not-check`."""
    verdicts = _verdicts(body) if body is not None else {}
    for card in body["cards"] if body is not None else ():
        rules = (entry["id"] for entry in card["extension"][RULES])
        yield tuple(rule for rule in rules if verdicts.get(rule, {}).get("card")) or (UNCHECKED,), card


def _verdicts(body: Json) -> dict[str, Json]:
    return {one["rule"]: one for one in body["extension"][DECISION].get("verdicts", [])}


def _card(card: Json) -> CardText:
    beside = {name: value for name, value in card.items() if name not in _COMPARED}
    detail = str(card.get("detail", ""))
    for entry in card["extension"][RULES]:
        detail = detail.replace(f"{entry['id']} {entry['version']}", entry["id"])
    text = _ID.sub("id", json.dumps(beside, sort_keys=True, ensure_ascii=False))
    return CardText(card["indicator"], card["summary"], detail, text)
