"""The view `treatment_sessions`: a row per day on which a drug was given, whoever wrote it down."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from chart_builder import Json, administration, concept, dispense, quantity
from view_bench import ALPHA, BETA, VIAL, asked, finding, mg, only_row, procedure, rows, span, verdict

from cds_service.facts.dates import When
from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

GIVEN: Json = {"view": "treatment_sessions", "code_in": "alpha"}
ANY: Json = GIVEN | {"with": {"procedures": "session-procedure", "supplies": "alpha"}}
KEYS = ["medication-administrations", "procedures", "medication-dispenses"]


def given(when: str | None, dose: Json | None = None, code: str | Json = ALPHA, **more: Any) -> Json:
    return administration(code, when, **({"dosage": {"dose": dose}} if dose else {}), **more)


def handed(when: str | None, code: str | Json = ALPHA, status: str = "completed") -> Json:
    return dispense(code, when, 1, status=status)


def start(row: Row) -> str:
    when = row.columns["start"]
    assert isinstance(when, When)
    return f"{when.start:%H:%M:%S}"


def counted(fact: Json, *resources: Json, **more: Any) -> Span:
    value = (
        asked({"it": fact | {"give": "count"}}, "it >= 1", *resources, **more).findings["asked"]["it"].value
    )
    assert isinstance(value, Quantity)
    return value.span


def test_records_of_one_day_are_one_session_whatever_their_kind() -> None:
    row = only_row(
        ANY,
        procedure("2026-02-20T09:30:00Z"),
        given("2026-02-20T10:00:00Z", mg(56)),
        given("2026-02-20"),
        handed("2026-02-20T08:00:00Z"),
    )
    assert (row.counts, start(row)) == (TRUE, "09:30:00")
    assert str(row.columns["day"]) == "2026-02-20"
    assert counted(ANY, given("2026-02-20"), given("2026-02-21T00:00:00Z"), handed("2026-02-22")) == Span(
        3, 3
    )


def test_the_day_is_that_of_the_service() -> None:
    late = given("2026-02-21T02:00:00Z")
    assert str(only_row(GIVEN, late, zone=ZoneInfo("America/New_York")).columns["day"]) == "2026-02-20"
    assert len(rows(GIVEN, late, given("2026-02-20"), zone=ZoneInfo("America/New_York"))) == 1
    assert len(rows(GIVEN, late, given("2026-02-20"))) == 2


def test_procedures_and_supplies_count_only_where_the_rule_names_them() -> None:
    others = [procedure("2026-02-20"), handed("2026-02-21")]
    assert rows(GIVEN, *others) == []
    assert len(rows(GIVEN | {"with": {"procedures": "session-procedure"}}, *others)) == 1
    assert (
        len(rows(GIVEN | {"with": {"supplies": ["alpha", "beta"]}}, *others, handed("2026-02-22", BETA))) == 1
    )


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        (given("2026-02-20", status="in-progress"), TRUE),
        (given("2026-02-20", status="stopped"), TRUE),
        (given("2026-02-20", status="on-hold"), TRUE),
        (given("2026-02-20", status="unknown"), UNKNOWN),
        (given("2026-02-20", status="not-done"), FALSE),
        (given("2026-03-02"), UNKNOWN),
        (given("2026-03-02", status="preparation"), FALSE),
        (given("2027"), UNKNOWN),
        (given("2026-02-20", code=concept(text="something")), UNKNOWN),
        (procedure("2026-02-20", "in-progress"), TRUE),
        (procedure("2026-02-20", "preparation"), FALSE),
        (procedure("2026-02-20", "not-done"), FALSE),
        (procedure("2026-02-20", "unknown"), UNKNOWN),
        (procedure("2026-02-20", code=concept(text="a visit")), UNKNOWN),
        (handed("2026-02-20", status="in-progress"), TRUE),
        (handed("2026-02-20", status="declined"), FALSE),
        (handed("2026-02-20", status="preparation"), FALSE),
    ],
)
def test_what_is_a_session(record: Json, counts: Truth) -> None:
    assert only_row(ANY, record).counts is counts
    assert finding(ANY, record).state is counts


def test_what_may_be_no_session_says_nothing_of_a_day_that_is_one() -> None:
    maybe = given("2026-02-20T08:00:00Z", mg(84), concept(text="something"))
    row = only_row(GIVEN, maybe, given("2026-02-20T10:00:00Z", mg(56)))
    assert (row.counts, start(row), span(row.columns["dose"])) == (TRUE, "10:00:00", Span(56, 56))


@pytest.mark.parametrize(
    ("period", "day", "began"),
    [
        ({"start": "2026-02-20T10:00:00Z", "end": "2026-02-20T10:40:00Z"}, "2026-02-20", "10:00:00"),
        ({"start": "2026-02-20T23:50:00Z", "end": "2026-02-21T00:30:00Z"}, "2026-02-20", "23:50:00"),
        ({"start": "2026-02-20"}, "2026-02-20", None),
        ({"end": "2026-02-20T10:40:00Z"}, "2026-02-20", None),
    ],
)
def test_a_period_begins_at_its_start(period: Json, day: str, began: str | None) -> None:
    row = only_row(GIVEN, given(None) | {"effectivePeriod": period})
    assert str(row.columns["day"]) == day
    assert (start(row) if began else row.columns["start"]) == began


@pytest.mark.parametrize(
    ("records", "dose"),
    [
        ([given("2026-02-20", mg(56))], Span(56, 56)),
        ([given("2026-02-20", quantity(5.6, "mL"), VIAL)], Span(56, 56)),
        ([given("2026-02-20", mg(28)), given("2026-02-20", mg(28))], Span(28, 56)),
        ([given("2026-02-20", mg(28)), given("2026-02-20")], Span(28, float("inf"))),
        ([given("2026-02-20", mg(28)), procedure("2026-02-20")], Span(28, 28)),
        ([given("2026-02-20")], None),
        ([given("2026-02-20", mg(28), "31")], Span(28, 28)),
    ],
)
def test_the_dose_of_a_day_is_at_least_the_greatest_and_at_most_the_sum(
    records: list[Json], dose: Span | None
) -> None:
    assert span(only_row(ANY, *records).columns["dose"]) == dose


def test_a_record_of_no_single_day_may_be_a_session_already_counted() -> None:
    month = given("2026-02")
    assert counted(GIVEN, month) == Span(1, 1)
    assert counted(GIVEN, month, given("2026-02-20")) == Span(1, 2)
    assert counted(GIVEN, month, given("2026-01-20")) == Span(2, 2)
    assert counted(GIVEN, month, given("2026"), given(None)) == Span(1, 3)
    assert counted(GIVEN, given(None)) == Span(1, 1)
    assert counted(GIVEN, given("2026-03")) == Span(1, 1)
    assert finding(GIVEN | {"within": "0 days [1]"}, given("2026-03")).state is TRUE


# --- what was not obtained -----------------------------------------------------------------------


def lost(fact: Json, *resources: Json, key: str = "procedures") -> Finding:
    return finding(fact, *resources, without=[key])


def test_a_session_seen_stays_one_whatever_else_is_missing() -> None:
    seen = given("2026-02-20T10:00:00Z", mg(56))
    for key in ("procedures", "medication-dispenses"):
        assert lost(ANY | {"within": "14 days [1]"}, seen, key=key).state is TRUE
    assert counted(ANY, seen, without=["procedures"]) == Span(1, float("inf"))
    assert lost(ANY).state is UNKNOWN


def test_a_time_that_a_missing_record_could_make_earlier_is_not_settled() -> None:
    seen = given("2026-03-01T11:30:00Z")
    assert finding(ANY | {"within": "2 hours [1]"}, seen).state is TRUE
    assert lost(ANY | {"within": "2 hours [1]"}, seen).state is UNKNOWN


def test_a_dose_and_a_drug_that_a_missing_record_could_change_are_not_settled() -> None:
    seen = given("2026-02-20", mg(56))
    assert finding(ANY | {"where": {"dose": "<= 56 mg [1]"}}, seen).state is TRUE
    assert lost(ANY | {"where": {"dose": "<= 56 mg [1]"}}, seen).state is UNKNOWN
    assert lost(ANY | {"where": {"dose": ">= 56 mg [1]"}}, seen).state is TRUE
    assert lost(ANY | {"where": {"drug": ["alpha"]}}, seen).state is TRUE
    assert lost(ANY | {"where": {"drug": {"not": ["beta"]}}}, seen).state is UNKNOWN
    assert lost(ANY | {"where": {"dose": {"absent": True}}}, given("2026-02-20")).state is UNKNOWN


# --- rules ---------------------------------------------------------------------------------------

SCHEDULE: dict[str, Json] = {
    "first": ANY | {"give": "earliest date", "record": "partial"},
    "lately": ANY | {"within": "7 days [1]", "give": "count", "record": "partial"},
    "last": ANY | {"give": "latest date"},
}
TOO_OFTEN = {"all": ["first > 4 weeks [1]", "lately > 1 [1]"]}
OVERDUE = {"all": ["first > 8 weeks [1]", "last > 2 weeks [1]"]}


@pytest.mark.parametrize("engine", ["direct", None])
@pytest.mark.parametrize(
    ("days", "too_often", "overdue"),
    [
        (["2026-01-20", "2026-02-24", "2026-02-27"], "true", "false"),
        (["2026-01-20", "2026-02-20", "2026-02-27"], "unknown", "false"),
        (["2025-12-20", "2026-02-14"], "unknown", "true"),
        (["2025-12-20", "2026-02-15"], "unknown", "false"),
        ([], "unknown", "unknown"),
    ],
)
def test_rules_compare_sessions_with_a_schedule(
    days: list[str], too_often: str, overdue: str, engine: str | None
) -> None:
    sessions = [given(f"{day}T10:00:00Z") for day in days]
    often = {name: SCHEDULE[name] for name in ("first", "lately")}
    assert verdict(often, TOO_OFTEN, *sessions, engine=engine) == too_often
    late = {name: SCHEDULE[name] for name in ("first", "last")}
    assert verdict(late, OVERDUE, *sessions, engine=engine) == overdue


def test_a_reading_is_asked_for_after_the_session_began() -> None:
    facts: dict[str, Json] = {
        "session": ANY | {"within": "0 days [1]", "give": "latest date"},
        "reading": {"find": "Observation", "code_in": "scale", "after": "session + 40 minutes [1]"},
    }
    facts["reading"] |= {"give": "exists", "record": "complete", "because": "A test says so."}

    def read(when: str, *sessions: Json) -> str:
        value = {"resourceType": "Observation", "id": "o", "status": "final", "code": concept("44261-6")}
        value |= {"subject": {"reference": "Patient/p"}, "effectiveDateTime": when, "valueInteger": 3}
        return verdict(facts, "reading", value, *sessions)

    session = given("2026-03-01T10:00:00Z")
    assert read("2026-03-01T10:40:00Z", session) == "true"
    assert read("2026-03-01T10:39:00Z", session) == "false"
    assert read("2026-03-01T10:40:00Z", given("2026-03-01")) == "unknown"
