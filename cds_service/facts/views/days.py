"""Calendar days: as dates of rows, in words, and lengths of time counted in them."""

from __future__ import annotations

from datetime import date, timedelta

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, midnight
from cds_service.facts.quantity import convert, read_quantity

_MOST_DAYS = 36_500
_LAST = date(9999, 12, 29)
Days = tuple[date, date]
"""The first and the last calendar day that a date may name."""


def day_as_when(day: date, chart: Chart) -> When:
    """A whole calendar day in the service's zone."""
    return days_as_when(day, day, chart)


def days_as_when(first: date, last: date, chart: Chart) -> When:
    """Any of the days from first to last, both included."""
    end = midnight(last + timedelta(days=1), chart.zone)
    text = first.isoformat() if first == last else f"{first} to {last}"
    return When(midnight(first, chart.zone), end, text)


def days_text(first: date, last: date) -> str:
    """What is known of a day between two: `2025-02-03`, `2025-02`, `2025-02 or 2025-03`, `2025`."""
    if first == last:
        return first.isoformat()
    months = (last.year - first.year) * 12 + last.month - first.month
    if months < 2:
        return " or ".join(dict.fromkeys((f"{first:%Y-%m}", f"{last:%Y-%m}")))
    return " or ".join(dict.fromkeys((f"{first:%Y}", f"{last:%Y}")))


def later(day: date, days: int) -> date:
    """The day so many days later; of what lies beyond the calendar its end."""
    return day + timedelta(days=days) if days < (_LAST - day).days else _LAST


def length_in_days(amount: fhir.Quantity | None) -> int | None:
    """A length of time in whole days, part of a day as one; a number without a unit counts days."""
    measured = read_quantity(amount)
    if measured is None:
        return None
    days = measured if not measured.unit else convert(measured, "d")
    if days is None or not days.span.exact or not 0 < days.span.low <= _MOST_DAYS:
        return None
    return int(-(-days.span.low // 1))
