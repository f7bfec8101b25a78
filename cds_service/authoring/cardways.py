"""A card explained: why it shows, or what would have to be different for one to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.authoring.cardwhy import WHEN, CardWhy, logic_text, withheld_because
from cds_service.authoring.samefact import SameFacts
from cds_service.authoring.ways import Flip, Way, Wish, of_condition, of_rule, ways
from cds_service.authoring.whyrow import answer
from cds_service.authoring.whytext import verdict_text
from cds_service.authoring.whytree import Why
from cds_service.cards.condition import holds
from cds_service.cards.reading import UNREAD, Reading, Record
from cds_service.pipeline import Evaluation
from cds_service.rulebook.card import Card
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import ConclusionFact
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

_SHOWN = 6
"""Ways that are told, the smallest first."""


@dataclass(frozen=True, slots=True)
class CardWay:
    """A card (its outcome) and the changes that would make it show."""

    outcome: str
    way: Way


def card_ways(evaluation: Evaluation, rule_id: str) -> tuple[CardWay, ...]:
    """The ways to a card of the rule on this hook, the fewest changes first; none where nobody sees cards."""
    decision = evaluation.decision
    rule = decision.book.rulebook.by_id[rule_id]
    hook = decision.request.hook
    if hook not in rule.hooks or decision.hidden:
        return ()
    same = SameFacts()
    found = [
        CardWay(WHEN[verdict], way)
        for verdict, prepared in decision.book.rules[rule_id].outcomes.items()
        for wishes in _wishes(rule, verdict, [one.card for one in prepared], hook)
        for way in ways(decision.record, wishes, same)
    ]
    kept: dict[Way, CardWay] = {}
    for each in found:
        kept.setdefault(each.way, each)
    smallest = [one for one in kept.values() if not any(other < one.way for other in kept)]
    return tuple(sorted(smallest, key=lambda one: (len(one.way), sorted(one.way)))[:_SHOWN])


def _wishes(rule: Rule, verdict: Truth, cards: Sequence[Card], hook: str) -> Iterator[tuple[Wish, ...]]:
    """For each card of an outcome, what must hold for it to be the one chosen, and not hidden."""
    before: tuple[Wish, ...] = (of_rule(rule, verdict),)
    for card in cards:
        if card.hooks and hook not in card.hooks:
            continue
        hidden = (of_condition(rule, card.hide_if, FALSE, UNKNOWN),) if card.hide_if is not None else ()
        if card.only_if is None:
            yield (*before, *hidden)
            return
        yield (*before, of_condition(rule, card.only_if, TRUE), *hidden)
        before = (*before, of_condition(rule, card.only_if, FALSE, UNKNOWN))


# --- in words ------------------------------------------------------------------------------------


def card_text(evaluation: Evaluation, card: CardWhy, why: Why, notes: Sequence[str] = ()) -> str:
    """Why the card shows, line by line, or what would make one show; `notes` are about its words."""
    lines = _because(card, why) if card.shown else _otherwise(evaluation, card, why.rule)
    passed = (f"Passed over before it: {one}." for one in card.passed)
    return "\n".join((str(card), *notes, *lines, *passed))


def _because(card: CardWhy, why: Why) -> Iterator[str]:
    yield f"It shows because {why.rule} is {verdict_text(why.truth)}:"
    for line in why.children:
        if line.decides:
            seen = f", from {line.seen[0]}" if line.seen else ""
            value = f": {line.value}" if line.value else ""
            yield f"  {line.text} is {verdict_text(line.truth)}{value}{seen}"
    if card.condition is not None:
        yield f"Of its cards this one, because {logic_text(card.condition)} is true."


def _otherwise(evaluation: Evaluation, card: CardWhy, rule_id: str) -> Iterator[str]:
    if card.built is not None:
        yield "No criterion would change that."
        return
    if hidden := evaluation.decision.hidden:
        yield f"No criterion would change that: {withheld_because(hidden)}."
        return
    found = card_ways(evaluation, rule_id)
    if not found:
        yield "No change of its criteria makes a card on this hook."
        return
    status = evaluation.decision.record.rules[rule_id].status
    nobody = "" if status == "active" else f" (status {status} shows it to nobody)"
    yield f"A card would {'be made' if nobody else 'show'}{nobody} if"
    for number, one in enumerate(found, start=1):
        yield f"  {number}. {one.outcome}:"
        for flip in sorted(one.way):
            yield from _flip(evaluation.decision.record, flip, rule_id)


def _flip(record: Record, flip: Flip, rule_id: str) -> Iterator[str]:
    truth, value = _now(record, flip)
    where = f" (in {flip.rule})" if flip.rule != rule_id else ""
    now = f"{verdict_text(truth)}" + (f", {value}" if value else "")
    never = f", it is never {'false' if truth is TRUE else 'true'}" if flip.needed is UNKNOWN else ""
    yield f"     {flip.criterion} were {flip.needed.value}{never}{where}; now {now}"
    yield f"       {record.rules[flip.rule].data[flip.fact].ask}"


def _now(record: Record, flip: Flip) -> tuple[Truth, str]:
    """What the criterion is now, and the answer it rests on."""
    rule = record.rules[flip.rule]
    fact = rule.data[flip.fact]
    if isinstance(fact, ConclusionFact):
        return record.verdict(fact.conclusion), ""
    findings = record.findings.get(flip.rule, {})
    finding = findings.get(flip.fact, UNREAD)
    column = flip.criterion.split()[0].partition(".")[2]
    truth = holds(Criterion.parse(flip.criterion), Reading(rule, {}, findings, record))
    return truth, answer(fact, finding, column)[0]


def card_json(evaluation: Evaluation, card: CardWhy, why: Why) -> dict[str, Any]:
    """The same for a program: `because` of a card that shows, `ways` to one that does not."""
    if card.shown:
        lines = (line for line in why.children if line.decides)
        return {
            "because": [
                {"criterion": one.text, "truth": one.truth.value, "value": one.value} for one in lines
            ],
            "passedOver": list(card.passed),
        }
    found = () if card.built is not None else card_ways(evaluation, why.rule)
    record = evaluation.decision.record
    return {
        "ways": [
            {"outcome": one.outcome, "changes": [_change(record, flip) for flip in sorted(one.way)]}
            for one in found
        ]
    }


def _change(record: Record, flip: Flip) -> dict[str, str]:
    truth, value = _now(record, flip)
    return {
        "rule": flip.rule,
        "criterion": flip.criterion,
        "ask": record.rules[flip.rule].data[flip.fact].ask,
        "now": truth.value,
        "value": value,
        "needed": flip.needed.value,
    }
