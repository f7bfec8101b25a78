"""The same part stands twice among parts of one all, any or at_least; order and citations do not matter."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import below, meaning, nodes, trees_of


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            for path, node in nodes(*top):
                held: set[str] = set()
                for where, part in below(path, node):
                    said = meaning(part)
                    if said in held:
                        yield Seen(
                            parsed.file.place(where),
                            "this part stands here a second time",
                            "remove it, or write the part that was meant",
                        )
                    held.add(said)


CHECK = Check("logic/duplicate-criterion", "warning", "regular", "A criterion stands twice.", _look)
