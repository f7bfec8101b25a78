"""A safety rule that shows nothing while it cannot decide: a reader takes the silence for an all-clear."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.rule import SAFETY_KINDS


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        rule = parsed.model
        if rule.kind in SAFETY_KINDS and rule.cards.when_true and not rule.cards.when_unknown:
            yield Seen(
                parsed.file.key_place(("cards", "when_unknown")),
                f"a {rule.kind} says nothing while it is unknown",
                "add a card that says what to look for, or set this aside and say what else tells it",
            )


CHECK = Check(
    "card/safety-without-unknown-card",
    "warning",
    "regular",
    "A safety rule is silent while it is unknown.",
    _look,
)
