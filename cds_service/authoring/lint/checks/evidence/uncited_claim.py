"""An entry of evidence whose source nothing in the rule cites: a citation is missing, or the claim is idle.

A claim may carry the meaning of a rule that has no number; then a card or a `because` should cite it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.checks.evidence import citations


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        used = {number for _, number in citations(parsed)}
        for index, entry in enumerate(parsed.model.evidence):
            if entry.source not in used:
                yield Seen(
                    parsed.file.place(("evidence", index, "source")),
                    f"nothing in this rule cites source {entry.source}",
                    f"cite [{entry.source}] where the rule rests on it, or remove the entry",
                )


CHECK = Check("evidence/uncited-claim", "error", "regular", "A claim is never cited.", _look)
