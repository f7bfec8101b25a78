"""The view `current_drugs` reads what was given, where the rule says for how long that counts."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, administration, concept
from view_bench import ALPHA, INTO_VEIN, finding, only_row, verdict

from cds_service.facts.dates import When
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

DRUGS: Json = {"view": "current_drugs", "code_in": "alpha", "with": {"given_within": "1 day [1]"}}
CURRENT: Json = DRUGS | {"where": {"current": [True]}}
LATELY: Json = DRUGS | {"within": "14 days [1]"}


def given(when: str | None = None, status: str = "completed", **more: Any) -> Json:
    return administration(ALPHA, when, status, **more)


def over(start: str | None = None, end: str | None = None, status: str = "completed") -> Json:
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    return given(status=status, effectivePeriod=period)


@pytest.mark.parametrize(
    ("entry", "current", "last_day"),
    [
        (given("2026-03-01T11:30:00Z"), TRUE, "2026-03-01 2026-03-02"),
        (given("2026-02-28"), TRUE, "2026-02-28 2026-03-01"),
        (given("2026-02-27"), FALSE, "2026-02-27 2026-02-28"),
        (given("2026-02"), UNKNOWN, "2026-02-01 2026-03-01"),
        (given("2026-02-28", "stopped"), TRUE, "2026-02-28 2026-03-01"),
        (given("2026-02-28", "on-hold"), TRUE, "2026-02-28 2026-03-01"),
        (over("2026-02-20", "2026-02-28"), TRUE, "2026-02-28 2026-03-01"),
        (over("2026-02-20", "2026-02-27"), FALSE, "2026-02-27 2026-02-28"),
        (over("2026-02-28"), TRUE, "2026-02-28 2026-03-02"),
        (over("2026-02-20"), UNKNOWN, "2026-02-20 2026-03-02"),
        (given("2026-02-10", "in-progress"), TRUE, "2026-03-01 2026-03-02"),
        (given(status="in-progress"), TRUE, "2026-03-01 2026-03-02"),
        (over("2026-02-20", status="in-progress"), TRUE, "2026-03-01 2026-03-02"),
        (over("2026-02-10", "2026-02-20", "in-progress"), FALSE, "2026-02-20 2026-02-21"),
    ],
)
def test_what_is_given_or_was_lately_is_current(entry: Json, current: Truth, last_day: str) -> None:
    row = only_row(DRUGS, entry)
    when = row.evidence.when
    assert isinstance(when, When)
    assert (row.columns["current"], f"{when.start:%Y-%m-%d} {when.end:%Y-%m-%d}") == (current, last_day)
    assert (row.columns["kind"], row.counts) == ("given", TRUE)


def test_a_dose_given_nobody_knows_when_may_be_current() -> None:
    row = only_row(DRUGS, given())
    assert (row.columns["current"], row.evidence.when, row.counts) == (UNKNOWN, None, TRUE)
    assert finding(LATELY, given()).state is UNKNOWN


@pytest.mark.parametrize(
    ("status", "expected"),
    [("not-done", FALSE), ("unknown", UNKNOWN), ("", UNKNOWN), ("entered-in-error", FALSE)],
)
def test_a_dose_that_was_not_given_is_refused_and_a_doubtful_one_left_open(
    status: str, expected: Truth
) -> None:
    assert finding(CURRENT, given("2026-03-01", status)).state is expected


def test_the_route_of_a_dose_is_told() -> None:
    assert only_row(DRUGS, given("2026-03-01")).columns["route"] is None
    injected = only_row(DRUGS, given("2026-03-01", dosage={"route": concept(INTO_VEIN)}))
    assert injected.columns["route"] is not None


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-02-15", "true"), ("2026-02-14", "false"), ("2026-02", "unknown")]
)
def test_a_window_counts_from_the_day_it_was_given(day: str, expected: str) -> None:
    assert verdict({"lately": LATELY}, "lately", given(day)) == expected


def test_administrations_are_read_only_where_the_rule_says_how_long_they_count() -> None:
    unasked = {"view": "current_drugs", "code_in": "alpha"}
    assert finding(unasked, given("2026-03-01")).state is FALSE
    assert finding(unasked, without=["medication-administrations"]).state is FALSE
    assert finding(CURRENT, without=["medication-administrations"]).state is UNKNOWN
    assert finding(CURRENT, given("2026-03-01"), without=["medication-requests"]).state is TRUE
