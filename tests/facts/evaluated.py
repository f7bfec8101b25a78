"""Whole calls evaluated with the shipped rules: the verdicts, the findings behind them, the cards."""

from __future__ import annotations

from functools import cache
from typing import Any

from chart_builder import book

from cds_service.cards.response import answer
from cds_service.errors import DataUnavailable
from cds_service.facts.request import HookRequest
from cds_service.pipeline import Evaluation, ServedRulebook, examine


@cache
def served() -> ServedRulebook:
    return ServedRulebook.prepare(book(), "direct")


def decided(call: HookRequest) -> Evaluation | None:
    """The evaluation of a call; None if it is refused for want of data."""
    try:
        return examine(call, served())
    except DataUnavailable:
        return None


def whole(call: HookRequest) -> Evaluation:
    found = decided(call)
    assert found is not None
    return found


def verdicts(evaluation: Evaluation) -> dict[str, str]:
    return {name: str(conclusion.verdict) for name, conclusion in evaluation.conclusions.items()}


def body(evaluation: Evaluation) -> dict[str, Any]:
    return answer(evaluation.decision)
