"""Checks of the evidence: every number cites, every citation has a claim, every source is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticCustomError

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.facts import rows_facts
from cds_service.rulebook.criterion import Amount, Criterion, Duration, Threshold
from cds_service.rulebook.formula import Anchor, Calculation, Operand
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule, ViewFact
from cds_service.rulebook.shelf import Shelf
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.walk import cards_of, texts_of
from cds_service.rulebook.yamlfile import DataPath

_CITE = re.compile(r"\[(\d+)\]")
Cited = tuple[DataPath, int]


def sources_are_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """Every number in square brackets is a number of sources.yaml."""
    known = shelf.source_numbers
    if known is None:
        return
    for path, number in [*_entries(parsed), *citations(parsed)]:
        if number not in known:
            yield parsed.problem(path, "evidence/unknown-source", *unknown_source(number, known))


def _entries(parsed: Parsed[Rule]) -> list[Cited]:
    """The sources of the evidence that could be read."""
    named = [(("evidence", index, "source"), one.source) for index, one in enumerate(parsed.model.evidence)]
    return [(path, number) for path, number in named if not parsed.broken_under(*path)]


def unknown_source(number: int, known: frozenset[int]) -> tuple[str, str]:
    """Message and hint about a number that sources.yaml has not."""
    listed = ", ".join(str(one) for one in sorted(known))
    return f"sources.yaml has no source {number}", f"it has {listed}" if listed else "it is empty"


def citations_have_claims(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """What a rule cites stands in its evidence, with what the source is claimed to say."""
    claimed = {number for _, number in _entries(parsed)}
    if any(path[:1] == ("evidence",) and path[2:] in ((), ("source",)) for path in parsed.broken):
        return
    for path, number in citations(parsed):
        if number not in claimed:
            yield parsed.problem(
                path,
                "evidence/citation-without-claim",
                f"[{number}] is cited, but evidence says nothing of source {number}",
                f"add an entry with source: {number} and its claim",
            )


def citations(parsed: Parsed[Rule]) -> list[Cited]:
    """Every citation of a rule outside its evidence, once per place and number."""
    rule = parsed.model
    found: dict[Cited, None] = {}
    for path, card in cards_of(rule):
        if not parsed.broken_under(*path, "source"):
            found[(*path, "source"), card.source] = None
        for where, text in texts_of(card, path):
            found.update(dict.fromkeys(_in_text(where, text)))
    for where, value in parsed.parts:
        if isinstance(value, (Criterion, Threshold, Duration, Anchor)):
            found.update({(where, number): None for number in value.sources})
        elif isinstance(value, Calculation):
            found.update({(where, number): None for part in value.operands for number in part.sources})
        elif _is_fact_text(where) or _is_argument(where):
            found.update(dict.fromkeys(_in_text(where, value)))
    return list(found)


def _is_fact_text(path: DataPath) -> bool:
    return len(path) == 3 and path[0] == "data" and path[2] in ("ask", "because")


def _is_argument(path: DataPath) -> bool:
    return len(path) == 4 and path[0] == "data" and path[2] == "with"


def _in_text(path: DataPath, text: Any) -> Iterator[Cited]:
    return ((path, number) for number in cited(text)) if isinstance(text, str) else iter(())


def cited(text: str) -> tuple[int, ...]:
    """The source numbers in square brackets of a text."""
    return tuple(int(number) for number in _CITE.findall(text))


def claims_are_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """What a source is claimed to say rests on claims of claims.yaml, where there is such a table."""
    if shelf.claims is None:
        return
    known = shelf.claims.model.ids
    for index, evidence in enumerate(parsed.model.evidence):
        for place, claim in enumerate(evidence.claims):
            if claim not in known:
                path = ("evidence", index, "claims", place)
                message = f"claims.yaml has no claim {claim}"
                yield parsed.problem(path, "evidence/unknown-claim", message, nearest(claim, known))


def numbers_cite(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A number decides something, so it says who says so; comparing a count with 0 or 1 needs no source."""
    for path, value in parsed.parts:
        if isinstance(value, (Criterion, Threshold)) and value.number is not None:
            if not value.sources and not _trivial(value):
                yield _uncited(parsed, path, value.text)
        elif isinstance(value, (Duration, Anchor)):
            if not value.sources and (isinstance(value, Duration) or value.number):
                yield _uncited(parsed, path, value.text)
        elif isinstance(value, Calculation) and any(map(_bare, value.operands)):
            yield _uncited(parsed, path, value.text, " ".join(_with_cites(value)))
    yield from _arguments_cite(parsed)


def _arguments_cite(parsed: Parsed[Rule]) -> Iterator[Problem]:
    for path, fact in rows_facts(parsed.model, ViewFact):
        kinds = VIEWS[fact.view].arguments
        for name, value in fact.arguments.items():
            if kinds.get(name) in ("amount", "duration"):
                try:
                    amount = Amount.parse(value)
                except PydanticCustomError:
                    continue
                if not amount.sources:
                    yield _uncited(parsed, (*path, "with", name), amount.text)


def _trivial(value: Criterion | Threshold) -> bool:
    return value.number == 0 or (value.number == 1 and not value.unit)


def _bare(part: Operand) -> bool:
    return part.number not in (None, 0, 1) and not part.sources


def _with_cites(calculation: Calculation) -> tuple[str, str, str]:
    """The calculation with a place for each source it lacks."""
    left, right = (f"{part.text} [n]" if _bare(part) else part.text for part in calculation.operands)
    return left, calculation.operator, right


def _uncited(parsed: Parsed[Rule], path: DataPath, text: str, mended: str = "") -> Problem:
    return parsed.problem(
        path,
        "evidence/number-without-citation",
        f"{text!r} has a number without its source",
        f'add the number of the source: "{mended or f"{text} [n]"}"',
    )
