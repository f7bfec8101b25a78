"""Rows that do not count are kept where a card tells them, and on the explanation; nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chart_builder import Json, order
from view_bench import ALPHA, VIAL, call, rule, served

from cds_service.pipeline import ServedRulebook, evaluate, examine

STOPPED = {"find": "MedicationRequest", "code_in": "alpha", "where": {"status": ["active"]}}
CURRENT = {"view": "current_drugs", "code_in": "alpha", "where": {"kind": ["statement"]}}
VIAL_ORDER: Json = order(VIAL, "2026-02-01", status="stopped")


def rulebook(fact: Json, detail: str, *, status: str = "active") -> ServedRulebook:
    made: dict[str, Any] = json.loads(rule("asked", {"it": fact}, {"not": "it"}))
    card = {"indicator": "info", "summary": "Nothing counts", "source": 1, "override_reasons": ["not-so"]}
    made["cards"]["when_true"] = {**card, "detail": [{"text": detail}]}
    return served(json.dumps(made | {"status": status}))


def rejected(book: ServedRulebook, *resources: Json, explain: bool = False) -> list[tuple[str, ...]]:
    found = examine(call(book, *resources), book, explain=explain).findings["asked"]["it"].rejected
    return [row.why for row in found]


@pytest.mark.parametrize("fact", [STOPPED, CURRENT], ids=["find", "view"])
def test_a_card_that_tells_them_shows_the_rows_that_do_not_count(fact: Json) -> None:
    book = rulebook(fact, "Not counted:\n{it.rejected}")
    (card,) = evaluate(call(book, VIAL_ORDER), book).body["cards"]
    assert "alpha 10 MG/ML" in card["detail"]
    assert "needs" in card["detail"]


@pytest.mark.parametrize("fact", [STOPPED, CURRENT], ids=["find", "view"])
def test_rows_that_no_card_tells_are_kept_for_the_explanation_only(fact: Json) -> None:
    book = rulebook(fact, "Nothing counts.")
    assert rejected(book, VIAL_ORDER) == []
    assert rejected(book, VIAL_ORDER, explain=True) != []


def test_an_entry_set_aside_is_told_although_it_can_never_count() -> None:
    book = rulebook(STOPPED, "Not counted:\n{it.rejected}")
    assert rejected(book, order(ALPHA, "2026-02-01", status="entered-in-error")) == [("entered in error",)]


def test_a_rule_in_shadow_shows_no_card_and_keeps_no_such_rows() -> None:
    book = rulebook(STOPPED, "Not counted:\n{it.rejected}", status="shadow")
    assert rejected(book, VIAL_ORDER) == []
