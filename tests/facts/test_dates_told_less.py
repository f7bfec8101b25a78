"""What has happened did so by now: a month or year that holds the time of the call ends there, no later.

And a date told less exactly says less: it never turns an answer round.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chart_builder import (
    Json,
    administration,
    ask,
    condition,
    dispense,
    item,
    observation,
    request,
    response,
    statement,
)
from evaluated import decided, verdicts, whole
from generated_charts import charts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.facts.dates import parse_when
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

PLAN, ITEM_9 = "93250-9", "44260-8"
MID_MONTH = datetime(2026, 3, 20, 12, tzinfo=UTC)
YES: Json = {"valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA33-6"}]}}
REPORTED: Json = {
    "view": "answers",
    "code_in": ["cssrs-intent-or-plan"],
    "where": {"answer": {"in": "affirmative-answers"}},
    "within": "30 days [13]",
    "give": "exists",
}
GIVEN: Json = {
    "view": "treatment_sessions",
    "code_in": "ketamine",
    "within": "30 days [13]",
    "give": "exists",
}
HANDED: Json = {
    "find": "MedicationDispense",
    "code_in": ["antidepressant"],
    "within": "30 days [13]",
    "give": "exists",
}
ATTEMPT: Json = {
    "find": "Condition",
    "code_in": ["suicide-attempt"],
    "date": ["recordedDate", "onset"],
    "within": "3 months [9]",
    "give": "exists",
}
FOUND: Json = {"find": "Observation", "code_in": ["phq9-item-9"], "within": "30 days [13]", "give": "exists"}
PERIOD: Json = {"effectivePeriod": {"start": "2026-03", "end": "2026-04"}}


@pytest.mark.parametrize("as_of", [datetime(2026, 3, 1, 12, tzinfo=UTC), MID_MONTH])
@pytest.mark.parametrize(
    ("fact", "entry"),
    [
        (REPORTED, observation(PLAN, YES, "2026-03")),
        (REPORTED, observation(PLAN, YES, None, issued="2026-03")),
        (REPORTED, observation(PLAN, YES, None, **PERIOD)),
        (REPORTED, response(item(f"/{PLAN}", {"valueBoolean": True}), when="2026-03")),
        (ATTEMPT, condition("T14.91XA", recorded="2026-03")),
        (ATTEMPT, condition("T14.91XA", recorded="2026")),
        (ATTEMPT, condition("T14.91XA", onset="2026")),
        (FOUND, observation(ITEM_9, 1, "2026-03")),
        (HANDED, dispense(day="2026-03")),
        (HANDED, dispense(day=None, whenPrepared="2026-03")),
        (GIVEN, administration("238082", "2026-03")),
    ],
)
def test_the_current_month_or_year_is_past_as_far_as_it_has_gone(
    fact: Json, entry: Json, as_of: datetime
) -> None:
    assert ask(fact, entry, as_of=as_of).state is TRUE


@pytest.mark.parametrize(
    ("date", "window", "verdict"),
    [
        ("2026-03-20", "24 hours [1]", TRUE),
        ("2026-03-20", "1 hours [1]", UNKNOWN),
        ("2026-03", "20 days [1]", TRUE),
        ("2026-03", "18 days [1]", UNKNOWN),
        ("2026", "3 months [1]", TRUE),
        ("2026", "2 months [1]", UNKNOWN),
        ("2026-04", "3 months [1]", UNKNOWN),
        ("2025", "2 months [1]", FALSE),
    ],
)
def test_how_much_of_a_window_a_date_fills(date: str, window: str, verdict: Truth) -> None:
    fact = FOUND | {"within": window, "record": "complete"}
    assert ask(fact, observation(ITEM_9, 1, date), as_of=MID_MONTH).state is verdict


@pytest.mark.parametrize(
    ("fact", "entry"),
    [
        (FOUND, observation(ITEM_9, 1, "2026-03", status="registered")),
        (FOUND, observation(ITEM_9, 1, "2026-04")),
        (
            {
                "find": "MedicationStatement",
                "code_in": ["antidepressant"],
                "within": "30 days [13]",
                "give": "exists",
            },
            statement(start="2026-03", end=None, status="active"),
        ),
    ],
)
def test_what_may_lie_ahead_is_not_taken_as_past(fact: Json, entry: Json) -> None:
    found = ask(fact, entry, as_of=MID_MONTH)
    assert found.state is UNKNOWN
    assert found.rows


@pytest.mark.parametrize(
    ("day", "current"),
    [("2026-03", TRUE), ("2026-03-01", TRUE), ("2026-02-28", TRUE), ("2026-02", UNKNOWN), ("2026", UNKNOWN)],
)
def test_a_dose_given_is_current_for_the_days_the_rule_names(day: str, current: Truth) -> None:
    fact: Json = {
        "view": "current_drugs",
        "code_in": "ketamine",
        "with": {"given_within": "1 day [13]"},
        "give": "exists",
    }
    row = ask(fact, administration("238082", day)).rows[0]
    assert row.columns["current"] is current
    period = {"start": "2026-02-27", "end": day}
    row = ask(fact, administration("238082", None, effectivePeriod=period)).rows[0]
    assert row.columns["current"] is current


def test_an_end_to_come_of_a_dose_that_is_over_tells_no_day() -> None:
    fact: Json = {
        "view": "current_drugs",
        "code_in": "ketamine",
        "with": {"given_within": "1 day [13]"},
        "give": "exists",
    }
    for begun, current in (("2026-02-28", TRUE), ("2026-02-20", UNKNOWN)):
        period = {"start": begun, "end": "2026-03-05"}
        row = ask(fact, administration("238082", None, effectivePeriod=period)).rows[0]
        assert row.columns["current"] is current


# --- less exact ----------------------------------------------------------------------------------


def test_the_fresher_of_two_dates_counts_no_less() -> None:
    for older, newer in (("2026-02", "2026-03"), ("2026-02-28", "2026-03"), ("2026-02", "2026-03-20")):
        states = [ask(FOUND, observation(ITEM_9, 1, date), as_of=MID_MONTH).state for date in (older, newer)]
        assert states[1] is states[0] or states[1] is TRUE


DATED = (
    "effectiveDateTime",
    "issued",
    "authored",
    "recordedDate",
    "onsetDateTime",
    "whenHandedOver",
    "authoredOn",
)
AS_OF = st.sampled_from([timedelta(days=days) for days in (0, 1, 14, 30, 45, 200)])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(charts(), st.sampled_from([10, 7, 4]), st.randoms(use_true_random=False), AS_OF)
def test_a_date_told_less_exactly_turns_no_verdict_round(
    resources: list[Json], length: int, chance: Any, later: timedelta
) -> None:
    as_of = datetime(2026, 3, 1, 12, tzinfo=UTC) + later
    less = [_vaguer(one, length, as_of) if chance.random() < 0.5 else one for one in resources]
    before = verdicts(whole(request(*resources, as_of=as_of)))
    after = decided(request(*less, as_of=as_of))
    assert after is not None
    for rule, verdict in verdicts(after).items():
        assert {before[rule], verdict} != {"true", "false"}, rule


def _vaguer(resource: Json, length: int, as_of: datetime) -> Json:
    """The resource with its dates up to the time of the call cut short."""
    made = copy.deepcopy(resource)
    for name in DATED:
        when = parse_when(made.get(name, ""), UTC)
        if when is not None and when.start <= as_of and len(made[name]) > length:
            made[name] = when.start.date().isoformat()[:length]
    return made
