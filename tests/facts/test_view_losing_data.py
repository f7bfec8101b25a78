"""Losing data may make an answer of these views unknown, never another one (DESIGN 4.3)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from chart_builder import (
    Json,
    administration,
    concept,
    condition,
    dispense,
    dosage,
    item,
    observation,
    order,
    quantity,
    response,
    statement,
)
from generated_charts import LOSSES, lose
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_losing_data_in_small_charts import agrees
from view_bench import (
    ALPHA,
    BETA,
    INTO_VEIN,
    TABLET,
    VIAL,
    Facts,
    call,
    draft,
    line,
    mg,
    procedure,
    rule,
    served,
)

from cds_service.errors import DataUnavailable
from cds_service.facts.prefetch import hook_keys
from cds_service.pipeline import Evaluation, examine
from cds_service.truth import FALSE, TRUE, UNKNOWN

EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
many = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

# --- facts of every kind -------------------------------------------------------------------------

_DRUGS: Json = {"view": "current_drugs", "code_in": "alpha", "with": {"given_within": "1 day [1]"}}
_CURRENT: Json = _DRUGS | {"where": {"current": [True]}}
_DOSES: Json = {
    "view": "ordered_doses",
    "from": "drafts-and-chart",
    "code_in": "alpha",
    "with": {"weight": "weight"},
}
_SESSIONS: Json = {
    "view": "treatment_sessions",
    "code_in": ["alpha", "beta"],
    "with": {"procedures": "session-procedure", "supplies": "alpha"},
}
_CHANGE: Json = {"view": "score_change", "code_in": ["scale", "other-scale"], "with": {"since": "first"}}
_WEIGHT: Facts = {"weight": {"view": "body_weight", "give": "latest value", "unit": "kg"}}
_FIRST: Facts = {"first": _SESSIONS | {"give": "earliest date", "record": "complete"}}
_COUNT: Json = {"give": "count"}
ASKED: dict[str, tuple[Facts, Json]] = {
    "any-drug": ({}, _DRUGS),
    "current-drug": ({}, _CURRENT),
    "current-or-drafted": ({}, _CURRENT | {"from": "drafts-and-chart"}),
    "not-current": ({}, _DRUGS | {"where": {"current": [False]}}),
    "lately": ({}, _DRUGS | {"within": "14 days [1]"}),
    "drug-count": ({}, _CURRENT | _COUNT),
    "drug-kinds": ({}, _CURRENT | {"give": "count_distinct kind"}),
    "drug-into-vein": ({}, _CURRENT | {"where": {"route": {"in": "into-vein", "or_absent": True}}}),
    "drug-for-reason": ({}, _DRUGS | {"where": {"reason": {"in": "reason"}}}),
    "too-much": (_WEIGHT, _DOSES | {"where": {"per_weight": "> 0.5 mg/kg [1]"}}),
    "small-dose": (_WEIGHT, _DOSES | {"where": {"dose": "<= 35 mg [1]", "duration": ">= 40 min [1]"}}),
    "no-dose": (_WEIGHT, _DOSES | {"where": {"dose": {"absent": True}}}),
    "no-rate": (_WEIGHT, _DOSES | {"where": {"rate": {"absent": True}}}),
    "reasonless-dose": (
        _WEIGHT,
        _DOSES | {"where": {"reason": {"not_in": "reason"}, "per_weight": "> 0.5 mg/kg [1]"}},
    ),
    "dose-count": (_WEIGHT, _DOSES | _COUNT | {"where": {"per_weight": "> 0.5 mg/kg [1]"}}),
    "latest-dose": (_WEIGHT, _DOSES | {"give": "latest value", "unit": "mg"}),
    "any-session": ({}, _SESSIONS),
    "session-days": ({}, _SESSIONS | {"give": "count_distinct day"}),
    "session-count": ({}, _SESSIONS | _COUNT | {"within": "14 days [1]"}),
    "session-just-now": ({}, _SESSIONS | {"within": "2 hours [1]"}),
    "session-dose": ({}, _SESSIONS | {"where": {"dose": "<= 56 mg [1]"}}),
    "session-dose-high": ({}, _SESSIONS | {"where": {"dose": ">= 56 mg [1]"}}),
    "session-without-dose": ({}, _SESSIONS | {"where": {"dose": {"absent": True}}}),
    "session-drug": ({}, _SESSIONS | {"where": {"drug": ["alpha"]}}),
    "session-not-drug": ({}, _SESSIONS | {"where": {"drug": {"not": ["beta"]}}}),
    "session-without-drug": ({}, _SESSIONS | {"where": {"drug": {"absent": True}}}),
    "first-session": ({}, _FIRST["first"]),
    "last-session": ({}, _SESSIONS | {"give": "latest date"}),
    "response": (_FIRST, _CHANGE | {"where": {"fall": ">= 50 % [1]"}}),
    "no-response": (_FIRST, _CHANGE | {"where": {"fall": "< 50 % [1]"}, "within": "28 days [1]"}),
    "any-change": (_FIRST, _CHANGE),
    "no-fall": (_FIRST, _CHANGE | {"where": {"fall": {"absent": True}}}),
    "changes": (_FIRST, _CHANGE | _COUNT),
    "same-day-change": (_FIRST, _CHANGE | {"with": {"since": "first", "baseline_until": "0 days [1]"}}),
}
_COMPARED = {
    "count": "it >= 2 [1]",
    "count_distinct kind": "it >= 2 [1]",
    "count_distinct day": "it >= 2 [1]",
    "latest value": "it > 35 [1]",
    "earliest date": "it > 4 weeks [1]",
    "latest date": "it > 2 weeks [1]",
}


def rules() -> list[str]:
    return [
        rule(name, {**beside, "it": fact}, _COMPARED.get(fact.get("give", ""), "it"))
        for name, (beside, fact) in ASKED.items()
    ]


# --- charts --------------------------------------------------------------------------------------

dates = st.sampled_from(
    [
        *["2026-02-20", "2026-02-20T10:00:00Z", "2026-02-20T15:00:00Z", "2026-02-27", "2026-03-01T11:00:00Z"],
        *[
            "2026-03-01T09:00:00Z",
            "2026-03-01",
            "2026-01-10",
            "2026-01-10T10:00:00Z",
            "2026-02",
            "2026",
            "2026-03",
        ],
        *["2026-03-02", "soon", None],
    ]
)
drugs: Any = st.sampled_from([ALPHA, ALPHA, ALPHA, VIAL, TABLET, BETA, "31", "9", concept(text="something")])
routes = st.sampled_from([{}, {"route": concept(INTO_VEIN)}, {"route": concept("26643006")}])
reasons = st.sampled_from(
    [
        *[{}, {"reasonCode": [concept("F33.2")]}, {"reasonCode": [concept("M54.5")]}],
        *[
            {"reasonReference": [{"reference": "Condition/c1"}]},
            {"reasonReference": [{"reference": "Condition/c2"}]},
        ],
    ]
)
lines = st.sampled_from(
    [
        *[line(mg(35)), line(mg(56), duration=40, durationUnit="min"), line(quantity(0.6, "mg/kg"))],
        line(mg(35), {"rateQuantity": quantity(0.75, "mg/kg/h")}),
        line(quantity(0.5, "mg/kg"), {"rateQuantity": quantity(52.5, "mg/h")}),
        line(None, {"rateQuantity": quantity(0.75, "mg/kg/h")}, duration=40, durationUnit="min"),
        *[line(quantity(2, "{tbl}")), {"text": "as told"}],
        *[
            dosage(None, boundsPeriod={"end": "2026-02-20"}),
            dosage(None, boundsPeriod={"start": "2026-01-10"}),
        ],
    ]
)


@st.composite
def orders(draw: st.DrawFn) -> Json:
    status = draw(
        st.sampled_from(["active", "active", "active", "stopped", "completed", "unknown", "cancelled"])
    )
    intent = draw(st.sampled_from(["order", "order", "plan", "proposal"]))
    made = order(draw(drugs), draw(dates), status=status, dosage=draw(lines) | draw(routes), intent=intent)
    return made | draw(reasons)


@st.composite
def drafts(draw: st.DrawFn) -> Json:
    return draft(draw(lines) | draw(routes), code=draw(drugs)) | draw(reasons)


@st.composite
def statements(draw: st.DrawFn) -> Json:
    status = draw(st.sampled_from(["active", "stopped", "completed", "unknown", "not-taken"]))
    return statement(draw(drugs), draw(dates), draw(dates), status=status) | draw(reasons)


@st.composite
def supplies(draw: st.DrawFn) -> Json:
    days = draw(st.sampled_from([1, 10, 60, None]))
    return dispense(
        draw(drugs), draw(dates), days, status=draw(st.sampled_from(["completed", "declined", ""]))
    )


@st.composite
def administrations(draw: st.DrawFn) -> Json:
    given_dose = draw(st.sampled_from([None, mg(28), mg(56), quantity(5.6, "mL")]))
    status = draw(st.sampled_from(["completed", "completed", "in-progress", "unknown", "not-done"]))
    made = administration(draw(drugs), draw(dates), status)
    return made | ({"dosage": {"dose": given_dose}} if given_dose else {})


@st.composite
def procedures(draw: st.DrawFn) -> Json:
    code = draw(st.sampled_from([None, None, concept(text="a visit"), concept("80146002")]))
    return procedure(draw(dates), draw(st.sampled_from(["completed", "in-progress", "unknown"])), code)


@st.composite
def scores(draw: st.DrawFn) -> Json:
    value = draw(st.sampled_from([24, 20, 12, 10, 5, 0, "low"]))
    if draw(st.integers(0, 3)) == 0:
        return response(
            item("/44261-6", {"valueInteger": draw(st.sampled_from([20, 9, 4]))}), when=draw(dates)
        )
    code = draw(st.sampled_from(["44261-6", "44261-6", "89204-2"]))
    return observation(
        code, value, draw(dates), status=draw(st.sampled_from(["final", "final", "preliminary"]))
    )


@st.composite
def weights(draw: st.DrawFn) -> Json:
    unit = draw(st.sampled_from(["kg", "kg", "g", ""]))
    return observation(
        "29463-7", {"valueQuantity": quantity(draw(st.sampled_from([70, 50, 0])), unit)}, draw(dates)
    )


@st.composite
def treated(draw: st.DrawFn) -> list[Json]:
    """A session with scores before and after it, as most charts under treatment have them."""
    begun = draw(st.sampled_from(["2026-01-10T10:00:00Z", "2026-01-10"]))
    made = [administration(ALPHA, begun)]
    for code in draw(st.sampled_from([["44261-6"], ["44261-6", "89204-2"]])):
        latest = draw(st.sampled_from([5, 10, 12, 19]))
        made += [observation(code, 20, "2026-01-05"), observation(code, latest, "2026-02-20")]
    return made


@st.composite
def charts(draw: st.DrawFn) -> list[Json]:
    parts = ((orders(), 2), (statements(), 2), (supplies(), 2), (administrations(), 3), (procedures(), 2))
    made: list[Json] = [condition(code, id=name) for name, code in (("c1", "F33.2"), ("c2", "M54.5"))]
    for part, most in (*parts, (scores(), 4), (weights(), 2)):
        made += draw(st.lists(part, max_size=most))
    if draw(st.integers(0, 2)) == 0:
        made += draw(treated())
    return [
        one | {"id": one["id"] if one["id"] in ("c1", "c2") else f"e{place}"}
        for place, one in enumerate(made)
    ]


def decided(request: Any) -> Evaluation | None:
    try:
        return examine(request, served(*rules(), engine="direct"))
    except DataUnavailable:
        return None


def assert_only_less_is_known(
    resources: list[Json], written: list[Json], keys: list[str], data: st.DataObject
) -> None:
    numbered = [one | {"id": f"d{place}"} for place, one in enumerate(written)]
    whole = lost = call(served(*rules(), engine="direct"), *resources, drafts=numbered, hook="order-sign")
    for key in sorted(set(data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3), label="keys"))):
        loss = data.draw(st.sampled_from(LOSSES), label="loss")
        kept = st.lists(st.booleans(), min_size=1, max_size=4)
        lost = lose(lost, key, loss, data.draw(kept, label="kept"))
    before, after = decided(whole), decided(lost)
    assume(before is not None and after is not None)
    assert before is not None and after is not None
    for name in ASKED:
        old, new = before.findings[name]["it"], after.findings[name]["it"]
        assert agrees(new, old), f"{name}: {old.state} {old.value} became {new.state} {new.value}"
        verdict = after.conclusions[name].verdict
        assert verdict in (before.conclusions[name].verdict, UNKNOWN), name


def every_key() -> list[str]:
    keys = hook_keys(served(*rules(), engine="direct").book, "order-sign")
    return [key for key in keys if key != "patient"]


@many
@given(charts(), st.lists(drafts(), max_size=2), st.data())
def test_losing_keys_moves_an_answer_to_unknown_or_not_at_all(
    resources: list[Json], written: list[Json], data: st.DataObject
) -> None:
    assert_only_less_is_known(resources, written, every_key(), data)


# Few entries, close together, so that what is lost matters.
close = st.sampled_from(
    ["2026-03-01", "2026-03-01T09:00:00Z", "2026-03-01T11:00:00Z", "2026-02", "2026-02-20"]
)
alphas = st.sampled_from([ALPHA, ALPHA, BETA])
few_doses = st.sampled_from([{}, {"dosage": {"dose": mg(28)}}, {"dosage": {"dose": mg(56)}}])
sessions = st.one_of(
    *[st.builds(lambda code, when, dose: administration(code, when) | dose, alphas, close, few_doses)] * 2,
    st.builds(procedure, close),
    st.builds(lambda when: dispense(ALPHA, when, 1), close),
)
near = st.sampled_from(
    ["2026-01-05", "2026-01-05", "2026-01-10", "2026-02-20", "2026-02-25", "2026-02", None]
)
few_scores = st.one_of(
    st.builds(lambda value, when: observation("44261-6", value, when), st.sampled_from([20, 12, 10]), near),
    st.builds(lambda when: response(item("/44261-6", {"valueInteger": 9}), when=when), near.filter(bool)),
)
SESSION_KEYS = ["medication-administrations", "procedures", "medication-dispenses"]
SCORE_KEYS = ["observations-scores", "questionnaire-responses", *SESSION_KEYS[:2]]
no_drafts: Any = st.just([])
FOCUS: dict[str, tuple[Any, Any, list[str]]] = {
    "sessions": (sessions, no_drafts, SESSION_KEYS),
    "scores": (few_scores, no_drafts, SCORE_KEYS),
    "doses": (weights(), st.lists(drafts(), max_size=2), ["observations-vital-signs", "conditions"]),
}


@pytest.mark.parametrize("focus", FOCUS)
@many
@given(st.data())
def test_losing_what_matters_leaves_only_less_known(focus: str, data: st.DataObject) -> None:
    part, drafted, keys = FOCUS[focus]
    made = data.draw(st.lists(part, min_size=2, max_size=5), label="resources")
    made += [administration(ALPHA, "2026-01-10T10:00:00Z")] if focus == "scores" else []
    written = data.draw(drafted, label="drafts")
    ill = [condition("F33.2", id="c1"), condition("M54.5", id="c2")]
    numbered = [one | {"id": f"e{place}"} for place, one in enumerate(made)]
    assert_only_less_is_known([*ill, *numbered], written, keys, data)


@many
@given(charts(), st.lists(drafts(), max_size=2), st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(
    resources: list[Json], written: list[Json], random: Any
) -> None:
    rulebook = served(*rules(), engine="direct")
    one = decided(call(rulebook, *resources, drafts=written, hook="order-sign"))
    mixed = random.sample(resources, len(resources))
    other = decided(call(rulebook, *mixed, drafts=list(reversed(written)), hook="order-sign"))
    assert one is not None and other is not None
    for name in ASKED:
        first, again = one.findings[name]["it"], other.findings[name]["it"]
        assert (first.state, first.value) == (again.state, again.value), name


def test_the_charts_reach_every_verdict() -> None:
    """A generator that never meets a fact proves nothing."""
    seen: dict[str, set[Any]] = {name: set() for name in ASKED}

    @settings(max_examples=500, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(charts(), st.lists(drafts(), max_size=2))
    def collect(resources: list[Json], written: list[Json]) -> None:
        rulebook = served(*rules(), engine="direct")
        found = decided(call(rulebook, *resources, drafts=written, hook="order-sign"))
        assert found is not None
        for name in ASKED:
            seen[name].add(found.conclusions[name].verdict)

    collect()
    never = {name: {TRUE, FALSE, UNKNOWN} - verdicts for name, verdicts in seen.items()}
    assert {name: missing for name, missing in never.items() if missing} == {}
