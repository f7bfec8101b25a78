"""Entries dated after now: they may count, at any time, and clear nothing that stands without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chart_builder import (
    Json,
    administration,
    ask,
    book,
    chart,
    condition,
    dispense,
    fact,
    keys_of,
    observation,
    response,
    span_of,
    statement,
)

from cds_service.facts.ahead import dated_ahead, notes_ahead, reports_ahead
from cds_service.facts.extract import fact_reader
from cds_service.facts.finding import Finding
from cds_service.facts.prefetch import fact_keys
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

LATER, EARLIER = "2026-03-01T18:00:00Z", "2026-03-01T09:00:00Z"
ITEM_9 = "44260-8"
LATEST: Json = {
    "view": "answers",
    "code_in": ["phq9-item-9"],
    "within": "30 days [13]",
    "give": "latest value",
}


def without_them(data: Json, *resources: Json) -> Finding:
    """The answer of a fact where what is dated ahead is left out."""
    asked = fact(data)
    read = replace(chart(*resources, keys=fact_keys(asked, book())), by_now=True, cache={})
    return fact_reader(asked, book())(read, {})


@pytest.mark.parametrize(
    ("resource", "ahead"),
    [
        (observation(ITEM_9, 1, LATER), True),
        (observation(ITEM_9, 1, "2026-03-01"), False),
        (observation(ITEM_9, 1, "2026-03"), False),
        (observation(ITEM_9, 1, "2026-03-01T12:05:00Z"), False),
        (observation(ITEM_9, 1, "2026-03-01T14:00:00+02:00"), False),
        (observation(ITEM_9, 1, None), False),
        (observation(ITEM_9, 1, None, issued=LATER), True),
        (observation(ITEM_9, 1, LATER, status="registered"), False),
        (observation("9999-9", 1, LATER), False),
        (response(when=LATER), True),
        (administration("6130", LATER), True),
        (administration("6130", LATER, "not-done"), False),
        (administration("6130", None, effectivePeriod={"start": EARLIER, "end": LATER}), False),
        (dispense("312938", LATER), True),
        (statement("312938", start="2026-04-01"), False),
        (condition(onset="2027"), True),
        (condition(recorded=LATER), True),
        (condition(onset="2024", recorded=LATER), False),
        (condition("K80.20", recorded=LATER), False),
    ],
)
def test_what_is_dated_ahead(resource: Json, ahead: bool) -> None:
    read = chart(resource, keys=keys_of(resource))
    assert dated_ahead(read) == ({f"{resource['resourceType']}/{resource['id']}"} if ahead else set())
    assert [note.code for note in notes_ahead(read)] == (["dated-ahead"] if ahead else [])


def test_a_list_entry_is_no_result() -> None:
    result, problem = observation(ITEM_9, 1, LATER), condition(onset="2027")
    assert reports_ahead(chart(result, keys=keys_of(result)))
    assert not reports_ahead(chart(problem, keys=keys_of(problem)))


def test_the_latest_value_may_be_the_one_dated_ahead() -> None:
    rows = observation(ITEM_9, 2, EARLIER), observation(ITEM_9, 0, LATER)
    assert span_of(ask(LATEST, *rows)) == Span(0, 2)
    assert span_of(without_them(LATEST, *rows)) == Span(2, 2)


@pytest.mark.parametrize(
    ("data", "resource"),
    [
        ({"find": "Observation", "code_in": ["phq9-item-9"]}, observation(ITEM_9, 1, LATER)),
        ({"view": "answers", "code_in": ["phq9-item-9"]}, observation(ITEM_9, 1, LATER)),
        ({"view": "body_weight"}, observation("29463-7", {"valueQuantity": {"value": 70}}, "2026-04-02")),
        ({"view": "treatment_sessions", "code_in": ["ketamine"]}, administration("6130", "2026-03-02")),
        (
            {"view": "current_drugs", "code_in": ["antidepressant"], "where": {"current": ["true"]}},
            dispense("312938", "2026-03-05"),
        ),
        (
            {
                "view": "current_drugs",
                "code_in": ["ketamine"],
                "with": {"given_within": "30 days [13]"},
                "where": {"current": ["true"]},
            },
            administration("6130", LATER),
        ),
    ],
)
def test_it_may_be_there_and_is_not_without_it(data: Json, resource: Json) -> None:
    asked: Json = {**data, "give": "exists", "record": "complete", "because": "a list"}
    found = ask(asked, resource)
    assert found.state is UNKNOWN
    assert "dated after the time of this call: check its date" in found.rows[0].why
    assert without_them(asked, resource).state is FALSE


@pytest.mark.parametrize("answered", [TRUE, FALSE])
def test_a_problem_on_the_list_may_be_there_either_way(answered: Truth) -> None:
    asked: Json = {"find": "Condition", "code_in": ["aneurysm"], "give": "exists", "record": "complete"}
    row: Any = condition("I67.1", recorded=LATER)
    found = ask(asked, row) if answered is TRUE else without_them(asked, row)
    assert found.state is UNKNOWN
