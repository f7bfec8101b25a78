"""The day of review is past: a warning, after 90 days an error. Nobody can tell from here who read it."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen

_GRACE = 90


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        due = parsed.model.about.review_by
        late = (linted.today - due).days if due is not None else 0
        if late > 0:
            days = "1 day" if late == 1 else f"{late} days"
            yield Seen(
                parsed.file.place(("about", "review_by")),
                f"the review of this rule is {days} overdue",
                "read the sources anew, mend the rule, and set reviewed and review_by",
                "error" if late > _GRACE else "warning",
            )


CHECK = Check("about/review-overdue", "warning", "regular", "The day of a rule's review is past.", _look)
