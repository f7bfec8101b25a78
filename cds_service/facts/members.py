"""No member may stand twice in an object, however deep: JSON parsers disagree on which one counts.

The parser keeps the last of two members of one name and does not tell: an aneurysm would be a sore knee, and
another patient's entry this one's. So the text is read once in full and written anew: if it then has as many
colons as before, every member was kept, for what is in texts is the same in both. That takes a fraction of
what looking at each object would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.rulebook.views import KEY_OF_TYPE

objects_of = msgspec.json.Decoder(dict[str, Raw])
"""Decodes an object whose values stay raw."""

_read = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode
_ESCAPED_COLONS = (b"\\u003a", b"\\u003A")
_NAMES = frozenset(
    [*"context prefetch feedback fhirAuthorization draftOrders entry resource".split(), *KEY_OF_TYPE.values()]
)
"""Names that an error may tell. Others may be anything: a place is told down to the first of them."""


class _Twins:
    """Stands in place of an object in which a name stands twice."""


def refuse_duplicates(text: bytes, where: str = "") -> None:
    """Refuse JSON that has an object with two members of one name. Raises RequestError (400) with the place.

    `where` is what the text itself is called in the error.
    """
    try:
        place = twins_in(text)
    except ValueError:
        unread = "The body cannot be read in full: it is nested too deep, or is not JSON."
        raise RequestError(unread, code="structure", where=where) from None
    if place is None:
        return
    where = f"{where}.{place}" if where and place else where or place
    said = f"in {where}" if where else "of the body"
    raise RequestError(f"A member {said} is given twice; expected once.", code="structure", where=where)


def twins_in(text: bytes) -> str | None:
    """Where an object with two members of one name is, empty for the outermost; None if there is none.

    Raises ValueError for a text that cannot be read in full.
    """
    if _all_kept(text):
        return None
    try:
        read = json.loads(text, object_pairs_hook=_members, parse_int=len, parse_float=len)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return next(_places(read), None)


def _all_kept(text: bytes) -> bool:
    """Whether every member surely was kept."""
    if any(colon in text for colon in _ESCAPED_COLONS):
        return False
    try:
        return text.count(b":") == _write(_read(text)).count(b":")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | _Twins:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Twins()


def _places(read: object) -> Iterator[str]:
    """Where twins stand in a tree, the outermost first, as told in an error."""
    level: list[tuple[object, str, bool]] = [(read, "", True)]
    while level:
        found, level = level, []
        yield from (place for node, place, _ in found if isinstance(node, _Twins))
        for node, place, known in found:
            if isinstance(node, dict):
                level += [(value, *_below(place, name, known=known)) for name, value in node.items()]
            elif isinstance(node, list):
                level += [(one, f"{place}[{at}]" if known else place, known) for at, one in enumerate(node)]


def _below(place: str, name: str, *, known: bool) -> tuple[str, bool]:
    """The place of a member, and whether all of it can be told."""
    if not known or name not in _NAMES:
        return place, False
    return (f"{place}.{name}" if place else name), True
