"""What became of cards, per rule and version: feedback beside what the decision log says was shown.

A card counts once for each channel (client, tenant, service) by which it went out or was answered, with the
latest outcome that came by that channel: no client can change what another said. It counts in the window in
which it was shown if the log has it, otherwise in that of its outcome. A merged card counts for every rule in
it if the log has it, otherwise for the first, which its uuid begins with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cds_service.cards.identity import prefix_of, rule_prefix
from cds_service.store.feedback import Channel, Entry, Said

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
    channel: Channel = Channel()


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

    `channel` has what the counts are told apart by, `channels` are all that are in them. `not_shown` are
    cards that were answered by a channel by which the log did not show them. `shown`, `no_answer` and
    `not_shown` are None where no log was read; with one, accepted + overridden + no_answer = shown +
    not_shown. Of an unknown rule the version is the 12 digits its cards begin with, empty for ids that cannot
    be ours.
    """

    rule: str
    version: str
    channel: Channel
    shown: int | None = None
    no_answer: int | None = None
    not_shown: int | None = None
    accepted: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    comments: list[Entry] = field(default_factory=list)
    channels: set[Channel] = field(default_factory=set)

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
    """The counts so far, by rule version and what of the channel they are told apart by."""

    def __init__(self, known: Mapping[str, RuleVersion], by: Collection[str], *, logged: bool) -> None:
        self.known = dict(known)
        self.counts: dict[tuple[RuleVersion, Channel], Count] = {}
        self._by, self._nothing = by, 0 if logged else None

    def of(self, pair: RuleVersion, channel: Channel) -> Count:
        apart = Channel(**{name: text for name, text in channel._asdict().items() if name in self._by})
        none = self._nothing
        count = self.counts.setdefault((pair, apart), Count(*pair, apart, none, none, none))
        count.channels.add(channel)
        return count

    def owner(self, uuid: str, prefix: str) -> RuleVersion:
        return self.known.get(prefix_of(uuid), (UNKNOWN, prefix))

    def owners(self, card: ShownCard) -> tuple[RuleVersion, ...]:
        """The rules of a shown card: those it lists, unless it is a card about them and not of them."""
        prefix = prefix_of(card.uuid)
        if any(rule_prefix(*pair) == prefix for pair in card.rules):
            return tuple(dict.fromkeys(card.rules))
        return (self.owner(card.uuid, prefix),)

    def add_shown(self, card: ShownCard, heard: Sequence[Entry]) -> None:
        for pair in self.owners(card):
            count = self.of(pair, card.channel)
            count.shown = (count.shown or 0) + 1
            if heard:
                count.add(heard)
            else:
                count.no_answer = (count.no_answer or 0) + 1

    def add_answered(self, channel: Channel, heard: Sequence[Entry]) -> None:
        """Count a card that the log does not have, if there is one."""
        count = self.of(self.owner(heard[-1].card, heard[-1].rule_prefix), channel)
        count.add(heard)
        if count.not_shown is not None:
            count.not_shown += 1


def tally(
    said: Iterable[Said],
    log: Iterable[ShownCard] | None,
    known: Mapping[str, RuleVersion],
    window: Window,
    by: Collection[str] = (),
) -> tuple[Count, ...]:
    """The counts of every rule version that was shown or answered, by name, unknown ones last.

    What was `said` comes in the order of the outcomes; `known` are rule versions by the prefix of their
    cards, to which those named in the `log` are added. `log` is None if there is none. `by` names the fields
    of Channel that are counted apart.
    """
    heard = _heard(said)
    sheet = _Sheet(known, by, logged=log is not None)
    for card in () if log is None else _once(log):
        sheet.known.update({rule_prefix(*pair): pair for pair in card.rules})
        answers = _answers(heard, card)
        if window.holds(card.time):
            sheet.add_shown(card, answers)
    for (channel, _), answers in heard.items():
        if window.holds(answers[-1].outcome_time):
            sheet.add_answered(channel, answers)
    return tuple(sorted(sheet.counts.values(), key=_place))


_Heard = dict[tuple[Channel, str], list[Entry]]


def _heard(said: Iterable[Said]) -> _Heard:
    """What was said of each card, by each channel on its own."""
    heard: _Heard = {}
    for channel, entry in said:
        heard.setdefault((channel, entry.card), []).append(entry)
    return heard


def _answers(heard: _Heard, card: ShownCard) -> list[Entry]:
    """Take out what was said of a shown card. What was kept before tenants were has none."""
    for channel in (card.channel, card.channel._replace(tenant="")):
        if (channel, card.uuid) in heard:
            return heard.pop((channel, card.uuid))
    return []


def _place(count: Count) -> tuple[Any, ...]:
    return (count.rule == UNKNOWN, count.rule, count.version, count.channel)


def _once(log: Iterable[ShownCard]) -> Iterator[ShownCard]:
    """Each card once by each channel: the same call at the same instant gives the same cards."""
    seen: set[tuple[Channel, str]] = set()
    for card in log:
        if (card.channel, card.uuid) not in seen:
            seen.add((card.channel, card.uuid))
            yield card
