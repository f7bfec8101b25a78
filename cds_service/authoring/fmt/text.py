"""The canonical text of a file, and the proof that it means the same."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cds_service.authoring.fmt.layout import Layout
from cds_service.authoring.fmt.order import RULE, order_of
from cds_service.errors import CdsError, Place, RuleError
from cds_service.rulebook.schema import SCHEMA_PATH
from cds_service.rulebook.shelf import BOOK
from cds_service.rulebook.yamlfile import DataPath, YamlFile, parse_yaml

MODELINE = "# yaml-language-server: $schema="
"""The comment by which editors find the schema of a file."""
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Where the YAML reader begins a new line."""


class FormatError(CdsError):
    """The formatted text would not say the same; the file is left alone."""


def formatted(text: str, path: Path) -> str:
    """The canonical form of a file's text.

    Raises RuleError if it is not the YAML of a rulebook, FormatError rather than change what it means.
    """
    name = path.as_posix()
    text = text.removeprefix("\ufeff")
    before = parse_yaml(text, name)
    if before.problems:
        raise RuleError(before.problems)
    if not isinstance(before.data, dict) or text.lstrip().startswith("{"):
        return text
    order = order_of(path, frozenset(str(key) for key in before.data))
    if order is RULE:
        text = with_modeline(text, path)
    told = Layout(_BREAK.split(text.rstrip())).document(YAML(typ="safe").compose(text), order)
    after = parse_yaml(told, name)
    if after.problems or not same(before.data, after.data):
        raise FormatError(_not_the_same(text, name, before, after))
    return told


def _not_the_same(text: str, name: str, before: YamlFile, after: YamlFile) -> str:
    """Where the canonical form would say something else, and what to do.

    The form has no blanks at the ends of lines; in a text after `|` or `>` they belong to the text.
    """
    lines = _BREAK.split(text)
    for at, line in enumerate(lines):
        bare = line.rstrip()
        if bare == line:
            continue
        without = parse_yaml("\n".join([*lines[:at], bare, *lines[at + 1 :]]), name)
        if not same(before.data, without.data):
            place = Place(name, at + 1, len(bare) + 1)
            return (
                f"{place}: the blank at the end of this line is part of a text; remove it, or quote the text"
            )
    place = before.place(_differs(before.data, after.data, ()) if not after.problems else ())
    return (
        f"{place}: the canonical form would say something else from here on, so the file is left alone; "
        "write this value in another way, and report it with the file"
    )


def _differs(one: Any, other: Any, path: DataPath) -> DataPath:
    """The path of the first value that two files do not share."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(key, other.get(key)) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = list(enumerate(other))
    else:
        return path
    return next(
        (_differs(one[key], held, (*path, key)) for key, held in pairs if not same(one[key], held)), path
    )


def with_modeline(text: str, path: Path) -> str:
    """A rule's text with its first line naming the schema beside the rulebook, if one is there."""
    book = next((one for one in path.resolve().parents if (one / BOOK).is_file()), None)
    schema = book.parent / SCHEMA_PATH.name if book is not None else None
    if schema is None or not schema.is_file():
        return text
    line = MODELINE + Path(os.path.relpath(schema, path.resolve().parent)).as_posix()
    kept = [one for one in _BREAK.split(text.rstrip()) if not one.startswith(MODELINE)]
    return "\n".join((line, *kept)) + "\n"


def same(one: Any, other: Any) -> bool:
    """Equal with all types; the order of keys does not count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
