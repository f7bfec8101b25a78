"""Why-trees: the truth of every node, and which nodes the verdict hangs on."""

from __future__ import annotations

from random import Random

import pytest
from generated import flat, program, states
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import InferenceError
from cds_service.infer.direct import DirectEngine
from cds_service.infer.program import program_of
from cds_service.infer.trace import Node, trace
from cds_service.truth import FALSE, TRUE, UNKNOWN


def shape(node: Node):
    """The tree as text, an asterisk where the verdict hangs on a node."""
    mark = "*" if node.decides else " "
    inner = f"({', '.join(shape(child) for child in node.children)})" if node.children else ""
    return f"{mark}{node.text}={node.truth}{inner}"


def why(logic, **given_states):
    return shape(trace(flat("r", logic), given_states, {}))


def test_an_unknown_verdict_hangs_on_what_could_still_change_it():
    logic = {"all": ["a", {"any": ["b", "c"]}, "d"]}
    assert why(logic, a=TRUE, b=FALSE, c=UNKNOWN, d=TRUE) == (
        "*all of=unknown( a=true, *any of=unknown( b=false, *c=unknown),  d=true)"
    )


def test_a_settled_verdict_hangs_on_what_settled_it():
    logic = {"all": ["a", {"any": ["b", "c"]}, {"not": "d"}]}
    assert why(logic, a=UNKNOWN, b=FALSE, c=FALSE, d=FALSE) == (
        "*all of=false( a=unknown, *any of=false(*b=false, *c=false),  not=true( d=false))"
    )


def test_a_negation_hangs_on_what_it_negates():
    assert why({"not": "a"}, a=TRUE) == "*not=false(*a=true)"


def test_at_least_says_how_many():
    logic = {"at_least": {"n": 2, "of": ["a", "b", "c"]}}
    assert why(logic, a=TRUE, b=FALSE, c=TRUE) == "*at least 2 of=true(*a=true,  b=false, *c=true)"


def test_a_conclusion_names_the_rule_to_look_at_next():
    rule = flat("second", {"all": ["a", "b"]}, consumes={"b": "first"})
    first = flat("first", "a")
    program_states = {"first": {"a": FALSE}, "second": {"a": TRUE}}
    answers = DirectEngine(program_of([first, rule])).infer(program_states)
    plain, concluded = trace(rule, program_states["second"], answers).children
    assert (plain.kind, plain.fact, plain.conclusion) == ("criterion", "a", "")
    assert (concluded.kind, concluded.fact, concluded.conclusion, concluded.truth) == (
        "criterion",
        "b",
        "first",
        FALSE,
    )


def test_a_state_that_was_not_given_is_an_error():
    with pytest.raises(InferenceError, match="rule r"):
        trace(flat("r", "a"), {}, {})


@given(st.integers(0, 2**32))
def test_the_trace_agrees_with_the_engine_on_verdict_and_missing(seed):
    random = Random(seed)
    rules = program(random)
    given_states = states(random, rules)
    answers = DirectEngine(rules).infer(given_states)
    for rule in rules.rules:
        tree = trace(rule, given_states[rule.id], answers)
        assert tree.truth is answers[rule.id].verdict
        hangs_on = {node.fact for node in tree.walk() if node.decides and node.kind == "criterion"}
        if tree.truth is UNKNOWN:
            assert hangs_on == set(answers[rule.id].missing)
