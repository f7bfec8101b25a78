"""Whether a changed order still tells, in another place, what it told before its dosage was changed.

An order says how much and how fast in more places than one: instructions in words, a maximum, what is to be
dispensed, a note, its narrative. A new dose beside an old text is an order that contradicts itself, and
nobody can tell which of the two is followed. What a change sets or removes itself is not in its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DOSAGE = "dosageInstruction"
_OF_ORDER = (
    ("text",),
    ("note",),
    ("extension",),
    ("dispenseRequest", "quantity"),
    ("dispenseRequest", "initialFill", "quantity"),
)
_OF_LINE = (
    ("text",),
    ("additionalInstruction",),
    ("patientInstruction",),
    ("maxDosePerPeriod",),
    ("maxDosePerAdministration",),
    ("maxDosePerLifetime",),
    ("timing", "code"),
    ("extension",),
)
_WORDS = ("valueString", "valueMarkdown")
"""What an extension says in words may be the whole order; a number or a code has a meaning of its own."""


def repeats_the_old(received: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether the dosage was changed, and what told it elsewhere was not."""
    before, after = received.get(_DOSAGE), made.get(_DOSAGE)
    if before == after:
        return False
    if any(_stays(path, received, made) for path in _OF_ORDER):
        return True
    lines = zip(_listed(before), _listed(after), strict=False)
    return any(old != new and any(_stays(path, old, new) for path in _OF_LINE) for old, new in lines)


def _stays(path: tuple[str, ...], received: Any, made: Any) -> bool:
    """Whether a member that was there is there still, as it was."""
    old, new = _at(path, received), _at(path, made)
    if not old or old != new:
        return False
    return path != ("extension",) or _in_words(new)


def _at(path: tuple[str, ...], node: Any) -> Any:
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def _in_words(extensions: Any) -> bool:
    return any(
        isinstance(one, Mapping) and any(one.get(name) for name in _WORDS) for one in _listed(extensions)
    )


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []
