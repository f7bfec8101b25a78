"""Nobody has opened a source for a year: labels and guidelines change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen

_DAYS = 365


def _look(linted: Linted) -> Iterator[Seen]:
    parsed = linted.shelf.sources
    for number, source in linted.book.sources.items():
        if parsed and source.checked and (linted.today - source.checked).days > _DAYS:
            yield Seen(
                parsed.file.place((number, "checked")),
                f"source {number} was last read on {source.checked.isoformat()}, more than a year ago",
                "read it again, mend what it changes, and set checked",
            )


CHECK = Check(
    "evidence/source-not-checked-for-a-year",
    "warning",
    "regular",
    "Nobody has read a source for a year.",
    _look,
)
