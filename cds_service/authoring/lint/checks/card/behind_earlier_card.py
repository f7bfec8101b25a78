"""A card of a list that never has its turn: an earlier one is taken wherever this one could be.

Only the first card whose `only_if` holds is taken, also where its `hide_if` then hides it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.implied import follows
from cds_service.rulebook.card import Card
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        earlier: list[Card] = []
        for path, card in cards_of(parsed.model):
            earlier = earlier if path[-1] else []
            if any(_covers(one, card, parsed.model) for one in earlier):
                yield Seen(
                    parsed.file.place(path),
                    "this card is never taken: an earlier one of the list is, wherever this could be",
                    "move it up, or narrow the only_if of the earlier card",
                )
            earlier.append(card)


def _covers(earlier: Card, later: Card, rule: Rule) -> bool:
    if not set(later.hooks or rule.hooks) <= set(earlier.hooks or rule.hooks):
        return False
    if earlier.only_if is None:
        return True
    return later.only_if is not None and follows(earlier.only_if, later.only_if)


CHECK = Check("card/behind-earlier-card", "error", "regular", "A card of a list never has its turn.", _look)
