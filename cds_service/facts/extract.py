"""Every fact of a hook's rules, compiled once; then the findings of a chart. Equal facts are read once.

A fact may be made of others of its rule (a calculation, a moment to come after, an argument of a view): those
are read before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property

from msgspec.structs import replace

from cds_service.facts.anchors import anchored
from cds_service.facts.calculated import calculation
from cds_service.facts.chart import Chart
from cds_service.facts.dates import EVER
from cds_service.facts.finding import DRAFTS, MEDICATIONS, Finding, NotObtained
from cds_service.facts.findings import ChartFindings, Question, Reader, Used
from cds_service.facts.give import Giver, giver
from cds_service.facts.prefetch import fact_keys, reason_keys
from cds_service.facts.rows import Rows, find_rows, view_rows
from cds_service.facts.silence import Signs, signs_of
from cds_service.facts.views import view_reader
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.fact import CalculateFact, facts_used
from cds_service.rulebook.rule import ConclusionFact, Fact, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.walk import rejected_told
from cds_service.truth import TRUE, UNKNOWN

Findings = Mapping[str, Mapping[str, Finding]]
RowsReader = Callable[[Chart, Used], Rows]


@dataclass(frozen=True)
class Extraction:
    """The facts of a set of rules, compiled.

    `questions` are the distinct ones, `numbers` says which of them each rule's fact is, `askers` the rules
    and facts of each.
    """

    questions: tuple[Question, ...]
    numbers: Mapping[str, Mapping[str, int]]
    askers: tuple[tuple[tuple[str, str], ...], ...]
    signs: Signs

    @classmethod
    def compile(cls, rules: tuple[Rule, ...], book: Rulebook) -> Extraction:
        """Build the readers of every fact that is not a conclusion."""
        desk = _Desk(book)
        numbers = {
            rule.rule: {
                name: desk.number(rule, name)
                for name, fact in rule.data.items()
                if not isinstance(fact, ConclusionFact)
            }
            for rule in rules
        }
        questions = tuple(desk.questions)
        askers: list[list[tuple[str, str]]] = [[] for _ in questions]
        for rule_id, facts in numbers.items():
            for name, number in facts.items():
                askers[number].append((rule_id, name))
        return cls(questions, numbers, tuple(map(tuple, askers)), Signs(questions))

    def __call__(self, chart: Chart) -> ChartFindings:
        """The findings of a chart; with `explain` every fact is read, for what it looked at and rejected."""
        known = list(self._silent)
        unread: dict[str, set[str]] = {}
        for number in range(len(known)) if chart.explain else self.signs.seen_in(chart):
            known[number] = None
            for rule, name in self.askers[number]:
                unread.setdefault(rule, set()).add(name)
        return ChartFindings(chart, self.questions, self.numbers, known, unread)

    def silent_answers(self, rule: str) -> Mapping[str, Finding]:
        """By fact the answers of a rule's facts that need not be read where a chart shows no sign of them."""
        answers = ((name, self._silent[number]) for name, number in self.numbers[rule].items())
        return {name: answer for name, answer in answers if answer is not None}

    @cached_property
    def _silent(self) -> tuple[Finding | None, ...]:
        return tuple(question.silent for question in self.questions)


@dataclass
class _Desk:
    """Where questions are collected while a set of rules is compiled."""

    book: Rulebook
    questions: list[Question] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def number(self, rule: Rule, name: str) -> int:
        """The number of a fact's question; it is built if no equal one was."""
        fact, told = rule.data[name], name in rejected_told(rule)
        uses = tuple((used, self.number(rule, used)) for used in uses_of(fact))
        same = f"{fact.model_copy(update={'ask': '', 'because': ''})!r} {uses} {told}"
        if same not in self.known:
            self.known[same] = len(self.questions)
            self.questions.append(self._question(fact, uses, told=told))
        return self.known[same]

    def _question(self, fact: Fact, uses: tuple[tuple[str, int], ...], *, told: bool) -> Question:
        read = fact_reader(fact, self.book, told=told)
        if not isinstance(fact, RowsFact):
            return Question(read, uses)
        signs, keys = signs_of(fact), watched_keys(fact, self.book)
        return Question(read, uses, signs, keys, silent_answer(fact, self.book) if signs else None)


def uses_of(fact: Fact | RowsFact) -> tuple[str, ...]:
    """The facts of the same rule that a fact is made of, each once."""
    arguments = VIEWS[fact.view].arguments if isinstance(fact, ViewFact) else None
    return tuple(dict.fromkeys(facts_used(fact, arguments)))


def fact_reader(fact: Fact, book: Rulebook, *, told: bool = False) -> Reader:
    """The function that answers one fact from a chart and the facts it is made of.

    `told` if a card tells which rows do not count and why; otherwise only the explanation keeps them.
    """
    if isinstance(fact, CalculateFact):
        read = calculation(fact)
        return lambda chart, used: read(used)
    assert isinstance(fact, RowsFact)
    return rows_reader(fact, book, told=told)


def rows_reader(fact: RowsFact, book: Rulebook, *, told: bool = False) -> Reader:
    """The function that answers a fact that looks for rows."""
    beside, watched = reason_keys(fact), watched_keys(fact, book)
    rows = _rows(fact, book, watched, told=told)
    give = giver_of(fact)
    if fact.give.kind == "age":
        return lambda chart, used: give(Rows([], []), chart.not_obtained(watched), chart)
    merged = isinstance(fact, ViewFact) and VIEWS[fact.view].merges
    perhaps = fact.give.kind == "possible"
    alone = not beside and not uses_of(fact)

    def read(chart: Chart, used: Used) -> Finding:
        found = rows(chart, used) if alone else anchored(rows(chart, used), fact, used)
        because = chart.not_obtained(watched)
        if not alone and any(row.counts is UNKNOWN for row in found.counted):
            # What lies beside (conditions named as a reason, other facts) matters only to undecided rows.
            because = _joined(because, chart.not_obtained(beside), used)
        unread = chart.unread_among(watched, None if merged else _open(found)) if chart.unread else ()
        if not because and not unread:
            return give(found, (), chart)
        by = _without_unread(give) if perhaps and unread else give
        # A drug nobody could read leaves its own row open, no more: it is told, but counted as obtained.
        lost = tuple([item for item in because if item.key != MEDICATIONS])
        finding, told = by(found, lost, chart), tuple(dict.fromkeys((*because, *unread)))
        return replace(finding, because=told) if told != lost else finding

    return read


def _open(found: Rows) -> frozenset[str]:
    """The entries behind the rows that may count."""
    return frozenset(row.evidence.reference for row in found.counted if row.counts is UNKNOWN)


def _without_unread(give: Giver) -> Giver:
    """Answers by the rows whose drug could be read; a no is open, since the others may count."""

    def giving(rows: Rows, because: tuple[NotObtained, ...], chart: Chart) -> Finding:
        unread = frozenset[str]().union(*chart.unread.values())
        read = [row for row in rows.counted if row.evidence.reference not in unread]
        finding = give(Rows(read, rows.rejected), because, chart)
        return replace(finding, state=TRUE if finding.state is TRUE else UNKNOWN, rows=tuple(rows.counted))

    return giving


def giver_of(fact: RowsFact) -> Giver:
    """The function that makes a fact's answer of its rows."""
    signature = VIEWS[fact.view] if isinstance(fact, ViewFact) else None
    return giver(
        fact.give,
        complete=fact.record == "complete",
        unit=fact.unit,
        value_column=signature.value if signature else "number",
        answer_columns=signature.answers if signature else frozenset(),
        maybe_stands=signature is None or signature.possible == "alone",
    )


def silent_answer(fact: RowsFact, book: Rulebook) -> Finding:
    """The answer of a fact that finds no row where everything was obtained."""
    nothing = Chart("", EVER, UTC, {}, {}, {}, frozenset(), (), book.terminology)
    return giver_of(fact)(Rows([], []), (), nothing)


def watched_keys(fact: RowsFact, book: Rulebook) -> tuple[str, ...]:
    """The keys whose loss a fact's answer shows, the orders of the call among them if it reads those."""
    beside = reason_keys(fact)
    keys = tuple(key for key in fact_keys(fact, book) if key not in beside)
    return (*keys, DRAFTS) if fact.origin != "chart" else keys


def _joined(
    because: tuple[NotObtained, ...], beside: tuple[NotObtained, ...], used: Used
) -> tuple[NotObtained, ...]:
    others = (item for finding in used.values() for item in finding.because)
    return tuple(dict.fromkeys((*because, *beside, *others)))


def _rows(fact: RowsFact, book: Rulebook, keys: tuple[str, ...], *, told: bool) -> RowsReader:
    if isinstance(fact, FindFact):
        found = find_rows(fact, book, keys, told=told)
        return lambda chart, used: found(chart)
    assert isinstance(fact, ViewFact)
    return view_rows(fact, book, view_reader(ViewCall.of(fact, book, keys)), told=told)
