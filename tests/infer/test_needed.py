"""Facts are read only while a verdict hangs on them, which changes no verdict and nothing missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

import pytest
from generated import flat, program
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding, Quantity
from cds_service.facts.findings import ChartFindings, Question
from cds_service.infer.criteria import rule_states, state
from cds_service.infer.direct import DirectEngine
from cds_service.infer.needed import NeededStates
from cds_service.infer.program import Program, program_of
from cds_service.rulebook.terminology import Terminology
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWERS = (
    *[Finding(FALSE), Finding(TRUE), Finding(UNKNOWN)],
    *[
        Finding(TRUE, Quantity(Span(least, most)))
        for least, most in ((0, 0), (1, 1), (3, 3), (1, float("inf")))
    ],
)
Answers = Mapping[str, Mapping[str, Finding]]


class Asked:
    """The facts of a program with their answers, some of which are known without reading."""

    def __init__(self, rules: Program, answers: Answers, silent: Mapping[str, set[str]]) -> None:
        self.read: list[tuple[str, str]] = []
        names = [(rule.id, fact) for rule in rules.rules for fact in answers.get(rule.id, ())]
        numbers: dict[str, dict[str, int]] = {rule.id: {} for rule in rules.rules}
        for number, (rule, fact) in enumerate(names):
            numbers[rule][fact] = number
        known = [answers[rule][fact] if fact in silent.get(rule, ()) else None for rule, fact in names]
        unread = {rule: set(facts) - silent.get(rule, set()) for rule, facts in numbers.items()}
        questions = [Question(self._reader(rule, fact, answers[rule][fact])) for rule, fact in names]
        chart = Chart("p", NOON, UTC, {}, {}, {}, frozenset(), (), Terminology.__new__(Terminology))
        self.findings = ChartFindings(chart, questions, numbers, known, unread)

    def _reader(self, rule: str, fact: str, answer: Finding):
        def read(chart, used):
            self.read.append((rule, fact))
            return answer

        return read


def needed_of(rules: Program, answers: Answers, silent: Mapping[str, set[str]]):
    leaves = {
        rule.id: tuple(
            state(leaf.criterion, answers[rule.id][leaf.fact], NOON, UTC)
            if leaf.criterion is not None and leaf.fact in silent.get(rule.id, ())
            else UNKNOWN
            for leaf in rule.leaves
        )
        for rule in rules.rules
    }
    return NeededStates(rules, leaves)


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_reading_no_more_than_needed_concludes_what_reading_everything_does(seed):
    random = Random(seed)
    rules = program(random)
    answers = {
        rule.id: {fact: random.choice(ANSWERS) for fact in rule.facts if fact not in rule.consumes}
        for rule in rules.rules
    }
    silent = {rule: {fact for fact in facts if random.random() < 0.5} for rule, facts in answers.items()}
    asked = Asked(rules, answers, silent)
    engine = DirectEngine(rules)
    some = engine.infer(needed_of(rules, answers, silent).of(asked.findings, NOON, UTC))
    every = engine.infer({rule.id: rule_states(rule, answers[rule.id], NOON, UTC) for rule in rules.rules})
    assert {name: (one.verdict, one.missing) for name, one in some.items()} == {
        name: (one.verdict, one.missing) for name, one in every.items()
    }
    assert len(asked.read) == len(set(asked.read))


@pytest.mark.parametrize(
    ("logic", "answers", "read"),
    [
        pytest.param({"all": ["a", "b"]}, {"a": FALSE, "b": TRUE}, ["a"], id="a false member settles it"),
        pytest.param({"any": ["a", "b"]}, {"a": TRUE, "b": TRUE}, ["a"], id="a true member settles it"),
        pytest.param(
            {"all": ["a", "b"]}, {"a": UNKNOWN, "b": TRUE}, ["a", "b"], id="unknown settles nothing"
        ),
        pytest.param(
            {"any": [{"all": ["a", "b"]}, "c"]},
            {"a": FALSE, "b": TRUE, "c": TRUE},
            ["a", "c"],
            id="a settled part",
        ),
    ],
)
def test_a_fact_that_cannot_matter_any_more_is_not_read(logic, answers, read):
    rules = program_of([flat("r", logic)])
    found = {"r": {name: Finding(answer) for name, answer in answers.items()}}
    asked = Asked(rules, found, {})
    needed_of(rules, found, {}).of(asked.findings, NOON, UTC)
    assert [fact for _, fact in asked.read] == read


def test_a_fact_known_without_reading_settles_a_rule_before_any_is_read():
    rules = program_of([flat("r", {"all": ["a", "b"]})])
    found = {"r": {"a": Finding(TRUE), "b": Finding(FALSE)}}
    asked = Asked(rules, found, {"r": {"b"}})
    states = needed_of(rules, found, {"r": {"b"}}).of(asked.findings, NOON, UTC)
    assert asked.read == []
    assert DirectEngine(rules).infer(states)["r"].verdict is FALSE
