"""The definition of a verdict and of what is missing."""

from __future__ import annotations

from random import Random

import pytest
from generated import flat, program, states
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import InferenceError
from cds_service.infer.direct import DirectEngine
from cds_service.infer.program import program_of
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth


def conclusion(data, given_states, facts=("a", "b", "c", "d")):
    rules = program_of([flat("r", data, facts=facts)])
    return DirectEngine(rules).infer({"r": given_states})["r"]


# --- what is missing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logic", "given_states", "verdict", "missing"),
    [
        pytest.param(
            {"all": ["a", "b"]}, {"a": UNKNOWN, "b": FALSE}, FALSE, (), id="a settled verdict misses nothing"
        ),
        pytest.param({"all": ["a", "b"]}, {"a": UNKNOWN, "b": TRUE}, UNKNOWN, ("a",), id="the open one"),
        pytest.param(
            {"all": [{"any": ["a", "b"]}, "c"]},
            {"a": TRUE, "b": UNKNOWN, "c": UNKNOWN},
            UNKNOWN,
            ("c",),
            id="not the one under a settled node",
        ),
        pytest.param(
            {"at_least": {"n": 2, "of": ["a", "b", "c"]}},
            {"a": TRUE, "b": UNKNOWN, "c": UNKNOWN},
            UNKNOWN,
            ("b", "c"),
            id="all that could make the number",
        ),
        pytest.param({"not": "d"}, {"d": UNKNOWN}, UNKNOWN, ("d",), id="the negated one"),
        pytest.param(
            {"any": ["d", "b"]},
            {"d": UNKNOWN, "b": UNKNOWN},
            UNKNOWN,
            ("b", "d"),
            id="in the order of the data",
        ),
    ],
)
def test_what_is_missing_is_what_could_still_change_an_unknown_verdict(logic, given_states, verdict, missing):
    answer = conclusion(logic, given_states)
    assert (answer.verdict, answer.missing) == (verdict, missing)


def test_a_fact_compared_twice_is_missing_once():
    more = {"any": ["a > 1", "a > 2"]}
    assert conclusion(more, {"a > 1": UNKNOWN, "a > 2": UNKNOWN}).missing == ("a",)


def test_an_open_conclusion_is_missing_under_the_name_of_its_fact():
    first = flat("first", "a")
    second = flat("second", {"any": ["b", "c"]}, consumes={"c": "first"})
    answers = DirectEngine(program_of([second, first])).infer(
        {"first": {"a": UNKNOWN}, "second": {"b": FALSE}}
    )
    assert answers["second"].missing == ("c",)
    assert answers["second"].states == {"b": FALSE, "c": UNKNOWN}


@given(st.integers(0, 2**32))
def test_settling_what_is_missing_settles_the_verdict_and_settling_the_rest_changes_nothing(seed):
    random = Random(seed)
    rules = program(random)
    engine, before = DirectEngine(rules), states(random, rules)
    answers = engine.infer(before)
    for rule in rules.rules:
        if rule.consumes or answers[rule.id].verdict is not UNKNOWN:
            continue
        fact_of = {leaf.text: leaf.fact for leaf in rule.leaves}
        needed, rest = dict(before[rule.id]), dict(before[rule.id])
        for text, truth in before[rule.id].items():
            changed = needed if fact_of[text] in answers[rule.id].missing else rest
            changed[text] = random.choice([TRUE, FALSE]) if truth is UNKNOWN else truth
        assert engine.infer(before | {rule.id: needed})[rule.id].verdict is not UNKNOWN
        assert engine.infer(before | {rule.id: rest})[rule.id].verdict is UNKNOWN


@given(st.integers(0, 2**32))
def test_losing_a_state_never_turns_a_verdict_round(seed):
    random = Random(seed)
    rules = program(random)
    engine, before = DirectEngine(rules), states(random, rules)
    lost = {
        name: {text: random.choice([truth, truth, UNKNOWN]) for text, truth in held.items()}
        for name, held in before.items()
    }
    after = engine.infer(lost)
    for name, answer in engine.infer(before).items():
        assert after[name].verdict in (answer.verdict, Truth.UNKNOWN)


def test_a_state_that_was_not_given_is_an_error_that_names_rule_and_criterion():
    with pytest.raises(InferenceError, match=r"rule r.*'b'"):
        conclusion({"all": ["a", "b"]}, {"a": TRUE})
