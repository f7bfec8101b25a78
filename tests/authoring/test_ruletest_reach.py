"""Which verdicts a rule can reach follows from what its facts can answer."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.authoring.reach import reachable
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN

ASK = "What does the chart say?"
PARTIAL = {"find": "Condition", "code_in": "a-set", "record": "partial"}
FACTS: dict[str, Any] = {
    "partial": {"ask": ASK, "give": "exists"} | PARTIAL,
    "other_partial": {"ask": ASK, "give": "exists"} | PARTIAL,
    "complete": {"ask": ASK, "give": "exists"} | PARTIAL | {"record": "complete"},
    "many": {"ask": ASK, "give": "count"} | PARTIAL,
    "first": {"ask": ASK, "give": "earliest date"} | PARTIAL,
    "latest": {"ask": ASK, "give": "latest date"} | PARTIAL,
    "asked": {"ask": ASK, "view": "answers", "code_in": "a-set", "give": "any_yes"},
    "maybe": {"ask": ASK, "find": "Condition", "code_in": "a-set", "give": "possible"},
    "used": {"ask": ASK, "conclusion": "used-rule"},
}


def rule(logic: Any, name: str = "the-rule") -> Rule:
    return Rule.model_validate(
        {
            "rule": name,
            "title": "A rule to reason about",
            "version": "1.0.0",
            "status": "draft",
            "kind": "caution",
            "about": {"purpose": "To test", "population": "Nobody", "owner": "tests"},
            "evidence": [
                {"source": 1, "claim": "So", "direction": "for", "strength": "consensus", "certainty": "low"}
            ],
            "data": FACTS,
            "logic": logic,
            "cards": {"when_true": "silent", "when_unknown": "silent", "when_false": "silent"},
        }
    )


@pytest.mark.parametrize(
    ("logic", "verdicts"),
    [
        ("partial", {TRUE, UNKNOWN}),
        ({"not": "partial"}, {FALSE, UNKNOWN}),
        ("complete", {TRUE, FALSE, UNKNOWN}),
        ("asked", {TRUE, FALSE, UNKNOWN}),
        ("maybe", {TRUE, FALSE, UNKNOWN}),
        ("many >= 2", {TRUE, UNKNOWN}),
        ("many < 2", {FALSE, UNKNOWN}),
        ("many == 2", {FALSE, UNKNOWN}),
        ("many != 2", {TRUE, UNKNOWN}),
        ("first >= 4 weeks", {TRUE, UNKNOWN}),
        ("first < 4 weeks", {FALSE, UNKNOWN}),
        ("latest < 4 weeks", {TRUE, FALSE, UNKNOWN}),
        ({"any": ["partial", "other_partial"]}, {TRUE, UNKNOWN}),
        ({"all": ["partial", "complete"]}, {TRUE, FALSE, UNKNOWN}),
        ({"any": ["partial", "complete"]}, {TRUE, UNKNOWN}),
        ({"at_least": {"n": 2, "of": ["partial", "other_partial", "many >= 2"]}}, {TRUE, UNKNOWN}),
        ({"at_least": {"n": 1, "of": [{"not": "partial"}]}}, {FALSE, UNKNOWN}),
        ("used", {TRUE, UNKNOWN}),
    ],
)
def test_the_verdicts_a_logic_can_reach(logic: Any, verdicts: set[Any]) -> None:
    rules = {"used-rule": rule("partial", "used-rule")}
    assert reachable(rule(logic), rules) == verdicts
