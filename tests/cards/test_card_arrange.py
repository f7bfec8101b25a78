"""Which card is chosen, how cards are merged, in which order they stand, and how many there are."""

from __future__ import annotations

from typing import get_args

import pytest
from card_example import body, book, card, cards, decided, finding, only_card, rule, rules_of
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.arrange import MOST
from cds_service.rulebook.rule import Kind
from cds_service.truth import FALSE, TRUE, UNKNOWN

ACTION = {"type": "create", "description": "Draft it", "resource": {"template": "evaluation"}}


# --- which card ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "text"), [(TRUE, "Yes"), (UNKNOWN, "Perhaps"), (FALSE, "No")])
def test_the_verdict_chooses_the_outcome(verdict, text):
    outcomes = rule(
        "r", card(summary="Yes"), when_unknown=card(summary="Perhaps"), when_false=card(summary="No")
    )
    assert only_card(outcomes, {"r": verdict})["summary"] == text


def test_a_silent_outcome_shows_nothing_and_is_still_reported():
    assert cards(rule("r")) == []
    (verdict,) = decided(rule("r"))["verdicts"]
    assert verdict == {"rule": "r", "version": "1.0.0", "verdict": "true", "card": False}


@pytest.mark.parametrize(("score", "text"), [(20, "High"), (10, "Middle"), (1, "Low")])
def test_the_first_card_whose_condition_holds_is_shown(score, text):
    chosen = [
        card(summary="High", only_if=["score >= 15 [3]"]),
        card(summary="Middle", only_if=["score >= 5 [3]"]),
        card(summary="Low"),
    ]
    assert only_card(rule("r", chosen), findings={"r": {"score": finding(number=score)}})["summary"] == text


def test_an_unknown_only_if_hides_and_an_unknown_hide_if_shows():
    assert cards(rule("r", card(only_if=["problem"]))) == []
    assert cards(rule("r", card(only_if={"not": "problem"}))) == []
    assert len(cards(rule("r", card(hide_if=["problem"])))) == 1


def test_a_card_hidden_by_hide_if_is_not_replaced_by_a_later_one():
    chosen = rule("r", [card(summary="First", hide_if=["problem"]), card(summary="Second")])
    assert cards(chosen, findings={"r": {"problem": finding(TRUE)}}) == []
    assert only_card(chosen, findings={"r": {"problem": finding(FALSE)}})["summary"] == "First"


def test_conditions_read_the_verdict_of_a_consumed_rule():
    used, user = rule("used"), rule("user", card(hide_if=["used"]), uses=["used"])
    assert cards(book(used, user), {"used": TRUE}) == []
    assert len(cards(book(used, user), {"used": FALSE})) == 1


def test_a_cards_hooks_are_narrower_than_its_rules():
    hooks = ["patient-view", "order-sign"]
    narrow = rule("r", [card(summary="Signing", hooks=["order-sign"]), card(summary="Viewing")], hooks=hooks)
    assert only_card(narrow)["summary"] == "Viewing"
    assert only_card(narrow, request={"hook": "order-sign"})["summary"] == "Signing"


def test_a_rule_consumed_from_another_hook_shows_no_card_but_is_reported():
    used, user = rule("used", card(), hooks=["order-sign"]), rule("user", card(), uses=["used"])
    held = book(used, user)
    assert rules_of(only_card(held)) == ["user"]
    assert [each["card"] for each in decided(held)["verdicts"]] == [False, True]


@pytest.mark.parametrize("status", ["shadow", "draft", "retired"])
def test_only_an_active_rule_shows_a_card(status):
    assert cards(rule("r", card(), status=status)) == []


def test_a_shadow_rule_is_reported_and_a_draft_or_retired_one_is_not():
    held = book(*(rule(status, card(), status=status) for status in ("shadow", "draft", "retired")))
    assert [(each["rule"], each["card"]) for each in decided(held)["verdicts"]] == [("shadow", False)]


# --- order ---------------------------------------------------------------------------------------


def test_tone_comes_first_then_suicidality_then_kind_then_the_rulebook():
    held = book(
        rule("plain", card(), kind="definition"),
        rule("gap", card(), kind="data-gap"),
        rule("suicide-info", card(), kind="suicidality"),
        rule("second-caution", card(indicator="warning")),
        rule("first-caution", card(indicator="warning")),
        rule("against", card(indicator="critical"), kind="contraindication"),
        rule("suicide", card(indicator="critical"), kind="suicidality"),
    )
    expected = ["suicide", "against", "second-caution", "first-caution", "suicide-info", "gap", "plain"]
    assert [rules_of(each)[0] for each in cards(held)] == expected


def test_kinds_stand_in_the_order_a_reader_needs():
    kinds = [
        "suicidality",
        "contraindication",
        "caution",
        "interaction",
        "dose-check",
        "treatment",
        "monitoring",
    ]
    kinds += ["data-gap", "definition"]
    assert sorted(kinds) == sorted(get_args(Kind))
    held = book(*(rule(f"r-{kind}", card(indicator="warning"), kind=kind) for kind in sorted(kinds)))
    assert [rules_of(each)[0].removeprefix("r-") for each in cards(held)] == kinds


@given(st.lists(st.sampled_from(["critical", "warning", "info"]), max_size=14))
def test_at_most_eight_cards_are_shown_and_only_info_gives_way(tones):
    held = book(*(rule(f"r{at}", card(indicator=tone)) for at, tone in enumerate(tones)))
    shown = [each["indicator"] for each in cards(held)]
    firm = [tone for tone in tones if tone != "info"]
    assert sorted(tone for tone in shown if tone != "info") == sorted(firm)
    assert len(shown) == min(len(tones), max(MOST, len(firm)))
    assert shown == sorted(shown, key=["critical", "warning", "info"].index)


def test_a_card_that_gave_way_is_reported_as_not_shown():
    held = book(*(rule(f"r{at}", card()) for at in range(10)))
    assert [each["card"] for each in decided(held)["verdicts"]] == [True] * 8 + [False] * 2


# --- merging -------------------------------------------------------------------------------------


def group() -> list:
    offer = {"label": "Draft", "recommended": True, "actions": [ACTION]}
    own = {"label": "Own", "url": "https://example.org/own"}
    first = card(summary="First thing", merge="group", override_reasons=["seen"], links=[own])
    second = card(
        summary="Second thing [1]",
        detail="Because of it [1].",
        indicator="warning",
        source=2,
        merge="group",
        override_reasons=["other", "seen"],
        links=[own],
        suggestions=[offer],
    )
    third = card(summary="Third thing", detail=["One", "Two"], merge="group", suggestions=[offer])
    return [rule("a", first), rule("b", second), rule("c", third)]


def test_the_cards_of_a_group_become_one_with_the_highest_tone_and_a_line_for_each_rule():
    shown = only_card(book(*group()))
    assert shown["summary"] == "Before you start: 3 things"
    assert shown["indicator"] == "warning"
    assert shown["source"]["label"] == "Label, section 4"
    assert body(shown) == (
        "- **Second thing [1]** [2]. Because of it [1].\n"
        "- **First thing** [3]\n"
        "- **Third thing** [3]\n  - One\n  - Two"
    )


def test_a_merged_card_joins_reasons_links_suggestions_sources_and_rules():
    shown = only_card(book(*group()))
    assert [each["code"] for each in shown["overrideReasons"]] == ["other", "seen"]
    assert [each["url"] for each in shown["links"]] == [
        "https://example.org/own",
        "https://example.org/one",
        "https://example.org/two_(b)",
    ]
    assert len(shown["suggestions"]) == 2
    assert shown["selectionBehavior"] == "any"
    assert shown["extension"]["org.cds-service.rules"] == [
        {"id": "b", "version": "1.0.0", "verdict": "true", "sources": [1, 2]},
        {"id": "a", "version": "1.0.0", "verdict": "true", "sources": [3]},
        {"id": "c", "version": "1.0.0", "verdict": "true", "sources": [3]},
    ]
    assert "Sources: [1]" in shown["detail"]
    assert "[3] Local policy" in shown["detail"]


def test_every_rule_of_a_merged_card_is_reported_as_shown():
    assert [each["card"] for each in decided(book(*group()))["verdicts"]] == [True, True, True]


def test_a_group_of_one_is_shown_as_it_is():
    assert only_card(group()[0])["summary"] == "First thing"


def test_groups_do_not_mix():
    held = book(*group(), rule("d", card(merge="second")), rule("e", card(merge="second")))
    assert [rules_of(each) for each in cards(held)] == [["b", "a", "c"], ["d", "e"]]


def test_a_merged_card_names_every_rule_nobody_approved():
    held = book(*(rule(name, card(merge="group"), approved=False) for name in ("x", "y")))
    last = only_card(held)["detail"].split("\n")[-1]
    assert last == "No clinician has approved these rules yet: x 1.0.0, y 1.0.0."
