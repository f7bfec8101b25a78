"""Days on a drug: what was dispensed or stated to be taken, with the daily dose where it is known.

Dates are intervals: a start or an end told by month or year may be any of its days. Days after today do not
count; a period's end is included. How supplies make a stretch is told in `stretches.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.facts.address import tail_of
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, day_of
from cds_service.facts.dosing import as_needed, daily_dose, is_counted
from cds_service.facts.quantity import convert, read_quantity
from cds_service.facts.shelf import Entry
from cds_service.facts.views.days import Days
from cds_service.rulebook.terminology import Ingredient

DISPENSED = frozenset({"completed", "in-progress", "unknown", ""})
TAKEN = frozenset({"active", "completed", "stopped"})
ORDERED = frozenset({"active", "completed", "stopped", "unknown"})
ORDER_INTENTS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})


def is_placed(order: fhir.MedicationRequest) -> bool:
    """Whether an order was really placed: no draft, no proposal, not cancelled or on hold."""
    return order.status in ORDERED and order.intent in ORDER_INTENTS


def day_told(text: str) -> date | None:
    """The calendar day a recorded date begins with; None if it tells only the month, or nothing."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def written_near(order: Entry, begun: date | None, until: date, gap: int) -> bool:
    """Whether an order was written from a bridged gap before these days until their last."""
    written = day_told(order.resource.authored_on)
    return written is not None and begun is not None and (begun - written).days <= gap and written <= until


class Supply(Struct, frozen=True, gc=False):
    """Days on one drug, between the first it may have begun on and the last it may have ended on.

    It began on a day from `begun` to `first` and ended on one from `last` to `until`, or on the day `ended`
    that is on record before it ran out; `least` to `most` days are covered. `begun` is None if nobody can
    tell, and `trouble` says why. `dose` is mg a day, None if unknown or `beyond` what can be true. `needed`
    marks a drug taken only when needed, `waiting` one whose order could not be obtained.
    """

    entry: Entry
    ingredient: Ingredient
    dose: float | None
    begun: date | None = None
    first: date = date.min
    last: date = date.min
    until: date = date.min
    least: int = 0
    most: int = 0
    needed: bool = False
    trouble: str = ""
    orders: tuple[str, ...] = ()
    waiting: bool = False
    ended: Days | None = None
    beyond: bool = False

    @property
    def sure_end(self) -> date:
        """The day until which it was surely taken."""
        return self.last if self.ended is None else min(self.last, self.ended[0])

    @property
    def exact(self) -> bool:
        """Whether its first and its last day are known to the day."""
        return self.ended is None and self.begun == self.first and self.last == self.until

    @property
    def is_statement(self) -> bool:
        """Whether somebody said so, and nothing was handed out."""
        return isinstance(self.entry.resource, fhir.MedicationStatement)

    def shortened(self, end: Days) -> Supply:
        """The same with an end on record: the days after it are not surely taken."""
        if self.begun is None or end[0] >= self.last:
            return self
        sure = min(self.least, max(0, (end[0] - self.first).days + 1))
        return replace(self, least=sure, ended=end)

    def open(self) -> Supply:
        """The same where nobody can tell if it adds to what others tell: no day of it is sure."""
        return replace(self, least=0)

    def without_dose(self) -> Supply:
        """The same where the dose told is beyond what can be true."""
        return replace(self, dose=None, beyond=True)


def days_of(when: When, chart: Chart) -> Days:
    """The first and the last calendar day a date may name."""
    first = day_of(when.start, chart.zone)
    return first, max(first, day_of(when.end - timedelta(microseconds=1), chart.zone))


def the_day(when: When | None, chart: Chart) -> date | None:
    """The one calendar day a date names; None for a month, a year, or nothing."""
    if when is None:
        return None
    first = day_of(when.start, chart.zone)
    return first if (when.end - when.start) <= timedelta(hours=25) else None


def dispensed(
    entry: Entry, ingredient: Ingredient, orders: dict[str, Entry], chart: Chart, *, orders_known: bool
) -> Supply | None:
    """The supply a dispense gave; None if nothing was handed over."""
    dispense: fhir.MedicationDispense = entry.resource
    if dispense.status not in DISPENSED:
        return None
    named = tuple(tail_of(reference.reference) for reference in dispense.authorizing_prescription)
    dosages, waiting = _dosages(dispense, named, orders, orders_known)
    dose = None if waiting else daily_dose(dosages, ingredient)
    days = _days_supply(dispense)
    if dose is None and not dosages and not waiting:
        dose = _from_quantity(dispense, days, ingredient)
    handed = chart.when(dispense.when_handed_over) or chart.when(dispense.when_prepared)
    supply = Supply(entry, ingredient, dose, needed=as_needed(dosages), orders=named, waiting=waiting)
    if handed is None or days is None:
        trouble = "the day it was handed out is not known" if handed is None else "days of supply not known"
        return replace(supply, trouble=trouble)
    if chart.is_ahead(handed):
        return None
    return _handed_out(supply, days_of(handed, chart), days, chart.today)


def _handed_out(supply: Supply, start: Days, days: int, today: date) -> Supply:
    """A supply of so many days that began on one of the days of `start`, as far as it is past."""
    begun, first = start[0], min(start[1], today)
    length = timedelta(days=days - 1)
    return replace(
        supply,
        begun=begun,
        first=first,
        last=min(begun + length, today),
        until=min(first + length, today),
        least=min(days, (today - first).days + 1),
        most=min(days, (today - begun).days + 1),
    )


def _dosages(
    dispense: fhir.MedicationDispense, named: Sequence[str], orders: dict[str, Entry], orders_known: bool
) -> tuple[Sequence[fhir.Dosage], bool]:
    """The dispense's own instructions, else its order's; and whether those are still to be had."""
    if dispense.dosage_instruction:
        return dispense.dosage_instruction, False
    for reference in named:
        order = orders.get(reference)
        if order is not None and order.resource.dosage_instruction:
            return order.resource.dosage_instruction, False
    return (), bool(named) and not orders_known


def _days_supply(dispense: fhir.MedicationDispense) -> int | None:
    supply = read_quantity(dispense.days_supply)
    if supply is None:
        return None
    days = supply if not supply.unit else convert(supply, "d")
    if days is None or not days.span.exact or not 1 <= days.span.low <= 1000:
        return None
    return int(days.span.low)


def _from_quantity(
    dispense: fhir.MedicationDispense, days: int | None, ingredient: Ingredient
) -> float | None:
    """Strength times the number handed out over the days it was meant to last."""
    number = read_quantity(dispense.quantity)
    if number is None or days is None or ingredient.strength is None or not is_counted(dispense.quantity):
        return None
    if not number.span.exact or number.span.low <= 0:
        return None
    return number.span.low / days * ingredient.strength if ingredient.unit.upper() == "MG" else None


def stated(entry: Entry, ingredient: Ingredient, chart: Chart) -> Supply | None:
    """The days a statement says the drug was taken; None if it says that it was not."""
    statement: fhir.MedicationStatement = entry.resource
    if statement.status not in TAKEN:
        return None
    dose, needed = daily_dose(statement.dosage, ingredient), as_needed(statement.dosage)
    supply = Supply(entry, ingredient, dose, needed=needed)
    period = statement.effective_period
    begin = chart.when(period.start) if period is not None else None
    if begin is not None and chart.is_ahead(begin):
        return None
    start, end = stated_days(statement, chart)
    if start is None or end is None:
        return replace(supply, trouble="the days it was taken are not known")
    begun, until = start[0], min(end[1], chart.today)
    if begun > until:
        return replace(supply, trouble="it ended before it began, as recorded")
    first, last = min(start[1], until), max(min(end[0], chart.today), begun)
    return replace(
        supply,
        begun=begun,
        first=first,
        last=last,
        until=until,
        least=max(1, (last - first).days + 1),
        most=(until - begun).days + 1,
    )


def stated_days(statement: fhir.MedicationStatement, chart: Chart) -> tuple[Days | None, Days | None]:
    """The days on which it may have begun and ended; an active one without an end goes on today."""
    period = statement.effective_period
    if period is None:
        return None, None
    start, end = (_days_told(text, chart) for text in (period.start, period.end))
    if not period.end and statement.status == "active":
        return start, (chart.today, chart.today)
    return start, end


def _days_told(text: str, chart: Chart) -> Days | None:
    when = chart.when(text)
    return days_of(when, chart) if when is not None else None
