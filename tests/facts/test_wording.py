"""Numbers in words: rounded as a reader would, and never to a limit they missed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.finding import Quantity
from cds_service.facts.wording import number_text, said, span_text
from cds_service.truth import Span, exactly


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (35.0, "35"),
        (9.8, "9.8"),
        (0.55, "0.55"),
        (69.98930269, "70"),
        (233.3333333, "233.3"),
        (0.666666667, "0.67"),
        (42.857143, "42.9"),
        (0.78125, "0.78"),
        (0.0125, "0.013"),
        (0.00004, "0.00004"),
        (1234567.0, "1234567"),
        (-50.0, "-50"),
        (0.0, "0"),
        (-0.0, "0"),
    ],
)
def test_a_number_is_rounded_as_a_reader_would(number: float, text: str) -> None:
    assert number_text(number) == text


def test_a_number_is_not_rounded_to_the_limit_it_missed() -> None:
    assert number_text(0.7996, 0.8) == "0.7996"
    assert number_text(0.8, 0.8) == "0.8"
    assert said(Quantity(exactly(41.97)), "days", 42) == "41.97 days"


def test_an_interval_whose_ends_read_alike_is_told_as_one_number() -> None:
    assert span_text(Span(69.98, 70.01)) == "70"
    assert span_text(Span(70, 71)) == "70 to 71"


@given(st.floats(-1e9, 1e9))
def test_rounding_moves_a_number_little(number: float) -> None:
    assert abs(float(number_text(number)) - number) <= max(0.05, abs(number) * 0.05)
