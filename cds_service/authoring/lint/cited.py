"""The numbers in the texts of cards, each with the sources that stand for it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from cds_service.authoring.lint.quantities import Quantity, placed_in
from cds_service.rulebook.checks.evidence import cited
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of, texts_of
from cds_service.rulebook.yamlfile import DataPath

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_CITATIONS = re.compile(r"\[\d+\](?:\s*\[\d+\])*")
_SOME = re.compile(r"\b(?:no|of|the|these|those|both|any) $", re.I)
"""Before a number word without a unit: "no two scores", "which of two" count nothing a source could say."""
_END = re.compile(r"[.!?](?=\s+\W*[A-Z0-9]|\s*$)|\n")


class Said(NamedTuple):
    """A number on a card: where, which, and the sources cited for it; none if no citation covers it."""

    path: DataPath
    quantity: Quantity
    sources: tuple[int, ...]


def said_on_cards(rule: Rule) -> Iterator[Said]:
    """Every number of every text of the cards, placeholders left out."""
    for card_path, card in cards_of(rule):
        for path, text in texts_of(card, card_path):
            yield from (Said(path, one, sources) for one, sources in numbers_of(text))


def numbers_of(text: str) -> Iterator[tuple[Quantity, tuple[int, ...]]]:
    """The numbers of a text with their sources.

    A citation covers what stands before it, back to the one before; what follows the last of a sentence
    belongs to that sentence, too.
    """
    plain = _PLACEHOLDER.sub(lambda found: "_" * len(found.group()), text)
    marks = list(_CITATIONS.finditer(plain))
    starts = [mark.start() for mark in marks]
    ends = [end.start() for end in _END.finditer(plain)]
    for place, quantity in placed_in(_CITATIONS.sub(lambda found: "_" * len(found.group()), plain)):
        if not quantity.unit and not plain[place].isdigit() and _SOME.search(plain, 0, place):
            continue
        following = bisect_left(starts, place)
        sentence = bisect_left(ends, place)
        end = ends[sentence] if sentence < len(ends) else len(plain)
        begin = ends[sentence - 1] if sentence else 0
        if (
            following
            and starts[following - 1] > begin
            and not (following < len(starts) and starts[following] < end)
        ):
            following -= 1
        yield quantity, cited(marks[following].group()) if following < len(marks) else ()
