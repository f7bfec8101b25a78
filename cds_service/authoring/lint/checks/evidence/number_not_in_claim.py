"""A number stands beside a citation, but no claim of that source holds it, in figures or words with its unit.

0 and 1 mean "any at all", 0 days mean today: those are not looked for. Whether the claim is what the source
says, and about the same thing, only a reader can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.quantities import claimed, quantity, stands_in
from cds_service.rulebook.criterion import Amount, Criterion, Duration, Threshold
from cds_service.rulebook.formula import Anchor, Calculation
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.yamlfile import DataPath

_ANY_AT_ALL = (0, 1)


class _Cited(NamedTuple):
    path: DataPath
    number: float
    unit: str
    sources: tuple[int, ...]


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        claims = claimed(parsed.model)
        for path, number, unit, sources in _numbers(parsed):
            wanted = quantity(number, unit)
            if sources and not stands_in(
                wanted, (one for source in sources for one in claims.get(source, ()))
            ):
                named = " ".join(f"[{source}]" for source in sources)
                yield Seen(
                    parsed.file.place(path),
                    f"{wanted.text} does not stand in the claim of {named}",
                    "say it in the claim if the source does, or cite the source that does",
                )


def _numbers(parsed: Parsed[Rule]) -> Iterator[_Cited]:
    for path, value in parsed.parts:
        if isinstance(value, (Criterion, Threshold, Duration)) and value.number is not None:
            if value.number and not (value.number == 1 and not value.unit):
                yield _Cited(path, value.number, value.unit, value.sources)
        elif isinstance(value, Anchor) and value.number:
            yield _Cited(path, value.number, value.unit, value.sources)
        elif isinstance(value, Calculation):
            for part in value.operands:
                if part.number is not None and part.number not in _ANY_AT_ALL:
                    yield _Cited(path, part.number, "", part.sources)
    yield from _arguments(parsed)


def _arguments(parsed: Parsed[Rule]) -> Iterator[_Cited]:
    for name, fact in parsed.model.data.items():
        if not isinstance(fact, ViewFact):
            continue
        for argument, value in fact.arguments.items():
            if VIEWS[fact.view].arguments.get(argument) in ("amount", "duration"):
                try:
                    amount = Amount.parse(value)
                except PydanticCustomError:
                    continue
                yield _Cited(("data", name, "with", argument), amount.number, amount.unit, amount.sources)


CHECK = Check(
    "evidence/number-not-in-claim",
    "error",
    "regular",
    "A cited number does not stand in the claim of its source.",
    _look,
)
