"""No member of the request may stand there twice: JSON parsers disagree on which one counts.

msgspec keeps the last of two members of one name and does not tell. But what it kept is a slice of the body:
walking an object from member to member, each time skipping exactly the bytes of the value that was kept,
comes out at the closing brace only if every member was kept. That costs a few microseconds per object
and one comparison of bytes, whatever the size of the values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError

Members = Mapping[str, Raw | dict[str, Raw]]

objects_of = msgspec.json.Decoder(dict[str, Raw])
"""Decodes an object whose values stay raw."""

_OPEN = re.compile(rb"\s*\{\s*")
_NAME = re.compile(rb'\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*', re.DOTALL)
_NEXT = re.compile(rb"\s*([,}])")
_name = msgspec.json.Decoder(str)


class _UnknownError(Exception):
    """A member stands there whose value was not kept, so that it cannot be skipped."""


def refuse_duplicates(text: bytes, members: Members, where: str = "") -> None:
    """Refuse the object `text` if a name stands twice in it, or in one of the objects among its `members`.

    `members` are the raw values that msgspec kept, by name; members it did not keep cost one more pass over
    the text. Raises RequestError (400).
    """
    try:
        _walk(text, 0, members, where)
    except _UnknownError:
        kept: dict[str, Raw | dict[str, Raw]] = dict(objects_of.decode(text))
        nested = {name: value for name, value in members.items() if isinstance(value, dict)}
        _walk(text, 0, kept | nested, where)


def _walk(text: bytes, at: int, members: Members, where: str) -> int:
    """Walk the object that begins at `at`; the position after its closing brace."""
    begin = _OPEN.match(text, at)
    if begin is None:
        raise _twice(where)
    at = begin.end()
    if text[at : at + 1] == b"}":
        return at + 1
    seen: set[str] = set()
    while True:
        found = _NAME.match(text, at)
        name = _name.decode(found[1]) if found else ""
        if found is None or name in seen:
            raise _twice(where)
        seen.add(name)
        after = _NEXT.match(text, _after_value(text, found.end(), members, name, where))
        if after is None:
            raise _twice(where)
        at = after.end()
        if after[1] == b"}":
            return at


def _after_value(text: bytes, at: int, members: Members, name: str, where: str) -> int:
    value = members.get(name)
    if value is None:
        raise _UnknownError
    if isinstance(value, dict):
        return _walk(text, at, value, f"{where}.{name}" if where else name)
    if not text.startswith(value, at):
        raise _twice(where)
    return at + len(value)


def _twice(where: str) -> RequestError:
    place = f"in {where}" if where else "of the body"
    return RequestError(f"A member {place} is given twice; expected once.", code="structure", where=where)
