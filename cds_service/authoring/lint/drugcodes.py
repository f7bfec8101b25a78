"""Drug codes of value sets that the drug table does not have: no product, and no name, leads to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cds_service.authoring.lint.check import Linted
from cds_service.errors import Place
from cds_service.rulebook.files import Code

_SYSTEM = "rxnorm"


class Stranger(NamedTuple):
    """A code that the table does not have. `codes` are those that it has for the same display."""

    place: Place
    code: str
    display: str
    codes: tuple[str, ...]


def strangers(linted: Linted) -> Iterator[Stranger]:
    """Every such member of every value set; none where there is no table to ask."""
    table = linted.book.terminology.drugs
    named: Mapping[str, tuple[str, ...]] | None = None
    for parsed in linted.shelf.valuesets.values() if table.entries else ():
        for key, members in (("include", parsed.model.include), ("exclude", parsed.model.exclude)):
            for index, member in enumerate(members):
                if isinstance(member, Code) and member.system == _SYSTEM and member.code not in table.entries:
                    named = _codes_by_name(linted) if named is None else named
                    place = parsed.file.place((key, index, "code"))
                    codes = named.get(_plain(member.display), ())
                    yield Stranger(place, member.code, member.display, codes)


def _codes_by_name(linted: Linted) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, entry in linted.book.terminology.drugs.entries.items():
        found.setdefault(_plain(entry.name), []).append(code)
    return {name: tuple(codes) for name, codes in found.items() if name}


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
