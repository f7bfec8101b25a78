"""The view `answers`: one table of observations, their components, and questionnaire items.

Columns: code (what was asked), answer (coded, text or yes/no), number, date, status. Observations and
components match by code; questionnaire items by their linkId or its last part ("/44249-1/44260-8"), which is
how forms generated from LOINC panels name their items. `with: {scores: table}` gives coded or worded answers
their number. An item without any answer is no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import concept_codes
from cds_service.facts.elements import Codes, answer_codes, answer_number, effective
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.terminology import Coded
from cds_service.truth import exactly

_MOST_NESTING = 12
_ITEMS = "questionnaire-items"
LOINC = "http://loinc.org"


def answers(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of the answers to the questions in the call's value sets."""
    scores = _scores(call)

    def read(chart: Chart) -> Sequence[Row]:
        rows: list[Row] = []
        for entry, _ in chart.entries(call.keys, "Observation", call.code_in):
            rows.extend(_observation_rows(entry, call, chart, scores))
        asked = questionnaire_items(chart)
        found = {id(item): (entry, item) for name in call.code_in for entry, item in asked.get(name, ())}
        for entry, item in found.values():
            rows.extend(_item_rows(entry, item, chart, scores))
        return rows

    return read


def _scores(call: ViewCall) -> dict[str, float]:
    table = call.table("scores")
    if table is None:
        return {}
    column = table.columns[0]
    return {key.casefold(): float(row.values[column]) for key, row in table.rows.items()}


def _observation_rows(entry: Entry, call: ViewCall, chart: Chart, scores: dict[str, float]) -> Iterator[Row]:
    observation: fhir.Observation = entry.resource
    parts: list[Any] = [observation, *observation.component]
    for part in parts:
        codes = concept_codes(part.code)
        if call.matches(codes):
            yield from _row(
                entry, codes, part, observation.status, effective(observation, chart), chart, scores
            )


def _row(
    entry: Entry,
    codes: tuple[Coded, ...],
    valued: Any,
    status: str,
    when: Any,
    chart: Chart,
    scores: dict[str, float],
) -> Iterator[Row]:
    answer, number = answer_codes(valued), answer_number(valued)
    if answer is None and number is None:
        return
    number = number or _scored(answer, scores)
    issued = chart.when(getattr(entry.resource, "issued", ""))
    text = next((code.display for code in codes if code.display), codes[0].code if codes else "")
    columns: dict[str, Cell] = {
        "code": codes,
        "answer": answer,
        "number": number,
        "date": when or issued,
        "status": status or None,
        "issued": issued,
    }
    yield Row(Evidence(entry.reference, when or issued, text), columns)


def _scored(answer: Codes, scores: dict[str, float]) -> Quantity | None:
    for code in answer or ():
        score = scores.get(code.code.casefold())
        if score is not None:
            return Quantity(exactly(score))
    return None


def _item_rows(
    entry: Entry, item: fhir.ResponseItem, chart: Chart, scores: dict[str, float]
) -> Iterator[Row]:
    response: fhir.QuestionnaireResponse = entry.resource
    codes, when = (Coded(LOINC, _code_of(item.link_id), item.text),), chart.when(response.authored)
    for given in item.answer:
        yield from _row(entry, codes, given, response.status, when, chart, scores)


Items = dict[str, list[tuple[Entry, fhir.ResponseItem]]]


def questionnaire_items(chart: Chart) -> Items:
    """The answered items of all questionnaires by the value sets their code is in; read once per chart."""
    known: Items | None = chart.cache.get(_ITEMS)
    if known is None:
        known = chart.cache[_ITEMS] = {}
        sets_of, sets = chart.terminology.sets_of, dict[str, frozenset[str]]()
        for entry, _ in chart.entries(("questionnaire-responses",), "QuestionnaireResponse", None):
            for item in _items(entry.resource.item, 0):
                if item.answer:
                    code = _code_of(item.link_id)
                    if code not in sets:
                        sets[code] = sets_of(LOINC, code)
                    for name in sets[code]:
                        known.setdefault(name, []).append((entry, item))
    return known


@lru_cache(4096)
def _code_of(link_id: str) -> str:
    """The code an item is named by: its linkId or the last part of it."""
    return link_id.rstrip("/").rpartition("/")[2]


def _items(items: Sequence[fhir.ResponseItem], depth: int) -> Iterator[fhir.ResponseItem]:
    for item in items:
        yield item
        if item.item and depth < _MOST_NESTING:
            yield from _items(item.item, depth + 1)
