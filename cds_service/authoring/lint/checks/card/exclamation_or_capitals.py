"""A card that shouts: an exclamation mark, or three words in capitals in a row. Abbreviations pass."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.walk import cards_of, texts_of

_LOUD = re.compile(r"!|\b[A-Z]{2,}(?:\s+[A-Z]{2,}){2,}\b")


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for path, card in cards_of(parsed.model):
            for where, text in texts_of(card, path):
                if _LOUD.search(text):
                    yield Seen(
                        parsed.file.place(where),
                        "this text shouts",
                        "say it plainly; the indicator tells how urgent it is",
                    )


CHECK = Check("card/exclamation-or-capitals", "pedantic", "pedantic", "A card shouts.", _look)
