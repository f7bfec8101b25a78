"""The view `score_change`: the last score before a moment, the latest since, and how far it fell."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, administration, item, observation, quantity, response
from view_bench import ALPHA, Facts, asked, number, only_row, rows, span, verdict

from cds_service.facts.dates import When
from cds_service.facts.finding import Finding, Row
from cds_service.facts.wording import cell_text
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

FIRST: Facts = {"first": {"view": "treatment_sessions", "code_in": "alpha", "give": "earliest date"}}
FIRST = {"first": dict(FIRST["first"]) | {"record": "complete"}}
CHANGE: Json = {"view": "score_change", "code_in": "scale", "with": {"since": "first"}}
SAME_DAY: Json = CHANGE | {"with": {"since": "first", "baseline_until": "0 days [1]"}}
SCALE, OTHER = "44261-6", "89204-2"


def score(value: Any, when: str | None, code: str = SCALE, **more: Any) -> Json:
    return observation(code, value, when, **more)


def session(when: str | None = "2026-01-10T10:00:00Z") -> Json:
    return administration(ALPHA, when)


def read(*scores: Json, fact: Json = CHANGE, since: str | None = "2026-01-10T10:00:00Z", **more: Any) -> Row:
    return only_row(fact, *scores, session(since), beside=FIRST, **more)


def changes(
    *scores: Json, fact: Json = CHANGE, since: str | None = "2026-01-10T10:00:00Z", **more: Any
) -> list[Row]:
    return rows(fact, *scores, session(since), beside=FIRST, **more)


def told(row: Row) -> str:
    return cell_text(row.columns["instrument"])


def numbers(row: Row) -> tuple[float | None, ...]:
    return tuple(number(row.columns[name]) for name in ("baseline", "latest", "fall"))


def test_the_last_before_is_compared_with_the_latest_since() -> None:
    row = read(
        score(24, "2025-11-01"),
        score(20, "2026-01-05"),
        score(16, "2026-01-20"),
        score(10, "2026-02-25T09:00:00Z"),
    )
    assert numbers(row) == (20, 10, 50)
    assert (str(row.columns["baseline_date"]), str(row.columns["date"])) == ("2026-01-05", "2026-02-25")
    assert (row.counts, row.evidence.text, told(row)) == (TRUE, "The scale", "The scale")


def test_a_worse_score_is_a_fall_below_zero_and_a_rise() -> None:
    row = read(score(10, "2026-01-05"), score(15, "2026-02-20"))
    assert numbers(row) == (10, 15, -50)
    assert number(row.columns["rise"]) == 50


def test_an_instrument_with_one_side_only_has_no_row() -> None:
    assert changes(score(20, "2026-01-05"), score(18, "2026-01-06")) == []
    assert changes(score(20, "2026-02-05"), score(18, "2026-02-06")) == []
    assert changes() == []


def test_instruments_are_never_mixed() -> None:
    both = CHANGE | {"code_in": ["scale", "other-scale"]}
    assert changes(score(20, "2026-01-05"), score(8, "2026-02-20", OTHER), fact=both) == []
    found = changes(
        score(20, "2026-01-05"),
        score(10, "2026-02-20"),
        score(12, "2026-01-06", OTHER),
        score(9, "2026-02-21", OTHER),
        fact=both,
    )
    assert {told(row): number(row.columns["fall"]) for row in found} == {
        "The scale": 50,
        "The other-scale": 25,
    }


def test_only_final_scores_count() -> None:
    scores = [score(20, "2026-01-05"), score(10, "2026-02-20")]
    for status in ("preliminary", "registered", "cancelled", "unknown", "entered-in-error"):
        assert numbers(read(*scores, score(2, "2026-02-25", status=status))) == (20, 10, 50)
    assert numbers(read(*scores, score(2, "2026-02-25", status="corrected"))) == (20, 2, 90)


def test_a_score_given_in_a_questionnaire_counts_when_it_is_completed() -> None:
    baseline = score(20, "2026-01-05")
    answered = item(f"/{SCALE}", {"valueInteger": 5})
    assert numbers(read(baseline, response(answered, when="2026-02-20"))) == (20, 5, 75)
    assert changes(baseline, response(answered, when="2026-02-20", status="in-progress")) == []


@pytest.mark.parametrize("since", ["2026-01-10", "2026-01-10T10:00:00Z"])
def test_a_score_of_the_very_day_may_be_before_or_after(since: str) -> None:
    row = read(score(20, "2026-01-05"), score(16, "2026-01-10"), score(8, "2026-02-20"), since=since)
    assert (span(row.columns["baseline"]), row.counts) == (Span(16, 20), TRUE)
    assert span(row.columns["fall"]) == Span(50, 60)
    alone = read(score(16, "2026-01-10"), score(8, "2026-02-20"), since=since)
    assert (alone.counts, numbers(alone)) == (UNKNOWN, (16, 8, 50))


def test_a_rule_may_say_that_scores_of_that_day_come_before() -> None:
    assert numbers(read(score(16, "2026-01-10"), score(8, "2026-02-20"), fact=SAME_DAY)) == (16, 8, 50)
    row = read(score(16, "2026-01-10"), score(8, "2026-02-20"), fact=SAME_DAY, since="2026-01-10")
    assert (row.counts, numbers(row)) == (TRUE, (16, 8, 50))
    assert changes(score(20, "2026-01-05"), score(16, "2026-01-10T12:00:00Z"), fact=SAME_DAY) == []
    assert numbers(read(score(20, "2026-01-05"), score(16, "2026-01-11"), fact=SAME_DAY)) == (20, 16, 20)


def test_scores_that_cannot_be_put_in_order_make_an_interval() -> None:
    row = read(score(20, "2026-01-05"), score(10, "2026-02-20"), score(14, "2026-02-20"))
    assert (span(row.columns["latest"]), span(row.columns["fall"])) == (Span(10, 14), Span(30, 50))
    assert row.counts is TRUE
    vague = read(score(20, "2026-01-05"), score(10, "2026-02-20"), score(14, "2026-02"))
    assert span(vague.columns["latest"]) == Span(10, 14)
    when = vague.columns["date"]
    assert isinstance(when, When)
    assert (when.start.day, when.end.month) == (1, 3)


@pytest.mark.parametrize("odd", [0, "rather low", {"valueQuantity": quantity(3, "kg")}])
def test_a_baseline_that_is_no_number_above_zero_leaves_the_fall_open(odd: Any) -> None:
    row = read(score(odd, "2026-01-05"), score(3, "2026-02-20"))
    assert (row.columns["fall"], row.counts) == (None, TRUE)


def test_without_the_moment_nothing_is_settled() -> None:
    scores = [score(20, "2026-01-05"), score(10, "2026-02-20")]
    (row,) = changes(*scores, since=None)
    assert row.counts is UNKNOWN
    assert changes(scores[0], since=None) == []


# --- what was not obtained -----------------------------------------------------------------------


def lasting(*resources: Json, **more: Any) -> Finding:
    facts = {**FIRST, "it": CHANGE | {"where": {"fall": ">= 50 % [1]"}}}
    return asked(facts, "it", *resources, session(), **more).findings["asked"]["it"]


@pytest.mark.parametrize(
    "key", ["observations-scores", "questionnaire-responses", "medication-administrations"]
)
def test_a_missing_key_leaves_it_open(key: str) -> None:
    answered = item(f"/{SCALE}", {"valueInteger": 5})
    scores = [score(20, "2026-01-05"), score(10, "2026-02-20"), response(answered, when="2026-02-21")]
    assert lasting(*scores).state is TRUE
    resources = [one for one in scores if one["resourceType"] != "QuestionnaireResponse"]
    found = lasting(
        *resources, response(item(f"/{SCALE}", {"valueInteger": 19}), when="2026-01-04"), without=[key]
    )
    assert found.state is UNKNOWN
    assert key in [one.key for one in found.because]


# --- a rule --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["direct", None])
@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([(20, "2026-01-05"), (10, "2026-02-20")], "true"),
        ([(20, "2026-01-05"), (10.1, "2026-02-20")], "false"),
        ([(20, "2026-01-05"), (10, "2026-01-31")], "false"),
        ([(20, "2026-01-05"), (10, "2026-02-01")], "true"),
        ([(20, "2026-01-05"), (10, "2026-02-20"), (12, "2026-02-20")], "unknown"),
        ([(20, "2026-01-05")], "false"),
    ],
)
def test_a_rule_compares_the_fall_of_a_recent_score(
    scores: list[tuple[float, str]], expected: str, engine: str | None
) -> None:
    facts = {**FIRST, "response": CHANGE | {"where": {"fall": ">= 50 % [1]"}, "within": "28 days [1]"}}
    made = [score(value, when) for value, when in scores]
    assert verdict(facts, "response", *made, session(), engine=engine) == expected


def test_a_rule_compares_the_fall_itself() -> None:
    facts = {**FIRST, "change": CHANGE | {"give": "latest value", "unit": "%"}}
    scores = [score(20, "2026-01-05"), score(12, "2026-02-20")]
    assert verdict(facts, "change >= 40 [1]", *scores, session()) == "true"
    assert verdict(facts, "change >= 41 [1]", *scores, session()) == "false"
    found = asked(facts, "change >= 40 [1]", *scores, session(), without=["observations-scores"])
    assert found.findings["asked"]["change"].state is UNKNOWN
    assert FALSE is not found.conclusions["asked"].verdict
