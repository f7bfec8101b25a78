"""The three-valued logic: every pair by name, then what must hold for all values."""

from __future__ import annotations

from itertools import product
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.truth import (
    FALSE,
    TRUE,
    UNKNOWN,
    Span,
    Truth,
    all_of,
    any_of,
    at_least,
    at_least_span,
    compare,
    counted,
    exactly,
    found,
    hull,
    negate,
    truth_of,
)

COMPARATORS = (">=", ">", "<=", "<", "==", "!=")
truths = st.sampled_from(list(Truth))
many = st.lists(truths, max_size=7)
numbers = st.integers(-6, 6)


@st.composite
def spans(draw):
    low, high = sorted((draw(numbers), draw(numbers)))
    return Span(-inf if draw(st.integers(0, 5)) == 0 else low, inf if draw(st.integers(0, 5)) == 0 else high)


def values(part):
    """The answers a truth stands for: unknown may turn out either way."""
    return {TRUE: (True,), FALSE: (False,), UNKNOWN: (True, False)}[part]


def settled(answers):
    """The truth of a question whose possible answers are these."""
    seen = set(answers)
    return UNKNOWN if len(seen) == 2 else truth_of(seen.pop())


# --- all nine pairs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        pytest.param(TRUE, TRUE, TRUE, TRUE, id="true and true"),
        pytest.param(TRUE, FALSE, FALSE, TRUE, id="true and false"),
        pytest.param(TRUE, UNKNOWN, UNKNOWN, TRUE, id="true and unknown"),
        pytest.param(FALSE, TRUE, FALSE, TRUE, id="false and true"),
        pytest.param(FALSE, FALSE, FALSE, FALSE, id="false and false"),
        pytest.param(FALSE, UNKNOWN, FALSE, UNKNOWN, id="false and unknown"),
        pytest.param(UNKNOWN, TRUE, UNKNOWN, TRUE, id="unknown and true"),
        pytest.param(UNKNOWN, FALSE, FALSE, UNKNOWN, id="unknown and false"),
        pytest.param(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, id="unknown and unknown"),
    ],
)
def test_all_and_any_of_two(left, right, both, either):
    assert all_of([left, right]) is both
    assert any_of([left, right]) is either


@pytest.mark.parametrize(
    ("part", "opposite"),
    [
        pytest.param(TRUE, FALSE, id="not true is false"),
        pytest.param(FALSE, TRUE, id="not false is true"),
        pytest.param(UNKNOWN, UNKNOWN, id="not unknown is unknown"),
    ],
)
def test_negation(part, opposite):
    assert negate(part) is opposite


def test_nothing_required_holds_and_nothing_offered_does_not():
    assert all_of([]) is TRUE
    assert any_of([]) is FALSE
    assert at_least(1, []) is FALSE


@pytest.mark.parametrize(
    ("n", "parts", "answer"),
    [
        pytest.param(2, [TRUE, FALSE, TRUE], TRUE, id="enough are true"),
        pytest.param(2, [TRUE, FALSE, FALSE], FALSE, id="too few are left"),
        pytest.param(2, [TRUE, UNKNOWN, FALSE], UNKNOWN, id="one unknown could make it"),
        pytest.param(2, [UNKNOWN, FALSE, FALSE], FALSE, id="one unknown could not make two"),
        pytest.param(2, [TRUE, TRUE, UNKNOWN], TRUE, id="an unknown no longer matters"),
        pytest.param(3, [UNKNOWN, UNKNOWN, UNKNOWN], UNKNOWN, id="all unknown"),
    ],
)
def test_at_least_some(n, parts, answer):
    assert at_least(n, parts) is answer


# --- properties ----------------------------------------------------------------------------------


@given(many)
def test_all_any_and_not_are_decided_exactly_when_every_way_to_settle_the_parts_agrees(parts):
    worlds = list(product(*(values(part) for part in parts)))
    assert all_of(parts) is settled(all(world) for world in worlds)
    assert any_of(parts) is settled(any(world) for world in worlds)
    assert all_of(negate(part) for part in parts) is negate(any_of(parts))


@given(many, st.integers(1, 8))
def test_at_least_is_decided_exactly_when_every_way_to_settle_the_parts_agrees(parts, n):
    worlds = product(*(values(part) for part in parts))
    assert at_least(n, parts) is settled(sum(world) >= n for world in worlds)


@given(st.lists(truths, min_size=1, max_size=7))
def test_at_least_one_is_any_and_at_least_every_one_is_all(parts):
    assert at_least(1, parts) is any_of(parts)
    assert at_least(len(parts), parts) is all_of(parts)


@given(many, st.randoms())
def test_the_order_of_the_parts_changes_nothing(parts, random):
    shuffled = random.sample(parts, len(parts))
    assert all_of(shuffled) is all_of(parts)
    assert any_of(shuffled) is any_of(parts)
    assert at_least(2, shuffled) is at_least(2, parts)


@given(many, st.integers(0, 6))
def test_losing_a_part_to_unknown_never_turns_true_into_false_or_back(parts, place):
    lost = [UNKNOWN if index == place else part for index, part in enumerate(parts)]
    for answer in (all_of, any_of, lambda held: at_least(2, held)):
        assert answer(lost) in (answer(parts), UNKNOWN)


# --- spans ---------------------------------------------------------------------------------------


def points(span):
    """Enough numbers of a span to find a disagreement with any small span."""
    low, high = max(span.low, -9), min(span.high, 9)
    return [low + step / 2 for step in range(int((high - low) * 2) + 1)]


HOLDS = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@given(spans(), st.sampled_from(COMPARATORS), spans())
def test_a_comparison_is_decided_exactly_when_every_pair_of_points_agrees(left, comparator, right):
    pairs = product(points(left), points(right))
    assert compare(left, comparator, right) is settled(HOLDS[comparator](a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("span", "comparator", "number", "answer"),
    [
        pytest.param(at_least_span(2), ">=", 2, TRUE, id="at least 2 is 2 or more"),
        pytest.param(at_least_span(2), ">=", 3, UNKNOWN, id="at least 2 may be 3"),
        pytest.param(at_least_span(2), "<", 2, FALSE, id="at least 2 is not under 2"),
        pytest.param(at_least_span(0), "==", 0, UNKNOWN, id="none seen is not none"),
        pytest.param(exactly(0), "==", 0, TRUE, id="none is none"),
        pytest.param(Span(3, 5), "!=", 6, TRUE, id="3 to 5 is not 6"),
        pytest.param(Span(3, 5), "<=", 5, TRUE, id="the end of a span belongs to it"),
        pytest.param(Span(3, 5), "<", 5, UNKNOWN, id="the end of a span is possible"),
    ],
)
def test_comparing_a_span_with_a_number(span, comparator, number, answer):
    assert compare(span, comparator, exactly(number)) is answer


@given(spans(), st.sampled_from(COMPARATORS), spans(), spans())
def test_knowing_less_about_a_number_never_turns_a_comparison_round(span, comparator, other, lost):
    wider = hull([span, lost])
    assert compare(wider, comparator, other) in (compare(span, comparator, other), UNKNOWN)


@given(st.lists(spans(), min_size=1, max_size=4))
def test_the_hull_holds_every_span_and_ends_where_one_ends(held):
    whole = hull(held)
    assert all(whole.low <= span.low and span.high <= whole.high for span in held)
    assert whole.low in {span.low for span in held}
    assert whole.high in {span.high for span in held}


def test_the_hull_of_nothing_is_an_error():
    with pytest.raises(ValueError):
        hull([])


def test_only_one_number_is_exact():
    assert exactly(3).exact
    assert not at_least_span(3).exact


# --- what a search proves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sure", "possible", "obtained", "complete", "answer"),
    [
        pytest.param(1, 0, True, True, TRUE, id="one found"),
        pytest.param(1, 0, False, False, TRUE, id="presence needs no complete record"),
        pytest.param(0, 0, True, True, FALSE, id="a complete record without one"),
        pytest.param(0, 0, True, False, UNKNOWN, id="a partial record proves no absence"),
        pytest.param(0, 0, False, True, UNKNOWN, id="what was not obtained proves no absence"),
        pytest.param(0, 1, True, True, UNKNOWN, id="one that cannot be decided"),
        pytest.param(1, 1, True, True, TRUE, id="one sure beside one undecided"),
    ],
)
def test_is_there_one(sure, possible, obtained, complete, answer):
    assert found(sure, possible, obtained=obtained, complete=complete) is answer


def test_a_count_is_bounded_only_by_a_complete_record_that_was_obtained():
    assert counted(2, 1, obtained=True, complete=True) == Span(2, 3)
    assert counted(2, 1, obtained=True, complete=False) == Span(2, inf)
    assert counted(2, 1, obtained=False, complete=True) == Span(2, inf)


@given(st.integers(0, 4), st.integers(0, 4), st.booleans(), st.booleans())
def test_finding_one_agrees_with_counting_at_least_one(sure, possible, obtained, complete):
    number = counted(sure, possible, obtained=obtained, complete=complete)
    assert found(sure, possible, obtained=obtained, complete=complete) is compare(number, ">=", exactly(1))
