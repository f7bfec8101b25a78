"""The view `answers`: one table of observations, their components, and questionnaire items.

Columns: code (what was asked), answer (coded, text or yes/no), number, date, status, told. Observations and
components match by code; questionnaire items, at any depth, by their linkId or its last part
("/44249-1/44260-8"), which is how forms generated from LOINC panels name their items, or by the last part of
their definition. A component or item that these name in no value set may be a question whose words it holds:
a row that may count, `told` in words. `with: {scores: table}` gives coded or worded answers their number; a
number that `with: {plausible: table}` rules out is open, and the row stays, as it does for an answer in a
shape nobody reads (a range, a date). An item without any answer is no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from cds_service.facts import fhir
from cds_service.facts.ahead import put_in_doubt
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When
from cds_service.facts.elements import (
    answer_codes,
    answer_elsewhere,
    answer_number,
    authored,
    effective,
    issued,
)
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.parts import parts_of
from cds_service.facts.views.plausible import Plausible
from cds_service.rulebook.terminology import Coded, Terminology
from cds_service.truth import UNKNOWN, exactly

_MOST_NESTING = 12
_ITEMS, _OBSERVED = "questionnaire-items", "observed-answers"
_NO_SETS: frozenset[str] = frozenset()
LOINC = "http://loinc.org"
BY_CODE, IN_WORDS = "code", "words"
"""How a row's question is told."""


def answers(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of the answers to the questions in the call's value sets."""
    scores, wanted, plausible = _scores(call), frozenset(call.code_in), Plausible.of(call)

    def read(chart: Chart) -> Sequence[Row]:
        rows: list[SetRow] = []
        for entry, _ in chart.entries(call.keys, "Observation", call.code_in):
            rows += [one for one in _observation_rows(entry, chart) if not wanted.isdisjoint(one[0])]
        asked = questionnaire_items(chart)
        found = {id(one.item): one for name in call.code_in for one in asked.get(name, ())}
        for one in found.values():
            rows += [(one.sets, row) for row in _item_rows(one, chart)]
        scored = [(sets, _with_score(row, scores)) for sets, row in rows] if scores else rows
        return put_in_doubt([plausible.believed(row, sets & wanted) for sets, row in scored], chart)

    return read


def _scores(call: ViewCall) -> dict[str, float]:
    table = call.table("scores")
    if table is None:
        return {}
    column = table.columns[0]
    return {key.casefold(): float(row.values[column]) for key, row in table.rows.items()}


SetRow = tuple[frozenset[str], Row]


def _observation_rows(entry: Entry, chart: Chart) -> Sequence[SetRow]:
    """The answers of an observation, each with the sets of its question; read once per chart."""
    known: dict[int, list[SetRow]] = chart.cache.setdefault(_OBSERVED, {})
    rows = known.get(id(entry))
    if rows is None:
        observation: fhir.Observation = entry.resource
        when, status = effective(observation, chart), observation.status
        rows = known[id(entry)] = []
        for part, asked in parts_of(entry):
            row = _row(entry, asked.codes, part, status, when, chart)
            if row is not None:
                told = (asked.sets, row) if asked.sets else (asked.may_mean, _in_words(row))
                rows.append(told)
    return rows


def _row(
    entry: Entry, codes: tuple[Coded, ...], valued: Any, status: str, when: When | None, chart: Chart
) -> Row | None:
    answer, number = answer_codes(valued), answer_number(valued)
    if answer is None and number is None:
        answer = answer_elsewhere(valued)
        if answer is None:
            return None
    given_out = issued(entry.resource, chart) if isinstance(entry.resource, fhir.Observation) else None
    text = next((code.display for code in codes if code.display), "") or chart.terminology.name_of(codes)
    text = text or (codes[0].code if codes else "")
    columns: dict[str, Cell] = {
        "code": codes,
        "answer": answer,
        "number": number,
        "date": when or given_out,
        "status": status or None,
        "issued": given_out,
        "told": BY_CODE,
    }
    return Row(Evidence(entry.reference, when or given_out, text), columns)


def _with_score(row: Row, scores: Mapping[str, float]) -> Row:
    """The row with the number that the table gives its answer, if it has none of its own."""
    answer = row.columns["answer"]
    if row.columns["number"] is not None or not isinstance(answer, tuple):
        return row
    return Row(row.evidence, {**row.columns, "number": _scored(answer, scores)}, row.counts, row.why)


def _scored(answer: tuple[Coded, ...], scores: Mapping[str, float]) -> Quantity | None:
    for code in answer:
        score = scores.get(code.code.casefold())
        if score is not None:
            return Quantity(exactly(score))
    return None


class Asked(NamedTuple):
    """An answered item of a questionnaire, and how its question is told."""

    entry: Entry
    item: fhir.ResponseItem
    sets: frozenset[str]
    told: str


def _item_rows(asked: Asked, chart: Chart) -> Iterator[Row]:
    entry, item, _, told = asked
    response: fhir.QuestionnaireResponse = entry.resource
    named = _codes_of(item) if told == BY_CODE else ()
    codes = tuple(Coded(LOINC, code, item.text) for code in named) or (Coded("text", item.text, item.text),)
    when = authored(response, chart)
    rows = (_row(entry, codes, given, response.status, when, chart) for given in item.answer)
    return (row if told == BY_CODE else _in_words(row) for row in rows if row is not None)


def _in_words(row: Row) -> Row:
    """The row of a question told by its text: it may be the question asked for, and never more."""
    columns: dict[str, Cell] = {**row.columns, "told": IN_WORDS}
    return Row(row.evidence, columns, UNKNOWN, ("the question is told in words",))


Items = dict[str, list[Asked]]


def questionnaire_items(chart: Chart) -> Items:
    """The answered items of all questionnaires by the value sets they ask about; read once per chart."""
    known: Items | None = chart.cache.get(_ITEMS)
    if known is None:
        known = chart.cache[_ITEMS] = {}
        for entry, _ in chart.entries(("questionnaire-responses",), "QuestionnaireResponse", None):
            for item in _items(entry.resource.item, 0):
                if item.answer:
                    names, told = _asked_about(item, chart.terminology)
                    for name in names:
                        known.setdefault(name, []).append(Asked(entry, item, names, told))
    return known


def _asked_about(item: fhir.ResponseItem, terminology: Terminology) -> tuple[frozenset[str], str]:
    """The value sets an item asks about, by its codes, or else by its words; and by which of them."""
    names = _NO_SETS.union(*(terminology.sets_of(LOINC, code) for code in _codes_of(item)))
    if names or not item.text:
        return names, BY_CODE
    return terminology.asked_in((Coded("text", item.text),)), IN_WORDS


def _codes_of(item: fhir.ResponseItem) -> tuple[str, ...]:
    """The codes an item is named by, each once: of its linkId, and of its definition if it has one."""
    link = _last_part(item.link_id)
    defined = _last_part(item.definition) if item.definition else link
    return (link,) if link == defined else (link, defined)


@lru_cache(4096)
def _last_part(name: str) -> str:
    """What stands after the last slash or number sign."""
    return name.rstrip("/").replace("#", "/").rpartition("/")[2]


def _items(items: Sequence[fhir.ResponseItem], depth: int) -> Iterator[fhir.ResponseItem]:
    """Every item, with those nested in it and in its answers."""
    for item in items:
        yield item
        if depth < _MOST_NESTING:
            for nested in (item.item, *[given.item for given in item.answer]):
                if nested:
                    yield from _items(nested, depth + 1)
