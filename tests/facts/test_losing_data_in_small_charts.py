"""The invariant on random charts: what is lost may make an answer unknown, never another one (DESIGN 4.3)."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from typing import Any

from chart_builder import Json, bundle, condition, keys_of, raw, request
from evaluated import body, decided, verdicts, whole
from generated_charts import LOSSES, charts, losable, lose, used_keys
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cds_service.facts.ahead import reports_ahead
from cds_service.facts.dates import When
from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.pipeline import Evaluation
from cds_service.truth import FALSE, TRUE, UNKNOWN

HOOK = st.sampled_from(["patient-view", "patient-view", "order-sign"])
EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
many = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def still_true_of(after: Any, before: Any) -> bool:
    """Whether a value told with less data allows the value told with all of it."""
    if after is None or after is UNKNOWN or after == before:
        return True
    if isinstance(after, Quantity) and isinstance(before, Quantity):
        return after.span.low <= before.span.low and before.span.high <= after.span.high
    if isinstance(after, When) and isinstance(before, When):
        return after.start <= before.start and before.end <= after.end
    if isinstance(after, Row) and isinstance(before, Row):
        return all(still_true_of(cell, before.columns.get(name)) for name, cell in after.columns.items())
    return False


def agrees(after: Finding, before: Finding) -> bool:
    if after.state is UNKNOWN:
        return True
    return after.state is before.state and still_true_of(after.value, before.value)


def assert_only_less_is_known(before: Evaluation, after: Evaluation | None) -> None:
    if after is None:
        return
    known = verdicts(before)
    for rule, verdict in verdicts(after).items():
        assert verdict in (known[rule], "unknown"), f"{rule}: {known[rule]} became {verdict}"
    for rule, findings in after.findings.items():
        if reports_ahead(before.chart) and verdicts(after)[rule] != known[rule] == "true":
            continue  # true was decided without the results dated ahead, unknown with them (decision 19)
        for name, finding in findings.items():
            old = before.findings[rule][name]
            told = f"{rule}.{name}: {old.state} {old.value} became {finding.state} {finding.value}"
            assert agrees(finding, old), told


@many
@given(charts(), HOOK, st.data())
def test_losing_keys_moves_a_verdict_to_unknown_or_not_at_all(
    resources: list[Json], hook: str, data: st.DataObject
) -> None:
    call = lost = request(*resources, hook=hook)
    some = st.lists(
        st.sampled_from([key for key in used_keys(resources) if key in call.prefetch] or ["conditions"])
    )
    for key in data.draw(some.map(lambda keys: sorted(set(keys))), label="keys"):
        loss = data.draw(st.sampled_from(LOSSES), label="loss")
        kept = data.draw(st.lists(st.booleans(), min_size=1, max_size=4), label="kept")
        lost = lose(lost, key, loss, kept)
    assert_only_less_is_known(whole(call), decided(lost))


@many
@given(charts(), HOOK, st.data())
def test_an_unreadable_entry_moves_a_verdict_to_unknown_or_not_at_all(
    resources: list[Json], hook: str, data: st.DataObject
) -> None:
    call = request(*resources, hook=hook)
    key = data.draw(st.sampled_from(losable(call)))
    odd = data.draw(
        st.sampled_from([{"resourceType": "Condition", "onsetDateTime": 7}, 5, None, {"id": "x"}, []])
    )
    entries = [{"resource": one} for one in resources if key in keys_of(one)]
    value = bundle() | {"entry": [*entries, {"resource": odd}]}
    after = decided(replace(call, prefetch={**call.prefetch, key: raw(value)}))
    assert_only_less_is_known(whole(call), after)
    assert after is None or [item.key for item in after.decision.not_obtained] == [key]


@many
@given(charts(), HOOK, st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(resources: list[Json], hook: str, random: Random) -> None:
    mixed = random.sample(resources, len(resources))
    one, other = whole(request(*resources, hook=hook)), whole(request(*mixed, hook=hook))
    assert verdicts(one) == verdicts(other)
    for rule, findings in one.findings.items():
        for name, finding in findings.items():
            again = other.findings[rule][name]
            assert (finding.state, finding.value) == (again.state, again.value), f"{rule}.{name}"
    assert body(one)["cards"] == body(other)["cards"]


@many
@given(charts(), HOOK, st.data())
def test_an_entry_sent_twice_counts_once(resources: list[Json], hook: str, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(resources[1:] or resources), max_size=4))
    once, twice = whole(request(*resources, hook=hook)), whole(request(*resources, *again, hook=hook))
    assert body(once) == body(twice)


@many
@given(charts(), st.sampled_from([condition("E11.9", id="new"), condition("Z00.0", "2020", id="new")]))
def test_an_entry_that_no_rule_asks_about_changes_nothing(resources: list[Json], other: Json) -> None:
    before, after = whole(request(*resources)), whole(request(*resources, other))
    note(str(verdicts(before)))
    assert body(before)["cards"] == body(after)["cards"]
    assert verdicts(before) == verdicts(after)


def test_the_charts_reach_every_verdict_that_matters() -> None:
    """A generator that never meets a rule proves nothing."""
    seen: dict[str, set[str]] = {}
    trial_counts: set[float] = set()

    @settings(max_examples=600, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(charts())
    def collect(resources: list[Json]) -> None:
        evaluation = whole(request(*resources))
        for rule, verdict in verdicts(evaluation).items():
            seen.setdefault(rule, set()).add(verdict)
        value = evaluation.findings["trd-definition-met"]["failed_trials"].value
        assert isinstance(value, Quantity)
        trial_counts.add(value.span.low)

    collect()
    assert {TRUE, FALSE, UNKNOWN} == seen["major-depression-current"] == seen["trd-definition-met"]
    assert {TRUE, FALSE, UNKNOWN} == seen["ketamine-in-use"]
    assert {TRUE, UNKNOWN} <= seen["suicidality-critical"]
    assert trial_counts >= {0, 1, 2}
