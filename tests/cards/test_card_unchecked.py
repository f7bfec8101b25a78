"""Could not look is never clear, and searched-and-empty is never "could not look"."""

from __future__ import annotations

import pytest
from card_example import body, book, card, cards, decided, finding, missed, only_card, rule, rules_of

from cds_service.cards.unchecked import in_words
from cds_service.rulebook.rule import SAFETY_KINDS
from cds_service.truth import FALSE, TRUE, UNKNOWN

LOST = {"problem": finding(UNKNOWN, because=missed("conditions"))}


def test_a_safety_rule_that_could_not_look_is_named_on_one_card():
    held = book(rule("a"), rule("b"))
    lost = {"problem": finding(UNKNOWN, because=missed("conditions", "observations-weight", reason="failed"))}
    shown = only_card(held, {"a": ("problem",), "b": ("problem",)}, {"a": LOST, "b": lost})
    assert shown["summary"] == "Some checks could not be made"
    assert shown["indicator"] == "warning"
    assert body(shown) == (
        "Look yourself [2].\n\nNot obtained: conditions (not supplied), conditions (could not be read), "
        "observations: weight (could not be read)."
    )
    assert rules_of(shown) == ["a", "b"]
    assert "[2] [Label, section 4](https://example.org/two_%28b%29); [3] Local policy" in shown["detail"]


def test_the_rules_it_names_show_no_card_of_their_own():
    verdicts = decided(rule("a"), {"a": ("problem",)}, {"a": LOST})["verdicts"]
    assert verdicts == [
        {
            "rule": "a",
            "version": "1.0.0",
            "verdict": "unknown",
            "card": False,
            "missing": ["problem"],
            "because": [{"key": "conditions", "reason": "not-supplied"}],
        }
    ]


def test_searched_and_nothing_recorded_is_not_its_business():
    assert cards(rule("a"), {"a": ("problem",)}, {"a": {"problem": finding(UNKNOWN)}}) == []


@pytest.mark.parametrize("verdict", [TRUE, FALSE])
def test_a_decided_rule_needs_no_check_whatever_was_lost(verdict):
    assert cards(rule("a"), {"a": verdict}, {"a": LOST}) == []


def test_a_lost_key_of_a_fact_that_cannot_change_the_verdict_is_not_its_business():
    findings = {"a": LOST | {"score": finding(UNKNOWN)}}
    assert cards(rule("a"), {"a": ("score",)}, findings) == []


@pytest.mark.parametrize("kind", ["definition", "treatment", "monitoring", "data-gap", *sorted(SAFETY_KINDS)])
def test_only_rules_of_a_safety_kind_raise_it(kind):
    shown = cards(rule("a", kind=kind), {"a": ("problem",)}, {"a": LOST})
    assert len(shown) == (kind in SAFETY_KINDS)


def test_a_key_lost_behind_a_conclusion_counts():
    low = rule("low", kind="definition")
    held = book(low, rule("top", uses=["low"]))
    shown = only_card(held, {"low": ("problem",), "top": ("low",)}, {"low": LOST})
    assert rules_of(shown) == ["top"]
    assert "conditions (not supplied)" in shown["detail"]


def test_a_shadow_rule_or_one_of_another_hook_does_not_raise_it():
    assert cards(rule("a", status="shadow"), {"a": ("problem",)}, {"a": LOST}) == []
    assert cards(rule("a", hooks=["order-sign"]), {"a": ("problem",)}, {"a": LOST}) == []


def test_it_stands_by_its_tone_and_never_gives_way():
    infos = [rule(f"r{at}", card(), kind="definition") for at in range(9)]
    held = book(*infos, rule("a"), check={"indicator": "info"})
    shown = cards(held, {"a": ("problem",)}, {"a": LOST})
    assert len(shown) == 8
    assert [each["summary"] for each in shown].count("Some checks could not be made") == 1


def test_its_texts_may_name_keys_rules_and_questions():
    check = {
        "summary": "{rule_count} checks not made, {missing_count} open: {keys}",
        "detail": "{rules}\n\nMissing: {keys}\n\n{missing_questions}",
        "override_reasons": ["seen"],
    }
    shown = only_card(book(rule("a"), check=check), {"a": ("problem", "score")}, {"a": LOST})
    assert shown["summary"] == "1 checks not made, 1 open: conditions (not supplied)"
    assert body(shown) == (
        "- The statement of a\n\nMissing: conditions (not supplied)\n\n- Is the problem on the list?"
    )
    assert shown["overrideReasons"][0]["code"] == "seen"


# --- only_if_rules -------------------------------------------------------------------------------


def gated(verdict: object, reason: str = "not-supplied", **more: object) -> int:
    """How many cards a rulebook shows whose card is for those about whom `gate` holds."""
    held = book(rule("gate", kind="definition"), rule("a"), check={"only_if_rules": ["gate"], **more})
    lost = {"problem": finding(UNKNOWN, because=missed("conditions", reason=reason))}
    return len(cards(held, {"gate": verdict, "a": ("problem",)}, {"gate": lost, "a": lost}))


def test_only_if_rules_shows_it_if_one_of_them_is_true():
    assert gated(TRUE) == 1
    assert gated(FALSE) == 0


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("not-supplied", 0), ("failed", 1), ("truncated", 1), ("other-patient", 1), ("deadline", 1)],
)
def test_a_read_that_went_wrong_shows_it_whatever_the_only_if_rules_say(reason, shown):
    assert gated(("problem",), reason) == shown
    assert gated(FALSE, reason) == shown


def test_or_unknown_rules_show_it_if_one_of_them_is_unknown_for_want_of_data():
    assert gated(("problem",), or_unknown_rules=["gate"]) == 1
    assert gated(FALSE, or_unknown_rules=["gate"]) == 0


def test_only_if_rules_that_are_not_evaluated_here_cannot_hold_it_back():
    held = book(rule("a"), check={"only_if_rules": ["elsewhere"]})
    assert len(cards(held, {"a": ("problem",)}, {"a": LOST})) == 1


def test_keys_are_named_in_words_each_once():
    lost = (
        *missed("medication-requests", "medication-requests"),
        *missed("observations-phq", reason="deadline"),
    )
    assert in_words(lost) == "medication requests (not supplied), observations: phq (not read in time)"


def test_medications_nobody_could_read_are_counted_by_the_key_that_refers_to_them():
    lost = missed("conditions", "medications")
    assert in_words(lost, {"medication-requests": 2, "draft-orders": 1}) == (
        "conditions (not supplied), the medications of 2 medication requests and 1 draft order "
        "(not sent, and could not be read)"
    )
    findings = {"problem": finding(UNKNOWN, because=missed("medications"))}
    shown = only_card(rule("a"), {"a": ("problem",)}, {"a": findings}, unread={"medication-dispenses": 1})
    assert "Not obtained: the medications of 1 medication dispense (not sent" in shown["detail"]


def test_nobody_sees_it_where_nobody_may_see_cards():
    assert cards(rule("a"), {"a": ("problem",)}, {"a": LOST}, hidden="deceased") == []
