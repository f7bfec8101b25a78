"""A column compared in a unit that its own cannot be converted to, so that every row stays undecided.

Only views whose columns have one unit are known; what an observation was measured in only its chart tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.facts.finding import Quantity
from cds_service.facts.quantity import convert
from cds_service.rulebook.checks.facts import conditions, rows_facts
from cds_service.rulebook.criterion import Threshold
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.yamlfile import DataPath
from cds_service.truth import exactly


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for path, column, own, asked in _asked(parsed):
            if asked and convert(Quantity(exactly(1), own), asked) is None:
                said = f"in {own}" if own else "a plain number"
                hint = f"write it in {own}" if own else f"remove {asked}"
                yield Seen(parsed.file.place(path), f"{column} is {said}, not to be had in {asked}", hint)


def _asked(parsed: Parsed[Rule]) -> Iterator[tuple[DataPath, str, str, str]]:
    """The columns with a unit of their own that a fact compares or gives, each with the unit asked for."""
    for path, fact in rows_facts(parsed.model, ViewFact):
        view = VIEWS[fact.view]
        for where, test in conditions(fact, path):
            column = str(where[-1])
            if isinstance(test, Threshold) and test.number is not None and column in view.units:
                yield where, column, view.units[column], test.unit
        if fact.give.kind == "latest value" and view.value in view.units:
            yield (*path, "unit"), view.value, view.units[view.value], fact.unit


CHECK = Check(
    "data/unit-cannot-convert",
    "error",
    "regular",
    "A dose or other amount is compared in a unit it cannot be converted to.",
    _look,
)
