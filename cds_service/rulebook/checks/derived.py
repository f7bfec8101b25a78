"""Checks of facts made of other facts: calculations, anchors in time, facts as arguments of a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.knowledge import (
    FACT_ARGUMENTS,
    answerable,
    answers_a_date,
    answers_a_number,
    answers_a_reading,
    given,
    refused_fact,
    row_columns,
)
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.formula import Operand
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Fact, RowsFact, Rule, ViewFact
from cds_service.rulebook.shelf import UNREADABLE, Shelf
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.yamlfile import DataPath

OPERAND = "data/operand-not-a-number"
ANCHOR = "data/anchor-not-a-date"
CYCLE = "data/fact-cycle"


class Use(NamedTuple):
    """Where a fact is made of another: its path, and the other's name."""

    path: DataPath
    name: str


def uses(name: str, fact: Fact) -> Iterator[Use]:
    """Every other fact that one is made of, with its path."""
    path = ("data", name)
    if isinstance(fact, CalculateFact):
        yield from (Use((*path, "calculate"), part.fact) for part in fact.calculate.operands if part.fact)
    if isinstance(fact, RowsFact):
        anchors = (("after", fact.after), ("before", fact.before))
        yield from (Use((*path, key), anchor.fact) for key, anchor in anchors if anchor is not None)
    if isinstance(fact, ViewFact) and fact.view in VIEWS:
        for argument, kind in VIEWS[fact.view].arguments.items():
            value = fact.arguments.get(argument)
            if kind == "fact" and isinstance(value, str):
                yield Use((*path, "with", argument), value)


def used_facts_are_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A fact is made of facts of this rule."""
    for name, fact in parsed.model.data.items():
        for path, used in uses(name, fact):
            if used not in parsed.model.data and not refused_fact(parsed, used):
                yield undefined(parsed, path, used, name)


def undefined(parsed: Parsed[Rule], path: DataPath, name: str, user: str = "") -> Problem:
    """A problem about a fact that is not there."""
    others = [one for one in parsed.model.data if one not in (user, UNREADABLE)]
    hint = nearest(name, others)
    return parsed.problem(path, "data/undefined-fact", f"this rule has no fact {name!r}", hint)


def facts_have_an_order(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """No fact is made of itself, directly or through others."""
    settled: set[str] = set()
    for name in parsed.model.data:
        yield from _walk(name, (), parsed, settled)


def _walk(name: str, trail: tuple[str, ...], parsed: Parsed[Rule], settled: set[str]) -> Iterator[Problem]:
    if name in settled:
        return
    here = (*trail, name)
    for path, used in uses(name, parsed.model.data[name]):
        if used == name:
            yield parsed.problem(path, CYCLE, f"{name} is made of itself", "name another fact")
        elif used in here:
            ring = " → ".join((*here[here.index(used) :], used))
            hint = "let one of them ask the chart itself"
            yield parsed.problem(path, CYCLE, f"these facts wait for one another: {ring}", hint)
        elif used in parsed.model.data:
            yield from _walk(used, here, parsed, settled)
    settled.add(name)


# --- calculations --------------------------------------------------------------------------------


def operands_are_numbers(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Facts that are calculated with give a number, readings a column with one."""
    data = parsed.model.data
    for name, fact in _calculations(data):
        for part in fact.calculate.operands:
            wrong = _not_a_number(part, data[part.fact]) if _known(part.fact, name, data) else None
            if wrong is not None:
                yield parsed.problem(("data", name, "calculate"), *wrong)


def _calculations(data: Mapping[str, Fact]) -> Iterator[tuple[str, CalculateFact]]:
    return ((name, fact) for name, fact in data.items() if isinstance(fact, CalculateFact))


def _known(used: str, user: str, data: Mapping[str, Fact]) -> bool:
    """Whether more can be said about a use: the fact is there, sound, and not the user itself."""
    return used in data and used not in (user, UNREADABLE) and answerable(data[used])


def _not_a_number(part: Operand, fact: Fact) -> tuple[str, str, str] | None:
    name, column = part.fact, part.column
    if answers_a_reading(fact):
        assert isinstance(fact, RowsFact)
        return _not_a_number_column(name, column, row_columns(fact))
    if column:
        message = f"{name} gives {given(fact)}, which has no columns"
        return OPERAND, message, f"write {name} without .{column}"
    if answers_a_number(fact):
        return None
    hint = "calculate with counts, latest values, ages, and columns of readings"
    return OPERAND, f"{name} gives {given(fact)}, which is not a number", hint


def _not_a_number_column(name: str, column: str, columns: Mapping[str, str]) -> tuple[str, str, str] | None:
    numbers = [one for one, kind in columns.items() if kind == "number"] or ["column"]
    if not column:
        return OPERAND, f"{name} is a reading of several columns", f"name one: {name}.{numbers[0]}"
    if column not in columns:
        return (
            "data/unknown-column",
            f"the reading {name} has no column {column!r}",
            nearest(column, list(columns)),
        )
    if columns[column] != "number":
        return OPERAND, f"{name}.{column} is not a number", f"name one: {name}.{numbers[0]}"
    return None


def calculations_can_be_done(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A calculation asks something of the chart, and divides by something."""
    for name, fact in _calculations(parsed.model.data):
        path, code = ("data", name, "calculate"), "data/impossible-calculation"
        if not any(part.fact for part in fact.calculate.operands):
            hint = "write the result where it is used"
            yield parsed.problem(path, code, "both sides are numbers, nothing is asked of the chart", hint)
        if fact.calculate.operator == "/" and fact.calculate.right.number == 0:
            yield parsed.problem(path, code, "nothing can be divided by 0", "write another number")


# --- anchors and arguments -----------------------------------------------------------------------


def anchors_are_dates(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`after` and `before` name a fact that gives a date, or a reading, which has one."""
    data = parsed.model.data
    for name, fact in data.items():
        if not isinstance(fact, RowsFact):
            continue
        for key, anchor in (("after", fact.after), ("before", fact.before)):
            if anchor is None or not _known(anchor.fact, name, data) or _dated(data[anchor.fact]):
                continue
            message = f"{anchor.fact} gives {given(data[anchor.fact])}, which is not a date"
            hint = "name a fact that gives earliest date, latest date or latest reading"
            yield parsed.problem(("data", name, key), ANCHOR, message, hint)


def _dated(fact: Fact) -> bool:
    return answers_a_date(fact) or answers_a_reading(fact)


def arguments_give_what_is_needed(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A fact given to a view is a number where the view needs a number, a date where it needs a date."""
    data = parsed.model.data
    for name, fact in data.items():
        if not isinstance(fact, ViewFact):
            continue
        for path, used in uses(name, fact):
            needed = FACT_ARGUMENTS.get((fact.view, str(path[-1]))) if path[2] == "with" else None
            if needed is None or not _known(used, name, data):
                continue
            fits = answers_a_number(data[used]) if needed == "number" else _dated(data[used])
            if not fits:
                message = f"{path[-1]} is a {needed}, but {used} gives {given(data[used])}"
                yield parsed.problem(
                    path, "data/wrong-argument", message, f"name a fact that gives a {needed}"
                )
