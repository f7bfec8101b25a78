"""Texts that were left to be written. It reads texts, not comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.checks.buttons import texts_in
from cds_service.rulebook.parsed import Parsed

_LEFT = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b")


def _look(linted: Linted) -> Iterator[Seen]:
    shelf = linted.shelf
    singles: list[Parsed[Any] | None] = [shelf.about, shelf.sources, shelf.reasons]
    many: list[Parsed[Any]] = [
        *shelf.valuesets.values(),
        *shelf.tables.values(),
        *shelf.templates.values(),
        *shelf.rules,
    ]
    files: list[Parsed[Any]] = [*(one for one in singles if one is not None), *many]
    for parsed in files:
        for path, text in texts_in(parsed.file.data, ()):
            if path[:1] not in (("words",), ("empty_words",)):
                yield from _left(parsed, path, text)


def _left(parsed: Parsed[Any], path: tuple[str | int, ...], text: str) -> Iterator[Seen]:
    word = _LEFT.search(text)
    if word:
        yield Seen(
            parsed.file.place(path), f"{word.group(1)} was left here", "write what was meant to stand here"
        )


CHECK = Check("schema/todo-left", "error", "regular", "A text was left to be written.", _look)
