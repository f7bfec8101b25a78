"""`within`: how far back a fact looks, and what it says of dates that are vague, absent or in the future."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from chart_builder import NOW, ask, condition

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

NEW_YORK, AUCKLAND = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")


def seen(date: str | None, window: str, as_of: datetime = NOW, zone: tzinfo = UTC) -> Truth:
    """Whether a condition of that onset lies in the window."""
    fact = {
        "find": "Condition",
        "code_in": ["aneurysm"],
        "date": ["onset"],
        "within": window,
        "give": "exists",
        "record": "complete",
    }
    return ask(fact, condition("I67.1", date), as_of=as_of, zone=zone).state


@pytest.mark.parametrize(
    ("date", "window", "verdict"),
    [
        # days count back from today, both ends included
        ("2026-03-01", "0 days [1]", TRUE),
        ("2026-02-28", "0 days [1]", FALSE),
        ("2026-02-15", "14 days [1]", TRUE),
        ("2026-02-15T00:00:00Z", "14 days [1]", TRUE),
        ("2026-02-14", "14 days [1]", FALSE),
        ("2026-02-14T23:59:59Z", "14 days [1]", FALSE),
        ("2026-01-30", "30 days [1]", TRUE),
        ("2026-01-29", "30 days [1]", FALSE),
        # weeks are seven days, months and years are the calendar's
        ("2026-02-15", "2 weeks [1]", TRUE),
        ("2026-02-14", "2 weeks [1]", FALSE),
        ("2025-12-01", "3 months [1]", TRUE),
        ("2025-11-30", "3 months [1]", FALSE),
        ("2025-03-01", "1 years [1]", TRUE),
        ("2025-02-28", "1 years [1]", FALSE),
        # what is dated after now may have been at any time
        ("2026-03-01T23:59:00Z", "14 days [1]", UNKNOWN),
        ("2026-03-02", "14 days [1]", UNKNOWN),
        ("2026-03-02T00:00:00Z", "3 months [1]", UNKNOWN),
        ("2030", "3 months [1]", UNKNOWN),
        # what may be inside or outside is unknown
        ("2026-02", "14 days [1]", UNKNOWN),
        ("2026-02", "30 days [1]", TRUE),
        ("2026-01", "30 days [1]", UNKNOWN),
        ("2026", "30 days [1]", UNKNOWN),
        ("2025", "30 days [1]", FALSE),
        ("2025", "3 months [1]", UNKNOWN),
        (None, "14 days [1]", UNKNOWN),
        ("soon", "14 days [1]", UNKNOWN),
        # hours and minutes count from the instant
        ("2026-03-01T11:00:00Z", "1 hours [1]", TRUE),
        ("2026-03-01T10:59:59Z", "1 hours [1]", FALSE),
        ("2026-03-01T12:00:00Z", "1 hours [1]", TRUE),
        # clocks may differ a little
        ("2026-03-01T12:05:00Z", "1 hours [1]", TRUE),
        ("2026-03-01T12:05:01Z", "1 hours [1]", UNKNOWN),
        ("2026-03-01T11:20:00Z", "40 minutes [1]", TRUE),
        ("2026-03-01T11:19:59Z", "40 minutes [1]", FALSE),
        ("2026-03-01", "1 hours [1]", UNKNOWN),
        ("2026-02-28", "1 hours [1]", FALSE),
    ],
)
def test_a_window_counts_back_from_now(date: str | None, window: str, verdict: Truth) -> None:
    assert seen(date, window) is verdict


def test_today_is_the_day_of_the_zone() -> None:
    late = datetime(2026, 3, 2, 3, tzinfo=UTC)  # 1 March, 22:00 in New York
    assert seen("2026-03-02", "0 days [1]", late) is TRUE
    assert seen("2026-03-02", "0 days [1]", late, NEW_YORK) is UNKNOWN
    assert seen("2026-03-01", "0 days [1]", late, NEW_YORK) is TRUE
    assert seen("2026-03-01", "0 days [1]", datetime(2026, 2, 28, 12, tzinfo=UTC), AUCKLAND) is TRUE


def test_an_instant_of_last_night_is_on_the_day_the_zone_says() -> None:
    night = "2026-02-15T03:00:00Z"  # 14 February, 22:00 in New York
    assert seen(night, "14 days [1]") is TRUE
    assert seen(night, "14 days [1]", zone=NEW_YORK) is FALSE


@pytest.mark.parametrize(
    ("instant", "verdict"), [("2026-03-08T05:00:00Z", TRUE), ("2026-03-08T04:59:00Z", FALSE)]
)
def test_days_are_calendar_days_over_a_change_of_clocks(instant: str, verdict: Truth) -> None:
    """On 8 March 2026 New York moves its clocks: seven days back begin at midnight, not 168 hours ago."""
    assert seen(instant, "7 days [1]", datetime(2026, 3, 15, 16, tzinfo=UTC), NEW_YORK) is verdict


def test_the_first_named_date_that_is_recorded_counts() -> None:
    fact = {
        "find": "Condition",
        "code_in": ["suicidal-ideation"],
        "date": ["recordedDate", "onset"],
        "within": "14 days [1]",
        "give": "exists",
        "record": "complete",
    }
    assert ask(fact, condition("R45.851", "2020-01-01", "2026-02-20")).state is TRUE
    assert ask(fact, condition("R45.851", "2026-02-20", "2020-01-01")).state is FALSE
    assert ask(fact, condition("R45.851", "2026-02-20")).state is TRUE
    assert ask(fact, condition("R45.851", onsetPeriod={"start": "2026-02-20"})).state is TRUE
    assert ask(fact, condition("R45.851")).state is UNKNOWN


def test_a_row_outside_the_window_says_so() -> None:
    fact = {
        "find": "Condition",
        "code_in": ["aneurysm"],
        "within": "14 days [1]",
        "give": "exists",
        "record": "partial",
    }
    (row,) = ask(fact, condition("I67.1", "2025-01-01")).rejected
    assert row.why == ("dated 2025-01-01, needs to be within 14 days [1]",)
