"""What counts as a word of a value set, and what a rulebook may list as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_rulebook import RULE_FILE, Builder

from cds_service.rulebook.words import LONGEST_TEXT, Words

STEMS = {"heart": ["heart fail", "herz"], "thoughts": ["suicid", "=si", "c section"], "codes": []}
WORDS = Words(STEMS, empty=("see", "note", "other"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Heart failure, NYHA III", {"heart"}),
        ("chronic HEART-FAILURE", {"heart"}),
        ("heart rate failing", set()),
        ("Herzinsuffizienz", {"heart"}),
        ("SI", {"thoughts"}),
        ("S.I.", {"thoughts"}),
        ("sinusitis", set()),
        ("non-suicidal", {"thoughts"}),
        ("parasuicide", set()),
        ("1.Suicidal 2.heart failure", {"heart", "thoughts"}),
        ("2suicide notes", {"thoughts"}),
        ("sui\u00adcidal", {"thoughts"}),
        ("x_suicidal", {"thoughts"}),
        ("s/p C-Section", {"thoughts"}),
        ("idées de süicide", {"thoughts"}),
        ("suicidal, heart failing", {"heart", "thoughts"}),
        ("knee pain", set()),
    ],
)
def test_a_stem_is_the_beginning_of_a_word_whatever_its_case_signs_and_accents(
    text: str, meant: set[str]
) -> None:
    assert WORDS.may_mean([text]) == meant


@pytest.mark.parametrize(
    "text", ["", "12.3", "?", "F3", "see note", "Other", "сердце", "心不全", "心不全 heart"]
)
def test_a_text_that_says_nothing_or_cannot_be_read_may_mean_every_set_with_words(text: str) -> None:
    assert WORDS.may_mean([text]) == {"heart", "thoughts"}


def test_a_letter_in_place_of_a_name_may_mean_anything() -> None:
    assert WORDS.may_mean(["knee pain " * (LONGEST_TEXT // 10 + 1)]) == {"heart", "thoughts"}


def test_texts_of_one_entry_are_read_together_and_one_that_says_nothing_takes_nothing_away() -> None:
    assert WORDS.may_mean(["knee pain", "heart failure"]) == {"heart"}
    assert WORDS.may_mean(["", "knee pain"]) == frozenset()


def test_an_entry_without_any_text_may_mean_anything() -> None:
    assert WORDS.may_mean([]) == {"heart", "thoughts"}


@given(st.text(max_size=40), st.text(max_size=40))
def test_more_text_around_a_word_never_hides_it(before: str, after: str) -> None:
    assert "heart" in WORDS.may_mean([f"{before} heart failure {after}"])


@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_text_means_sets_that_have_words(texts: list[str]) -> None:
    assert WORDS.may_mean(texts) <= WORDS.sets


@pytest.mark.parametrize("stem", ["Bipolar", '""', "a", '"=b"', "süd", "bi-polar", '" x"', "12", '"=="'])
def test_a_word_that_could_never_match_is_refused(book: Builder, stem: str) -> None:
    book.change("valuesets/illness.yaml", "include:", f"words: [mood, {stem}]\ninclude:")
    (problem,) = book.problems()
    assert Path(problem.place.file).name == "illness.yaml"
    assert "is not the beginning of a word" in problem.message


def test_a_word_listed_twice_is_refused(book: Builder) -> None:
    book.change("valuesets/illness.yaml", "include:", "words: [mood, manic, mood]\ninclude:")
    (problem,) = book.problems()
    assert "'mood' is listed twice" in problem.message


def test_words_of_one_and_of_several_are_taken(book: Builder) -> None:
    book.change("valuesets/illness.yaml", "include:", 'words: [mood, heart failure, "=si"]\ninclude:')
    assert book.problems() == ()


ILLNESS = "    within: 30 days [2]\n    give: exists\n    record: complete\n"


def test_possible_may_be_given_by_rows_that_are_each_judged_by_themselves(book: Builder) -> None:
    book.change(RULE_FILE, ILLNESS, ILLNESS.replace("exists", "possible"))
    assert book.problems() == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    view: blood_pressure\n    within: 30 days [2]\n    give: latest reading",
            "    view: treatment_sessions\n    code_in: alpha\n    within: 30 days [2]\n    give: possible",
        ),
        ("    find: Encounter\n    give: count\n", "    find: MedicationDispense\n    give: possible\n"),
        (ILLNESS, ILLNESS.replace("exists", "possible") + "    after: last_visit\n"),
    ],
    ids=["a view that weighs rows together", "a type read with others", "a moment another fact tells"],
)
def test_possible_is_refused_where_a_lost_key_could_turn_no_into_perhaps(
    book: Builder, old: str, new: str
) -> None:
    book.change(RULE_FILE, old, new)
    assert "data/impossible-give" in {problem.code for problem in book.problems()}
