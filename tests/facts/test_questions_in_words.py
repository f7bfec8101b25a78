"""Questions that no code tells: components of panels, and observations without a known code."""

from __future__ import annotations

import pytest
from chart_builder import Json, ask, bundle, chart, coding, concept, observation

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

DEAD = "Thoughts that you would be better off dead, or of hurting yourself"
ACTING = "Have you had any intention of acting on these thoughts?"
PHQ_9, C_SSRS = "44249-1", "93373-9"
ITEM_9: Json = {
    "view": "answers",
    "code_in": ["phq9-item-9"],
    "where": {"number": ">= 1 [9]"},
    "give": "possible",
}
PLAN: Json = {
    "view": "answers",
    "code_in": ["cssrs-intent-or-plan"],
    "where": {"answer": {"in": "affirmative-answers"}},
    "give": "possible",
}


def panel(code: str, question: Json, value: Json) -> Json:
    return observation(code, {}, "2026-02-25") | {"component": [{"code": question, **value}]}


@pytest.mark.parametrize(
    "question",
    [
        {"text": DEAD},
        concept(coding("2109", "urn:site", DEAD)),
        concept(coding("89204-2", display=DEAD)),
    ],
)
@pytest.mark.parametrize(("number", "state"), [(0, FALSE), (3, TRUE)])
def test_a_component_told_in_words_may_be_the_question(question: Json, number: int, state: Truth) -> None:
    assert ask(ITEM_9, panel(PHQ_9, question, {"valueInteger": number})).state is state


def test_it_never_surely_is() -> None:
    row = panel(C_SSRS, {"text": ACTING}, {"valueBoolean": True})
    assert ask(PLAN, row).state is TRUE
    assert ask(PLAN | {"give": "any_yes"}, row).state is UNKNOWN


@pytest.mark.parametrize("question", [{"text": "Trouble falling asleep"}, {"text": "see note"}, {}])
def test_a_component_in_other_words_is_passed_over(question: Json) -> None:
    assert ask(ITEM_9, panel(PHQ_9, question, {"valueInteger": 3})).state is FALSE


def test_a_code_that_is_known_says_what_the_question_is_whatever_its_words() -> None:
    question = concept(coding("93246-7", display=DEAD))
    assert ask(ITEM_9, panel(C_SSRS, question, {"valueInteger": 3})).state is FALSE


@pytest.mark.parametrize(
    ("question", "state"),
    [
        ({"text": DEAD}, TRUE),
        (concept(coding("2109", "urn:site", DEAD)), TRUE),
        (concept(coding("89204-2", display=DEAD)), FALSE),
        ({"text": "Pain"}, FALSE),
    ],
)
def test_an_observation_by_no_known_code_counts_if_it_came(question: Json, state: Truth) -> None:
    row = observation("44260-8", 3, "2026-02-25") | {"code": question}
    assert ask(ITEM_9, prefetch={"observations-suicidality": bundle(row)}).state is state


def test_a_panel_with_a_question_in_words_is_noted() -> None:
    row = panel(PHQ_9, {"text": DEAD}, {"valueInteger": 0}) | {"id": "phq"}
    noted = chart(row, keys=["observations-suicidality"]).notes
    assert ("question-in-words", "Observation/phq") in noted
