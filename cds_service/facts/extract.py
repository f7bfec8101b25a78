"""Every fact of a hook's rules, answered from one chart. Equal facts of different rules are read once.

A fact may be made of others of its rule (a calculation, a moment to come after, an argument of a view): those
are read before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cds_service.facts.anchors import anchored
from cds_service.facts.calculated import Used, calculation
from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding, NotObtained
from cds_service.facts.gather import DRAFTS
from cds_service.facts.give import giver
from cds_service.facts.prefetch import fact_keys, reason_keys
from cds_service.facts.rows import Rows, find_rows, view_rows
from cds_service.facts.silence import NO_ROWS, nothing_to_read
from cds_service.facts.views import view_reader
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.fact import CalculateFact, facts_used
from cds_service.rulebook.rule import ConclusionFact, Fact, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.truth import UNKNOWN

Findings = Mapping[str, Mapping[str, Finding]]
Reader = Callable[[Chart, Used], Finding]
RowsReader = Callable[[Chart, Used], Rows]
_NONE: Used = {}


@dataclass(frozen=True)
class Extraction:
    """The facts of a set of rules, compiled.

    `readers` are the unique ones, each with the places of the answers it uses, which stand before it;
    `places` says which rule's fact takes which answer.
    """

    readers: tuple[tuple[Reader, tuple[tuple[str, int], ...]], ...]
    places: Mapping[str, tuple[tuple[str, int], ...]]

    @classmethod
    def compile(cls, rules: tuple[Rule, ...], book: Rulebook) -> Extraction:
        """Build the readers of every fact that is not a conclusion."""
        desk = _Desk(book)
        places = {
            rule.rule: tuple(
                (name, desk.place(rule, name))
                for name, fact in rule.data.items()
                if not isinstance(fact, ConclusionFact)
            )
            for rule in rules
        }
        return cls(tuple(desk.readers), places)

    def __call__(self, chart: Chart) -> Findings:
        answers: list[Finding] = []
        for read, uses in self.readers:
            answers.append(read(chart, {name: answers[index] for name, index in uses} if uses else _NONE))
        return {rule: {name: answers[index] for name, index in facts} for rule, facts in self.places.items()}


@dataclass
class _Desk:
    """Where readers are collected while a set of rules is compiled."""

    book: Rulebook
    readers: list[tuple[Reader, tuple[tuple[str, int], ...]]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def place(self, rule: Rule, name: str) -> int:
        """The place of a fact's answer; its reader is built if no equal one was."""
        fact = rule.data[name]
        uses = tuple((used, self.place(rule, used)) for used in uses_of(fact))
        same = f"{fact.model_copy(update={'ask': '', 'because': ''})!r} {uses}"
        if same not in self.known:
            reader = fact_reader(fact, self.book)
            self.known[same] = len(self.readers)
            self.readers.append((reader, uses))
        return self.known[same]


def uses_of(fact: Fact | RowsFact) -> tuple[str, ...]:
    """The facts of the same rule that a fact is made of, each once."""
    arguments = VIEWS[fact.view].arguments if isinstance(fact, ViewFact) else None
    return tuple(dict.fromkeys(facts_used(fact, arguments)))


def fact_reader(fact: Fact, book: Rulebook) -> Reader:
    """The function that answers one fact from a chart and the facts it is made of."""
    if isinstance(fact, CalculateFact):
        read = calculation(fact)
        return lambda chart, used: read(used)
    assert isinstance(fact, RowsFact)
    return rows_reader(fact, book)


def rows_reader(fact: RowsFact, book: Rulebook) -> Reader:
    """The function that answers a fact that looks for rows."""
    keys, beside = fact_keys(fact, book), reason_keys(fact)
    watched = tuple(key for key in keys if key not in beside)
    watched = (*watched, DRAFTS) if fact.origin != "chart" else watched
    rows = _rows(fact, book, watched)
    signature = VIEWS[fact.view] if isinstance(fact, ViewFact) else None
    give = giver(
        fact.give,
        complete=fact.record == "complete",
        unit=fact.unit,
        value_column=signature.value if signature else "number",
        answer_columns=signature.answers if signature else frozenset(),
    )
    if fact.give.kind == "age":
        return lambda chart, used: give(Rows([], []), chart.not_obtained(watched), chart)
    empty = nothing_to_read(fact, watched)
    if not beside and not uses_of(fact):

        def read_plainly(chart: Chart, used: Used) -> Finding:
            found = NO_ROWS if empty(chart) else rows(chart, used)
            return give(found, chart.not_obtained(watched), chart)

        return read_plainly

    def read(chart: Chart, used: Used) -> Finding:
        if empty(chart):
            return give(NO_ROWS, chart.not_obtained(watched), chart)
        found = anchored(rows(chart, used), fact, used)
        because = chart.not_obtained(watched)
        if any(row.counts is UNKNOWN for row in found.counted):
            # What lies beside (conditions named as a reason, other facts) matters only to undecided rows.
            because = _joined(because, chart.not_obtained(beside), used)
        return give(found, because, chart)

    return read


def _joined(
    because: tuple[NotObtained, ...], beside: tuple[NotObtained, ...], used: Used
) -> tuple[NotObtained, ...]:
    others = (item for finding in used.values() for item in finding.because)
    return tuple(dict.fromkeys((*because, *beside, *others)))


def _rows(fact: RowsFact, book: Rulebook, keys: tuple[str, ...]) -> RowsReader:
    if isinstance(fact, FindFact):
        found = find_rows(fact, book, keys)
        return lambda chart, used: found(chart)
    assert isinstance(fact, ViewFact)
    return view_rows(fact, book, view_reader(ViewCall.of(fact, book, keys)))
