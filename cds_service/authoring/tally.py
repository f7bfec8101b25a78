"""What became of cards, per rule and version: feedback beside what the decision log says was shown.

A card counts once, with its latest outcome. It counts in the window in which it was shown if the log has it,
otherwise in that of its outcome. A merged card counts for every rule in it if the log has it, otherwise for
the first, which its uuid begins with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cds_service.cards.identity import prefix_of, rule_prefix
from cds_service.store.feedback import Entry

UNKNOWN = "unknown rule"

RuleVersion = tuple[str, str]


class Reason(NamedTuple):
    """Why a card was overridden; all empty if nobody said."""

    system: str
    code: str
    display: str


class ShownCard(NamedTuple):
    """A card as the decision log has it; `time` None if the line has none."""

    uuid: str
    rules: tuple[RuleVersion, ...]
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on and before `until`, None for no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, instant: datetime | None) -> bool:
        """Whether an instant lies in the window; an unknown one only if there are no bounds."""
        if instant is None:
            return self.since is None and self.until is None
        return (self.since is None or self.since <= instant) and (self.until is None or instant < self.until)


@dataclass(slots=True)
class Count:
    """The cards of one rule version: shown, answered how, and every entry that carries a comment.

    `shown` and `no_answer` are None where no log was read. Of an unknown rule the version is the 12 digits
    its cards begin with, empty for ids that cannot be ours.
    """

    rule: str
    version: str
    shown: int | None = None
    no_answer: int | None = None
    accepted: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    comments: list[Entry] = field(default_factory=list)

    @property
    def overridden(self) -> int:
        """Cards overridden, for whatever reason."""
        return self.reasons.total()

    def add(self, said: Sequence[Entry]) -> None:
        """Count one card by everything that was said of it, in the order it happened."""
        last = said[-1]
        if last.outcome == "accepted":
            self.accepted += 1
        else:
            self.reasons[Reason(last.reason_system, last.reason_code, last.reason_display)] += 1
        self.comments += [entry for entry in said if entry.comment]


class _Sheet:
    """The counts so far, by rule version."""

    def __init__(self, known: Mapping[str, RuleVersion]) -> None:
        self.known = dict(known)
        self.counts: dict[RuleVersion, Count] = {}

    def of(self, pair: RuleVersion) -> Count:
        return self.counts.setdefault(pair, Count(*pair))

    def owner(self, uuid: str, prefix: str) -> RuleVersion:
        return self.known.get(prefix_of(uuid), (UNKNOWN, prefix))

    def owners(self, card: ShownCard) -> tuple[RuleVersion, ...]:
        """The rules of a shown card: those it lists, unless it is a card about them and not of them."""
        prefix = prefix_of(card.uuid)
        if any(rule_prefix(*pair) == prefix for pair in card.rules):
            return tuple(dict.fromkeys(card.rules))
        return (self.owner(card.uuid, prefix),)


def tally(
    entries: Iterable[Entry],
    log: Iterable[ShownCard] | None,
    known: Mapping[str, RuleVersion],
    window: Window,
) -> tuple[Count, ...]:
    """The counts of every rule version that was shown or answered, by name, unknown ones last.

    `entries` come in the order of their outcomes; `known` are rule versions by the prefix of their cards, to
    which those named in the `log` are added. `log` is None if there is none.
    """
    said: dict[str, list[Entry]] = {}
    for entry in entries:
        said.setdefault(entry.card, []).append(entry)
    sheet = _Sheet(known)
    for card in () if log is None else _once(log):
        sheet.known.update({rule_prefix(*pair): pair for pair in card.rules})
        heard = said.pop(card.uuid, None)
        if window.holds(card.time):
            for pair in sheet.owners(card):
                _add_shown(sheet.of(pair), heard)
    for heard in said.values():
        if window.holds(heard[-1].outcome_time):
            sheet.of(sheet.owner(heard[-1].card, heard[-1].rule_prefix)).add(heard)
    if log is not None:
        for count in sheet.counts.values():
            count.shown, count.no_answer = count.shown or 0, count.no_answer or 0
    return tuple(sorted(sheet.counts.values(), key=lambda one: (one.rule == UNKNOWN, one.rule, one.version)))


def _add_shown(count: Count, heard: Sequence[Entry] | None) -> None:
    count.shown = (count.shown or 0) + 1
    if heard:
        count.add(heard)
    else:
        count.no_answer = (count.no_answer or 0) + 1


def _once(log: Iterable[ShownCard]) -> Iterator[ShownCard]:
    """Each card once: the same call at the same instant gives the same cards."""
    seen: set[str] = set()
    for card in log:
        if card.uuid not in seen:
            seen.add(card.uuid)
            yield card
