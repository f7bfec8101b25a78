"""Two texts compared word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_WORD = re.compile(r"\s+|[\w.%]+|[^\w\s]")
_AROUND = 6


class Piece(NamedTuple):
    """A stretch of text: the same on both sides, only before, or only after."""

    kind: Literal["same", "gone", "new"]
    text: str


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """Both texts in one: joined without `new` they are the first, without `gone` the second."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    found: list[Piece] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece("same", "".join(old[a:b])))
            continue
        found += [Piece("gone", "".join(old[a:b]))] if b > a else []
        found += [Piece("new", "".join(new[c:d]))] if d > c else []
    return tuple(found)


def shortened(found: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces with long unchanged stretches cut to a few words around each change."""
    last = len(found) - 1
    return tuple(
        _cut(one, at == 0, at == last) if one.kind == "same" else one for at, one in enumerate(found)
    )


def _cut(piece: Piece, first: bool, last: bool) -> Piece:
    words = _WORD.findall(piece.text)
    if len(words) <= 2 * _AROUND:
        return piece
    head = "" if first else "".join(words[:_AROUND]) + " "
    tail = "" if last else " " + "".join(words[-_AROUND:])
    return Piece("same", f"{head}…{tail}")


def marked(found: Iterable[Piece], gone: tuple[str, str], new: tuple[str, str]) -> str:
    """One text with marks around what is gone and what is new."""
    marks = {"same": ("", ""), "gone": gone, "new": new}
    return "".join(f"{marks[one.kind][0]}{one.text}{marks[one.kind][1]}" for one in found)
