"""Every rule misses something; a reader should learn what from the rule."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        if not parsed.model.about.limits.strip():
            yield Seen(
                parsed.file.key_place(("about",)),
                "the rule does not say what it cannot see",
                "add limits: what its data miss, and what it does not decide",
            )


CHECK = Check(
    "about/limits-missing", "pedantic", "pedantic", "A rule does not say what it cannot see.", _look
)
