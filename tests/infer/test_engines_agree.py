"""The durable engine gives exactly the conclusions of direct evaluation, the definition."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from generated import program, states
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.infer import antecedent
from cds_service.infer.direct import DirectEngine
from cds_service.infer.engine import make_engine
from cds_service.infer.program import program_of
from cds_service.truth import Truth

pytest.importorskip("durable_rules_engine", reason="durable-rules does not load here", exc_type=ImportError)

PROGRAMS, CASES = 250, 40
seeds = st.integers(0, 2**32)
unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_ten_thousand_generated_cases_are_concluded_alike():
    seen: Counter[Truth] = Counter()

    @given(seeds)
    @settings(unhurried, max_examples=PROGRAMS)
    def agree(seed):
        random = Random(seed)
        rules = program(random)
        direct, durable = DirectEngine(rules), make_engine(rules, "durable")
        try:
            for _ in range(CASES):
                given_states = states(random, rules)
                expected = direct.infer(given_states)
                assert durable.infer(given_states) == expected
                seen.update(conclusion.verdict for conclusion in expected.values())
        finally:
            durable.close()

    agree()
    assert seen.total() > PROGRAMS * CASES
    assert [verdict for verdict in Truth if seen[verdict] * 5 < seen.total()] == []


@given(seeds)
@settings(unhurried, max_examples=60)
def test_the_order_of_rules_and_of_messages_changes_nothing(seed):
    random = Random(seed)
    rules = program(random)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(antecedent, "MAX_RULES", random.randint(4, 12))
        patch.setattr(antecedent, "PACKS_PER_LANE", random.randint(2, 4))
        engine = make_engine(program_of(random.sample(rules.rules, len(rules.rules))), "durable")
    try:
        given_states = states(random, rules)
        expected = DirectEngine(rules).infer(given_states)
        for _ in range(5):
            engine._messages = tuple(random.sample(engine._messages, len(engine._messages)))
            assert engine.infer(given_states) == expected
    finally:
        engine.close()


def test_eight_threads_on_one_engine_conclude_what_one_would():
    random = Random(8)
    rules = program(random)
    cases = [states(random, rules) for _ in range(800)]
    expected = [DirectEngine(rules).infer(case) for case in cases]
    engine = make_engine(rules, "durable")
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(engine.infer, cases)) == expected
    finally:
        engine.close()


def test_eight_threads_on_engines_of_their_own_conclude_what_one_would():
    def check(seed):
        random = Random(seed)
        rules = program(random)
        engine = make_engine(rules, "durable")
        try:
            for _ in range(40):
                case = states(random, rules)
                assert engine.infer(case) == DirectEngine(rules).infer(case)
        finally:
            engine.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, range(16)))
