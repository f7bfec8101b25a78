"""The view `ordered_doses`: ranges, upper ends, and how many lines an order has."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, quantity
from view_bench import SPRAY, VIAL, draft, line, mg, number, rows, span

from cds_service.truth import FALSE, TRUE, Span, Truth

DRAFTS: Json = {"view": "ordered_doses", "from": "drafts", "code_in": "alpha"}


def columns(*lines: Json, code: str = SPRAY) -> list[dict[str, Any]]:
    """The columns of the rows of one draft."""
    found = rows(DRAFTS, drafts=[draft(*lines, code=code)], hook="order-sign")
    return [dict(row.columns) for row in found]


def between(low: float, high: float) -> Json:
    return {"doseRange": {"low": mg(low), "high": mg(high)}}


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([{"doseQuantity": mg(56)}], FALSE),
        ([{"doseQuantity": mg(56)}, {"doseQuantity": mg(56)}], FALSE),
        ([between(56, 56)], FALSE),
        ([between(28, 112)], TRUE),
        ([{"doseQuantity": mg(56)}, {"doseQuantity": mg(84)}], TRUE),
        ([{"doseQuantity": mg(84) | {"comparator": "<"}}], TRUE),
        ([{"doseQuantity": quantity(2, "{tbl}")}], FALSE),
        ([], FALSE),
    ],
)
def test_a_dose_is_a_range_where_more_than_one_amount_would_follow_it(
    amounts: list[Json], expected: Truth
) -> None:
    found = columns({"doseAndRate": amounts})
    assert {row["dose_range"] for row in found} == {expected}


@pytest.mark.parametrize(
    ("repeat", "often", "highest"),
    [
        ({"frequency": 2, "frequencyMax": 7, "period": 1, "periodUnit": "wk"}, Span(2, 7), 7),
        ({"frequency": 1, "period": 1, "periodMax": 2, "periodUnit": "wk"}, Span(0.5, 1), 1),
        ({"frequency": 6, "period": 1, "periodUnit": "d"}, Span(42, 42), 42),
        ({"count": 1, "frequency": 1, "period": 1, "periodUnit": "d"}, Span(1, 1), 1),
        ({"count": 1, "countMax": 6, "frequency": 1, "period": 1, "periodUnit": "d"}, Span(7, 7), 7),
        ({}, None, None),
    ],
)
def test_how_often_at_most_is_the_upper_end_of_how_often(
    repeat: Json, often: Span | None, highest: float | None
) -> None:
    [only] = columns(line(mg(56), **repeat))
    assert span(only["per_week"]) == often
    assert number(only["highest_per_week"]) == highest


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_every_row_says_how_many_lines_its_order_has(lines: int) -> None:
    assert [number(row["lines"]) for row in columns(*[line(mg(35))] * lines, code=VIAL)] == [lines] * lines
