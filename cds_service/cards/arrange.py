"""Many cards become few, in the order a busy reader needs them.

Cards of one merge group become one. Then: critical before warning before info; suicidality first within a
tone; then by kind, then by place in the rulebook. At most eight are shown; only info gives way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from cds_service.cards.build import DraftCard, summary
from cds_service.cards.cardbook import CardBook
from cds_service.cards.text import Template, bullet
from cds_service.rulebook.rule import Kind

MOST = 8
_TONES = {"critical": 0, "warning": 1, "info": 2}
# Kinds in reading order; definitions last, since they explain rather than advise.
_ORDER: tuple[Kind, ...] = (
    "suicidality",
    "contraindication",
    "caution",
    "interaction",
    "dose-check",
    "treatment",
    "monitoring",
    "data-gap",
    "definition",
)
_KINDS = {kind: at for at, kind in enumerate(_ORDER)}
assert set(_KINDS) == set(get_args(Kind))


def arrange(drafts: Iterable[DraftCard], book: CardBook) -> tuple[DraftCard, ...]:
    """Merge, order, and keep at most eight."""
    return bounded(sorted(merged(drafts, book), key=place))


def place(card: DraftCard) -> tuple[int, int, int]:
    """What decides a card's place: tone, kind (suicidality first), place in the rulebook."""
    return _TONES[card.indicator], _KINDS[card.kind], card.order


def bounded(cards: Sequence[DraftCard]) -> tuple[DraftCard, ...]:
    """The first eight; a card that is not info, or must stay, is never left out, however many there are."""
    room = MOST - sum(_firm(card) for card in cards)
    kept = []
    for card in cards:
        if not _firm(card):
            room -= 1
            if room < 0:
                continue
        kept.append(card)
    return tuple(kept)


def _firm(card: DraftCard) -> bool:
    return card.stays or card.indicator != "info"


def merged(drafts: Iterable[DraftCard], book: CardBook) -> list[DraftCard]:
    """One card per merge group; a group of one stays as it is."""
    groups: dict[str, list[DraftCard]] = {}
    alone: list[DraftCard] = []
    for draft in drafts:
        (groups.setdefault(draft.merge, []) if draft.merge else alone).append(draft)
    return alone + [_one(group, sorted(cards, key=place), book) for group, cards in groups.items()]


def _one(group: str, cards: list[DraftCard], book: CardBook) -> DraftCard:
    """The group's card: the leading card's tone, kind, source and prefix, everything else joined."""
    lead = cards[0]
    if len(cards) == 1:
        return lead
    title = Template.of(book.rulebook.about.merge[group].title)
    return replace(
        lead,
        entries=tuple(entry for card in cards for entry in card.entries),
        summary=summary(title, None, {"line_count": str(len(cards))}, group),
        body="\n".join(bullet(_line(card)) for card in cards),
        sources=tuple(sorted({number for card in cards for number in card.sources})),
        suggestions=tuple(suggestion for card in cards for suggestion in card.suggestions),
        overrides=_once((reason for card in cards for reason in card.overrides), "code"),
        links=_once((link for card in cards for link in card.links), "url"),
    )


def _line(card: DraftCard) -> str:
    """A rule's line: what it would have said as a card, with its source."""
    own = f"[{card.source}]"
    cite = "" if own in card.headline or own in card.body else f" {own}"
    apart = "\n" if card.body.startswith("- ") else " " if _ends(card.headline) else ". "
    return f"**{card.headline}**{cite}{apart if card.body else ''}{card.body}"


def _ends(headline: str) -> bool:
    """Whether a sentence is closed already, so that the next one can follow."""
    return headline.endswith((".", "?", "!", ":"))


def _once(items: Iterable[Mapping[str, str]], key: str) -> tuple[Mapping[str, str], ...]:
    kept: dict[str, Mapping[str, str]] = {}
    for item in items:
        kept.setdefault(item[key], item)
    return tuple(kept.values())
