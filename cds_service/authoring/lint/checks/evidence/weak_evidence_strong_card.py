"""A critical card whose source is claimed with low certainty only. Ungraded sources pass."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of

_WEAK = frozenset({"low", "very-low"})


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for path, card in cards_of(parsed.model):
            if card.indicator == "critical" and _weak(parsed.model, card.source):
                yield Seen(
                    parsed.file.place((*path, "indicator")),
                    f"a critical card rests on source {card.source}, whose certainty is low",
                    "make it a warning, or name the source that is certain enough",
                )


def _weak(rule: Rule, source: int) -> bool:
    grades = {entry.certainty for entry in rule.evidence if entry.source == source}
    return bool(grades) and grades <= _WEAK


CHECK = Check(
    "evidence/weak-evidence-strong-card",
    "warning",
    "regular",
    "A critical card rests on evidence of low certainty.",
    _look,
)
