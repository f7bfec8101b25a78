"""A value set that no fact of any rule looks through; it is still reviewed, and believed to matter."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.fact import Fact, InSet, NotInSet, RowsFact, ViewFact
from cds_service.rulebook.views import VIEWS


def _look(linted: Linted) -> Iterator[Seen]:
    used = {name for rule in linted.shelf.rules for fact in rule.model.data.values() for name in _sets(fact)}
    sets = linted.book.terminology.valuesets
    # A group is fetched as one: a panel may stand in it for the sake of its components.
    fetched = {sets[name].group for name in used if name in sets} - {None}
    read = linted.book.terminology.judges(used)
    for name, parsed in linted.shelf.valuesets.items():
        if name not in read and parsed.model.group not in fetched:
            yield Seen(
                parsed.file.place(("valueset",)),
                f"no rule looks through the value set {name}",
                "use it, or remove the file",
            )


def _sets(fact: Fact) -> Iterator[str]:
    if not isinstance(fact, RowsFact):
        return
    yield from fact.code_in or ()
    for test in (*fact.where.values(), *fact.unsure.values()):
        if isinstance(test, (InSet, NotInSet)):
            yield from test.valuesets
    if isinstance(fact, ViewFact):
        view = VIEWS[fact.view]
        yield from view.valuesets
        for argument, kind in view.arguments.items():
            value = fact.arguments.get(argument)
            if kind == "valueset" and value is not None:
                yield from (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


CHECK = Check("data/valueset-unused", "warning", "regular", "No rule looks through a value set.", _look)
