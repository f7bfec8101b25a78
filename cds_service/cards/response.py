"""The answer to a hook call: cards as CDS Hooks JSON, and the decision behind them, all rules included.

Nothing in it is empty except `cards`, members always come in the same order, and what the specification does
not know stands under `extension`. Parts that depend on rules alone are shared between answers: encode them,
do not change them. Encode with msgspec: in an order that is sent back, a number whose digits a float would
not keep (50.00) is a `msgspec.Raw`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.cards.actions import values_of
from cds_service.cards.arrange import arrange
from cds_service.cards.build import DraftCard, Entry, build
from cds_service.cards.cardbook import CardBook
from cds_service.cards.citations import unapproved
from cds_service.cards.decision import Decision
from cds_service.cards.identity import card_uuid, suggestion_uuid
from cds_service.cards.suggestions import DraftSuggestion
from cds_service.cards.unchecked import Gaps, gaps_of, unchecked
from cds_service.facts.finding import NotObtained
from cds_service.rulebook.book import served
from cds_service.rulebook.rule import Rule
from cds_service.truth import UNKNOWN

DECISION = "org.cds-service.decision"
RULES = "org.cds-service.rules"


def answer(decision: Decision) -> dict[str, Any]:
    """The response body of one decision."""
    gaps = gaps_of(decision)
    cards = () if decision.hidden else shown(decision, gaps)
    values = values_of(decision.request)
    return {
        "cards": [_card(card, position, decision, values) for position, card in enumerate(cards)],
        "extension": {DECISION: _decision(decision, cards, gaps)},
    }


def shown(decision: Decision, gaps: Gaps) -> tuple[DraftCard, ...]:
    """The cards in their order. Rules that are not active never show one."""
    hook, book = decision.request.hook, decision.book
    built = (
        build(book.rules[rule.rule], decision.record, hook, book)
        for rule in decision.rules
        if rule.status == "active"
    )
    drafts = [draft for draft in (*built, unchecked(decision, gaps)) if draft is not None]
    return arrange(drafts, book)


# --- a card -------------------------------------------------------------------------------------


def _card(card: DraftCard, position: int, decision: Decision, values: Mapping[str, str]) -> dict[str, Any]:
    book = decision.book
    rules = tuple(entry.rule for entry in card.entries)
    body: dict[str, Any] = {
        "uuid": card_uuid(card.prefix, decision.id, rules, position),
        "summary": card.summary,
        "detail": _detail(card, book),
        "indicator": card.indicator,
        "source": _source(card.source, book),
    }
    if card.suggestions:
        body["suggestions"] = [
            _suggestion(
                suggestion, suggestion_uuid(suggestion.prefix, decision.id, rules, position, at), values
            )
            for at, suggestion in enumerate(card.suggestions)
        ]
        several = sum(suggestion.recommended for suggestion in card.suggestions) > 1
        body["selectionBehavior"] = "any" if several else "at-most-one"
    if card.overrides:
        body["overrideReasons"] = list(card.overrides)
    links = _links(card, book)
    if links:
        body["links"] = links
    body["extension"] = {RULES: [_entry(entry) for entry in card.entries]}
    return body


def _detail(card: DraftCard, book: CardBook) -> str:
    """The body, then the sources it cites, then what nobody has approved."""
    pending = unapproved((entry.rule, entry.version) for entry in card.entries if not entry.approved)
    return "\n\n".join(
        part for part in (card.body.strip(), book.references.line(card.sources), pending) if part
    )


def _source(number: int, book: CardBook) -> dict[str, Any]:
    reference = book.references.by_number[number]
    source: dict[str, Any] = {"label": reference.label}
    if reference.url:
        source["url"] = reference.url
    source["topic"] = book.topic
    return source


def _suggestion(suggestion: DraftSuggestion, uuid: str, values: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"label": suggestion.label, "uuid": uuid}
    if suggestion.recommended:
        body["isRecommended"] = True
    body["actions"] = [action.answer(values, uuid, at) for at, action in enumerate(suggestion.actions)]
    return body


def _links(card: DraftCard, book: CardBook) -> list[Mapping[str, str]]:
    """The author's links, then the sources', each address once."""
    kept: dict[str, Mapping[str, str]] = {}
    for link in (*card.links, *book.references.links(card.sources)):
        kept.setdefault(link["url"], link)
    return list(kept.values())


def _entry(entry: Entry) -> dict[str, Any]:
    body: dict[str, Any] = {"id": entry.rule, "version": entry.version, "verdict": entry.verdict.value}
    if entry.sources:
        body["sources"] = list(entry.sources)
    return body


# --- the decision -------------------------------------------------------------------------------


def _decision(decision: Decision, cards: tuple[DraftCard, ...], gaps: Gaps) -> dict[str, Any]:
    about, request = decision.book.rulebook, decision.request
    body: dict[str, Any] = {
        "id": decision.id,
        "rulebook": {"id": about.id, "version": about.about.version, "digest": about.digest},
        "asOf": request.as_of.astimezone(request.zone).isoformat(),
        "complete": not decision.not_obtained,
    }
    if decision.hidden:
        body["withheld"] = decision.hidden
    # The could-not-check card names rules it is about; they show no card of their own.
    visible = {entry.rule for card in cards if not card.stays for entry in card.entries}
    verdicts = [
        _verdict(rule, decision, rule.rule in visible, gaps) for rule in decision.rules if served(rule)
    ]
    if verdicts:
        body["verdicts"] = verdicts
    if decision.notes:
        body["notes"] = [{"code": code, "reference": reference} for code, reference in decision.notes]
    return body


def _verdict(rule: Rule, decision: Decision, card: bool, gaps: Gaps) -> Mapping[str, Any]:
    verdict = decision.record.verdict(rule.rule)
    told = decision.book.rules[rule.rule].told[verdict, card]
    if verdict is not UNKNOWN:
        return told
    body = dict(told)
    conclusion = decision.conclusions.get(rule.rule)
    if conclusion is not None and conclusion.missing:
        body["missing"] = list(conclusion.missing)
    if rule.rule in gaps:
        body["because"] = [_because(missed) for missed in gaps[rule.rule]]
    return body


def _because(missed: NotObtained) -> dict[str, str]:
    return {"key": missed.key, "reason": missed.reason}
