"""Texts that were left to be written: a clinician must not meet them. It reads texts, not comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cds_service.errors import Problem
from cds_service.rulebook.book import served
from cds_service.rulebook.checks.buttons import texts_in
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import Shelf

_LEFT = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b")
_LISTS_OF_WORDS = (("words",), ("empty_words",))
"""What charts say, not what was left here."""


def left_in(parsed: Parsed[Any]) -> Iterator[Problem]:
    """What was left to be written in a file."""
    for path, text in texts_in(parsed.file.data, ()):
        word = _LEFT.search(text)
        if word and path[:1] not in _LISTS_OF_WORDS:
            message = f"{word.group(1)} was left here"
            yield parsed.problem(path, "schema/todo-left", message, "write what was meant to stand here")


def served_rules_are_written(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A rule that is served has all its texts; a draft may lack some."""
    if served(parsed.model) and not parsed.broken_under("status"):
        yield from left_in(parsed)
