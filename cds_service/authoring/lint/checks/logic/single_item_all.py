"""`all` or `any` around one part says nothing and hides a part that was lost."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import below, nodes, trees_of
from cds_service.rulebook.logic import All, Any_
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import DataPath


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for top in trees_of(parsed.model):
            for path, node in nodes(*top):
                word = "all" if isinstance(node, All) else "any"
                if (
                    isinstance(node, (All, Any_))
                    and len(below(path, node)) == 1
                    and _written(parsed, path, word)
                ):
                    yield Seen(
                        parsed.file.key_place((*path, word)),
                        f"{word} stands around one part only",
                        f"remove {word}, or add the part that is missing",
                    )


def _written(parsed: Parsed[Rule], path: DataPath, word: str) -> bool:
    """A list of one under only_if is short for that one and passes."""
    return (*path, word) in parsed.file.key_places


CHECK = Check("logic/single-item-all", "warning", "regular", "all or any stands around one part.", _look)
