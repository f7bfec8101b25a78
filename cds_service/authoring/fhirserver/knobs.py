"""How a test server is told to misbehave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Pairs = Iterable[tuple[str, str]]

PAGE = 1000
"""Most entries of a page unless told otherwise: in effect, no paging."""


@dataclass(frozen=True)
class Knobs:
    """What goes wrong, and where. The default is a server that behaves.

    A place is a resource type (`Condition`: reads and searches) or a search by its codes
    (`Observation?code=http://loinc.org|29463-7`: only searches for exactly these codes).

    `slow` holds milliseconds before the answer, `fail` the HTTP status to answer with. `truncate` holds how
    many entries of a search come at most: there is no further page, and `total` claims more. `page` is the
    largest page in entries. `drop` names types the server does not have. `token` is the bearer token that
    every request but /metadata must bring; empty for none.
    """

    slow: Mapping[str, int] = field(default_factory=dict)
    fail: Mapping[str, int] = field(default_factory=dict)
    truncate: Mapping[str, int] = field(default_factory=dict)
    page: int = PAGE
    drop: frozenset[str] = frozenset()
    token: str = field(default="", repr=False)


def setting(settings: Mapping[str, T], kind: str, pairs: Pairs) -> T | None:
    """What is set for a request: for its search first, then for its type; None if neither."""
    codes = _codes(value for name, value in pairs if name == "code")
    for place, value in settings.items():
        type_name, _, query = place.partition("?")
        if query and type_name == kind and _codes([query.removeprefix("code=")]) == codes:
            return value
    return settings.get(kind)


def _codes(values: Iterable[str]) -> frozenset[str]:
    return frozenset(code for value in values for code in value.split(","))
