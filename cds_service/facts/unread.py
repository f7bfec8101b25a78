"""Answers nobody can read: recorded in words or codes that no value set lists. Each becomes a note."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.elements import Codes
from cds_service.facts.extract import Findings
from cds_service.facts.finding import Row
from cds_service.facts.read import Note
from cds_service.rulebook.fact import ViewFact
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.terminology import Terminology

NOT_READ = "answer-not-read"
_ANSWERS = "answers"
Places = tuple[tuple[str, tuple[str, ...]], ...]


def answer_facts(rules: Iterable[Rule]) -> Places:
    """By rule the facts whose rows are answers to questions."""
    named = (
        (
            rule.rule,
            tuple(
                name
                for name, fact in rule.data.items()
                if isinstance(fact, ViewFact) and fact.view == _ANSWERS
            ),
        )
        for rule in rules
    )
    return tuple((rule, names) for rule, names in named if names)


def unread_answers(places: Places, findings: Findings, terminology: Terminology) -> tuple[Note, ...]:
    """A note for every answer that counts or may count for one of the facts and cannot be read."""
    notes: dict[Note, None] = {}
    for rule, names in places:
        answers = findings[rule]
        for name in names:
            for row in answers[name].rows:
                if _unread(row, terminology):
                    notes[Note(NOT_READ, row.evidence.reference)] = None
    return tuple(notes)


def _unread(row: Row, terminology: Terminology) -> bool:
    answer: Codes = row.columns.get("answer")  # type: ignore[assignment]
    if row.columns.get("number") is not None or not answer:
        return False
    return not any(terminology.sets_of(code.system, code.code) for code in answer)
