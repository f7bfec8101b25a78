"""A card, line or button whose `only_if` makes its `hide_if` true: nobody will ever see it."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.implied import follows
from cds_service.rulebook.card import Card, Line, Suggestion
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of
from cds_service.rulebook.yamlfile import DataPath


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for path, shown in _shown(parsed.model):
            if shown.only_if and shown.hide_if and follows(shown.hide_if, shown.only_if):
                what = "card" if isinstance(shown, Card) else "line" if isinstance(shown, Line) else "button"
                yield Seen(
                    parsed.file.place((*path, "hide_if")),
                    f"this {what} is never shown: where its only_if holds, this does too",
                    "mend one of the two; a line for what is not known needs no only_if",
                )


def _shown(rule: Rule) -> Iterator[tuple[DataPath, Card | Line | Suggestion]]:
    for path, card in cards_of(rule):
        yield path, card
        for index, line in enumerate(card.detail):
            yield (*path, "detail", index), line
        for index, button in enumerate(card.suggestions):
            yield (*path, "suggestions", index), button


CHECK = Check("card/always-hidden", "error", "regular", "A card, line or button is never shown.", _look)
