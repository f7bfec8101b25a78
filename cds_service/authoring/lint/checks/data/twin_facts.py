"""Two facts of a rule that ask the same in the same way: one of them was meant to ask otherwise.

A fact `like` another that changes nothing is one. Plain questions, reasons and citations do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.samefact import SameFacts


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        same = SameFacts()
        first: dict[str, str] = {}
        for name in parsed.model.data:
            other = first.setdefault(same.question(parsed.model, name), name)
            if other != name:
                yield Seen(
                    parsed.file.key_place(("data", name)),
                    f"{name} asks the same as {other}",
                    "change what was meant to differ, or use one of them for both",
                )


CHECK = Check("data/twin-facts", "warning", "regular", "Two facts of a rule ask the same.", _look)
