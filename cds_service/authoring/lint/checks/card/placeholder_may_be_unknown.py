"""A card fills in a fact that may be unknown when it is shown, so that it would print "unknown".

Known is what the verdict, the card's only_if or the line's only_if cannot be had without. Counts always have
a least number, rows and units are always printable, and a fact that a for_each goes through has rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.sure import made_known, sure_if
from cds_service.authoring.lint.trees import meaning
from cds_service.rulebook.checks.cards import PLACEHOLDER
from cds_service.rulebook.fact import CalculateFact, RowsFact
from cds_service.rulebook.rule import Card, Rule
from cds_service.rulebook.walk import cards_of
from cds_service.rulebook.yamlfile import DataPath

_ALWAYS = ("rows", "rejected", "unit")
_COUNTS = ("count", "count_distinct")
_Text = tuple[DataPath, str, frozenset[str]]


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        rule = parsed.model
        for path, card in cards_of(rule):
            for where, text, known in _texts(rule, str(path[1]), card, path):
                for name in dict.fromkeys(PLACEHOLDER.findall(text)):
                    fact, _, part = name.partition(".")
                    if part not in _ALWAYS and _may_be_unknown(fact, rule, known):
                        yield Seen(
                            parsed.file.place(where),
                            f"{{{name}}} may be unknown when this is shown",
                            f"show it only if a criterion on {fact} holds, or say it without the value",
                        )


def _texts(rule: Rule, outcome: str, card: Card, path: DataPath) -> Iterator[_Text]:
    """The texts of a card, each with the facts that are known whenever it is shown."""
    verdict = {"when_true": True, "when_false": False}.get(outcome)
    known = frozenset[str]()
    if verdict is not None:
        known = sure_if(rule.logic, verdict, _passed_over(rule, outcome, int(path[2])))
    known |= sure_if(card.only_if, True)
    yield (*path, "summary"), card.summary, known
    for index, line in enumerate(card.detail):
        yield (*path, "detail", index, "text"), line.text, known | sure_if(line.only_if, True)
    for index, one in enumerate(card.suggestions):
        inside = known | sure_if(one.only_if, True) | ({one.for_each} if one.for_each else set())
        yield (*path, "suggestions", index, "label"), one.label, inside
        for at, action in enumerate(one.actions):
            yield (*path, "suggestions", index, "actions", at, "description"), action.description, inside


def _passed_over(rule: Rule, outcome: str, place: int) -> frozenset[str]:
    """What does not hold once a card is reached: the conditions of the cards before it."""
    before = getattr(rule.cards, outcome)[:place]
    return frozenset(
        meaning(card.only_if) for card in before if card.only_if is not None and not card.hide_if
    )


def _may_be_unknown(name: str, rule: Rule, known: frozenset[str]) -> bool:
    fact = rule.data.get(name)
    if fact is None or name in made_known(rule, known):
        return False
    counted = isinstance(fact, RowsFact) and fact.give.kind in _COUNTS
    return isinstance(fact, (RowsFact, CalculateFact)) and not counted


CHECK = Check(
    "card/placeholder-may-be-unknown",
    "error",
    "regular",
    "A card fills in a fact that may be unknown when it is shown.",
    _look,
)
