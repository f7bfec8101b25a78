"""Calendar days as dates of rows."""

from __future__ import annotations

from datetime import date, timedelta

from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, midnight


def day_as_when(day: date, chart: Chart) -> When:
    """A whole calendar day in the service's zone."""
    return days_as_when(day, day, chart)


def days_as_when(first: date, last: date, chart: Chart) -> When:
    """Any of the days from first to last, both included."""
    end = midnight(last + timedelta(days=1), chart.zone)
    text = first.isoformat() if first == last else f"{first} to {last}"
    return When(midnight(first, chart.zone), end, text)
