"""From a fact to its rows: each resource or view line tested against the fact's conditions.

A row counts (true), may count (unknown: a condition cannot be decided, or the entry is marked unsure), or is
rejected with the reason in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from cds_service.facts.ahead import WHY, any_time, dated_ahead, doubt
from cds_service.facts.chart import Chart
from cds_service.facts.elements import ELEMENTS, Codes, answer_number, date_of, issued
from cds_service.facts.finding import Cell, Evidence, Finding, OwnWords, Quantity, Row
from cds_service.facts.shelf import Entry
from cds_service.facts.where import (
    CodesTest,
    Reader,
    cell_test,
    codes_test,
    describe,
    mentions,
    window,
    within,
)
from cds_service.facts.wording import said
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import Duration, Threshold
from cds_service.rulebook.fact import Unreadable
from cds_service.rulebook.rule import FindFact, InSet, NotInSet, ViewFact, Where, WhereTest
from cds_service.rulebook.views import FINDABLE, VIEWS, ViewSignature
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, compare, exactly

RowTest = Callable[[Mapping[str, Cell]], Truth]
_CHOSEN = frozenset({"value", "answer", "route"})
"""Elements and columns whose codes somebody chose from a list."""
_NOT_CODED = "told in words, or by a code not known here"
NamedTest = tuple[str, WhereTest, RowTest]
"""A condition on a column: its name, the condition as written, and as a function."""


class Rows(Struct, frozen=True, gc=False):
    """The rows of a fact: those that count or may, and those that do not, each with its reason."""

    counted: Sequence[Row]
    rejected: Sequence[Row]


@dataclass(frozen=True)
class ElementTest:
    """One `where` or `unsure` entry of a find fact, ready to run."""

    element: str
    read: Callable[[Entry, Chart], Codes]
    test: CodesTest
    spec: WhereTest
    own_code: bool

    def __call__(self, entry: Entry, chart: Chart) -> Truth:
        if self.own_code and isinstance(self.spec, Unreadable):
            # What a resource is about may be told by more than its codes: a drug by its name or its parts.
            if entry.classified and not (self.spec.mentions and entry.also_said is not None):
                return FALSE
            return mentions(self.read(entry, chart), self.spec.mentions)
        sets = entry.sets if self.own_code else frozenset()
        return self.test(self.read(entry, chart), sets)


def element_tests(kind: str, where: Where, book: Rulebook) -> tuple[ElementTest, ...]:
    """The conditions of a find fact, compiled."""
    readers = ELEMENTS[kind]
    return tuple(
        ElementTest(
            name,
            readers[name],
            codes_test(spec, Reader(book.terminology, name, chosen=name in _CHOSEN)),
            spec,
            name == "code" and isinstance(spec, (InSet, NotInSet, Unreadable)),
        )
        for name, spec in where.items()
    )


def find_rows(
    fact: FindFact, book: Rulebook, keys: tuple[str, ...], *, told: bool
) -> Callable[[Chart], Rows]:
    """A reader of the rows of a find fact; rejected ones are kept if they are told or to be explained."""
    kind, sets = fact.find, fact.code_in
    where, unsure = element_tests(kind, fact.where, book), element_tests(kind, fact.unsure, book)
    dates = fact.date or FINDABLE[kind].dates
    numeric = kind == "Observation"

    def read(chart: Chart) -> Rows:
        limits = window(chart, fact.within) if fact.within else None
        tell = told or chart.explain
        ahead = dated_ahead(chart) if fact.origin != "drafts" else frozenset()
        counted: list[Row] = []
        rejected: list[Row] = []
        for entry, sure in entries_of(fact, kind, sets, keys, chart):
            verdict, why = _judge(entry, chart, where, sure, tell=tell)
            if verdict is FALSE and not tell:
                continue
            when = date_of(entry, chart, dates)
            if entry.reference in ahead:
                when, verdict, why = (
                    any_time(when),
                    all_of((verdict, doubt(entry.reference, chart))),
                    (*why, WHY),
                )
            verdict, why = _dated(verdict, why, when, limits, fact.within)
            if verdict is not FALSE and any(test(entry, chart) is TRUE for test in unsure):
                verdict, why = UNKNOWN, (*why, "marked as unsure")
            if verdict is FALSE and not tell:
                continue
            row = Row(_evidence(entry, when), _columns(entry, when, chart, numeric), verdict, why)
            (rejected if verdict is FALSE else counted).append(row)
        if tell:
            rejected.extend(_aside_rows(chart, keys, kind, sets, dates))
        return Rows(latest_first(counted), latest_first(rejected))

    return read


def entries_of(
    fact: FindFact | ViewFact, kind: str, sets: tuple[str, ...] | None, keys: tuple[str, ...], chart: Chart
) -> Iterator[tuple[Entry, bool]]:
    """The entries a fact looks at, by where they come from."""
    if fact.origin in ("drafts", "drafts-and-chart", "selections"):
        yield from chart.draft_entries(kind, sets, selected=fact.origin == "selections")
    if fact.origin in ("chart", "drafts-and-chart"):
        yield from chart.entries(keys, kind, sets)


def _judge(
    entry: Entry, chart: Chart, where: Sequence[ElementTest], sure: bool, *, tell: bool
) -> tuple[Truth, tuple[str, ...]]:
    verdict, why = (TRUE, ()) if sure else (UNKNOWN, (entry.contradicted or _NOT_CODED,))
    for test in where:
        answer = test(entry, chart)
        if answer is FALSE:
            return FALSE, (_refused(test, entry, chart),) if tell else ()
        if answer is UNKNOWN:
            verdict, why = UNKNOWN, (*why, _open(test, entry, chart))
    return verdict, why


def _open(test: ElementTest, entry: Entry, chart: Chart) -> str:
    """Why a condition could not be decided."""
    if test.read(entry, chart) is None:
        return f"{test.element} is not recorded"
    return f"{test.element} is in words or codes that cannot be classified"


def _refused(test: ElementTest, entry: Entry, chart: Chart) -> str:
    """What was seen and what was asked for."""
    seen = ", ".join(code.code for code in test.read(entry, chart) or ())[:80]
    return f"{test.element} is {seen or 'not recorded'}, {describe(test.spec)}"


def _dated(
    verdict: Truth,
    why: tuple[str, ...],
    when: object,
    limits: tuple[datetime, datetime] | None,
    duration: Duration | None,
) -> tuple[Truth, tuple[str, ...]]:
    if verdict is FALSE or limits is None or duration is None:
        return verdict, why
    inside = within(when, limits)  # type: ignore[arg-type]
    if inside is TRUE:
        return verdict, why
    if inside is FALSE:
        return FALSE, (OwnWords(f"dated {when}, needs to be within {duration.text}"),)
    told = "has no date" if when is None else f"dated {when}, which may be outside {duration.text}"
    return UNKNOWN, (*why, OwnWords(told))


def _evidence(entry: Entry, when: object) -> Evidence:
    return Evidence(entry.reference, when, entry.text)  # type: ignore[arg-type]


def _columns(entry: Entry, when: object, chart: Chart, numeric: bool) -> dict[str, Cell]:
    columns: dict[str, Cell] = {"day": when}  # type: ignore[dict-item]
    if numeric:
        columns["number"] = answer_number(entry.resource)
        columns["issued"] = issued(entry.resource, chart)
    return columns


def _aside_rows(
    chart: Chart, keys: tuple[str, ...], kind: str, sets: tuple[str, ...] | None, dates: tuple[str, ...]
) -> Iterator[Row]:
    left_out = chart.left_out(keys, kind, sets) if sets is not None else ()
    for entry, reason in (*chart.set_aside(keys, kind, sets), *left_out):
        yield Row(_evidence(entry, date_of(entry, chart, dates)), {}, FALSE, (reason,))


# --- views ---------------------------------------------------------------------------------------


def view_rows(
    fact: ViewFact,
    book: Rulebook,
    lines: Callable[[Chart, Mapping[str, Finding]], Sequence[Row]],
    *,
    told: bool,
) -> Callable[[Chart, Mapping[str, Finding]], Rows]:
    """A reader of the rows of a view fact; `lines` is the view, latest first, cached per chart.

    Rejected rows are kept if they are told on a card, to be explained, or answer the fact (`any_yes`).
    """
    signature = VIEWS[fact.view]
    answers = signature.answers
    tests = tuple((name, spec, _row_test(name, spec, book)) for name, spec in fact.where.items())
    unsure = tuple((name, _row_test(name, spec, book)) for name, spec in fact.unsure.items())
    keep_rejected = told or fact.give.kind == "any_yes"

    def read(chart: Chart, used: Mapping[str, Finding]) -> Rows:
        limits = window(chart, fact.within) if fact.within else None
        counted: list[Row] = []
        rejected: list[Row] = []
        found = lines(chart, used)
        for line in found if keep_rejected or chart.explain else _possible(found, tests, limits):
            verdict, why, failed = _judge_line(line, tests, signature)
            dated, why = _dated(verdict, why, line.evidence.when, limits, fact.within)
            if dated is TRUE and (doubts := _marked_unsure(line, unsure, signature)):
                dated, why = UNKNOWN, (*why, *doubts)
            columns = line.columns
            if failed and failed <= answers and within(line.evidence.when, limits) is TRUE:
                columns = {**columns, "refused": TRUE}
            row = Row(line.evidence, columns, dated, why, line.remarks, line.akin)
            (rejected if dated is FALSE else counted).append(row)
        return Rows(_remarked(counted), rejected)

    return read


def _marked_unsure(
    line: Row, unsure: Sequence[tuple[str, RowTest]], signature: ViewSignature
) -> tuple[str, ...]:
    """Why a line is unsure: a column marks it so, or data not obtained might."""
    doubts = []
    for name, test in unsure:
        cell, words = line.columns.get(name), signature.words.get(name, {})
        if cell is UNKNOWN:
            doubts.append(f"not known {words.get('', signature.labels.get(name, name))}")
        elif test(line.columns) is TRUE:
            doubts.append(words.get(str(cell), "marked as unsure"))
    return tuple(doubts)


def _remarked(counted: Sequence[Row]) -> Sequence[Row]:
    """The rows that count or may, each with what a reader should know beside."""
    if not any(row.remarks or row.akin for row in counted):
        return counted
    keys = {row.columns.get("key") for row in counted}
    return [
        replace(row, why=(*row.remarks, *row.why, *(told for key, told in row.akin if key in keys)))
        for row in counted
    ]


def _possible(
    lines: Sequence[Row], tests: Sequence[NamedTest], limits: tuple[datetime, datetime] | None
) -> Iterator[Row]:
    """The lines that are not rejected, told without working out why the others are."""
    for line in lines:
        if line.counts is FALSE or (limits is not None and within(line.evidence.when, limits) is FALSE):
            continue
        columns = line.columns
        for _, _, test in tests:
            if test(columns) is FALSE:
                break
        else:
            yield line


def _judge_line(
    line: Row, tests: Sequence[NamedTest], signature: ViewSignature
) -> tuple[Truth, tuple[str, ...], frozenset[str]]:
    """The verdict on one line, why, and the columns that failed (empty if another is undecided)."""
    if line.counts is FALSE:
        return FALSE, line.why, frozenset()
    open_questions, failures, failed = list(line.why), [], set()
    not_known: list[str] = []
    for name, spec, test in tests:
        answer = test(line.columns)
        cell, label = line.columns.get(name), signature.labels.get(name, name)
        words = signature.words.get(name, {})
        if answer is FALSE:
            failures.append(
                words.get(str(cell), "") or f"{said(cell, label, _limit(spec))}, {describe(spec)}"
            )
            failed.add(name)
        elif answer is UNKNOWN and "" in words and (cell is None or cell is UNKNOWN):
            not_known.append(words[""])
        elif answer is UNKNOWN:
            open_questions.append(_undecided(cell, label, spec))
    if not_known:
        open_questions.append(f"not known {', '.join(not_known)}")
    if failures:
        settled = not open_questions and line.counts is TRUE
        return FALSE, tuple(failures), frozenset(failed) if settled else frozenset()
    return (UNKNOWN if open_questions else line.counts), tuple(open_questions), frozenset()


def _undecided(cell: Cell, label: str, spec: WhereTest) -> str:
    if cell is None or cell is UNKNOWN:
        return f"{label} not known"
    if isinstance(spec, (InSet, NotInSet)):
        return f"{said(cell, label)} cannot be read here"
    return f"{said(cell, label, _limit(spec))}, {describe(spec)}"


def _limit(spec: WhereTest) -> float | None:
    return spec.number if isinstance(spec, Threshold) else None


def _row_test(name: str, spec: WhereTest, book: Rulebook) -> RowTest:
    if isinstance(spec, Threshold) and spec.table:
        rows, column, comparator = book.tables[spec.table].rows, spec.column, spec.comparator

        def look_up(columns: Mapping[str, Cell]) -> Truth:
            cell, code = columns.get(name), columns.get("key")
            row = rows.get(code) if isinstance(code, str) else None
            limit = row.values.get(column) if row is not None else None
            if not isinstance(cell, Quantity) or not isinstance(limit, (int, float)):
                return UNKNOWN
            return compare(cell.span, comparator, exactly(limit))

        return look_up
    test = cell_test(spec, Reader(book.terminology, name, chosen=name in _CHOSEN))
    return lambda columns: test(columns.get(name))


def latest_first(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows by date, latest first, undated ones last; the order does not depend on how they came."""
    if len(rows) < 2:
        return rows
    return sorted(rows, key=_recency, reverse=True)


def _recency(row: Row) -> tuple[bool, float, str]:
    when = row.evidence.when
    return (when is not None, when.start.timestamp() if when else 0.0, row.evidence.reference)
