"""`not` directly inside `not`: a reader has to take it apart."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import nodes, trees_of
from cds_service.rulebook.logic import Not


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            for path, node in nodes(*top):
                if isinstance(node, Not) and isinstance(node.part, Not):
                    yield Seen(
                        parsed.file.place(path),
                        "a criterion is negated twice",
                        "remove both not, or say what is meant",
                    )


CHECK = Check("logic/double-negation", "warning", "regular", "A criterion is negated twice.", _look)
