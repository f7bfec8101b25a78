"""Ids anybody can recompute: a card's uuid begins with its rule, so any worker can attribute feedback.

UUID version 8 (RFC 9562): the first 48 bits are the digest of rule@version, the rest of what makes the card
unique. The same decision always gives the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

_REST = (1 << 80) - 1
_VERSION = 8 << 76
_VARIANT = 0b10 << 62
_KEPT = _REST ^ (0xF << 76) ^ (0b11 << 62)


@lru_cache(maxsize=4096)
def rule_prefix(rule: str, version: str) -> str:
    """The 12 hexadecimal digits every uuid of this rule version begins with (after removing hyphens)."""
    return sha256(f"{rule}@{version}".encode()).hexdigest()[:12]


def prefix_of(uuid: str) -> str:
    """The rule prefix of a card or suggestion uuid, with or without `urn:uuid:`."""
    return uuid.lower().removeprefix("urn:uuid:").replace("-", "")[:12]


def card_uuid(prefix: str, decision: str, rules: Iterable[str], position: int) -> str:
    """The uuid of the card at a position of a decision's answer."""
    return _uuid(prefix, "card", decision, *rules, str(position))


def suggestion_uuid(prefix: str, decision: str, rules: Iterable[str], position: int, place: int) -> str:
    """The uuid of the suggestion at a place of that card."""
    return _uuid(prefix, "suggestion", decision, *rules, str(position), str(place))


def resource_id(suggestion: str, place: int) -> str:
    """The temporary id of a resource that accepting a suggestion would create."""
    return _uuid(prefix_of(suggestion), "resource", suggestion, str(place))


def _uuid(prefix: str, *parts: str) -> str:
    digest = sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).digest()
    rest = int.from_bytes(digest[:10], "big") & _KEPT | _VERSION | _VARIANT
    text = f"{prefix}{rest:020x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
