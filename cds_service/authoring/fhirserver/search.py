"""A FHIR search: read from its parameters, then answered from the store, in order and complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cds_service.authoring.fhirserver.parameters import (
    PARAMETERS,
    Parameter,
    Unreadable,
    date_matches,
    recorded,
    reference_matches,
    string_matches,
    token_matches,
)
from cds_service.authoring.fhirserver.store import Store

Json = Mapping[str, Any]
Pairs = Sequence[tuple[str, str]]

_PAGING = ("_count", "_sort")
_IGNORED = ("_format", "_pretty")
_COMMA = re.compile(r"(?<!\\),")
_TYPED = {"patient": "Patient", "subject": "Patient", "encounter": "Encounter", "context": "Encounter"}


class BadSearch(Exception):
    """The search cannot be done as asked: the parameter, and what was expected; never its value."""

    def __init__(self, parameter: str, expected: str) -> None:
        super().__init__(f"the parameter {parameter} {expected}")


@dataclass(frozen=True)
class Search:
    """A search that was understood.

    Filters are conjoined; the comma-separated values of one are alternatives. `count` is the page size
    asked for, None for any. `unknown` names parameters that were left out of account.
    """

    kind: str
    filters: tuple[tuple[Parameter, tuple[str, ...]], ...] = ()
    sort: tuple[tuple[Parameter, bool], ...] = ()
    count: int | None = None
    used: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The parameters that were taken into account, as a query string."""
        return urlencode(self.used, safe="|,:/")


def read_search(kind: str, pairs: Pairs) -> Search:
    """Understand the parameters of a search. Raises BadSearch for a modifier or value that cannot be."""
    known = PARAMETERS[kind]
    filters: list[tuple[Parameter, tuple[str, ...]]] = []
    used: list[tuple[str, str]] = []
    unknown: dict[str, None] = {}
    sort: tuple[tuple[Parameter, bool], ...] = ()
    count: int | None = None
    for name, value in pairs:
        plain, _, modifier = name.partition(":")
        if plain in _IGNORED:
            continue
        if plain == "_count":
            count = _count(value)
        elif plain == "_sort":
            sort, strange = _sort(known, value)
            unknown |= dict.fromkeys(strange)
        elif plain in known:
            _refuse_modifier(known[plain], modifier)
            filters.append((known[plain], _alternatives(plain, value)))
        else:
            unknown[plain] = None
            continue
        used.append((name, value))
    return Search(kind, tuple(filters), sort, count, tuple(used), tuple(unknown))


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise BadSearch("_count", "takes a whole number; try _count=50")
    return int(value)


def _sort(known: Mapping[str, Parameter], value: str) -> tuple[tuple[tuple[Parameter, bool], ...], list[str]]:
    """What to sort by, each with whether downwards; and that some of it is not known."""
    rules, strange = [], []
    for part in value.split(","):
        name = part.removeprefix("-")
        if name == "_id" or (name in known and known[name].kind == "date"):
            rules.append((known[name], part.startswith("-")))
        else:
            strange.append("_sort")
    return tuple(rules), strange


def _refuse_modifier(parameter: Parameter, modifier: str) -> None:
    if modifier and modifier != _TYPED.get(parameter.name):
        raise BadSearch(parameter.name, "takes no such modifier here; leave out the colon and what follows")


def _alternatives(name: str, value: str) -> tuple[str, ...]:
    parts = tuple(part.replace("\\,", ",") for part in _COMMA.split(value) if part.strip())
    if not parts:
        raise BadSearch(name, "has no value; give one, or leave the parameter out")
    return parts


def run_search(search: Search, store: Store, base: str) -> list[Json]:
    """Every match, in the order asked for, else that of the charts. Raises BadSearch for a value."""
    found = [one for one in _candidates(search, store) if _matches(one, search, base)]
    for parameter, downwards in reversed(search.sort):
        found = _sorted(found, parameter, downwards)
    return found


def _candidates(search: Search, store: Store) -> Iterable[Json]:
    """Resources that may match: those of the patient, where the search plainly names one."""
    for parameter, values in search.filters:
        if _TYPED.get(parameter.name) == "Patient" and len(values) == 1:
            wanted = values[0] if "/" in values[0] else f"Patient/{values[0]}"
            if wanted.startswith("Patient/"):
                return store.about(search.kind, wanted)
    return store.all(search.kind)


def _matches(resource: Json, search: Search, base: str) -> bool:
    return all(
        any(_fits(parameter, value, resource, base) for value in values)
        for parameter, values in search.filters
    )


def _fits(parameter: Parameter, value: str, resource: Json, base: str) -> bool:
    held = parameter.values(resource)
    try:
        if parameter.kind == "token":
            return token_matches(value, held)
        if parameter.kind == "date":
            return date_matches(value, held)
    except Unreadable as error:
        raise BadSearch(parameter.name, f"takes {error}") from None
    if parameter.kind == "reference":
        return reference_matches(value, held, base, _TYPED[parameter.name])
    return string_matches(value, held)


def _sorted(found: Iterable[Json], parameter: Parameter, downwards: bool) -> list[Json]:
    """Upwards by the first instant, downwards by the last; without a value always at the end."""
    keyed = [(_sort_key(parameter, one, downwards), one) for one in found]
    with_key = [(key, one) for key, one in keyed if key is not None]
    with_key.sort(key=lambda pair: pair[0], reverse=downwards)
    return [one for _, one in with_key] + [one for key, one in keyed if key is None]


def _sort_key(parameter: Parameter, resource: Json, downwards: bool) -> datetime | str | None:
    """The value to sort by; an id sorts as text."""
    held = parameter.values(resource)
    if parameter.kind == "token":
        return str(held[0])
    intervals = [found for one in held if (found := recorded(one)) is not None]
    if not intervals:
        return None
    return max(end for _, end in intervals) if downwards else min(start for start, _ in intervals)


def check_values(search: Search) -> None:
    """Refuse values no resource could be compared with, also where there is none. Raises BadSearch."""
    empty: Json = {}
    for parameter, values in search.filters:
        for value in values:
            _fits(parameter, value, empty, "")
