"""Who reviews should not be who owns. It compares names only."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        about = parsed.model.about
        if about.reviewer and about.reviewer.casefold() == about.owner.casefold():
            yield Seen(
                parsed.file.place(("about", "reviewer")),
                "the reviewer is the owner of the rule",
                "let another clinician review it",
            )


CHECK = Check("about/reviewer-is-owner", "pedantic", "pedantic", "A rule is reviewed by its owner.", _look)
