"""Checks of the facts: that what they look for exists, and that what they give can be had of it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeVar

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.buttons import named_facts, set_texts
from cds_service.rulebook.checks.knowledge import (
    DATED_GIVES,
    allowed_codes,
    column_kind,
    condition_names,
    gives,
    known_dates,
    row_columns,
    source_known,
)
from cds_service.rulebook.criterion import NOT_READ, Criterion, Threshold
from cds_service.rulebook.fact import Absent, Unreadable, facts_used
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import (
    FindFact,
    InSet,
    Listed,
    NotInSet,
    NotListed,
    RowsFact,
    Rule,
    ViewFact,
    WhereTest,
)
from cds_service.rulebook.shelf import Shelf
from cds_service.rulebook.views import FINDABLE, VIEWS
from cds_service.rulebook.walk import cards_of, texts_of
from cds_service.rulebook.yamlfile import DataPath

Fact = TypeVar("Fact", bound=RowsFact)


def rows_facts(rule: Rule, kind: type[Fact]) -> Iterator[tuple[DataPath, Fact]]:
    """The facts of one kind whose source exists, each with its path."""
    for name, fact in rule.data.items():
        if isinstance(fact, kind) and source_known(fact):
            yield ("data", name), fact


def source_is_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`find` names a resource type we read, `view` a view we have."""
    for name, fact in parsed.model.data.items():
        if parsed.broken_under("data", name, "find"):
            continue
        if isinstance(fact, FindFact) and fact.find not in FINDABLE:
            yield parsed.problem(
                ("data", name, "find"),
                "data/unknown-type",
                f"{fact.find!r} is not a resource type that rules can look for",
                nearest(fact.find, list(FINDABLE)),
            )
        if isinstance(fact, ViewFact) and fact.view not in VIEWS:
            yield parsed.problem(
                ("data", name, "view"),
                "data/view-unknown",
                f"there is no view {fact.view!r}",
                nearest(fact.view, list(VIEWS)),
            )


def codes_are_named(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`code_in` stands where a code is needed, and only where there is one."""
    for path, fact in rows_facts(parsed.model, RowsFact):
        source, needed, possible = _codes_of(fact)
        if fact.code_in and not possible:
            yield parsed.problem(
                (*path, "code_in"),
                "data/code-without-meaning",
                f"{source} is not found by code",
                "remove code_in",
            )
        if needed and not fact.code_in:
            yield parsed.problem_at_key(
                path,
                "data/code-missing",
                f"{source} needs a value set to look for",
                "add code_in: <value set>",
            )


def _codes_of(fact: RowsFact) -> tuple[str, bool, bool]:
    """The source in words, whether it needs codes, whether it can use them."""
    if isinstance(fact, ViewFact):
        needed = VIEWS[fact.view].needs_codes
        return f"the view {fact.view}", needed and not VIEWS[fact.view].required, needed
    assert isinstance(fact, FindFact)
    return fact.find, fact.find == "Observation", "code" in FINDABLE[fact.find].elements


def codes_are_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """Every value set and table named by a fact is a file of this rulebook."""
    for name, fact in parsed.model.data.items():
        if isinstance(fact, RowsFact):
            yield from _sets_known(parsed, ("data", name), fact, shelf.known("valueset"))
            yield from _tables_known(parsed, ("data", name), fact, shelf)


def _sets_known(
    parsed: Parsed[Rule], path: DataPath, fact: RowsFact, sets: frozenset[str]
) -> Iterator[Problem]:
    named = [((*path, "code_in", index), name) for index, name in enumerate(fact.code_in or ())]
    for where, test in conditions(fact, path):
        if isinstance(test, (InSet, NotInSet)):
            key = "in" if isinstance(test, InSet) else "not_in"
            named += [((*where, key, index), name) for index, name in enumerate(test.valuesets)]
    for where, name in named:
        if name not in sets:
            yield unknown_file(parsed, where, "value set", name, sets)


def _tables_known(parsed: Parsed[Rule], path: DataPath, fact: RowsFact, shelf: Shelf) -> Iterator[Problem]:
    tables = shelf.known("table")
    for where, test in conditions(fact, path):
        if isinstance(test, Threshold) and test.table and test.table not in tables:
            yield unknown_file(parsed, where, "table", test.table, tables)
        elif isinstance(test, Threshold) and test.table in shelf.tables:
            yield from _table_column(parsed, where, test, shelf)


def _table_column(parsed: Parsed[Rule], where: DataPath, test: Threshold, shelf: Shelf) -> Iterator[Problem]:
    columns = shelf.tables[test.table].model.columns
    if test.column not in columns:
        yield parsed.problem(
            where,
            "data/unknown-column",
            f"the table {test.table} has no column {test.column!r}",
            nearest(test.column, columns),
        )


def unknown_file(
    parsed: Parsed[Rule], path: DataPath, what: str, name: str, known: frozenset[str]
) -> Problem:
    """A problem about a file that is not there."""
    code = f"data/unknown-{what.replace(' ', '')}"
    return parsed.problem(path, code, f"there is no {what} {name!r}", nearest(name, sorted(known)))


def conditions(fact: RowsFact, path: DataPath) -> Iterator[tuple[DataPath, WhereTest]]:
    """The entries of `where` and `unsure`, each with its path."""
    for key, tests in (("where", fact.where), ("unsure", fact.unsure)):
        for name, test in tests.items():
            yield (*path, key, name), test


def dates_are_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`date` names date elements of the type; `within` and date answers need one."""
    for path, fact in rows_facts(parsed.model, RowsFact):
        known = known_dates(fact)
        if isinstance(fact, FindFact):
            for index, element in enumerate(fact.date):
                if element not in known:
                    yield parsed.problem(
                        (*path, "date", index),
                        "data/unknown-element",
                        f"{fact.find} has no date {element!r}",
                        nearest(element, known),
                    )
        for key in ("within", "after", "before"):
            if not known and getattr(fact, key) is not None:
                yield parsed.problem_at_key(
                    (*path, key), "data/no-date", f"there is no date for {key} to test", f"remove {key}"
                )


def conditions_fit(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Conditions name elements or columns there are, and ask of them what they can answer."""
    for path, fact in rows_facts(parsed.model, RowsFact):
        known = condition_names(fact)
        for where, test in conditions(fact, path):
            name = str(where[-1])
            if name not in known:
                source = fact.find if isinstance(fact, FindFact) else f"the view {getattr(fact, 'view', '')}"
                yield parsed.problem_at_key(
                    where, "data/unknown-element", f"{source} has no {name!r} to test", nearest(name, known)
                )
            else:
                yield from _unreadable_fits(parsed, where, fact, name, test)
                yield from _condition_fits(parsed, where, fact, name, test)


def _unreadable_fits(
    parsed: Parsed[Rule], where: DataPath, fact: RowsFact, name: str, test: WhereTest
) -> Iterator[Problem]:
    code = "data/impossible-where"
    if isinstance(test, Unreadable) and column_kind(fact, name) != "code":
        yield parsed.problem(where, code, f"{name} holds no codes", "write {absent: true}, or remove it")
    elif isinstance(test, (InSet, NotInSet)) and test.or_unreadable and name == "code":
        # What a drug is may be told by more than its codes, so this would let known drugs pass.
        hint = "ask a second fact for code: {unreadable: true}"
        yield parsed.problem((*where, "or_unreadable"), code, "the code itself cannot pass unread", hint)


def _condition_fits(
    parsed: Parsed[Rule], where: DataPath, fact: RowsFact, name: str, test: WhereTest
) -> Iterator[Problem]:
    if isinstance(test, (Absent, Unreadable)):
        return
    kind = column_kind(fact, name)
    code = "data/impossible-where"
    if kind == "date":
        yield parsed.problem(
            where, code, f"{name} is a date, conditions do not test dates", "use within: 30 days [n]"
        )
    elif isinstance(test, Threshold):
        if kind not in ("number", "truth"):
            yield parsed.problem(
                where, code, f"{name} is not a number to compare", f"write a list: {name}: [a, b]"
            )
    elif kind == "number":
        yield parsed.problem(where, code, f"{name} is a number", f'compare it: {name}: ">= 6 [n]"')
    elif isinstance(test, (Listed, NotListed)):
        allowed = allowed_codes(fact, name)
        inner: DataPath = ("not",) if isinstance(test, NotListed) else ()
        for index, value in enumerate(test.values):
            if allowed and value not in allowed:
                yield parsed.problem(
                    (*where, *inner, index),
                    code,
                    f"{name} can never be {value!r}",
                    nearest(value, sorted(allowed)),
                )


def give_fits(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """What a fact gives can be had of what it looks through."""
    for path, fact in rows_facts(parsed.model, RowsFact):
        if fact.give == NOT_READ:
            continue
        possible = gives(fact)
        kind = fact.give.kind
        where = (*path, "give")
        if kind not in possible:
            hint = f"it can give {', '.join(possible)}"
            yield parsed.problem(
                where, "data/impossible-give", f"this fact cannot give {fact.give.text}", hint
            )
        elif kind == "count_distinct" and fact.give.column not in row_columns(fact):
            yield parsed.problem(
                where,
                "data/unknown-column",
                f"its rows have no column {fact.give.column!r}",
                nearest(fact.give.column, sorted(row_columns(fact))),
            )
        elif kind in DATED_GIVES and not known_dates(fact):
            yield parsed.problem(where, "data/no-date", "its rows have no date", "give exists or count")


def silence_is_decided(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A fact that finds or counts says what finding nothing means, and why if it means no."""
    for name, fact in parsed.model.data.items():
        if not isinstance(fact, RowsFact):
            continue
        counts = fact.give != NOT_READ and fact.give.kind in ("exists", "count", "count_distinct")
        if counts and fact.record is None:
            yield parsed.problem_at_key(
                ("data", name),
                "data/record-undecided",
                f"{name} does not say what finding nothing means",
                "add record: complete (nothing found = no) or record: partial (nothing found = unknown)",
            )
        if fact.record == "complete" and not fact.because.strip():
            yield parsed.problem(
                ("data", name, "record"),
                "data/complete-without-because",
                "a complete record needs its reason",
                "add because: why nothing found means no",
            )


def facts_are_used(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Every fact is used by the logic, a card or another fact."""
    if not parsed.sound:
        return
    rule = parsed.model
    named = {part.fact for _, part in parsed.parts if isinstance(part, Criterion)}
    # A misspelt name is told once, where it is misspelt.
    meant = {near for name in named - rule.data.keys() for near in get_close_matches(name, rule.data)}
    used = named | meant
    used.update(name for _, name in named_facts(rule))
    texts = [text for path, card in cards_of(rule) for _, text in texts_of(card, path)]
    texts += [text for _, text in set_texts(rule)]
    for name, fact in rule.data.items():
        view = VIEWS.get(fact.view) if isinstance(fact, ViewFact) else None
        used.update(set(facts_used(fact, view.arguments if view else None)) - {name})
    for name in rule.data:
        shown = any(f"{{{name}}}" in text or f"{{{name}." in text for text in texts)
        if name not in used and not shown:
            yield parsed.problem_at_key(
                ("data", name),
                "data/unused-fact",
                f"neither the logic, a card nor another fact uses {name}",
                "remove it, or use it",
            )
