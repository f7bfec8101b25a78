"""The numbers in the texts of cards, each with the sources that stand for it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator
from typing import NamedTuple

from cds_service.authoring.lint.quantities import Quantity, placed_in
from cds_service.rulebook.checks.evidence import cited
from cds_service.rulebook.localwords import TELEPHONE
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


def said_on_cards(rule: Rule, phrases: Collection[str] = ()) -> Iterator[Said]:
    """Every number of the cards' texts but placeholders, and telephone numbers in these phrases."""
    for card_path, card in cards_of(rule):
        for path, text in texts_of(card, card_path):
            said = numbers_of(_without_telephones(text, phrases))
            yield from (Said(path, one, sources) for one, sources in said)


def _without_telephones(text: str, phrases: Collection[str]) -> str:
    """A text without the telephone numbers of these phrases; figures with a unit behind them are none."""
    for phrase in phrases:
        if phrase in text:
            text = text.replace(phrase, TELEPHONE.sub(_masked_unless_amount, phrase))
    return text


def _masked_unless_amount(found: re.Match[str]) -> str:
    figures = placed_in(found.string[found.start() :])
    amount = any(one.unit for place, one in figures if place < len(found.group()))
    return found.group() if amount else "_" * len(found.group())


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
