"""The unsigned orders of a call as the caller sent them, for suggestions that change or remove one.

An update must give back every member we do not know, so it starts from the JSON received, not from what facts
read of it. Nothing here trusts that JSON: an order that is odd in any way is one that cannot be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

DEEPEST = 64
"""How deep an order may be nested; more could not be encoded again wherever the answer is made."""


def _decimal(text: str) -> float | Raw:
    """A number as sent: one whose digits a float does not keep (50.00) stays the text it was."""
    number = float(text)
    return number if repr(number) == text else Raw(text.encode())


_decode = msgspec.json.Decoder(dict[str, Any], float_hook=_decimal).decode


class Drafts:
    """The orders by `Type/id`, each read when it is first asked for."""

    __slots__ = ("_raw", "_read")

    def __init__(self, raw: Mapping[str, Raw]) -> None:
        self._raw = raw
        self._read: dict[str, Mapping[str, Any] | None] = {}

    def __contains__(self, reference: object) -> bool:
        return reference in self._raw

    def resource(self, reference: str) -> Mapping[str, Any] | None:
        """An order, not to be changed in place; None if it did not come or is too odd to be sent back."""
        if reference not in self._read:
            raw = self._raw.get(reference)
            self._read[reference] = None if raw is None else _resource(raw, reference)
        return self._read[reference]


def _resource(raw: Raw, reference: str) -> Mapping[str, Any] | None:
    try:
        resource = _decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    own = f"{resource.get('resourceType')}/{resource.get('id')}"
    return resource if own == reference and not _deeper(resource, DEEPEST) else None


def _deeper(resource: Mapping[str, Any], limit: int) -> bool:
    """Whether objects and lists stand in each other more than `limit` deep; looks level by level."""
    level: list[Any] = [resource]
    for _ in range(limit):
        parts = (node.values() if isinstance(node, dict) else node for node in level)
        level = [part for held in parts for part in held if isinstance(part, (dict, list))]
        if not level:
            return False
    return True


NO_DRAFTS = Drafts({})
