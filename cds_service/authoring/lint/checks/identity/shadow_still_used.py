"""An active rule rests on one in shadow: its verdict decides there, its own cards are not shown."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.checks.identity import conclusion_facts


def _look(linted: Linted) -> Iterator[Seen]:
    shadows = {one.model.rule for one in linted.rules if one.model.status == "shadow"}
    for parsed in linted.rules:
        if parsed.model.status != "active":
            continue
        for path, rule in conclusion_facts(parsed.model):
            if rule in shadows:
                yield Seen(
                    parsed.file.place(path),
                    f"the rule {rule!r} is in shadow: it decides here, and shows no card that says so",
                    "make it active, or take its conclusion out; if that is meant, say why on the line",
                )


CHECK = Check(
    "identity/shadow-still-used",
    "warning",
    "regular",
    "An active rule rests on one whose cards are not shown.",
    _look,
)
