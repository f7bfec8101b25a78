"""A rule without a date of review would never be overdue."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        if parsed.model.about.review_by is None:
            yield Seen(
                parsed.file.key_place(("about",)),
                "nobody is told when this rule must be reviewed again",
                "add review_by: the day by which somebody reads its sources anew",
            )


CHECK = Check(
    "about/review-date-missing", "warning", "regular", "A rule names no day for its next review.", _look
)
