"""Answers nobody can read: recorded in words or codes that no value set lists. Each becomes a note."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cds_service.facts.elements import Codes
from cds_service.facts.extract import Findings
from cds_service.facts.finding import Row
from cds_service.facts.read import Note
from cds_service.rulebook.fact import InSet, NotInSet, ViewFact
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.terminology import Terminology

NOT_READ = "answer-not-read"
_ANSWERS = "answers"


class Asked(NamedTuple):
    """A fact about answers, and the value sets by which it reads them; any will do where it names none."""

    fact: str
    judges: frozenset[str] | None


Places = tuple[tuple[str, tuple[Asked, ...]], ...]


def answer_facts(rules: Iterable[Rule], terminology: Terminology) -> Places:
    """By rule the facts whose rows are answers to questions."""
    asked = (
        (
            rule.rule,
            tuple(
                Asked(name, _judges(fact, terminology))
                for name, fact in rule.data.items()
                if isinstance(fact, ViewFact) and fact.view == _ANSWERS
            ),
        )
        for rule in rules
    )
    return tuple((rule, facts) for rule, facts in asked if facts)


def _judges(fact: ViewFact, terminology: Terminology) -> frozenset[str] | None:
    tests = [fact.where.get("answer"), fact.unsure.get("answer")]
    named = [name for test in tests if isinstance(test, (InSet, NotInSet)) for name in test.valuesets]
    if named:
        return terminology.judges(named)
    # Where a number is asked for, no code that gives none is understood.
    return frozenset() if "number" in fact.where or fact.give.kind == "latest value" else None


def unread_answers(places: Places, findings: Findings, terminology: Terminology) -> tuple[Note, ...]:
    """A note for every answer that counts or may count for one of the facts and cannot be read."""
    notes: dict[Note, None] = {}
    for rule, facts in places:
        answers = findings[rule]
        for name, judges in facts:
            for row in answers[name].rows:
                if _unread(row, judges, terminology):
                    notes[Note(NOT_READ, row.evidence.reference)] = None
    return tuple(notes)


def _unread(row: Row, judges: frozenset[str] | None, terminology: Terminology) -> bool:
    answer: Codes = row.columns.get("answer")  # type: ignore[assignment]
    if row.columns.get("number") is not None or not answer:
        return False
    known = frozenset[str]().union(*(terminology.sets_of(code.system, code.code) for code in answer))
    return not known if judges is None else known.isdisjoint(judges)
