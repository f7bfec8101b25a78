"""Checks of what a rule tells a view: every argument known, of the right kind, and none missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydantic_core import PydanticCustomError

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.facts import rows_facts, unknown_file
from cds_service.rulebook.criterion import Amount, Duration
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Argument, Rule, ViewFact
from cds_service.rulebook.shelf import Shelf
from cds_service.rulebook.views import VIEWS, ArgumentKind
from cds_service.rulebook.yamlfile import DataPath

Check = Callable[[Parsed[Rule], Shelf, DataPath, Argument], Iterator[Problem]]
WRONG = "data/wrong-argument"


def arguments_fit(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """`with` gives a view what it needs and nothing else."""
    for path, fact in rows_facts(parsed.model, ViewFact):
        known = VIEWS[fact.view].arguments
        for name, value in fact.arguments.items():
            where = (*path, "with", name)
            if name not in known:
                yield parsed.problem_at_key(
                    where,
                    "data/unknown-argument",
                    f"the view {fact.view} takes no {name!r}",
                    nearest(name, list(known)) if known else "it takes no arguments",
                )
            else:
                yield from _KINDS[known[name]](parsed, shelf, where, value)
        missing = [name for name in VIEWS[fact.view].required if name not in fact.arguments]
        if missing and not parsed.broken_under(*path):
            yield parsed.problem_at_key(
                path,
                "data/missing-argument",
                f"the view {fact.view} also needs {', '.join(missing)}",
                f"add with: {{{missing[0]}: …}}",
            )


def view_has_its_valuesets(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """The value sets a view needs by name are files of this rulebook."""
    known = shelf.known("valueset")
    for path, fact in rows_facts(parsed.model, ViewFact):
        missing = [name for name in VIEWS[fact.view].valuesets if name not in known]
        if missing:
            yield parsed.problem(
                (*path, "view"),
                "data/unknown-valueset",
                f"the view {fact.view} needs the value set {', '.join(missing)}, which this rulebook has not",
                f"add valuesets/{missing[0]}.yaml",
            )


def _amount(parsed: Parsed[Rule], _shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    try:
        Amount.parse(value)
    except PydanticCustomError as error:
        yield _from(parsed, where, error)


def _duration(parsed: Parsed[Rule], _shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    try:
        unit = Duration.parse(value).unit
    except PydanticCustomError as error:
        yield _from(parsed, where, error)
        return
    if unit not in ("days", "weeks"):
        yield parsed.problem(
            where, WRONG, f"{where[-1]} is counted in days or weeks, not in {unit}", "write days or weeks"
        )


def _from(parsed: Parsed[Rule], where: DataPath, error: PydanticCustomError) -> Problem:
    told = error.context or {}
    return parsed.problem(where, WRONG, str(told.get("message", error)), str(told.get("hint", "")))


def _valueset(parsed: Parsed[Rule], shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    if isinstance(value, (int, float)):
        yield parsed.problem(where, WRONG, f"{where[-1]} is a value set, not {value}", "write its id")
        return
    known = shelf.known("valueset")
    for index, name in enumerate((value,) if isinstance(value, str) else value):
        if name not in known:
            yield unknown_file(parsed, (*where, index), "value set", name, known)


def _table(parsed: Parsed[Rule], shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield parsed.problem(where, WRONG, f"{where[-1]} is one table", "write its id")
    elif value not in shelf.known("table"):
        yield unknown_file(parsed, where, "table", value, shelf.known("table"))


def _fact(parsed: Parsed[Rule], _shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    """Only the form; that the fact is there and gives what is needed stands in derived.py."""
    if not isinstance(value, str):
        yield parsed.problem(where, WRONG, f"{where[-1]} is the name of a fact", "write one name")


def _text(parsed: Parsed[Rule], _shelf: Shelf, where: DataPath, value: Argument) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield parsed.problem(where, WRONG, f"{where[-1]} is a text", "write one text")


_KINDS: Mapping[ArgumentKind, Check] = {
    "amount": _amount,
    "duration": _duration,
    "valueset": _valueset,
    "table": _table,
    "fact": _fact,
    "text": _text,
}
