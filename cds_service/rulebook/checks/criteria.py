"""Checks of the criteria: the fact exists, can be compared like that, in that unit."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.knowledge import (
    answerable,
    answers_a_date,
    answers_a_reading,
    given,
    is_yes_no,
    refused_fact,
    row_columns,
)
from cds_service.rulebook.criterion import TIME_UNITS, Criterion
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.logic import AtLeastSpec, criteria
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import ConclusionFact, Fact, FactShape, RowsFact, Rule
from cds_service.rulebook.shelf import UNREADABLE, Shelf
from cds_service.rulebook.views import ColumnKind
from cds_service.rulebook.yamlfile import DataPath

MOST_LEAVES = 25
"""The inference engine refuses longer expressions (DESIGN 6)."""
MISMATCH = "logic/type-mismatch"
UNIT = "logic/unit-mismatch"


def facts_are_defined(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A criterion compares a fact of this rule."""
    facts = [name for name in parsed.model.data if name != UNREADABLE]
    for path, criterion in criteria_of(parsed):
        if criterion.fact in parsed.model.data or refused_fact(parsed, criterion.fact):
            continue
        if criterion.fact != UNREADABLE:
            yield parsed.problem(
                path,
                "data/undefined-fact",
                f"this rule has no fact {criterion.fact!r}; it has {', '.join(facts)}",
                _did_you_mean(criterion.fact, facts),
            )


def _did_you_mean(word: str, known: list[str]) -> str:
    hint = nearest(word, known)
    return hint if hint.startswith("did") else "add it under data:"


def criteria_of(parsed: Parsed[Rule]) -> Iterator[tuple[DataPath, Criterion]]:
    """Every criterion of a rule with its path."""
    return ((path, part) for path, part in parsed.parts if isinstance(part, Criterion))


def _compared(parsed: Parsed[Rule]) -> Iterator[tuple[DataPath, Criterion, Fact]]:
    for path, criterion in criteria_of(parsed):
        fact = parsed.model.data.get(criterion.fact)
        if fact is not None and criterion.fact != UNREADABLE and answerable(fact):
            yield path, criterion, fact


def comparison_fits(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Yes-no facts stand alone, others are compared, and only readings have columns."""
    for path, criterion, fact in _compared(parsed):
        mismatch = _mismatch(criterion, fact)
        if mismatch is not None:
            code, message, hint = mismatch
            yield parsed.problem(path, code, message, hint)


def _mismatch(criterion: Criterion, fact: Fact) -> tuple[str, str, str] | None:
    name, column = criterion.fact, criterion.column
    if column and not answers_a_reading(fact):
        return (
            MISMATCH,
            f"{name} gives {given(fact)}, which has no columns",
            f"write {name} without .{column}",
        )
    if column:
        return _column_mismatch(criterion, fact)
    if answers_a_reading(fact):
        return (
            MISMATCH,
            f"{name} is a reading of several columns",
            f"name one: {name}.{_numbers(fact)[0]} > 1 [n]",
        )
    if is_yes_no(fact):
        if criterion.comparator:
            return (
                MISMATCH,
                f"{name} is a yes-no question, there is nothing to compare",
                f"write {name} alone",
            )
        return None
    if criterion.comparator is None:
        return MISMATCH, f"{name} is not a yes-no question", f"compare it with a number: {name} >= 2 [n]"
    return None


def _column_mismatch(criterion: Criterion, fact: Fact) -> tuple[str, str, str] | None:
    name, column = criterion.fact, criterion.column
    columns = _columns(fact)
    if columns and column not in columns:
        return (
            "data/unknown-column",
            f"the reading {name} has no column {column!r}",
            nearest(column, list(columns)),
        )
    if columns.get(column) in ("text", "code", "truth"):
        return MISMATCH, f"{name}.{column} is not a number", "compare a column with a number in it"
    if criterion.comparator is None:
        return MISMATCH, f"{name}.{column} is not a yes-no question", "compare it with a number"
    return None


def _columns(fact: FactShape) -> dict[str, ColumnKind]:
    return dict(row_columns(fact)) if isinstance(fact, RowsFact) else {}


def _numbers(fact: Fact) -> list[str]:
    return [name for name, kind in _columns(fact).items() if kind == "number"] or ["column"]


def unit_fits(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Dates are compared with a length of time, numbers in the fact's own unit."""
    for path, criterion, fact in _compared(parsed):
        if criterion.comparator is None or _mismatch(criterion, fact) or isinstance(fact, ConclusionFact):
            continue
        wrong = _wrong_unit(criterion, fact)
        if wrong is not None:
            yield parsed.problem(path, UNIT, *wrong)


def _wrong_unit(criterion: Criterion, fact: RowsFact | CalculateFact) -> tuple[str, str] | None:
    unit, name = criterion.unit, criterion.fact
    if answers_a_date(fact) or _columns(fact).get(criterion.column) == "date":
        if unit in TIME_UNITS:
            return None
        hint = f"write one of {', '.join(TIME_UNITS)}: {name} < 7 days [n]"
        return f"{name} is a date, compared with how long ago it was", hint
    own = _unit(fact)
    if not unit or unit == own:
        return None
    seen = f"{name} is in {own}" if own else f"{name} has no unit"
    return f"{seen}, this compares it in {unit}", f"remove {unit}" + (
        "" if own else f", or add unit: {unit} to the fact"
    )


def _unit(fact: RowsFact | CalculateFact) -> str:
    if isinstance(fact, RowsFact) and fact.give.kind == "age":
        return "years"
    counts = isinstance(fact, RowsFact) and fact.give.kind in ("count", "count_distinct")
    return "" if counts else fact.unit


def count_is_possible(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`at_least` asks for no more parts than it lists."""
    for path, spec in parsed.parts:
        if isinstance(spec, AtLeastSpec) and spec.n > len(spec.of):
            yield parsed.problem(
                (*path, "n"),
                "logic/impossible-count",
                f"at least {spec.n} of {len(spec.of)} parts can never hold",
                f"ask for {len(spec.of)} or fewer",
            )


def logic_is_small(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """The logic has at most 25 criteria."""
    leaves = sum(1 for _ in criteria(parsed.model.logic))
    if leaves > MOST_LEAVES:
        yield parsed.problem_at_key(
            ("logic",),
            "logic/too-large",
            f"the logic has {leaves} criteria, at most {MOST_LEAVES} are possible",
            "move a part of it into a definition and take its conclusion",
        )
