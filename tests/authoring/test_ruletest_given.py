"""What stands for a fact in a test is read as the fact would have answered."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from math import inf
from typing import Any

import pytest

from cds_service.authoring.given import GivenError, finding_of, kind_of, unit_of
from cds_service.facts.dates import EVER, When
from cds_service.facts.finding import Quantity, Row
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

ASK = "What does the chart say?"


def find(kind: str, give: str, **more: Any) -> dict[str, Any]:
    return {"ask": ASK, "find": kind, "give": give} | more


RULE = Rule.model_validate(
    {
        "rule": "every-kind",
        "title": "Every kind of fact",
        "version": "1.0.0",
        "status": "draft",
        "kind": "caution",
        "about": {"purpose": "To test", "population": "Nobody", "owner": "tests"},
        "evidence": [
            {"source": 1, "claim": "So", "direction": "for", "strength": "consensus", "certainty": "low"}
        ],
        "data": {
            "other": {"ask": ASK, "conclusion": "other-rule"},
            "found": find("Condition", "exists", code_in="some-set"),
            "asked": {"ask": ASK, "view": "answers", "code_in": "some-set", "give": "any_yes"},
            "many": find("Condition", "count", code_in="some-set"),
            "age": find("Patient", "age"),
            "weight": find("Observation", "latest value", code_in="some-set", unit="kg"),
            "first": find("Condition", "earliest date", code_in="some-set"),
            "reading": {"ask": ASK, "view": "blood_pressure", "give": "latest reading"},
        },
        "logic": {
            "any": ["other", "reading.systolic > 140 mm[Hg] [1]", "many >= 2 [1]", "first < 7 days [1]"]
        },
        "cards": {"when_true": "silent", "when_unknown": "silent", "when_false": "silent"},
    }
)


def given(name: str, value: Any) -> Any:
    return finding_of(RULE, name, value, UTC)


@pytest.mark.parametrize("name", sorted(RULE.data))
def test_any_fact_may_be_unknown(name: str) -> None:
    assert given(name, "unknown").state is UNKNOWN


@pytest.mark.parametrize("name", ["other", "found", "asked"])
def test_a_question_is_answered_yes_or_no(name: str) -> None:
    assert given(name, True).state is TRUE
    assert given(name, False).state is FALSE


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (3, Span(3, 3)),
        (2.5, Span(2.5, 2.5)),
        ("2+", Span(2, inf)),
        ("0+", Span(0, inf)),
        ("2 to 4", Span(2, 4)),
        ("<= 5", Span(-inf, 5)),
    ],
)
def test_a_number_may_be_exact_or_a_bound(value: Any, span: Span) -> None:
    assert given("many", value).value == Quantity(span)


def test_a_number_has_the_unit_of_its_fact() -> None:
    assert given("weight", 70).value == Quantity(Span(70, 70), "kg")
    assert given("age", 44).value.unit == "a"
    assert unit_of(RULE, "reading", "systolic") == "mm[Hg]"
    assert unit_of(RULE, "first") == ""


def test_a_date_is_the_interval_it_names() -> None:
    east = timezone(timedelta(hours=2))
    when = finding_of(RULE, "first", "2025-03-01", east).value
    assert isinstance(when, When)
    assert when.start.isoformat() == "2025-02-28T22:00:00+00:00"
    assert given("first", "2025").value.end.year == 2026


def test_a_first_date_of_a_partial_record_may_be_earlier() -> None:
    when = given("first", "2025-03-01 or earlier").value
    assert (when.start, str(when)) == (EVER, "2025-03-01")


def test_a_reading_has_its_columns() -> None:
    row = given("reading", {"systolic": 150, "diastolic": 80, "date": "2026-02-01"}).value
    assert isinstance(row, Row)
    assert row.columns["systolic"] == Quantity(Span(150, 150), "mm[Hg]")
    assert row.evidence.when == row.columns["date"]


def test_words_stand_for_what_was_found() -> None:
    finding = given("found", "Broken toe")
    assert finding.state is TRUE
    assert finding.rows[0].evidence.text == "Broken toe"


def test_columns_stand_for_the_row_found() -> None:
    finding = given("asked", {"display": "Item 9", "number": "2+", "date": "2026-02-01", "answer": "unknown"})
    assert finding.state is TRUE
    (row,) = finding.rows
    assert row.evidence.text == "Item 9"
    assert row.columns["number"] == Quantity(Span(2, inf))
    assert row.columns["answer"] is None


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("other", "yes", "true, false or unknown"),
        ("other", 1, "true, false or unknown"),
        ("other", {"a": 1}, "true, false or unknown"),
        ("found", 2, "true, false or unknown"),
        ("found", "2+", "true, false or unknown"),
        ("many", True, "a number"),
        ("many", "some", "a number"),
        ("many", "4 to 2", "a number"),
        ("age", {"years": 3}, "a number"),
        ("first", 2025, "year-month-day"),
        ("first", "2025-13-01", "year-month-day"),
        ("first", True, "year-month-day"),
        ("reading", 150, "columns"),
        ("reading", {"date": "soon"}, "year-month-day"),
    ],
)
def test_a_value_the_fact_can_never_give_is_refused(name: str, value: Any, hint: str) -> None:
    with pytest.raises(GivenError) as refused:
        given(name, value)
    assert name in str(refused.value)
    assert hint in refused.value.hint


def test_each_fact_has_its_kind() -> None:
    assert {kind_of(fact) for fact in RULE.data.values()} == {"yes/no", "number", "date", "reading"}
