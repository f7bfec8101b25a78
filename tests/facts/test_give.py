"""From rows to one answer: what is sure, what may be, what has no date, and what was not obtained."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, ask, bundle, concept, condition, observation, quantity, span_of

from cds_service.facts.dates import EVER, When
from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

inf = float("inf")
SURE, MAYBE, OTHER = condition("I67.1"), condition("I67.1", verification="provisional"), condition("E11.9")
WORDS = condition(concept(text="aneurysm, they say"))
OLD, NEW = condition("I67.1", "2020-05-01"), condition("I67.1", "2025-05-01")
COMPLETE, PARTIAL = {"record": "complete"}, {"record": "partial"}


def illness(give: str, *resources: Json, record: str = "complete", **call: Any) -> Finding:
    fact = {
        "find": "Condition",
        "code_in": ["aneurysm"],
        "unsure": {"verificationStatus": ["provisional"]},
        "give": give,
    }
    return ask(fact | ({"record": record} if "latest" not in give else {}), *resources, **call)


@pytest.mark.parametrize(
    ("rows", "record", "state"),
    [
        ([SURE], "complete", TRUE),
        ([SURE], "partial", TRUE),
        ([SURE, MAYBE, WORDS], "complete", TRUE),
        ([MAYBE], "complete", UNKNOWN),
        ([WORDS], "complete", UNKNOWN),
        ([OTHER], "complete", FALSE),
        ([], "complete", FALSE),
        ([], "partial", UNKNOWN),
        ([OTHER], "partial", UNKNOWN),
    ],
)
def test_presence_needs_one_sure_row_and_absence_a_complete_record(
    rows: list[Json], record: str, state: Truth
) -> None:
    assert illness("exists", *rows, record=record).state is state


LOST: list[dict[str, Any]] = [
    {"without": ["conditions"]},
    {"prefetch": {"conditions": {"resourceType": "OperationOutcome"}}},
    {"prefetch": {"conditions": bundle(more=True)}},
]


@pytest.mark.parametrize("lost", LOST)
def test_nothing_found_where_not_all_was_obtained_is_unknown_and_says_why(lost: dict[str, Any]) -> None:
    found = illness("exists", **lost)
    assert found.state is UNKNOWN
    assert [item.key for item in found.because] == ["conditions"]


def test_one_found_is_enough_where_not_all_was_obtained() -> None:
    found = illness("exists", prefetch={"conditions": bundle(SURE, more=True)})
    assert (found.state, found.because) == (TRUE, (("conditions", "truncated"),))


def test_only_the_sure_rows_are_shown_where_there_are_any() -> None:
    assert [row.evidence.reference for row in illness("exists", SURE, MAYBE).rows] == [
        f"Condition/{SURE['id']}"
    ]
    (row,) = illness("exists", MAYBE).rows
    assert (row.counts, row.why) == (UNKNOWN, ("marked as unsure",))


@pytest.mark.parametrize(
    ("rows", "record", "span"),
    [
        ([], "complete", Span(0, 0)),
        ([SURE, OLD, NEW], "complete", Span(3, 3)),
        ([SURE, MAYBE, WORDS, OTHER], "complete", Span(1, 3)),
        ([SURE, MAYBE], "partial", Span(1, inf)),
        ([], "partial", Span(0, inf)),
    ],
)
def test_a_count_is_between_the_sure_and_the_possible(rows: list[Json], record: str, span: Span) -> None:
    assert span_of(illness("count", *rows, record=record)) == span


def test_the_top_of_a_count_is_open_where_not_all_was_obtained() -> None:
    assert span_of(illness("count", prefetch={"conditions": bundle(SURE, total=5)})) == Span(1, inf)


@pytest.mark.parametrize(
    ("dates", "span"),
    [
        (["2026-02-01", "2026-02-01T10:00:00Z"], Span(1, 1)),
        (["2026-02-01", "2026-02-02"], Span(2, 2)),
        (["2026-02-01", "2026-02"], Span(1, 2)),
        (["2026-02", "2026-02"], Span(1, 2)),
        (["2026-02-01", None], Span(1, 2)),
        ([None], Span(1, 1)),
        ([], Span(0, 0)),
    ],
)
def test_different_days_are_counted_and_a_vague_one_may_be_one_of_them(dates: list[Any], span: Span) -> None:
    rows = [condition("I67.1", date) for date in dates]
    assert span_of(illness("count_distinct day", *rows)) == span


# --- dates ---------------------------------------------------------------------------------------


def moment(finding: Finding) -> When:
    assert isinstance(finding.value, When)
    return finding.value


def test_the_earliest_date_of_a_complete_record_is_that_date() -> None:
    assert moment(illness("earliest date", NEW, OLD)).text == "2020-05-01"
    assert moment(illness("earliest date", NEW, OLD)).start.year == 2020


def test_the_earliest_date_of_a_partial_record_means_on_or_before() -> None:
    found = moment(illness("earliest date", NEW, OLD, record="partial"))
    assert (found.start, found.end.date().isoformat()) == (EVER, "2020-05-02")


def test_an_unsure_or_undated_row_may_be_the_earliest() -> None:
    maybe = condition("I67.1", "2019-01-01", verification="provisional")
    assert moment(illness("earliest date", OLD, maybe)).start.year == 2019
    assert moment(illness("earliest date", OLD, maybe)).end.year == 2020
    assert moment(illness("earliest date", OLD, condition("I67.1"))).start == EVER


def test_the_latest_date_may_be_that_of_an_unsure_row() -> None:
    maybe = condition("I67.1", "2025-11-01", verification="provisional")
    found = moment(illness("latest date", OLD, NEW, maybe))
    assert (found.start.date().isoformat(), found.end.date().isoformat()) == ("2025-05-01", "2025-11-02")


@pytest.mark.parametrize("give", ["latest date", "earliest date"])
def test_first_and_last_are_unknown_where_not_all_was_obtained_or_nothing_is_sure(give: str) -> None:
    assert illness(give, prefetch={"conditions": bundle(OLD, more=True)}).state is UNKNOWN
    assert illness(give, MAYBE).state is UNKNOWN
    assert illness(give, condition("I67.1")).state is UNKNOWN
    assert illness(give).state is UNKNOWN


def test_an_undated_row_may_be_the_latest() -> None:
    assert illness("latest date", NEW, condition("I67.1")).state is UNKNOWN


# --- the latest value ----------------------------------------------------------------------------

SCORE = {"find": "Observation", "code_in": ["phq9-total"], "give": "latest value", "unit": "{score}"}


def score(value: Any, when: str | None = "2026-02-25", **more: Any) -> Json:
    return observation("44261-6", value, when, **more)


def latest(*rows: Json, **call: Any) -> Finding:
    return ask(SCORE, *rows, **call)


def test_the_latest_value_is_that_of_the_latest_date() -> None:
    assert span_of(latest(score(10, "2026-01-01"), score(21), score(5, "2025-01-01"))) == Span(21, 21)


def test_of_one_day_with_clock_times_the_last_stands() -> None:
    rows = score(10, "2026-02-25T08:00:00Z"), score(21, "2026-02-25T09:00:00Z")
    assert span_of(latest(*rows)) == Span(21, 21)


def test_of_one_day_without_clock_times_either_may_be_the_latest() -> None:
    assert span_of(latest(score(10), score(21), score(15))) == Span(10, 21)
    assert span_of(latest(score(10, "2026-02-25T08:00:00Z"), score(21))) == Span(10, 21)


def test_of_one_time_the_one_issued_later_stands() -> None:
    first, second = score(10, issued="2026-02-25T10:00:00Z"), score(21, issued="2026-02-25T11:00:00Z")
    assert span_of(latest(first, second)) == span_of(latest(second, first)) == Span(21, 21)
    assert span_of(latest(first, score(21))) == Span(10, 21)


def test_being_issued_later_says_nothing_of_readings_of_different_times() -> None:
    """One of some day in February, reported last, may be older than one of the 20th."""
    vague, dated = (
        score(5, "2026-02", issued="2026-02-25T10:00:00Z"),
        score(21, "2026-02-20", issued="2026-02-20"),
    )
    assert span_of(latest(vague, dated)) == Span(5, 21)


def test_an_undated_or_unsure_value_may_be_the_latest() -> None:
    assert span_of(latest(score(21), score(5, None))) == Span(5, 21)
    unsure = SCORE | {"unsure": {"status": ["preliminary"]}}
    found = ask(unsure, score(21, "2026-01-01"), score(5, status="preliminary"))
    assert span_of(found) == Span(5, 21)
    assert ask(unsure, score(5, status="preliminary")).state is UNKNOWN


def test_a_latest_reading_without_a_number_leaves_the_value_unknown() -> None:
    assert latest(score(10, "2026-01-01"), score("high")).state is UNKNOWN
    assert latest(score(10, "2026-01-01"), score({})).state is UNKNOWN


def test_the_latest_value_is_unknown_where_not_all_was_obtained() -> None:
    assert latest(prefetch={"observations-depression-scores": bundle(score(21), more=True)}).state is UNKNOWN


def test_amounts_in_different_units_are_not_mixed() -> None:
    weight = {"find": "Observation", "code_in": ["body-weight"], "give": "latest value"}
    rows = [observation("29463-7", {"valueQuantity": quantity(70, unit)}) for unit in ("kg", "[lb_av]")]
    assert ask(weight, *rows).state is UNKNOWN
    assert span_of(ask(weight | {"unit": "kg"}, *rows)).high == 70
    assert ask(weight | {"unit": "cm"}, *rows).state is UNKNOWN


# --- the latest reading --------------------------------------------------------------------------

PRESSURE = {"view": "blood_pressure", "give": "latest reading", "unit": "mm[Hg]"}


def pressure(systolic: float, diastolic: float, when: str | None = "2026-02-25") -> Json:
    parts = [("8480-6", systolic), ("8462-4", diastolic)]
    component = [{"code": concept(code), "valueQuantity": quantity(value, "mm[Hg]")} for code, value in parts]
    return observation("85354-9", {}, when, component=component)


def reading(*rows: Json) -> dict[str, Any]:
    found = ask(PRESSURE, *rows)
    assert isinstance(found.value, Row)
    return {
        name: cell.span if isinstance(cell, Quantity) else cell for name, cell in found.value.columns.items()
    }


def test_both_numbers_come_from_the_same_reading() -> None:
    found = reading(pressure(150, 70, "2026-02-24"), pressure(120, 95))
    assert (found["systolic"], found["diastolic"]) == (Span(120, 120), Span(95, 95))


def test_two_readings_of_one_day_make_intervals_and_differing_words_none() -> None:
    found = reading(pressure(150, 70), pressure(120, 95))
    assert (found["systolic"], found["diastolic"]) == (Span(120, 150), Span(70, 95))
    assert str(found["date"]) == "2026-02-25"
    assert reading(pressure(150, 70), pressure(120, 95, None))["date"] is None


# --- any yes -------------------------------------------------------------------------------------

PLAN = {
    "view": "answers",
    "code_in": ["cssrs-intent-or-plan"],
    "where": {"answer": {"in": "affirmative-answers"}, "status": ["final"]},
    "within": "30 days [13]",
    "give": "any_yes",
}


def said(value: Any, when: str | None = "2026-02-25", **more: Any) -> Json:
    return observation("93249-1", value, when, **more)


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], UNKNOWN),
        ([said(True)], TRUE),
        ([said(False)], FALSE),
        ([said(True, "2026-02-01"), said(False)], TRUE),
        ([said(False), said("perhaps")], UNKNOWN),
        ([said("no"), said({"valueCodeableConcept": concept("LA32-8")})], FALSE),
        ([said("YES")], TRUE),
        ([said(True, "2025-12-01")], UNKNOWN),
        ([said(False, "2025-12-01")], UNKNOWN),
        ([said(True, None)], UNKNOWN),
        ([said(False, None)], UNKNOWN),
        ([said(False), said(True, None)], UNKNOWN),
        ([said(False), said(True, "2025-12-01")], FALSE),
        ([said(False, status="preliminary")], UNKNOWN),
        ([said(True, status="preliminary")], UNKNOWN),
        ([said(False), said(True, status="preliminary")], FALSE),
        ([said({})], UNKNOWN),
    ],
)
def test_any_yes_is_false_only_if_asked_and_answered_no(rows: list[Json], state: Truth) -> None:
    assert ask(PLAN, *rows, explain=False).state is state


def test_a_no_is_not_enough_where_not_all_was_obtained() -> None:
    assert ask(PLAN, said(False), without=["questionnaire-responses"]).state is UNKNOWN
    assert ask(PLAN, said(True), without=["questionnaire-responses"]).state is TRUE
