"""What a reader sees of a finding: numbers, bounds, dates, rows, questions, short summaries."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from card_example import body, book, card, decide, finding, only_card, rule, spanning
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.response import answer
from cds_service.cards.text import Template
from cds_service.cards.wording import number
from cds_service.errors import RuleError
from cds_service.facts.dates import When, parse_when
from cds_service.facts.finding import Evidence, Finding, OwnWords, Quantity, Row
from cds_service.rulebook.terminology import Coded
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span


def said(template: str, **facts: Finding) -> str:
    """The body of a card whose detail is the template."""
    return body(only_card(rule("r", card(detail=template)), findings={"r": facts}))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (35, 35, "35"),
        (9.8, 9.8, "9.8"),
        (0.1 + 0.2, 0.1 + 0.2, "0.3"),
        (2, inf, "at least 2"),
        (2, 4, "2 to 4"),
        (-inf, 3, "at most 3"),
        (-inf, inf, "unknown"),
        (-0.0, -0.0, "0"),
        (2.5e-8, 2.5e-8, "0.000000025"),
        (1e16, 1e16, "10000000000000000"),
    ],
)
def test_a_number_is_printed_as_a_reader_writes_it(low, high, text):
    assert said("Score {score}.", score=spanning(low, high)) == f"Score {text}."


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_is_printed_with_an_exponent_or_a_trailing_zero(value):
    text = number(value)
    assert "e" not in text or text == "unknown"
    assert "." not in text or not text.endswith("0")


@pytest.mark.parametrize("text", ["2025", "2025-03", "2025-03-04"])
def test_a_partial_date_is_printed_as_recorded(text):
    assert said("Since {problem.date}.", problem=finding(text="x", date=text)) == f"Since {text}."


def test_a_date_with_a_clock_time_is_printed_as_its_day():
    when = parse_when("2026-02-25T23:30:00-08:00", UTC)
    assert said("On {problem}.", problem=Finding(TRUE, when)) == "On 2026-02-25."


def test_a_date_whose_recorded_text_is_no_date_is_printed_from_its_instant():
    when = When(datetime(2026, 2, 25, tzinfo=UTC), datetime(2026, 2, 26, tzinfo=UTC), "<b>now")
    assert said("On {problem.date}.", problem=Finding(TRUE, when)) == "On 2026-02-25."


@pytest.mark.parametrize(("state", "word"), [(TRUE, "yes"), (FALSE, "no"), (UNKNOWN, "unknown")])
def test_a_question_is_answered_yes_no_or_unknown(state, word):
    assert said("Problem: {problem}", problem=finding(state)) == f"Problem: {word}"


def test_a_fact_that_was_never_read_is_unknown_in_every_part():
    template = "{score} {score.display} {score.date} {score.weight}"
    assert said(template) == "unknown unknown unknown unknown"


def test_a_conclusion_prints_the_verdict_of_its_rule():
    used, user = rule("used"), rule("user", card(detail="Holds: {used}"), uses=["used"])
    assert body(only_card(book(used, user), {"used": FALSE})) == "Holds: no"


def test_the_unit_is_that_of_the_value_else_the_one_the_rule_declares():
    assert said("{score} {score.unit}", score=finding(number=70, unit="g")) == "70 g"
    assert said("{score} {score.unit}", score=finding(number=70)) == "70 kg"
    assert said("[{problem.unit}]", problem=finding()) == "[]"


def test_a_column_comes_from_the_row_that_is_the_value_else_from_the_first_row():
    row = Row(Evidence("Observation/1"), {"weight": Quantity(Span(70, 70), "kg"), "kind": "seated"})
    other = Row(Evidence("Observation/2"), {"weight": Quantity(Span(60, 60), "kg")})
    template = "{score.weight} {score.kind} {score.nothing}"
    assert said(template, score=Finding(TRUE, row, (other,))) == "70 seated unknown"
    assert said(template, score=Finding(TRUE, None, (other, row))) == "60 unknown unknown"


@pytest.mark.parametrize(
    ("upper", "lower", "text"),
    [
        (150, 94, "150/94"),
        (150, None, "150 upper (lower not known)"),
        (None, 94, "94 lower (upper not known)"),
        (None, None, "unknown"),
    ],
)
def test_two_columns_of_one_reading_say_which_of_them_is_not_known(upper, lower, text):
    cells = {"upper": upper, "lower": lower}
    row = Row(
        Evidence("a/1"), {name: value and Quantity(Span(value, value)) for name, value in cells.items()}
    )
    assert said("Pressure {score.upper}/{score.lower} today", score=Finding(TRUE, row)) == (
        f"Pressure {text} today"
    )


def test_a_slash_between_other_placeholders_stays_a_slash():
    row = Row(Evidence("a/1", None, "reading"), {"upper": Quantity(Span(150, 150))})
    facts = {"score": Finding(TRUE, row), "problem": Finding(UNKNOWN)}
    assert said("{score.upper}/{problem.lower}", **facts) == "150/unknown"
    assert said("{score.display}/{score.lower}", **facts) == "reading/unknown"


def test_a_column_may_hold_a_date_a_truth_or_a_coding():
    cells = {
        "start": parse_when("2025-02", UTC),
        "sure": UNKNOWN,
        "code": (Coded("s", "c1", "First"), Coded("s", "c2")),
    }
    row = Row(Evidence("Observation/1"), cells)
    template = "{score.start} {score.sure} {score.code}"
    assert said(template, score=Finding(TRUE, row)) == "2025-02 unknown First"


def test_rows_are_listed_one_a_line_and_rejected_ones_say_why():
    row = Row(Evidence("a/1", parse_when("2025-02-01", UTC), "First drug"))
    short = Row(
        Evidence("a/2", parse_when("2024", UTC), "Second drug"),
        why=("ended after 18 days, needs 42", "low dose"),
    )
    rows = Finding(TRUE, rows=(row,), rejected=(short, Row(Evidence("a/3"))))
    assert said("{problem.rows}", problem=rows) == "- First drug, 2025-02-01"
    assert said("{problem.rejected}", problem=rows) == (
        "- Second drug, 2024: ended after 18 days, needs 42; low dose\n- unknown"
    )
    assert said("{problem.rows}", problem=Finding(FALSE)) == "none"


def test_a_citation_in_a_reason_of_ours_is_one_and_in_words_of_the_chart_is_none():
    ours = OwnWords("dated 2026-01, which may be outside 30 days [2]")
    row = Row(Evidence("a/1", None, "Answer [7]"), why=("answer sure [1] cannot be read here", ours))
    told = only_card(
        rule("r", card(detail="{problem.rows}")), findings={"r": {"problem": Finding(TRUE, rows=(row,))}}
    )
    assert body(told) == (
        "- Answer \\[7\\]: answer sure \\[1\\] cannot be read here; "
        "dated 2026-01, which may be outside 30 days [2]"
    )


def test_a_long_list_of_rows_says_how_many_more_there_are():
    rows = tuple(Row(Evidence(f"a/{at}", None, f"Drug {at}")) for at in range(40))
    lines = said("{problem.rows}", problem=Finding(TRUE, rows=rows)).split("\n")
    assert len(lines) == 13
    assert lines[-1] == "- and 28 more"


def test_rows_that_read_the_same_stand_once_and_what_goes_on_has_no_day():
    now = datetime(2026, 3, 1, tzinfo=UTC)
    told = [("a/1", When(now, now, "ongoing")), ("a/2", When(now, now, "ongoing"))]
    told.append(("a/3", When(now, now, "being ordered")))
    rows = tuple(Row(Evidence(reference, when, "A drug")) for reference, when in told)
    shown = said("{problem.rows}", problem=Finding(TRUE, rows=rows))
    assert shown == "- A drug, ongoing\n- A drug, being ordered"


def test_rows_in_a_summary_stay_on_one_line():
    rows = tuple(Row(Evidence(f"a/{at}", None, f"Drug {at}")) for at in range(2))
    shown = only_card(
        rule("r", card(summary="Tried {problem.rows}")), findings={"r": {"problem": Finding(TRUE, rows=rows)}}
    )
    assert shown["summary"] == "Tried Drug 0; Drug 1"


# --- what is missing -----------------------------------------------------------------------------


def test_missing_facts_are_counted_and_asked_in_the_rules_own_words():
    unsure = card(summary="{missing_count} missing", detail="{missing_questions}")
    shown = only_card(rule("r", when_unknown=unsure), {"r": ("problem", "score")})
    assert shown["summary"] == "2 missing"
    assert body(shown) == "- Is the problem on the list?\n- What is the latest score?"


def test_a_missing_conclusion_is_asked_as_what_its_rule_is_missing_each_question_once():
    unsure = card(summary="{missing_count} missing", detail="{missing_questions}")
    deep = rule("deep")
    low, high = rule("low", uses=["deep"]), rule("high", uses=["deep"])
    top = rule("top", when_unknown=unsure, uses=["low", "high"])
    verdicts = {
        "deep": ("score",),
        "low": ("deep",),
        "high": ("deep", "problem"),
        "top": ("low", "high", "problem"),
    }
    shown = only_card(book(deep, low, high, top), verdicts)
    assert shown["summary"] == "2 missing"
    assert body(shown) == "- What is the latest score?\n- Is the problem on the list?"


def test_a_missing_conclusion_without_missing_facts_is_asked_itself():
    unsure = card(detail="{missing_questions}")
    shown = only_card(
        book(rule("low"), rule("top", when_unknown=unsure, uses=["low"])), {"low": UNKNOWN, "top": ("low",)}
    )
    assert body(shown) == "- Does low hold?"


# --- lines ---------------------------------------------------------------------------------------


def test_lines_are_shown_if_their_condition_holds_and_are_counted():
    lines = [
        {"text": "Always"},
        {"text": "If found", "only_if": ["problem"]},
        {"text": "If not", "only_if": {"not": "problem"}},
        {"text": "If high", "only_if": {"any": ["score >= 10 [3]"]}},
        {"text": "If one of", "only_if": {"at_least": {"n": 1, "of": ["problem", "score < 5 [3]"]}}},
    ]
    shown = only_card(
        rule("r", card(summary="{line_count} lines", detail=lines)),
        findings={"r": {"problem": finding(TRUE), "score": finding(number=9)}},
    )
    assert shown["summary"] == "3 lines"
    assert body(shown) == "- Always\n- If found\n- If one of"


def test_a_line_whose_condition_is_unknown_is_hidden():
    lines = [{"text": "Always"}, {"text": "If found", "only_if": ["problem"]}]
    assert body(only_card(rule("r", card(detail=lines)))) == "Always"


def test_a_line_may_be_hidden_by_a_condition_and_shows_while_it_is_unknown():
    known = {"any": ["problem", {"not": "problem"}]}
    lines = [{"text": "Always"}, {"text": "Could not look", "hide_if": known}]
    assert body(only_card(rule("r", card(detail=lines)))) == "- Always\n- Could not look"
    for state in (TRUE, FALSE):
        shown = only_card(rule("r", card(detail=lines)), findings={"r": {"problem": finding(state)}})
        assert body(shown) == "Always"


def test_a_line_that_is_itself_a_list_is_not_indented_and_others_keep_their_lines_together():
    rows = Finding(TRUE, rows=(Row(Evidence("a", None, "One")), Row(Evidence("b", None, "Two"))))
    lines = ["Seen:\n{problem.rows}", "{problem.rows}"]
    shown = only_card(rule("r", card(detail=lines)), findings={"r": {"problem": rows}})
    assert body(shown) == "- Seen:\n  - One\n  - Two\n- One\n- Two"


def test_a_card_without_a_line_to_show_still_names_its_source():
    shown = only_card(rule("r", card(detail=[{"text": "No", "only_if": ["problem"]}])))
    assert shown["detail"] == "Sources: [3] Local policy"


# --- summaries -----------------------------------------------------------------------------------


def test_a_long_summary_is_cut_at_a_word_with_an_ellipsis():
    shown = only_card(rule("r", card(summary="word " * 40)))
    assert shown["summary"] == ("word " * 27).strip() + "…"


def test_a_summary_of_139_characters_is_kept_whole_and_one_of_140_is_cut():
    assert only_card(rule("r", card(summary="x" * 139)))["summary"] == "x" * 139
    assert only_card(rule("r", card(summary="x" * 140)))["summary"] == "x" * 138 + "…"


def test_a_blank_summary_gives_way_to_the_title():
    assert only_card(rule("r", card(summary="  \n ")))["summary"] == "The statement of r"


def test_a_summary_is_plain_text_without_escapes():
    shown = only_card(
        rule("r", card(summary="Found {problem.display}")),
        findings={"r": {"problem": finding(text="A_b [c] & d")}},
    )
    assert shown["summary"] == "Found A_b [c] & d"


# --- load time -----------------------------------------------------------------------------------


def test_a_template_is_split_once_and_knows_what_it_does_not_know():
    template = Template.of("{score} of {nothing.date} and {missing_count}, {UPPER} {} {a-b}")
    assert template.unknown({"score"}) == ("nothing",)


def test_compiling_names_every_unknown_thing_at_once():
    action = {"type": "delete", "description": "Go", "resource": {"template": "nowhere"}}
    broken = card(
        summary="{nothing}",
        detail="{neither}",
        source=99,
        override_reasons=["strange"],
        merge="nobody",
        suggestions=[{"label": "Go", "actions": [action]}],
    )
    with pytest.raises(RuleError) as raised:
        book(rule("r", broken), check={"detail": "{thing}"})
    codes = sorted(problem.code for problem in raised.value.problems)
    assert codes == [
        "card/action-not-possible",
        "card/unknown-merge-group",
        "card/unknown-override-reason",
        "card/unknown-placeholder",
        "card/unknown-placeholder",
        "card/unknown-placeholder",
        "card/unknown-source",
        "card/unknown-template",
    ]
    assert all(problem.hint for problem in raised.value.problems)


def test_the_same_decision_gives_the_same_bytes():
    decision = decide(
        rule("r", card(detail="{problem.display}")), findings={"r": {"problem": finding(text="x")}}
    )
    assert str(answer(decision)) == str(answer(decision))
