"""One criterion against one finding: intervals, partial dates, units, columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.dates import EVER, NEVER, When, parse_when
from cds_service.facts.finding import Evidence, Finding, Quantity, Row
from cds_service.infer.criteria import rule_states, state
from cds_service.infer.program import flatten
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import All
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, exactly

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2025, 3, 31, 12, tzinfo=CHICAGO)


def check(text, finding, as_of=NOON, zone=CHICAGO):
    return state(Criterion.parse(text), finding, as_of, zone)


def number(low, high=None, unit=""):
    return Finding(TRUE, Quantity(Span(low, low if high is None else high), unit))


def dated(text, zone=CHICAGO):
    when = parse_when(text, zone)
    assert when is not None
    return Finding(TRUE, when)


def reading(**columns):
    return Finding(TRUE, Row(Evidence("Observation/o1"), columns))


# --- yes or no, and numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("answer", [TRUE, FALSE, UNKNOWN])
def test_a_bare_criterion_is_the_state_of_its_finding(answer):
    assert check("aneurysm", Finding(answer)) is answer


@pytest.mark.parametrize(
    ("text", "finding", "answer"),
    [
        pytest.param("trials >= 2 [2]", number(2), TRUE, id="exactly enough"),
        pytest.param("trials >= 2 [2]", number(2, inf), TRUE, id="at least 2 is enough"),
        pytest.param("trials >= 3 [2]", number(2, inf), UNKNOWN, id="at least 2 may be 3"),
        pytest.param("trials < 2 [2]", number(2, inf), FALSE, id="at least 2 is not fewer"),
        pytest.param("trials >= 1 [2]", number(0, inf), UNKNOWN, id="a lower bound of 0 proves nothing"),
        pytest.param("weight <= 81.5 [3]", number(81.4, unit="kg"), TRUE, id="no unit asked for"),
        pytest.param("weight <= 81.5 kg [3]", number(81.4, unit="kg"), TRUE, id="the unit asked for"),
        pytest.param("weight <= 200 [lb_av] [3]", number(81.4, unit="kg"), TRUE, id="another unit of mass"),
        pytest.param("weight <= 81.5 cm [3]", number(81.4, unit="kg"), UNKNOWN, id="no unit of mass"),
        pytest.param("weight <= 81.5 kg [3]", number(81.4), UNKNOWN, id="no unit recorded"),
        pytest.param("weight <= 2 weeks [3]", number(1), UNKNOWN, id="a number has no age"),
    ],
)
def test_numbers_are_compared_as_intervals_in_their_own_unit(text, finding, answer):
    assert check(text, finding) is answer


@pytest.mark.parametrize(
    "finding",
    [
        pytest.param(Finding(UNKNOWN), id="unknown"),
        pytest.param(Finding(UNKNOWN, Quantity(exactly(9))), id="unknown with a number"),
        pytest.param(Finding(TRUE), id="no value"),
        pytest.param(Finding(FALSE), id="found none"),
        pytest.param(reading(systolic=Quantity(exactly(9))), id="a row without a column asked for"),
    ],
)
def test_without_a_value_every_comparison_is_unknown(finding):
    assert check("score >= 1 [2]", finding) is UNKNOWN
    assert check("score < 1 [2]", finding) is UNKNOWN


# --- columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("bp.systolic > 140 [7]", TRUE, id="a number"),
        pytest.param("bp.diastolic > 90 [7]", UNKNOWN, id="a number that may be either"),
        pytest.param("bp.taken > 2 days [7]", TRUE, id="a date"),
        pytest.param("bp.seated", FALSE, id="a yes or no"),
        pytest.param("bp.seated > 1 [7]", UNKNOWN, id="a yes or no has no size"),
        pytest.param("bp.arm", UNKNOWN, id="words are neither yes nor no"),
        pytest.param("bp.arm > 1 [7]", UNKNOWN, id="words have no size"),
        pytest.param("bp.pulse > 1 [7]", UNKNOWN, id="a column that the chart leaves empty"),
        pytest.param("bp.rhythm > 1 [7]", UNKNOWN, id="no such column"),
        pytest.param("bp.systolic", UNKNOWN, id="a bare number is no answer"),
    ],
)
def test_a_criterion_reads_one_column_of_a_reading(text, answer):
    finding = reading(
        systolic=Quantity(exactly(150), "mm[Hg]"),
        diastolic=Quantity(Span(85, 95), "mm[Hg]"),
        taken=parse_when("2025-03-01", CHICAGO),
        seated=FALSE,
        arm="left",
        pulse=None,
    )
    assert check(text, finding) is answer


def test_a_column_of_something_that_is_no_row_is_unknown():
    assert check("bp.systolic > 140 [7]", number(150)) is UNKNOWN
    assert check("bp.seated", Finding(TRUE)) is UNKNOWN


# --- the age of a date ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "recorded", "answer"),
    [
        pytest.param("first > 8 weeks [8]", "2025-02-03", FALSE, id="56 days are not more than 8 weeks"),
        pytest.param("first > 8 weeks [8]", "2025-02-02", TRUE, id="57 days are more than 8 weeks"),
        pytest.param("first >= 8 weeks [8]", "2025-02-03", TRUE, id="56 days are 8 weeks"),
        pytest.param("first < 7 days [8]", "2025-03-25", TRUE, id="6 days"),
        pytest.param("first < 7 days [8]", "2025-03-24", FALSE, id="7 days"),
        pytest.param("first == 0 days [8]", "2025-03-31", TRUE, id="today"),
        pytest.param("first < 0 days [8]", "2025-04-01", TRUE, id="tomorrow has a negative age"),
        pytest.param("first >= 1 months [8]", "2025-02-28", TRUE, id="a month before the 31st is the 28th"),
        pytest.param("first >= 1 months [8]", "2025-03-01", FALSE, id="less than a calendar month"),
        pytest.param("first > 1 months [8]", "2025-02-28", FALSE, id="not more than a calendar month"),
        pytest.param("first >= 1 years [8]", "2024-03-31", TRUE, id="a year to the day"),
        pytest.param("first >= 1 years [8]", "2024-04-01", FALSE, id="a day short of a year"),
        pytest.param("first < 0.5 weeks [8]", "2025-03-28", TRUE, id="half a week is three days and a half"),
        pytest.param("first < 1.5 months [8]", "2025-03-28", UNKNOWN, id="half a month has no length"),
        pytest.param("first < 9999 years [8]", "2025-03-28", UNKNOWN, id="before the calendar"),
        pytest.param("first < 7 [8]", "2025-03-28", UNKNOWN, id="a date without a unit of time"),
        pytest.param("first < 7 kg [8]", "2025-03-28", UNKNOWN, id="a date in kilograms"),
    ],
)
def test_a_date_is_compared_by_its_age(text, recorded, answer):
    assert check(text, dated(recorded)) is answer


@pytest.mark.parametrize(
    ("text", "recorded", "answer"),
    [
        pytest.param("first > 8 weeks [8]", "2025-01", TRUE, id="any day of January is long enough ago"),
        pytest.param("first > 8 weeks [8]", "2025-02", UNKNOWN, id="February holds the limit"),
        pytest.param("first > 8 weeks [8]", "2025-03", FALSE, id="no day of March is"),
        pytest.param("first > 8 weeks [8]", "2025", UNKNOWN, id="the year holds the limit"),
        pytest.param("first > 8 weeks [8]", "2024", TRUE, id="last year is long enough ago"),
        pytest.param("first > 3 months [8]", "2024-12", UNKNOWN, id="December ends on the limit"),
        pytest.param("first >= 3 months [8]", "2024-12", TRUE, id="the limit itself counts"),
        pytest.param("first != 10 days [8]", "2025-01", TRUE, id="no day of January is 10 days ago"),
        pytest.param("first == 70 days [8]", "2025-01", UNKNOWN, id="one day of January is 70 days ago"),
    ],
)
def test_a_partial_date_is_decided_only_if_all_its_days_agree(text, recorded, answer):
    assert check(text, dated(recorded)) is answer


@pytest.mark.parametrize(
    ("text", "recorded", "answer"),
    [
        pytest.param("given < 2 hours [7]", "2025-03-31T10:00:01-05:00", TRUE, id="just under two hours"),
        pytest.param("given < 2 hours [7]", "2025-03-31T10:00:00-05:00", FALSE, id="two hours"),
        pytest.param("given <= 2 hours [7]", "2025-03-31T15:00:00Z", TRUE, id="two hours in another zone"),
        pytest.param("given >= 40 minutes [7]", "2025-03-31T11:20:00-05:00", TRUE, id="40 minutes"),
        pytest.param("given >= 40 minutes [7]", "2025-03-31T11:20:01-05:00", FALSE, id="a second short"),
        pytest.param("given < 2 hours [7]", "2025-03-31", UNKNOWN, id="a day without a time holds the limit"),
        pytest.param("given < 2 hours [7]", "2025-03-30", FALSE, id="yesterday is too long ago"),
        pytest.param("given < 36 hours [7]", "2025-03-31", TRUE, id="all of today is near enough"),
    ],
)
def test_hours_and_minutes_compare_instants(text, recorded, answer):
    assert check(text, dated(recorded)) is answer


def test_the_day_of_an_instant_is_the_day_in_the_zone_of_the_service():
    late = "2025-03-30T23:30:00-05:00"
    assert check("given < 1 days [7]", dated(late)) is FALSE
    assert check("given < 1 days [7]", dated(late, UTC), zone=UTC) is TRUE


def test_today_is_the_day_in_the_zone_of_the_service():
    evening = datetime(2025, 4, 1, 3, tzinfo=UTC)
    assert check("given == 0 days [7]", dated("2025-03-31"), as_of=evening) is TRUE
    assert check("given == 1 days [7]", dated("2025-03-31", UTC), as_of=evening, zone=UTC) is TRUE


def test_the_earliest_date_of_a_partial_record_has_an_open_age():
    on_or_before = Finding(TRUE, When(EVER, datetime(2025, 2, 1, 6, tzinfo=UTC), ""))
    assert check("first > 8 weeks [8]", on_or_before) is TRUE
    assert check("first > 12 weeks [8]", on_or_before) is UNKNOWN
    assert check("first < 999999 days [8]", on_or_before) is UNKNOWN
    assert check("first < 1 hours [8]", on_or_before) is FALSE


def test_the_latest_date_of_a_partial_record_may_be_any_time_since():
    on_or_after = Finding(TRUE, When(datetime(2025, 2, 1, 6, tzinfo=UTC), NEVER, ""))
    assert check("last <= 58 days [8]", on_or_after) is TRUE
    assert check("last > 2 weeks [8]", on_or_after) is UNKNOWN
    assert check("last > 1 hours [8]", on_or_after) is UNKNOWN


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2025, 3, 30)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.sampled_from([">=", ">", "<=", "<", "==", "!="]),
    st.integers(0, 60),
    st.sampled_from(["minutes", "hours", "days", "weeks", "months", "years"]),
)
def test_knowing_a_date_less_well_never_turns_its_age_round(start, before, after, comparator, count, unit):
    at = start.replace(tzinfo=UTC)
    text = f"first {comparator} {count} {unit} [8]"
    known = check(text, Finding(TRUE, When(at, at + timedelta(microseconds=1))))
    blurred = check(text, Finding(TRUE, When(at - before, at + after + timedelta(microseconds=1))))
    assert blurred in (known, UNKNOWN)


# --- a rule's criteria ---------------------------------------------------------------------------


def test_the_states_of_a_rule_leave_conclusions_to_the_engine():
    criteria = tuple(Criterion.parse(text) for text in ("trials >= 2 [2]", "candidate", "aneurysm"))
    logic = flatten("r", All(all=criteria), consumes={"candidate": "ketamine-candidate"})
    findings = {"trials": number(1), "aneurysm": Finding(UNKNOWN)}
    assert rule_states(logic, findings, NOON, CHICAGO) == {"trials >= 2 [2]": FALSE, "aneurysm": UNKNOWN}
