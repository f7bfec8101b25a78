"""Texts that were left to be written. In a served rule the loader finds them first (checks/unwritten.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.checks.unwritten import left_in
from cds_service.rulebook.parsed import Parsed


def _look(linted: Linted) -> Iterator[Seen]:
    shelf = linted.shelf
    singles: list[Parsed[Any] | None] = [shelf.about, shelf.sources, shelf.reasons]
    many: list[Parsed[Any]] = [
        *shelf.valuesets.values(),
        *shelf.tables.values(),
        *shelf.templates.values(),
        *shelf.rules,
    ]
    for parsed in [*(one for one in singles if one is not None), *many]:
        yield from (Seen(one.place, one.message, one.hint) for one in left_in(parsed))


CHECK = Check("schema/todo-left", "error", "regular", "A text was left to be written.", _look)
