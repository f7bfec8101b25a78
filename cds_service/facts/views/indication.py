"""What a stretch on a drug was for: the reasons of its orders and statements against those the rule names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cds_service.facts.chart import Chart
from cds_service.facts.reasons import reasons_of
from cds_service.facts.shelf import Entry
from cds_service.facts.statuses import UNREAD
from cds_service.facts.views.call import ViewCall
from cds_service.facts.where import Reader, codes_test
from cds_service.rulebook.fact import InSet
from cds_service.rulebook.terminology import Coded
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

NAMED, OTHER = "named", "other"
_KEYS = ("medication-requests", "medication-statements")
Indication = tuple[str | Truth | None, tuple[str, ...]]
"""The column, and of another illness which."""


def indication(call: ViewCall) -> Callable[[Iterable[Entry], Chart], Indication]:
    """A reader of what some orders and statements were for.

    `named` if a reason is one of the rule's, `other` if every reason is known to be none of them; None if
    nothing says, UNKNOWN if a lost key may.
    """
    sets = call.sets("reasons")
    test = codes_test(InSet.model_validate({"in": sorted(sets)}), Reader(call.book.terminology, "reason"))
    stops = call.sets("no_response_reasons") | call.sets("intolerance_reasons")

    def read(entries: Iterable[Entry], chart: Chart) -> Indication:
        if not sets:
            return None, ()
        reasons = [codes for entry in entries for codes in _reasons(entry.resource, chart)]
        reasons = [codes for codes in reasons if not any(_in(code, stops, call) for code in codes)]
        answers = [test(codes, frozenset()) for codes in reasons]
        if TRUE in answers:
            return NAMED, ()
        if chart.lacking(_KEYS) or any(code.system == UNREAD for codes in reasons for code in codes):
            return UNKNOWN, ()
        if not answers or any(answer is not FALSE for answer in answers):
            return None, ()
        return OTHER, (f"ordered for another illness: {_told(reasons[0])}",)

    return read


def _reasons(resource: Any, chart: Chart) -> Iterator[tuple[Coded, ...]]:
    return (codes for codes in reasons_of(resource, chart) if codes)


def _in(code: Coded, sets: frozenset[str], call: ViewCall) -> bool:
    return not call.book.terminology.sets_of(code.system, code.code).isdisjoint(sets)


def _told(codes: tuple[Coded, ...]) -> str:
    return next((code.display for code in codes if code.display), codes[0].code)
