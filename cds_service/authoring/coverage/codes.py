"""Which codes of the value sets no chart of the fixtures ever holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.files import Prefix, ValueSetFile
from cds_service.rulebook.terminology import system_name

Held = frozenset[tuple[str, str]]
"""Short system name and code of every coding met."""


@dataclass(frozen=True, slots=True)
class SetUse:
    """One value set: how many codes it lists, and those no chart holds."""

    valueset: str
    codes: int
    unmatched: tuple[str, ...]

    def told(self, *, codes: bool) -> str:
        """One line: the count, with `codes` the list too."""
        held = self.codes - len(self.unmatched)
        if not self.unmatched:
            return f"value set {self.valueset}: every code ({self.codes}) in some chart"
        line = f"value set {self.valueset}: {held} of {self.codes} codes in some chart"
        return f"{line}, in none: {', '.join(self.unmatched)}" if codes else line


def set_uses(book: Rulebook, charts: Path) -> tuple[SetUse, ...]:
    """Every value set of a rulebook against every chart of a folder.

    A drug listed by its ingredient is matched by any product of it.
    """
    held = _held(charts, book)
    return tuple(
        _use(name, book.terminology.valuesets[name], held) for name in sorted(book.terminology.valuesets)
    )


def _use(name: str, valueset: ValueSetFile, held: Held) -> SetUse:
    members: Sequence[Any] = valueset.include
    return SetUse(name, len(members), tuple(_told(one) for one in members if not _matched(one, held)))


def _matched(member: Any, held: Held) -> bool:
    if isinstance(member, Prefix):
        start = member.starts_with.replace(".", "").rstrip("?")
        return any(name == member.system and code.replace(".", "").startswith(start) for name, code in held)
    return (member.system, member.code) in held


def _told(member: Any) -> str:
    return f"{member.starts_with}…" if isinstance(member, Prefix) else str(member.code)


def _held(charts: Path, book: Rulebook) -> Held:
    found: set[tuple[str, str]] = set()
    for path in sorted(charts.glob("*.json")):
        found.update(_codings(msgspec.json.decode(path.read_bytes())))
    products = [code for name, code in found if name == "rxnorm"]
    for code in products:
        drug = book.terminology.drug([_coded(code)])
        found.update(("rxnorm", one.rxcui) for one in drug.ingredients)
    return frozenset(found)


def _coded(code: str) -> Any:
    from cds_service.rulebook.terminology import Coded

    return Coded("http://www.nlm.nih.gov/research/umls/rxnorm", code)


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("system"), str) and isinstance(value.get("code"), str):
            yield system_name(value["system"]), value["code"]
        for part in value.values():
            yield from _codings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _codings(part)
