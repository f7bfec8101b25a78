"""The response as the specification wants it; the row numbers are those of the CDS Hooks reference."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

import msgspec
import pytest
from card_example import (
    AS_OF,
    EAST,
    UUID8,
    book,
    card,
    cards,
    decide,
    decided,
    finding,
    missed,
    only_card,
    rule,
    spanning,
)
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.response import answer
from cds_service.facts.dates import parse_when
from cds_service.facts.finding import Evidence, Finding, NotObtained, Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

ACTION = {"type": "create", "description": "Draft it", "resource": {"template": "evaluation"}}
OFFER = {"label": "Draft an evaluation", "actions": [ACTION]}
LINK = {"label": "Read more", "url": "https://example.org/more"}
FULL = card(
    summary="Score {score}: {problem.display}",
    detail="Seen {problem.rows} [1], rejected {problem.rejected} [99]. {missing_questions}",
    source=2,
    indicator="warning",
    override_reasons=["seen", "other"],
    suggestions=[OFFER, OFFER | {"recommended": True}],
    links=[LINK],
)


def rich() -> Any:
    """A book that uses everything."""
    low = rule(
        "low",
        FULL | {"merge": "group"},
        kind="definition",
        approved=False,
        when_unknown=FULL,
        when_false=FULL,
    )
    return book(
        low,
        rule("first", FULL, uses=["low"], when_unknown=FULL, when_false=card(only_if=["score >= 2 [3]"])),
        rule("second", FULL | {"merge": "group"}, kind="suicidality", when_unknown="silent"),
        rule("third", card(), status="shadow"),
    )


RICH = rich()
RULE_IDS = tuple(each.rule for each in RICH.rulebook.rules)

# --- generated decisions -------------------------------------------------------------------------

text = st.one_of(
    st.sampled_from(["", " ", "<b>", "[x](https://evil.example)", "aspirin"]), st.text(max_size=60)
)
spans = st.one_of(
    st.builds(Span, st.just(-inf), st.just(inf)),
    st.builds(lambda low, more: Span(low, low + more), st.integers(-5, 90), st.sampled_from([0, 0, 3, inf])),
)
whens = st.sampled_from(["2025", "2025-03", "2025-03-04", "2025-03-04T10:00:00Z"]).map(
    lambda day: parse_when(day, UTC)
)
truths = st.sampled_from([TRUE, FALSE, UNKNOWN])
cells = st.one_of(st.none(), text, whens, truths, spans.map(Quantity))
rows = st.builds(
    Row,
    st.builds(Evidence, text, st.one_of(st.none(), whens), text),
    st.dictionaries(st.sampled_from(["date", "weight"]), cells, max_size=2),
    truths,
    st.lists(text, max_size=2).map(tuple),
)
lost = st.builds(
    NotObtained,
    st.sampled_from(["conditions", "observations-weight", "allergies"]),
    st.sampled_from(["not-supplied", "failed", "truncated", "other-patient", "deadline", "odd"]),
)
several_lost = st.lists(lost, max_size=2).map(tuple)
several_rows = st.lists(rows, max_size=3).map(tuple)
findings = st.builds(
    Finding,
    truths,
    st.one_of(st.none(), whens, rows, st.builds(Quantity, spans, st.sampled_from(["", "mm[Hg]"]))),
    several_rows,
    several_rows,
    several_lost,
)
by_rule = st.dictionaries(
    st.sampled_from(RULE_IDS), st.dictionaries(st.sampled_from(["problem", "score"]), findings), max_size=4
)
missing = st.lists(st.sampled_from(["problem", "score", "low"]), unique=True).map(tuple)
verdicts = st.dictionaries(st.sampled_from(RULE_IDS), st.one_of(truths, missing))
decisions = st.builds(
    lambda said, found, gone, notes, hidden, user, encounter: decide(
        RICH,
        said,
        found,
        not_obtained=gone,
        notes=notes,
        hidden=hidden,
        request={"user": user, "encounter_id": encounter},
    ),
    verdicts,
    by_rule,
    several_lost,
    st.lists(st.tuples(st.just("refuted"), st.just("Condition/c1")), max_size=2).map(tuple),
    st.sampled_from(["", "", "", "deceased"]),
    st.sampled_from(["Practitioner/dr-1", "", "no reference"]),
    st.sampled_from(["", "e1"]),
)


def walk(node: object, path: str = "$") -> list[tuple[str, object]]:
    found = [(path, node)]
    if isinstance(node, dict):
        found += [each for key, value in node.items() for each in walk(value, f"{path}.{key}")]
    if isinstance(node, list):
        found += [each for value in node for each in walk(value, f"{path}[]")]
    return found


@given(decisions)
def test_nothing_in_a_response_is_null_or_empty_but_cards(decision):
    """G-2, G-3, G-6."""
    for path, value in walk(answer(decision)):
        assert value is not None, path
        if path != "$.cards":
            assert value not in ("", [], {}), path
        if isinstance(value, str):
            assert value.strip(), path


CARD_MEMBERS = ["uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior"]
CARD_MEMBERS += ["overrideReasons", "links", "extension"]


@given(decisions)
def test_every_card_has_only_the_specifications_members_in_one_order(decision):
    """S-1, C-1 to C-10, SO-1, SO-4, SG-1 to SG-4, A-1 to A-4, L-1 to L-4."""
    body = answer(decision)
    assert list(body) == ["cards", "extension"]
    seen: list[str] = []
    for shown in body["cards"]:
        assert list(shown) == [name for name in CARD_MEMBERS if name in shown]
        assert {"uuid", "summary", "detail", "indicator", "source", "extension"} <= set(shown)
        assert UUID8.fullmatch(shown["uuid"])
        assert len(shown["summary"]) < 140
        assert shown["summary"].isprintable()
        assert shown["indicator"] in ("info", "warning", "critical")
        assert set(shown["source"]) <= {"label", "url", "topic"}
        assert set(shown["source"]["topic"]) == {"code", "system", "display"}
        for reason in shown.get("overrideReasons", ()):
            assert set(reason) == {"code", "system", "display"}
        for link in shown.get("links", ()):
            assert set(link) == {"label", "url", "type"}
            assert link["type"] == "absolute"
            assert link["url"].startswith("https://")
        urls = [link["url"] for link in shown.get("links", ())]
        assert len(urls) == len(set(urls))
        seen.append(shown["uuid"])
        seen += _suggestions(shown)
    assert len(seen) == len(set(seen))


def _suggestions(shown: dict[str, Any]) -> list[str]:
    offers = shown.get("suggestions", [])
    assert ("selectionBehavior" in shown) == bool(offers)
    recommended = [offer for offer in offers if "isRecommended" in offer]
    assert all(offer["isRecommended"] is True for offer in recommended)
    if offers:
        assert shown["selectionBehavior"] == ("any" if len(recommended) > 1 else "at-most-one")
    for offer in offers:
        assert set(offer) <= {"label", "uuid", "isRecommended", "actions"}
        for action in offer["actions"]:
            assert list(action) == ["type", "description", "resource"]
            assert action["type"] == "create"
            assert isinstance(action["resource"], dict)
    return [offer["uuid"] for offer in offers]


@given(decisions)
def test_a_response_is_json_whatever_the_chart_says(decision):
    """G-4, G-5."""
    body = answer(decision)
    assert json.loads(msgspec.json.encode(body)) == body


@given(decisions)
def test_the_decision_reports_every_served_rule_once_and_agrees_with_the_cards(decision):
    body = answer(decision)
    said = body["extension"]["org.cds-service.decision"]
    assert [each["rule"] for each in said["verdicts"]] == list(RULE_IDS)
    assert said["complete"] is (not decision.not_obtained)
    shown = {
        entry["id"]
        for each in body["cards"]
        if each["summary"] != "Some checks could not be made"
        for entry in each["extension"]["org.cds-service.rules"]
    }
    assert {each["rule"] for each in said["verdicts"] if each["card"]} == shown
    for each in said["verdicts"]:
        assert each["verdict"] in ("true", "false", "unknown")
        assert each["verdict"] == "unknown" or not {"missing", "because"} & set(each)


@given(decisions)
def test_every_number_on_a_card_that_is_a_source_is_explained_on_it(decision):
    known = set(decision.book.rulebook.sources)
    for shown in answer(decision)["cards"]:
        text_part, _, sources = shown["detail"].partition("Sources: ")
        used = {int(number) for number in re.findall(r"\[(\d+)\]", text_part)} & known
        listed = {int(number) for number in re.findall(r"(?:^|; )\[(\d+)\] ", sources)}
        assert used <= listed
        assert listed == {
            number for entry in shown["extension"]["org.cds-service.rules"] for number in entry["sources"]
        }


# --- single statements ---------------------------------------------------------------------------


def test_no_advice_is_an_empty_list_of_cards_with_its_decision():
    """H-1, S-1, S-2."""
    body = answer(decide(rule("r")))
    assert body["cards"] == []
    assert list(body) == ["cards", "extension"]


def test_the_decision_names_its_id_rulebook_instant_and_verdicts():
    said = decided(rule("r", version="1.2.3"), id="d-1", request={"zone": EAST})
    assert said == {
        "id": "d-1",
        "rulebook": {"id": "example", "version": "2.0.0", "digest": "0" * 64},
        "asOf": "2026-03-02T02:00:00+14:00",
        "complete": True,
        "verdicts": [{"rule": "r", "version": "1.2.3", "verdict": "true", "card": False}],
    }
    assert datetime.fromisoformat(said["asOf"]) == AS_OF


def test_a_lost_key_makes_the_decision_incomplete_even_if_no_rule_missed_it():
    assert decided(rule("r"), not_obtained=missed("allergies"))["complete"] is False


def test_notes_name_the_entries_passed_over():
    said = decided(rule("r"), notes=(("refuted", "Condition/c1"),))
    assert said["notes"] == [{"code": "refuted", "reference": "Condition/c1"}]


@pytest.mark.parametrize("reason", ["deceased", "not-a-clinician"])
def test_where_nobody_may_see_cards_the_decision_says_why_and_keeps_its_verdicts(reason):
    decision = decide(rule("r", card()), hidden=reason)
    body = answer(decision)
    assert body["cards"] == []
    said = body["extension"]["org.cds-service.decision"]
    assert said["withheld"] == reason
    assert said["verdicts"][0]["card"] is False


def test_a_rule_that_was_never_concluded_is_unknown_and_silent():
    body = answer(replace(decide(rule("r", card(), when_unknown=card())), conclusions={}))
    assert body["cards"] == []
    assert body["extension"]["org.cds-service.decision"]["verdicts"][0]["verdict"] == "unknown"


def test_the_source_is_named_with_its_address_and_topic():
    """SO-1, SO-2, SO-4."""
    topic = {"code": "example", "system": "urn:example:topic", "display": "Example"}
    shown = only_card(rule("r", card(source=2)))
    assert shown["source"] == {
        "label": "Label, section 4",
        "url": "https://example.org/two_(b)",
        "topic": topic,
    }
    assert only_card(rule("r", card(source=3)))["source"] == {"label": "Local policy", "topic": topic}


def test_override_reasons_carry_code_system_and_display():
    """C-8."""
    assert only_card(rule("r", card(override_reasons=["seen", "other"])))["overrideReasons"] == [
        {"code": "seen", "system": "urn:cds-service:override-reason", "display": "Seen already"},
        {"code": "other", "system": "https://example.org/reasons", "display": "Another reason"},
    ]


def test_several_recommended_suggestions_may_all_be_taken():
    """SG-3, C-7."""
    one, two = OFFER | {"recommended": True}, OFFER | {"recommended": True}
    assert only_card(rule("r", card(suggestions=[one, OFFER])))["selectionBehavior"] == "at-most-one"
    assert only_card(rule("r", card(suggestions=[one, two])))["selectionBehavior"] == "any"


def test_a_suggestion_is_offered_if_its_condition_holds():
    offers = [
        OFFER | {"label": "Yes", "only_if": ["problem"]},
        OFFER | {"label": "No", "only_if": {"not": "problem"}},
    ]
    shown = rule("r", card(suggestions=offers))
    assert [
        each["label"] for each in only_card(shown, findings={"r": {"problem": finding()}})["suggestions"]
    ] == ["Yes"]
    assert "suggestions" not in only_card(shown)


def test_a_label_may_hold_an_answer_and_stays_short():
    shown = rule("r", card(suggestions=[OFFER | {"label": "Draft {score} {score.unit}: {problem.display}"}]))
    found = {"score": spanning(35, 35), "problem": finding(text="long " * 40)}
    label = only_card(shown, findings={"r": found})["suggestions"][0]["label"]
    assert label.startswith("Draft 35 kg: long long")
    assert len(label) <= 80


def test_links_are_the_authors_then_the_sources_each_once_and_always_https():
    """L-1 to L-3."""
    shown = only_card(rule("r", card(detail="See [1] and [3].", source=2, links=[LINK, LINK])))
    assert shown["links"] == [
        LINK | {"type": "absolute"},
        {"label": "Paper one", "url": "https://example.org/one", "type": "absolute"},
        {"label": "Label, section 4", "url": "https://example.org/two_(b)", "type": "absolute"},
    ]


# --- citations -----------------------------------------------------------------------------------


def test_a_card_ends_with_the_sources_it_cites_and_how_sure_we_are_of_them():
    shown = only_card(rule("r", card(summary="So [4]", detail="Because [1]; and [1][3].", source=2)))
    assert shown["detail"] == (
        "Because [1]; and [1][3].\n\n"
        "Sources: [1] [Paper one](https://example.org/one), inferred match, very high confidence; "
        "[2] [Label, section 4](https://example.org/two_%28b%29); "
        "[3] Local policy; [4] Paper four (paper not identified)"
    )


def test_a_number_that_is_no_source_and_a_number_in_chart_text_are_not_listed():
    found = {"r": {"problem": finding(text="[1] [2]")}}
    shown = only_card(rule("r", card(detail="{problem.display} [77]")), findings=found)
    assert shown["detail"].endswith("Sources: [3] Local policy")


def test_a_rule_nobody_approved_says_so_in_the_last_line():
    shown = only_card(rule("r", card(), version="0.3.0", approved=False))
    assert shown["detail"].split("\n")[-1] == "No clinician has approved this rule yet: r 0.3.0."
    assert "approved" not in only_card(rule("r", card()))["detail"]


def test_cards_of_one_response_have_different_ids():
    held = book(*(rule(f"r{at}", card(suggestions=[OFFER])) for at in range(5)))
    ids = [each["uuid"] for each in cards(held)]
    assert len(set(ids)) == 5
