"""A rule as a PlanDefinition: an event (the hook), a condition (the criteria), an action (the card)."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.cardwhy import logic_text
from cds_service.authoring.export.terms import (
    ECA,
    LANGUAGE,
    STATUS,
    Json,
    canonical,
    extension,
    iso,
    kept,
)
from cds_service.rulebook.book import Rulebook, consumed
from cds_service.rulebook.card import Card
from cds_service.rulebook.rule import Evidence, Rule


def plan_definition(rule: Rule, book: Rulebook) -> Json:
    """The rule as FHIR R4. Approval is said only where a clinician is named."""
    about = rule.about
    approved = about.approved_by.strip()
    return kept(
        {
            "resourceType": "PlanDefinition",
            "id": rule.rule,
            "extension": [
                extension("kind", "Code", rule.kind),
                extension("status", "Code", rule.status),
                *([extension("review-by", "Date", iso(about.review_by))] if about.review_by else []),
            ],
            "url": canonical("PlanDefinition", book.id, rule.rule),
            "version": rule.version,
            "title": rule.title,
            "type": {"coding": [ECA]},
            "status": STATUS[rule.status],
            "publisher": book.about.publisher,
            "description": about.population.strip(),
            "purpose": about.purpose.strip(),
            "usage": about.limits.strip(),
            "approvalDate": iso(about.approved_on) if approved else None,
            "lastReviewDate": iso(about.reviewed),
            "topic": [{"coding": [book.about.topic.model_dump()]}],
            "author": [{"name": about.owner}],
            "reviewer": [{"name": about.reviewer}] if about.reviewer.strip() else [],
            "endorser": [{"name": approved}] if approved else [],
            "relatedArtifact": [*_citations(rule, book), *_uses(rule, book)],
            "library": [canonical("Library", book.id, book.id)],
            "action": [_action(rule)],
        }
    )


def _citations(rule: Rule, book: Rulebook) -> Iterator[Json]:
    for evidence in rule.evidence:
        source = book.sources[evidence.source]
        yield kept(
            {
                "extension": list(_graded(evidence)),
                "type": "citation",
                "label": str(evidence.source),
                "display": source.short,
                "citation": source.cite,
                "url": source.url,
            }
        )


def _graded(evidence: Evidence) -> Iterator[Json]:
    yield extension("claim", "String", evidence.claim.strip())
    yield from (extension("claim-id", "String", claim) for claim in evidence.claims)
    yield extension("direction", "Code", evidence.direction)
    yield extension("strength", "Code", evidence.strength)
    yield extension("certainty", "Code", evidence.certainty)


def _uses(rule: Rule, book: Rulebook) -> Iterator[Json]:
    """The rules whose conclusions this one needs."""
    for used in dict.fromkeys(consumed(rule)):
        yield {"type": "depends-on", "resource": canonical("PlanDefinition", book.id, used)}


def _action(rule: Rule) -> Json:
    condition = {"language": LANGUAGE, "expression": logic_text(rule.logic)}
    return kept(
        {
            "title": rule.title,
            "trigger": [{"type": "named-event", "name": hook} for hook in rule.hooks],
            "condition": [{"kind": "applicability", "expression": condition}],
            "action": [
                *_cards("true", rule.cards.when_true),
                *_cards("unknown", rule.cards.when_unknown),
                *_cards("false", rule.cards.when_false),
            ],
        }
    )


def _cards(verdict: str, cards: tuple[Card, ...]) -> Iterator[Json]:
    for card in cards:
        shown = [{"kind": "applicability", "expression": _expression(card)}] if card.only_if else []
        yield kept(
            {
                "extension": [
                    extension("verdict", "Code", verdict),
                    extension("indicator", "Code", card.indicator),
                ],
                "title": card.summary,
                "condition": shown,
            }
        )


def _expression(card: Card) -> Json:
    assert card.only_if is not None
    return {"language": LANGUAGE, "expression": logic_text(card.only_if)}
