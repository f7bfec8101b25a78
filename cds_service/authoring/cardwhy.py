"""What becomes of a verdict: the card shown, or the reason why none is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.cards.build import DraftCard, build
from cds_service.cards.cardbook import CardBook
from cds_service.cards.condition import hidden_if, holds, shown_if
from cds_service.cards.reading import Reading, Record
from cds_service.rulebook.card import Card
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.logic import All, Any_, Logic, Not
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

WHEN = {TRUE: "when_true", FALSE: "when_false", UNKNOWN: "when_unknown"}
_WITHHELD = {"deceased": "the patient has died", "not-a-clinician": "the user is no clinician"}


@dataclass(frozen=True, slots=True)
class CardWhy:
    """The card of one verdict: which one, its summary, or `reason` why there is none.

    `built` is the card the rule makes. `withheld` says why nobody sees it on this chart, `inactive` that the
    rule's status shows nothing to anybody. `condition` is the `only_if` by which it was chosen, `passed` says
    of each card of the outcome that stands before it why it was passed over.
    """

    outcome: str
    built: DraftCard | None = None
    reason: str = ""
    withheld: str = ""
    inactive: str = ""
    condition: Logic | None = None
    passed: tuple[str, ...] = ()

    @property
    def made(self) -> bool:
        """Whether somebody would see it, were the rule active."""
        return self.built is not None and not self.withheld

    @property
    def shown(self) -> bool:
        """Whether somebody sees it."""
        return self.made and not self.inactive

    def __str__(self) -> str:
        if self.built is None:
            return f"card: none ({self.reason})"
        own = f'{self.outcome} ("{self.built.summary}")'
        if not self.shown:
            return f"card: none ({self.withheld or self.inactive}; otherwise {own})"
        merged = f", merged into {self.built.merge}" if self.built.merge else ""
        return f"card: {own}{merged}"


def card_why(book: CardBook, record: Record, rule_id: str, hook: str, withheld: str = "") -> CardWhy:
    """The card of a rule's verdict on a hook; `withheld` is the decision's reason to show nobody anything."""
    rule = book.rulebook.by_id[rule_id]
    prepared = book.rules[rule_id]
    verdict = record.verdict(rule_id)
    cards = tuple(one.card for one in prepared.outcomes[verdict])
    built = build(prepared, record, hook, book)
    if built is not None:
        inactive = "" if rule.status == "active" else f"status {rule.status} shows nothing"
        reading = Reading(rule, prepared.consumed, record.findings.get(rule_id, {}), record)
        at = next(at for at, card in enumerate(cards) if _chosen(card, reading, hook))
        passed = tuple(_reasons(cards[: at + 1], reading, hook))
        because = withheld_because(withheld)
        return CardWhy(WHEN[verdict], built, "", because, inactive, cards[at].only_if, passed)
    if hook not in rule.hooks:
        only = f"the rule is for {', '.join(rule.hooks)}" if rule.hooks else "the rule names no hook"
        return CardWhy(WHEN[verdict], reason=f"{only}, this is {hook}" if rule.hooks else only)
    if not cards:
        return CardWhy(WHEN[verdict], reason=f"{WHEN[verdict]} is silent")
    reading = Reading(rule, prepared.consumed, record.findings.get(rule_id, {}), record)
    reasons = "; ".join(_reasons(cards, reading, hook))
    return CardWhy(WHEN[verdict], reason=f"{WHEN[verdict]} is hidden: {reasons}")


def withheld_because(hidden: str) -> str:
    """A decision's reason to show nobody any card, in words; "" for none."""
    return _WITHHELD.get(hidden, hidden)


def _chosen(card: Card, reading: Reading, hook: str) -> bool:
    return (not card.hooks or hook in card.hooks) and shown_if(card.only_if, reading)


def _reasons(cards: tuple[Card, ...], reading: Reading, hook: str) -> Iterator[str]:
    """Why each card, in turn, was passed over; the first whose `only_if` holds is the last looked at."""
    for at, card in enumerate(cards):
        which = f"card {at + 1}: " if len(cards) > 1 else ""
        if card.hooks and hook not in card.hooks:
            yield f"{which}it is for {', '.join(card.hooks)} only"
        elif not shown_if(card.only_if, reading):
            assert card.only_if is not None
            yield f"{which}only_if {logic_text(card.only_if)} is {_told(holds(card.only_if, reading))}"
        elif hidden_if(card.hide_if, reading):
            assert card.hide_if is not None
            yield f"{which}hide_if {logic_text(card.hide_if)} is true"
            return


def _told(truth: Truth) -> str:
    return truth.value


def logic_text(logic: Logic) -> str:
    """A condition in one line, as written."""
    if isinstance(logic, Criterion):
        return logic.text
    if isinstance(logic, All):
        return " and ".join(_part(part) for part in logic.all)
    if isinstance(logic, Any_):
        return " or ".join(_part(part) for part in logic.any)
    if isinstance(logic, Not):
        return f"not {_part(logic.part)}"
    return f"at least {logic.at_least.n} of {', '.join(_part(part) for part in logic.at_least.of)}"


def _part(logic: Logic) -> str:
    text = logic_text(logic)
    return text if isinstance(logic, Criterion | Not) else f"({text})"
