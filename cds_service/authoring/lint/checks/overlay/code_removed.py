"""A site takes a code out of a value set, so that what has it is no longer recognised; replay shows more."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.overlay import LocalChange


def _look(linted: Linted) -> Iterator[Seen]:
    for change in linted.book.local:
        if change.path == ("include",) and change.shipped and not _is_back(change, linted):
            yield Seen(
                change.place,
                f"{change.target} no longer holds {change.shipped}: no rule recognises it by this set here",
                "see with cds replay --against whose cards change, and set this aside with the reason",
            )


def _is_back(change: LocalChange, linted: Linted) -> bool:
    """Whether another line of the overlay puts the code back in, as one does for its display."""
    code = change.shipped.split()[:2]
    return any(one.target == change.target and one.local.split()[:2] == code for one in linted.book.local)


CHECK = Check("overlay/code-removed", "warning", "auditor", "A site takes a code out of a value set.", _look)
