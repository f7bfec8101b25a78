"""A comment that sets a check aside says why; it cannot tell a good reason from a bad one."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    for ignore in linted.ignores:
        if not ignore.reason:
            yield Seen(
                ignore.place,
                "this comment sets a check aside without a reason",
                "write why after the bracket: # cds: ignore[category/name] why it is right here",
            )


CHECK = Check(
    "lint/ignore-without-reason", "error", "regular", "A check is set aside without saying why.", _look
)
