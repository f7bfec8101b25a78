"""The durable engine at its limits, and after something went wrong."""

from __future__ import annotations

import pytest
from generated import flat

pytest.importorskip("durable_rules_engine", reason="durable-rules does not load here", exc_type=ImportError)

from cds_service.errors import InferenceError
from cds_service.infer.antecedent import MAX_GATES, MAX_PROPERTIES, MAX_RULES, packs_of
from cds_service.infer.direct import DirectEngine
from cds_service.infer.durable import MAX_TESTED, SESSIONS, DurableEngine, create
from cds_service.infer.program import MAX_CONSUMED, program_of
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth


@pytest.fixture
def engine_of():
    made = []

    def make(*rules):
        made.append(DurableEngine(program_of(rules)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def every(program, truth):
    return {rule.id: {leaf.text: truth for leaf in rule.plain} for rule in program.rules}


def agrees(engine):
    """Whether the engine concludes as the definition does when all is true, all false, all unknown."""
    direct = DirectEngine(engine.program)
    return all(
        engine.infer(every(engine.program, truth)) == direct.infer(every(engine.program, truth))
        for truth in Truth
    )


def wide(name, size):
    return flat(name, {"all": [f"fact_{number}" for number in range(size)]})


def consumer(name, *used):
    facts = {f"v{place}": other for place, other in enumerate(used)}
    return flat(name, {"all": ["a", *facts]}, consumes=facts)


# --- limits --------------------------------------------------------------------------------------


def test_findings_that_do_not_fit_one_message_are_packed_so_that_each_rule_reads_one():
    program = program_of(wide(f"rule-{number}", 9) for number in range(70))
    packs = list(packs_of(program))
    assert [rule.id for pack in packs for rule in pack.rules] == [rule.id for rule in program.rules]
    assert all(len(pack.reads) <= MAX_PROPERTIES and len(pack.rules) <= MAX_RULES for pack in packs)
    for pack in packs:
        assert {rule for rule, _ in pack.reads} == {rule.id for rule in pack.rules}
    assert len(packs) == 4


def test_a_large_rulebook_is_concluded_as_defined(engine_of):
    definition = wide("definition", 3)
    readers = (consumer(f"reader-{number}", "definition") for number in range(300))
    plain = (wide(f"rule-{number}", 9) for number in range(150))
    assert agrees(engine_of(definition, *readers, *plain))


def test_more_gates_than_are_tested_natively_still_settle_a_rule(engine_of):
    engine = engine_of(wide("r", MAX_GATES + 15))
    assert agrees(engine)
    last_false = every(engine.program, TRUE)["r"] | {f"fact_{MAX_GATES + 14}": FALSE}
    assert engine.infer({"r": last_false})["r"].verdict is FALSE


def test_a_rule_may_consume_as_many_conclusions_as_a_join_holds(engine_of):
    used = [f"d{number}" for number in range(MAX_CONSUMED)]
    assert agrees(engine_of(*(flat(name, "a") for name in used), consumer("r", *used)))


def test_a_conclusion_consumed_under_two_names_is_joined_once(engine_of):
    assert agrees(engine_of(flat("d", "a"), consumer("r", "d", "d")))


def test_more_consumed_rules_than_the_library_can_tell_apart_are_refused(engine_of):
    used = [f"d{number}" for number in range(MAX_TESTED)]
    with pytest.raises(InferenceError, match=f"{MAX_TESTED} consumed rules are more than a program can hold"):
        engine_of(*(flat(name, "a") for name in used), *(consumer(f"r-{name}", name) for name in used))


def test_no_two_names_in_a_message_are_alike_to_the_library():
    """It compares the 32-bit FNV-1a hash of a name, never the name."""

    def hashed(name):
        value = 2166136261
        for byte in name.encode():
            value = (value ^ byte) * 16777619 % 2**32
        return value

    numbered = {f"{letter}{number}" for letter in "cfp" for number in range(20_000)}
    properties = {"sid", "id", "v", "$s", *numbered}
    messages = {f"{letter}{number}" for letter in "fr" for number in range(20_000)}
    sessions = {f"sid-{number}" for number in range(SESSIONS)}
    for names in (properties, messages | sessions):
        assert len({hashed(name) for name in names}) == len(names)


# --- after something went wrong ------------------------------------------------------------------


def test_a_state_that_was_not_given_is_an_error_and_the_next_request_is_answered(engine_of):
    engine = engine_of(flat("gated", {"all": ["a", {"any": ["b", "c"]}]}), flat("open", {"any": ["a", "b"]}))
    good = every(engine.program, TRUE)
    for rule, text in (("gated", "a"), ("gated", "b"), ("open", "b")):
        bad = good | {rule: {key: truth for key, truth in good[rule].items() if key != text}}
        with pytest.raises(InferenceError, match=text):
            engine.infer(bad)
        assert engine.infer(good)["gated"].verdict is TRUE
    with pytest.raises(InferenceError):
        engine.infer({})
    assert agrees(engine)


def test_two_thousand_failed_requests_leave_no_session_behind(engine_of):
    engine = engine_of(flat("r", {"any": ["a", "b"]}))
    for _ in range(2000):
        with pytest.raises(InferenceError):
            engine.infer({"r": {"a": TRUE}})
    assert agrees(engine)


def test_a_rule_that_stays_silent_without_a_reason_is_an_error_not_a_verdict(engine_of):
    engine = engine_of(flat("r", {"all": ["a", "b"]}))
    engine.close()
    engine._handle = create({"f0": {"all": [{"m_0": {"f0": 1}}], "run": lambda _: None}})
    assert engine.infer({"r": {"a": FALSE, "b": UNKNOWN}})["r"].verdict is FALSE
    with pytest.raises(InferenceError, match="rule r never fired though nothing settled it"):
        engine.infer({"r": {"a": TRUE, "b": UNKNOWN}})


def test_a_message_the_library_does_not_take_is_an_error(engine_of):
    engine = engine_of(flat("r", {"all": ["a", "b"]}))
    engine.close()
    engine._handle = create({"other": {"all": [{"m_0": {"f7": 1}}], "run": lambda _: None}})
    engine._fired = False
    with pytest.raises(InferenceError, match="no rule reads it"):
        engine.infer({"r": {"a": TRUE, "b": TRUE}})


def test_a_closed_engine_says_so_and_closing_twice_is_harmless(engine_of):
    engine = engine_of(flat("r", "a"))
    engine.close()
    engine.close()
    with pytest.raises(InferenceError, match="closed"):
        engine.infer({"r": {"a": TRUE}})


def test_only_rules_that_can_still_matter_fire(engine_of):
    engine = engine_of(flat("gated", {"all": ["a", "b"]}), flat("used", "a"), consumer("reader", "used"))
    fired = []
    for name, number in engine._numbers.items():
        action = engine._actions[f"r{number}"]
        engine._actions[f"r{number}"] = lambda request, name=name, action=action: (
            fired.append(name),
            action(request),
        )
    engine.infer(every(engine.program, FALSE))
    assert fired == ["used"]
    fired.clear()
    engine.infer(every(engine.program, UNKNOWN))
    assert sorted(fired) == ["gated", "reader", "used"]
