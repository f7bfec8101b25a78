"""A new rule takes the id of one that was removed: logs and feedback of the two would be mixed.

It reads the names of removed files in the history of the commit compared with.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    earlier = linted.earlier
    for parsed in linted.shelf.rules:
        if earlier is not None and parsed.model.rule in earlier.removed:
            yield Seen(
                parsed.file.place(("rule",)),
                "a rule of this id was removed before, and ids are never given again",
                "choose another id",
            )


CHECK = Check(
    "identity/id-reused",
    "error",
    "regular",
    "A new rule takes the id of a removed one.",
    _look,
    needs_earlier=True,
)
