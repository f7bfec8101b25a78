"""What the checks conclude of criteria holds for every value: compared with trying them all."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.lint.bounds import bound_of, exclude, implies
from cds_service.authoring.lint.sure import sure_if
from cds_service.authoring.lint.trees import atom, decider, meaning, nodes
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.logic import All, Any_, AtLeast, Logic, Not
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, at_least, compare, exactly, negate

NAMES = ("a", "b", "c")
VALUES = [number / 2 for number in range(-2, 11)]


def criterion(text: str) -> Criterion:
    return Criterion.parse(text)


def tree(of: object) -> Logic:
    made: Logic = All.model_validate({"all": [of]}).all[0]
    return made


comparisons = st.builds(
    lambda comparator, number: criterion(f"x {comparator} {number} [1]"),
    st.sampled_from([">=", ">", "<=", "<", "=="]),
    st.integers(0, 4),
)
trees = st.recursive(
    st.sampled_from(NAMES),
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda held: {"all": held}),
        st.lists(parts, min_size=1, max_size=3).map(lambda held: {"any": held}),
        parts.map(lambda part: {"not": part}),
        st.lists(parts, min_size=2, max_size=3).map(lambda held: {"at_least": {"n": 2, "of": held}}),
    ),
    max_leaves=6,
).map(tree)


def meets(one: Criterion, value: float) -> bool:
    assert one.comparator is not None and one.number is not None
    return compare(exactly(value), one.comparator, exactly(one.number)) is TRUE


def verdict(logic: Logic, states: dict[str, Truth]) -> Truth:
    """The definition, written out once more."""
    if isinstance(logic, Criterion):
        return states[atom(logic)]
    if isinstance(logic, Not):
        return negate(verdict(logic.part, states))
    if isinstance(logic, All):
        return all_of(verdict(part, states) for part in logic.all)
    if isinstance(logic, Any_):
        return any_of(verdict(part, states) for part in logic.any)
    assert isinstance(logic, AtLeast)
    return at_least(logic.at_least.n, [verdict(part, states) for part in logic.at_least.of])


@given(comparisons, comparisons)
def test_what_one_comparison_implies_holds_for_every_value(one: Criterion, other: Criterion) -> None:
    strong, weak = bound_of(one), bound_of(other)
    assert strong is not None and weak is not None
    assert implies(strong, weak) is all(meets(other, value) for value in VALUES if meets(one, value))


@given(comparisons, comparisons)
def test_comparisons_exclude_each_other_if_no_value_meets_both(one: Criterion, other: Criterion) -> None:
    first, second = bound_of(one), bound_of(other)
    assert first is not None and second is not None
    assert exclude(first, second) is not any(meets(one, value) and meets(other, value) for value in VALUES)


@given(comparisons)
def test_a_negated_comparison_excludes_itself(one: Criterion) -> None:
    plain, negated = bound_of(one), bound_of(tree({"not": one.text}))
    assert plain is not None
    # Not equal is no interval.
    assert (negated is None) is (one.comparator == "==")
    assert negated is None or exclude(plain, negated)


@pytest.mark.parametrize(
    ("weeks", "days"), [("x > 4 weeks [1]", "x > 28 days [1]"), ("x > 1 years [1]", "x > 365 days [1]")]
)
def test_lengths_of_time_are_compared_across_units(weeks: str, days: str) -> None:
    long, short = bound_of(criterion(weeks)), bound_of(criterion(days))
    assert long is not None and short is not None and implies(long, short)


@given(trees)
def test_a_fact_that_is_sure_cannot_be_unknown_under_the_verdict(logic: Logic) -> None:
    for wanted, answer in ((True, TRUE), (False, FALSE)):
        for name in sure_if(logic, wanted):
            for states in product((TRUE, FALSE, UNKNOWN), repeat=len(NAMES)):
                held = dict(zip(NAMES, states, strict=True))
                assert held[name] is not UNKNOWN or verdict(logic, held) is not answer


@given(trees)
def test_the_decider_says_what_three_valued_logic_says_of_what_is_known(logic: Logic) -> None:
    decide = decider(logic)
    for answers in product((True, False), repeat=len(NAMES)):
        known = dict(zip(NAMES, answers, strict=True))
        truths = {name: TRUE if answer else FALSE for name, answer in known.items()}
        assert decide(known) is (verdict(logic, truths) is TRUE)


@given(st.permutations(["a", "b", "c"]))
def test_order_and_citations_do_not_change_a_meaning(names: list[str]) -> None:
    assert meaning(tree({"all": list(names)})) == meaning(tree({"all": ["a", "b", "c"]}))
    assert meaning(criterion("x >= 2 [1]")) == meaning(criterion("x >= 2 [2] [3]"))


def test_every_part_of_a_tree_has_its_path() -> None:
    logic = tree({"all": ["a", {"any": ["b", {"not": "c"}]}]})
    paths = [path for path, _ in nodes(("logic",), logic)]
    assert ("logic", "all", 1, "any", 1, "not") in paths and len(paths) == 6
