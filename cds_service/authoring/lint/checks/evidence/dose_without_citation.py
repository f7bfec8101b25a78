"""A line of a card tells an amount of a drug, and no citation covers it. Summaries and buttons need none."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.cited import said_on_cards


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for said in said_on_cards(parsed.model):
            if said.quantity.dose and not said.sources and said.path[-1] == "text":
                yield Seen(
                    parsed.file.place(said.path),
                    f"{said.quantity.text} is told without its source",
                    "add the number of the source behind it, within the sentence",
                )


CHECK = Check(
    "evidence/dose-without-citation", "error", "regular", "A card tells a dose without its source.", _look
)
