"""`give: possible` lets an author act on what may be there; answers nobody can read become notes."""

from __future__ import annotations

import pytest
from chart_builder import (
    Json,
    ask,
    book,
    bundle,
    coding,
    concept,
    condition,
    observation,
    statement,
)

from cds_service.facts.unread import Asked, unread_answers
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

ANEURYSM: Json = {
    "find": "Condition",
    "code_in": ["aneurysm"],
    "where": {"verificationStatus": {"not": ["refuted", "entered-in-error"]}},
    "unsure": {"verificationStatus": ["provisional"]},
    "give": "possible",
}
CODED, IN_WORDS = condition("I71.4"), condition(concept(text="AAA on scan"))
NAMELESS, KNEE = condition(concept(coding("4711", "urn:site"))), condition(concept(text="knee pain"))
PROVISIONAL = condition("I71.4", verification="provisional")
ANSWERS: Json = {
    "view": "answers",
    "code_in": ["cssrs-intent-or-plan"],
    "where": {"answer": {"in": "affirmative-answers"}},
    "within": "30 days [13]",
    "give": "possible",
}
CASES = [
    ([], FALSE),
    ([KNEE], FALSE),
    ([condition("E11.9")], FALSE),
    ([CODED], TRUE),
    ([IN_WORDS], TRUE),
    ([NAMELESS], TRUE),
    ([PROVISIONAL], TRUE),
    ([KNEE, IN_WORDS], TRUE),
]


@pytest.mark.parametrize(("rows", "state"), CASES)
def test_possible_is_true_if_a_row_counts_or_may_count_and_false_if_there_is_none(
    rows: list[Json], state: Truth
) -> None:
    assert ask(ANEURYSM, *rows).state is state


@pytest.mark.parametrize(("rows", "state"), CASES)
def test_losing_the_key_moves_possible_to_unknown_and_never_to_the_other_side(
    rows: list[Json], state: Truth
) -> None:
    assert ask(ANEURYSM, *rows, without=["conditions"]).state is UNKNOWN
    first_page = {"conditions": bundle(*rows, more=True)}
    assert ask(ANEURYSM, prefetch=first_page).state is (TRUE if state is TRUE else UNKNOWN)
    assert ask(ANEURYSM, prefetch={"conditions": bundle(more=True)}).state is UNKNOWN


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (True, TRUE),
        (False, FALSE),
        ("perhaps", TRUE),
        ("no", FALSE),
        (concept(coding("A1", "urn:site")), TRUE),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_possible_one(answer: object, state: Truth) -> None:
    value = {"valueCodeableConcept": answer} if isinstance(answer, dict) else answer
    assert ask(ANSWERS, observation("93249-1", value, "2026-02-25")).state is state


@pytest.mark.parametrize(
    ("value", "noted"),
    [
        ({"valueCodeableConcept": concept(coding("A1", "urn:site", "Sometimes"))}, True),
        ({"valueString": "now and then"}, True),
        ({"valueCodeableConcept": concept("LA32-8")}, False),
        ({"valueString": "No"}, False),
        ({"valueBoolean": True}, False),
        ({"valueInteger": 1}, False),
        ({"valueString": "Pregnant"}, True),
        ({"valueString": "Moderate"}, True),
    ],
)
def test_an_answer_that_nobody_can_read_is_noted(value: Json, noted: bool) -> None:
    found = ask(ANSWERS, observation("93249-1", value, "2026-02-25", id="answer"))
    findings = {"some-rule": {"some_fact": found}}
    terminology = book().terminology
    asked = Asked("some_fact", terminology.judges(["affirmative-answers"]))
    notes = unread_answers((("some-rule", (asked,)),), findings, terminology)
    assert notes == ((("answer-not-read", "Observation/answer"),) if noted else ())


@pytest.mark.parametrize(
    "value",
    [
        {"valueString": "Pregnant"},
        {"valueString": "High"},
        {"valueString": "oral"},
        {"valueCodeableConcept": concept("LA26683-5")},
        {"valueCodeableConcept": concept(coding("low", "urn:site"))},
    ],
)
def test_an_answer_that_only_lists_of_other_questions_hold_is_not_read(value: Json) -> None:
    assert ask({**ANSWERS, "give": "any_yes"}, observation("93249-1", value, "2026-02-25")).state is UNKNOWN
    assert ask(ANSWERS, observation("93249-1", value, "2026-02-25")).state is TRUE


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ({"valueString": "Pos"}, TRUE),
        ({"valueCodeableConcept": concept("LA6576-8")}, TRUE),
        ({"valueCodeableConcept": concept(coding("Y", ""))}, TRUE),
        ({"valueString": "Negative"}, FALSE),
        ({"valueCodeableConcept": concept("LA6577-6")}, FALSE),
    ],
)
def test_an_answer_is_read_by_the_lists_of_its_scale(value: Json, state: Truth) -> None:
    fact = {**ANSWERS, "give": "any_yes"}
    assert ask(fact, observation("93249-1", value, "2026-02-25")).state is state


def test_where_a_list_is_ruled_out_only_its_scale_can_say_that_an_answer_is_another_one() -> None:
    fact = {**ANSWERS, "where": {"answer": {"not_in": "affirmative-answers"}}, "give": "any_yes"}
    assert ask(fact, observation("93249-1", {"valueString": "no"}, "2026-02-25")).state is TRUE
    assert ask(fact, observation("93249-1", {"valueString": "Pregnant"}, "2026-02-25")).state is UNKNOWN


def test_or_unreadable_lets_pass_what_may_be_in_the_list_that_is_ruled_out() -> None:
    where = {"answer": {"not_in": "negative-answers", "or_unreadable": True}}
    fact = {**ANSWERS, "where": where, "give": "any_yes"}
    assert ask(fact, observation("93249-1", {"valueString": "no"}, "2026-02-25")).state is FALSE
    assert ask(fact, observation("93249-1", {"valueString": "Pregnant"}, "2026-02-25")).state is TRUE
    assert ask(fact, observation("93249-1", 2, "2026-02-25")).state is TRUE


DRUG: Json = {
    "view": "current_drugs",
    "code_in": ["mao-inhibitor"],
    "where": {"current": ["true"]},
    "give": "possible",
}
NAMELESS_DRUG = statement(concept(text="Zorbinex 20 mg"), end=None, status="active")
MAO_INHIBITOR = statement("8123", end=None, status="active")
OTHER_DRUG = statement("36437", end=None, status="active")


@pytest.mark.parametrize(
    ("drugs", "state"),
    [([], FALSE), ([OTHER_DRUG], FALSE), ([NAMELESS_DRUG], TRUE), ([MAO_INHIBITOR], TRUE)],
)
def test_a_drug_that_may_be_one_is_possible_where_all_was_obtained(drugs: list[Json], state: Truth) -> None:
    assert ask(DRUG, *drugs).state is state


def test_only_a_drug_that_surely_is_one_stays_possible_where_a_key_was_lost() -> None:
    lost = ["medication-requests"]
    assert ask(DRUG, MAO_INHIBITOR, without=lost).state is TRUE
    assert ask(DRUG, NAMELESS_DRUG, without=lost).state is UNKNOWN
    assert ask(DRUG, OTHER_DRUG, without=lost).state is UNKNOWN
