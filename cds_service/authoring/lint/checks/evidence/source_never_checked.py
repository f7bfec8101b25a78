"""A source that nobody read: what it is claimed to say is hearsay. Policies of the house are exempt."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    parsed = linted.shelf.sources
    for number, source in linted.book.sources.items():
        if parsed and source.checked is None and source.kind != "local-policy":
            yield Seen(
                parsed.file.key_place((number,)),
                f"nobody has read source {number} for these rules",
                "read it and set checked to the day",
            )


CHECK = Check("evidence/source-never-checked", "warning", "auditor", "Nobody has read a source.", _look)
