"""A recorded date is the interval of instants it allows, in the service's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from chart_builder import ask, patient, request, span_of
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.dates import When, day_of, inside, midnight, months_before, parse_when, years_between
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
AGE = {"find": "Patient", "give": "age"}


def when(text: str, zone: tzinfo = UTC) -> When:
    found = parse_when(text, zone)
    assert found is not None
    return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025", utc(2025, 1, 1), utc(2026, 1, 1)),
        ("2025-02", utc(2025, 2, 1), utc(2025, 3, 1)),
        ("2025-12", utc(2025, 12, 1), utc(2026, 1, 1)),
        ("2024-02-29", utc(2024, 2, 29), utc(2024, 3, 1)),
        ("2025-12-31", utc(2025, 12, 31), utc(2026, 1, 1)),
    ],
)
def test_a_partial_date_is_every_instant_it_may_mean(text: str, start: datetime, end: datetime) -> None:
    assert (when(text).start, when(text).end) == (start, end)
    assert not when(text).instant


def test_an_instant_is_one_moment_whatever_its_offset() -> None:
    same = ["2026-02-25T10:15:00Z", "2026-02-25T05:15:00-05:00", "2026-02-25T15:45:00.000+05:30"]
    assert {when(text).start for text in same} == {utc(2026, 2, 25, 10, 15)}
    assert all(when(text).instant for text in same)


def test_a_clock_time_without_an_offset_is_in_the_zone_of_the_service() -> None:
    assert when("2026-02-25T10:15:00", NEW_YORK).start == utc(2026, 2, 25, 15, 15)


@pytest.mark.parametrize(
    "text",
    [
        *["", "yesterday", "2025-13", "2025-00-10", "2025-02-30", "2023-02-29", "25", "2025-1-1", "20250101"],
        *[
            "2026-02-25T25:00:00Z",
            "2026-02-25 10:15:00",
            "2026-02-25T10",
            "0000",
            "9999-12-31",
            "2025-02-01\n",
        ],
        *["２０２５", "2025-02-01T10:00:00+99:00", " 2025", "2025/02/01", "-2025", "2025-02-01/2025-03-01"],
    ],
)
def test_nonsense_is_no_date(text: str) -> None:
    assert parse_when(text, UTC) is None


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d{2}-\d{2}T?[0-9:]*", fullmatch=True))
def test_any_text_is_a_proper_interval_or_none(text: str) -> None:
    found = parse_when(text, NEW_YORK)
    assert found is None or found.start < found.end


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (ZoneInfo("Africa/Cairo"), "2026-04-24", 23),  # has no midnight: its clocks go from 23:59 to 01:00
        (ZoneInfo("Australia/Lord_Howe"), "2026-04-05", 24.5),
        (KOLKATA, "2026-03-29", 24),
    ],
)
def test_a_day_lasts_as_long_as_the_clocks_of_the_zone_say(zone: tzinfo, day: str, hours: float) -> None:
    found = when(day, zone)
    assert found.end - found.start == timedelta(hours=hours)
    assert (
        day_of(found.start, zone)
        == day_of(found.end - timedelta(microseconds=1), zone)
        == date.fromisoformat(day)
    )


@given(st.dates(date(1900, 1, 2), date(2200, 1, 1)), st.sampled_from([UTC, BERLIN, NEW_YORK, KOLKATA]))
def test_the_first_instant_of_a_day_belongs_to_it_and_the_one_before_does_not(
    day: date, zone: tzinfo
) -> None:
    start = midnight(day, zone)
    assert day_of(start, zone) == day
    assert day_of(start - timedelta(seconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("2026-02-10", TRUE),
        ("2026-02-01", TRUE),
        ("2026-01-31", FALSE),
        ("2026-03-01", FALSE),
        ("2026-02", TRUE),
        ("2026", UNKNOWN),
        ("2025", FALSE),
        ("2026-02-28T23:59:59Z", TRUE),
        ("2026-02-28T23:59:59-01:00", FALSE),
    ],
)
def test_a_date_is_inside_a_window_only_if_all_it_may_mean_is(text: str, verdict: Truth) -> None:
    assert inside(when(text), utc(2026, 2, 1), utc(2026, 3, 1)) is verdict


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-03-31", 1, "2024-02-29"),
        ("2026-03-31", 4, "2025-11-30"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-12-01", 12, "2025-12-01"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-03-01", 0, "2026-03-01"),
        ("2026-03-01", 3, "2025-12-01"),
    ],
)
def test_months_are_calendar_months_and_end_where_the_month_ends(day: str, months: int, earlier: str) -> None:
    assert months_before(date.fromisoformat(day), months) == date.fromisoformat(earlier)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(0, 240))
def test_a_longer_time_back_is_never_later(day: date, months: int) -> None:
    assert months_before(day, months + 1) < months_before(day, months) <= day


@pytest.mark.parametrize(
    ("birth", "day", "years"),
    [
        ("2008-03-01", "2026-03-01", 18),
        ("2008-03-02", "2026-03-01", 17),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
    ],
)
def test_a_year_of_age_is_complete_on_the_birthday(birth: str, day: str, years: int) -> None:
    assert years_between(date.fromisoformat(birth), date.fromisoformat(day)) == years


@pytest.mark.parametrize(
    ("birth", "span"),
    [
        ("2008-03-01", Span(18, 18)),
        ("2008-03-02", Span(17, 17)),
        ("2008-03", Span(17, 18)),
        ("2008-02", Span(18, 18)),
        ("2008", Span(17, 18)),
        ("2007", Span(18, 19)),
        ("2026-03-01", Span(0, 0)),
        ("2026", Span(0, 0)),
    ],
)
def test_a_partial_birth_date_makes_an_age_between_two(birth: str, span: Span) -> None:
    assert span_of(ask(AGE, patient(birth))) == span


@pytest.mark.parametrize("birth", [None, "", "unknown", "2026-03-02", "2027"])
def test_without_a_birth_date_in_the_past_the_age_is_unknown(birth: str | None) -> None:
    assert ask(AGE, patient(birth)).state is UNKNOWN


def test_the_birthday_begins_at_midnight_of_the_zone() -> None:
    night = datetime(2026, 3, 1, 3, tzinfo=UTC)  # still 28 February in New York
    child = patient("2008-03-01")
    assert span_of(ask(AGE, child, as_of=night)) == Span(18, 18)
    assert span_of(ask(AGE, child, as_of=night, zone=NEW_YORK)) == Span(17, 17)


def test_an_instant_is_the_same_for_every_zone_of_the_caller() -> None:
    here = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=-5)))
    assert request(as_of=here).as_of == utc(2026, 3, 1, 17)
