"""A conclusion becomes a card: which one, its words, its sources, what it offers. Not yet JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.cards.cardbook import CardBook, PreparedCard, PreparedRule
from cds_service.cards.citations import cited
from cds_service.cards.condition import hidden_if, shown_if
from cds_service.cards.escape import sentence
from cds_service.cards.reading import Reading, Record
from cds_service.cards.suggestions import DraftSuggestion, suggested
from cds_service.cards.text import SUMMARY_LIMIT, Template, paragraphs
from cds_service.cards.wording import INLINE, MARKDOWN, PLAIN
from cds_service.rulebook.card import Indicator
from cds_service.rulebook.rule import Kind
from cds_service.truth import Truth

Json = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule behind a card: one line of `org.cds-service.rules`."""

    rule: str
    version: str
    verdict: Truth
    sources: tuple[int, ...]
    approved: bool = True


@dataclass(frozen=True, slots=True)
class DraftCard:
    """A card before it has its place.

    `summary` is plain text, `headline` the same in markdown (only if the card may be merged), `body` the
    detail without its source list. `entries` name every rule behind it, the leading one first; `sources` are
    all numbers it cites. `order` is the place of its rule in the rulebook. A card that `stays` never gives
    way to others.
    """

    prefix: str
    entries: tuple[Entry, ...]
    kind: Kind
    order: int
    indicator: Indicator
    summary: str
    body: str
    source: int
    sources: tuple[int, ...]
    headline: str = ""
    merge: str = ""
    suggestions: tuple[DraftSuggestion, ...] = ()
    overrides: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    stays: bool = False


def build(prepared: PreparedRule, record: Record, hook: str, book: CardBook) -> DraftCard | None:
    """The card of one rule's verdict, or None if it is silent here.

    Of the outcome's cards, the first that is for this hook and whose `only_if` holds is chosen; if its
    `hide_if` holds too, nothing is shown (a later card does not step in). The rule's status is not looked at.
    """
    rule = prepared.rule
    conclusion = record.conclusions.get(rule.rule)
    outcome = prepared.outcomes[conclusion.verdict] if conclusion is not None else ()
    if conclusion is None or not outcome or hook not in rule.hooks:
        return None
    reading = Reading(rule, prepared.consumed, record.findings.get(rule.rule, {}), record)
    chosen = _chosen(outcome, reading, hook)
    if chosen is None or hidden_if(chosen.card.hide_if, reading):
        return None
    return _draft(prepared, chosen, reading, conclusion.verdict, book)


def _chosen(outcome: tuple[PreparedCard, ...], reading: Reading, hook: str) -> PreparedCard | None:
    for prepared in outcome:
        hooks = prepared.card.hooks
        if (not hooks or hook in hooks) and shown_if(prepared.card.only_if, reading):
            return prepared
    return None


def _draft(
    prepared: PreparedRule, chosen: PreparedCard, reading: Reading, verdict: Truth, book: CardBook
) -> DraftCard:
    rule, card = prepared.rule, chosen.card
    shown = [
        template
        for template, line in chosen.lines
        if shown_if(line.only_if, reading) and not hidden_if(line.hide_if, reading)
    ]
    words = {"line_count": str(len(shown))}
    body = paragraphs([line.fill(reading, MARKDOWN, words) for line in shown])
    sources = book.references.known((card.source, *chosen.summary_cites, *cited(body)))
    return DraftCard(
        prefix=prepared.prefix,
        entries=(Entry(rule.rule, rule.version, verdict, sources, bool(rule.about.approved_by.strip())),),
        kind=rule.kind,
        order=prepared.order,
        indicator=card.indicator,
        summary=summary(chosen.summary, reading, words, rule.title),
        headline=chosen.summary.fill(reading, INLINE, words).strip() if card.merge else "",
        body=body,
        source=card.source,
        sources=sources,
        merge=card.merge or "",
        suggestions=suggested(chosen.suggestions, prepared.prefix, reading, words),
        overrides=chosen.overrides,
        links=chosen.links,
    )


def summary(template: Template, reading: Reading | None, words: Mapping[str, str], otherwise: str) -> str:
    """Plain, one line, under 140 characters whatever the data; `otherwise` if it comes out blank."""
    text = template.fill(reading, PLAIN, words)
    return sentence(text if text.strip() else otherwise, SUMMARY_LIMIT)
