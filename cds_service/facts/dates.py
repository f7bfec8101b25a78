"""FHIR dates as intervals: `2025` is a year of instants, not the first of January.

Every date a rule compares becomes a `When`: the half-open interval [start, end) of instants that the
recorded text allows. Dates without a time are days in the service's time zone.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
EVER = datetime(1, 1, 2, tzinfo=UTC)
NEVER = datetime(9999, 12, 30, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of ours the clock of whoever recorded an entry may be."""

ONGOING, BEING_ORDERED = "ongoing", "being ordered"
"""How a last day is told that is none: it is that of the call only because it goes on."""


class When(Struct, frozen=True, gc=False):
    """The instants a recorded date may mean, [start, end), and the text as recorded."""

    start: datetime
    end: datetime
    text: str = ""

    @property
    def instant(self) -> bool:
        """Whether the text had a clock time."""
        return "T" in self.text

    def __str__(self) -> str:
        if " " in self.text:  # several days, in words
            return self.text
        return self.text[:10] if self.text else self.start.date().isoformat()


@lru_cache(maxsize=20_000)
def parse_when(text: str, zone: tzinfo) -> When | None:
    """Read a FHIR date, dateTime or instant; None if it is no date at all (`2025-13`, `yesterday`)."""
    try:
        partial = _PARTIAL.fullmatch(text)
        if partial:
            return _partial(text, partial, zone)
        if not _INSTANT.fullmatch(text):
            return None
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        start = moment.astimezone(UTC)
        return When(start, start + timedelta(microseconds=1), text)
    except (ValueError, OverflowError):
        return None


def _partial(text: str, match: re.Match[str], zone: tzinfo) -> When:
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    first = date(year, 1 if month is None else month, 1 if day is None else day)
    if day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = date(year + month // 12, month % 12 + 1, 1)
    else:
        after = date(year + 1, 1, 1)
    return When(midnight(first, zone), midnight(after, zone), text)


@lru_cache(maxsize=20_000)
def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant in the service's zone."""
    return moment.astimezone(zone).date()


def inside(when: When, start: datetime, end: datetime) -> Truth:
    """Whether a date lies in the window [start, end): unknown if it only may."""
    if when.start >= start and when.end <= end:
        return TRUE
    return FALSE if when.end <= start or when.start >= end else UNKNOWN


def months_before(day: date, months: int) -> date:
    """The same day so many calendar months earlier; the last of the month where that day does not exist."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(last, day.day))
        except ValueError:
            continue
    raise ValueError(f"no such month: {year}-{month + 1}")


def years_between(birth: date, day: date) -> int:
    """Completed years: the age on a day of someone born on `birth`."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
