"""The views `answers`, `blood_pressure`, `body_weight`: one row per answer or reading, however sent."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, ask, coding, concept, item, observation, quantity, response

from cds_service.facts.finding import Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

inf = float("inf")


def rows(fact: Json, *resources: Json, **call: Any) -> list[Row]:
    found = ask(fact | {"give": "count", "record": "complete"}, *resources, **call)
    return [*found.rows, *found.rejected]


def number(row: Row, column: str = "number") -> Span | None:
    cell = row.columns[column]
    return cell.span if isinstance(cell, Quantity) else None


# --- answers -------------------------------------------------------------------------------------

ITEM_9 = {"view": "answers", "code_in": ["phq9-item-9"], "with": {"scores": "phq9-answer-scores"}}
PLAN = {"view": "answers", "code_in": ["cssrs-intent-or-plan"]}


def points(value: Any) -> Span | None:
    (row,) = rows(ITEM_9, observation("44260-8", value))
    return number(row)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        ({"valueInteger": 2}, 2),
        ({"valueQuantity": {"value": 1}}, 1),
        ("2", 2),
        (" 2 ", 2),
        ({"valueCodeableConcept": concept("LA6571-9")}, 3),
        ({"valueCodeableConcept": concept("LA6568-5")}, 0),
        ({"valueCodeableConcept": concept(text="More than half the days")}, 2),
        ({"valueCodeableConcept": concept(coding("x", "urn:site"), text="Nearly every day")}, 3),
        ("Several days", 1),
        ("several", None),
        ("2.5", None),
        ("²", None),
        ({"valueCodeableConcept": concept("LA33-6")}, None),
        (True, None),
    ],
)
def test_a_score_is_read_from_any_kind_of_value(value: Any, expected: float | None) -> None:
    assert points(value) == (None if expected is None else Span(expected, expected))


def test_a_comparator_makes_the_score_an_interval() -> None:
    assert points({"valueQuantity": quantity(2, "{score}", ">=")}) == Span(2, inf)


@pytest.mark.parametrize(
    "value", [{}, {"valueQuantity": {"unit": "{score}"}}, {"dataAbsentReason": concept(text="x")}]
)
def test_a_question_without_an_answer_is_no_row(value: Json) -> None:
    assert rows(ITEM_9, observation("44260-8", value)) == []


def test_components_are_answers_to_their_own_question() -> None:
    parts = [
        {"code": concept(code), "valueInteger": value} for code, value in (("44250-9", 1), ("44260-8", 3))
    ]
    (row,) = rows(ITEM_9, observation("44249-1", 21, component=parts))
    assert (number(row), str(row.columns["date"]), row.columns["status"]) == (
        Span(3, 3),
        "2026-02-25",
        "final",
    )


@pytest.mark.parametrize("link", ["44260-8", "/44260-8", "/44249-1/44260-8", "/44249-1/44260-8/"])
def test_items_of_a_questionnaire_are_told_by_the_end_of_their_link(link: str) -> None:
    (row,) = rows(ITEM_9, response(item(link, {"valueCoding": coding("LA6570-1")})))
    assert (number(row), row.columns["status"]) == (Span(2, 2), "completed")


@pytest.mark.parametrize("link", ["9", "x44260-8", "44260-8/x", "", "44260-80"])
def test_another_link_is_another_question(link: str) -> None:
    assert rows(ITEM_9, response(item(link, {"valueInteger": 3}))) == []


def told_in_words(text: str, link: str = "9") -> list[Row]:
    return rows(ITEM_9, response(item(link, {"valueCoding": coding("LA6570-1")}) | {"text": text}))


def test_an_item_without_a_code_is_maybe_the_question_whose_words_it_holds() -> None:
    (row,) = told_in_words("Thoughts that you would be better off dead")
    assert (row.counts, number(row), row.columns["told"]) == (UNKNOWN, Span(2, 2), "words")
    assert row.why == ("the question is told in words",)


@pytest.mark.parametrize("text", ["Feeling tired", "", "9", "心", "see note"])
def test_an_item_whose_words_say_nothing_of_the_question_is_none(text: str) -> None:
    assert told_in_words(text) == []


def test_the_code_of_an_item_says_what_it_is_whatever_its_words() -> None:
    assert told_in_words("Thoughts of being better off dead", "/93250-9") == []
    (row,) = told_in_words("Feeling tired", "/44260-8")
    assert (row.counts, row.columns["told"]) == (TRUE, "code")


def test_nested_items_and_several_answers_are_found() -> None:
    inner = item("/44260-8", {"valueInteger": 1}, {"valueInteger": 2})
    nested = response(item("/44249-1", items=[item("group", items=[inner])]))
    assert sorted(number(row) == Span(2, 2) for row in rows(ITEM_9, nested)) == [False, True]


def test_items_nested_without_end_are_not_followed_for_ever() -> None:
    deep = item("/44260-8", {"valueInteger": 1})
    for _ in range(200):
        deep = item("group", items=[deep])
    assert rows(ITEM_9, response(deep)) == []


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"valueBoolean": True}, TRUE),
        ({"valueBoolean": False}, FALSE),
        ({"valueCoding": coding("LA33-6")}, TRUE),
        ({"valueCoding": {"display": "Yes"}}, TRUE),
        ({"valueCoding": coding("LA32-8")}, FALSE),
        ({"valueString": "No"}, FALSE),
        ({"valueString": "not sure"}, UNKNOWN),
        ({"valueInteger": 1}, UNKNOWN),
    ],
)
def test_yes_and_no_come_as_flag_code_or_word(given: Json, verdict: Truth) -> None:
    fact = PLAN | {"where": {"answer": {"in": "affirmative-answers"}}, "give": "any_yes"}
    assert ask(fact, response(item("/93250-9", given))).state is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("completed", TRUE), ("amended", TRUE), ("in-progress", UNKNOWN), ("stopped", UNKNOWN)],
)
def test_a_questionnaire_still_being_filled_in_says_nothing_yet(status: str, verdict: Truth) -> None:
    where = {"answer": {"in": "affirmative-answers"}, "status": ["completed", "amended"]}
    fact = PLAN | {"where": where, "give": "any_yes"}
    assert ask(fact, response(item("/93250-9", {"valueBoolean": True}), status=status)).state is verdict


def test_an_answer_without_a_time_of_its_own_has_the_time_it_was_issued() -> None:
    (row,) = rows(PLAN, observation("93249-1", True, None, issued="2026-02-20T10:00:00Z"))
    assert str(row.columns["date"]) == "2026-02-20"


def test_an_observation_without_a_value_is_answered_by_its_interpretation() -> None:
    told = {"interpretation": [concept(coding("POS", "urn:site"))]}
    (row,) = rows(PLAN, observation("93249-1", {}, **told))
    assert isinstance(row.columns["answer"], tuple)
    assert [code.code for code in row.columns["answer"]] == ["POS"]
    (row,) = rows(PLAN, observation("93249-1", False, **told))
    assert isinstance(row.columns["answer"], tuple)
    assert [code.code for code in row.columns["answer"]] == ["false"]


# --- blood pressure ------------------------------------------------------------------------------

PRESSURE = {"view": "blood_pressure"}
AT = "2026-02-25T10:15:00Z"


def side(code: str, value: float, unit: str = "mm[Hg]") -> Json:
    return {"code": concept(code), "valueQuantity": quantity(value, unit)}


def panel(systolic: float, diastolic: float, when: str = AT, unit: str = "mm[Hg]", **more: Any) -> Json:
    parts = [side("8480-6", systolic, unit), side("8462-4", diastolic, unit)]
    return observation("85354-9", {}, when, component=parts, **more)


def alone(code: str, value: float, when: str | None = AT, **more: Any) -> Json:
    return observation(code, {"valueQuantity": quantity(value, "mm[Hg]")}, when, **more)


def pairs(*resources: Json) -> list[tuple[Span | None, Span | None]]:
    return [(number(row, "systolic"), number(row, "diastolic")) for row in rows(PRESSURE, *resources)]


def test_a_panel_is_one_reading() -> None:
    assert pairs(panel(124, 78)) == [(Span(124, 124), Span(78, 78))]


def test_separate_observations_of_one_moment_are_one_reading() -> None:
    both = alone("8480-6", 124), alone("8462-4", 78)
    assert pairs(*both) == pairs(*reversed(both)) == [(Span(124, 124), Span(78, 78))]


def test_separate_observations_of_different_moments_are_two_readings() -> None:
    apart = pairs(alone("8480-6", 124), alone("8462-4", 78, "2026-02-25T10:20:00Z"))
    assert apart == [(None, Span(78, 78)), (Span(124, 124), None)]


def test_several_values_of_one_moment_that_cannot_be_told_apart_make_an_interval() -> None:
    day = "2026-02-25"
    values = [
        alone("8480-6", 150, day),
        alone("8462-4", 95, day),
        alone("8480-6", 130, day),
        alone("8462-4", 80, day),
    ]
    assert pairs(*values) == pairs(*reversed(values)) == [(Span(130, 150), Span(80, 95))]


def test_one_of_two_values_in_an_unknown_unit_leaves_that_side_unknown() -> None:
    odd = observation("8480-6", {"valueQuantity": quantity(19, "cmHg")}, AT)
    assert pairs(alone("8480-6", 150), odd, alone("8462-4", 80)) == [(None, Span(80, 80))]


def test_a_preliminary_value_is_not_paired_with_a_final_one() -> None:
    found = rows(PRESSURE, alone("8480-6", 124), alone("8462-4", 78, status="preliminary"))
    assert {str(row.columns["status"]) for row in found} == {"final", "preliminary"}


def test_undated_values_are_never_paired() -> None:
    assert len(pairs(alone("8480-6", 124, None), alone("8462-4", 78, None))) == 2


def test_kilopascals_are_converted_and_bare_numbers_are_mm_hg() -> None:
    ((systolic, diastolic),) = pairs(panel(18.665, 12, unit="kPa"))
    assert systolic is not None
    assert diastolic is not None
    assert systolic.low == pytest.approx(140, abs=0.01)
    assert diastolic.low == pytest.approx(90.007, abs=0.01)
    assert pairs(panel(124, 78, unit="")) == [(Span(124, 124), Span(78, 78))]


def test_a_panel_without_any_value_is_no_reading() -> None:
    assert pairs(observation("85354-9", {}, AT)) == []
    assert pairs(panel(1, 2, status="entered-in-error")) == []


@pytest.mark.parametrize(
    ("reading", "told", "implausible"),
    [
        (panel(124, 78), (Span(124, 124), Span(78, 78)), FALSE),
        (panel(0, 0), (None, None), TRUE),
        (panel(1400, 90), (None, Span(90, 90)), TRUE),
        (panel(50, 200), (None, None), TRUE),
        (panel(300, 200), (Span(300, 300), Span(200, 200)), FALSE),
        (alone("8480-6", 124), (Span(124, 124), None), FALSE),
    ],
)
def test_a_pressure_that_cannot_be_true_is_not_known_and_stays_a_reading(
    reading: Json, told: tuple[Span | None, Span | None], implausible: Truth
) -> None:
    (row,) = rows(PRESSURE | {"with": {"plausible": "plausible-range"}}, reading)
    assert (number(row, "systolic"), number(row, "diastolic")) == told
    assert row.columns["implausible"] is implausible


# --- body weight ---------------------------------------------------------------------------------

WEIGHT = {"view": "body_weight", "give": "latest value", "unit": "kg"}


@pytest.mark.parametrize(
    ("value", "kilograms"),
    [
        (quantity(70, "kg"), 70),
        (quantity(70000, "g"), 70),
        (quantity(154.3235835, "[lb_av]"), 70),
        ({"value": 154.3235835, "unit": "lbs"}, 70),
        (quantity(70), None),
        (quantity(11, "stone"), None),
        (quantity(70, "cm"), None),
    ],
)
def test_a_weight_is_known_only_with_a_unit_of_weight(value: Json, kilograms: float | None) -> None:
    found = ask(WEIGHT, observation("29463-7", {"valueQuantity": value}))
    if kilograms is None:
        assert found.state is UNKNOWN
    else:
        assert isinstance(found.value, Quantity)
        assert (found.value.span.low, found.value.unit) == (pytest.approx(kilograms), "kg")


def weighed(kilograms: float, when: str | None = AT, **more: Any) -> Json:
    return observation("29463-7", {"valueQuantity": quantity(kilograms, "kg")}, when, **more)


@pytest.mark.parametrize(
    ("weights", "known"),
    [
        ([weighed(70), weighed(154)], None),
        ([weighed(70), weighed(77)], Span(70, 77)),
        ([weighed(70), weighed(77.1)], None),
        ([weighed(70), observation("29463-7", {"valueQuantity": quantity(154.3, "[lb_av]")}, AT)], 70),
        ([weighed(70), weighed(90, "2026-02")], None),
        ([weighed(70), weighed(90, "2026-01")], 70),
        ([weighed(70), weighed(90, "2026-02-24")], 70),
        ([weighed(154, issued="2026-02-25T10:16:00Z"), weighed(70, issued="2026-02-25T10:20:00Z")], 70),
    ],
)
def test_weights_of_one_time_that_contradict_each_other_are_not_known(
    weights: list[Json], known: Any
) -> None:
    found = ask(WEIGHT | {"with": {"agree_within": "10 % [13]"}}, *weights)
    if known is None:
        assert found.state is UNKNOWN
    else:
        assert isinstance(found.value, Quantity)
        span = known if isinstance(known, Span) else Span(known, known)
        assert (found.value.span.low, found.value.span.high) == pytest.approx((span.low, span.high), abs=0.1)


@pytest.mark.parametrize(
    ("weights", "known"),
    [
        ([weighed(70, "2026-02-20"), weighed(91)], 91),
        ([weighed(70, "2026-02-20"), weighed(91.1)], None),
        ([weighed(91.1, "2026-02-20"), weighed(70)], None),
        ([weighed(70, "2025-11-27"), weighed(154)], None),
        ([weighed(70, "2025-11-26"), weighed(154)], 154),
        ([weighed(70, "2026-02-01"), weighed(154, "2026-02-20"), weighed(71)], 71),
        ([weighed(154, "2026-02-20"), weighed(70)], None),
        ([weighed(154, "2026-02-20"), weighed(70, "2026-02-24"), weighed(70.5)], 70.5),
        ([weighed(70, "2026-02-20"), weighed(154), weighed(154)], None),
        ([observation("29463-7", {"valueQuantity": quantity(70)}, "2026-02-20"), weighed(154)], 154),
    ],
)
def test_a_weight_far_from_the_one_before_is_not_known_unless_another_agrees(
    weights: list[Json], known: float | None
) -> None:
    asked = WEIGHT | {"with": {"jump": "30 % [13]", "jump_within": "90 days [13]"}}
    found = ask(asked, *weights)
    value = found.value.span if isinstance(found.value, Quantity) else None
    assert value == (Span(known, known) if known is not None else None)


def test_without_a_limit_of_time_every_earlier_weight_is_one_before() -> None:
    asked = WEIGHT | {"with": {"jump": "30 % [13]"}}
    assert ask(asked, weighed(70, "2021-02-20"), weighed(154)).state is UNKNOWN
