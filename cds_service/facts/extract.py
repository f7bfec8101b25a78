"""Every fact of a hook's rules, answered from one chart. Equal facts of different rules are read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding
from cds_service.facts.gather import DRAFTS
from cds_service.facts.give import giver
from cds_service.facts.prefetch import fact_keys, reason_keys
from cds_service.facts.rows import Rows, find_rows, view_rows
from cds_service.facts.views import view_reader
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.rule import ConclusionFact, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.truth import UNKNOWN

Findings = Mapping[str, Mapping[str, Finding]]
Reader = Callable[[Chart], Finding]


@dataclass(frozen=True)
class Extraction:
    """The facts of a set of rules, compiled: unique readers, and which rule's fact takes which answer."""

    readers: tuple[Reader, ...]
    places: Mapping[str, tuple[tuple[str, int], ...]]

    @classmethod
    def compile(cls, rules: tuple[Rule, ...], book: Rulebook) -> Extraction:
        """Build the readers of every fact that looks at the chart."""
        readers: list[Reader] = []
        known: dict[str, int] = {}
        places: dict[str, tuple[tuple[str, int], ...]] = {}
        for rule in rules:
            mine: list[tuple[str, int]] = []
            for name, fact in rule.data.items():
                if isinstance(fact, ConclusionFact):
                    continue
                same = repr(fact.model_copy(update={"ask": "", "because": ""}))
                if same not in known:
                    known[same] = len(readers)
                    readers.append(fact_reader(fact, book))
                mine.append((name, known[same]))
            places[rule.rule] = tuple(mine)
        return cls(tuple(readers), places)

    def __call__(self, chart: Chart) -> Findings:
        answers = [read(chart) for read in self.readers]
        return {rule: {name: answers[index] for name, index in facts} for rule, facts in self.places.items()}


def fact_reader(fact: FindFact | ViewFact, book: Rulebook) -> Reader:
    """The function that answers one fact from a chart."""
    keys = fact_keys(fact, book)
    beside = reason_keys(fact)
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
        return lambda chart: give(Rows([], []), chart.not_obtained(watched), chart)
    if not beside:
        return lambda chart: give(rows(chart), chart.not_obtained(watched), chart)

    def read(chart: Chart) -> Finding:
        found = rows(chart)
        # Conditions named as a reason matter only to a row that could not be decided without them.
        undecided = any(row.counts is UNKNOWN for row in found.counted)
        return give(found, chart.not_obtained((*watched, *beside) if undecided else watched), chart)

    return read


def _rows(fact: RowsFact, book: Rulebook, keys: tuple[str, ...]) -> Callable[[Chart], Rows]:
    if isinstance(fact, FindFact):
        return find_rows(fact, book, keys)
    assert isinstance(fact, ViewFact)
    return view_rows(fact, book, view_reader(ViewCall.of(fact, book, keys)))
