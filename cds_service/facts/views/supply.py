"""Days on a drug: what was dispensed or stated to be taken, as days, with the daily dose where it is known.

Overlapping supplies are merged, not shifted forward (a refill fetched early adds no days twice); days after
today do not count; a period's end is included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from msgspec import Struct

from cds_service.facts import fhir
from cds_service.facts.address import tail_of
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, day_of
from cds_service.facts.dosing import as_needed, daily_dose, is_counted
from cds_service.facts.quantity import convert, read_quantity
from cds_service.facts.shelf import Entry
from cds_service.rulebook.terminology import Ingredient

DISPENSED = frozenset({"completed", "in-progress", "unknown", ""})
TAKEN = frozenset({"active", "completed", "stopped"})
ORDERED = frozenset({"active", "completed", "stopped", "unknown"})
ORDER_INTENTS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})


def is_placed(order: fhir.MedicationRequest) -> bool:
    """Whether an order was really placed: no draft, no proposal, not cancelled or on hold."""
    return order.status in ORDERED and order.intent in ORDER_INTENTS


class Supply(Struct, frozen=True, gc=False):
    """Days [first, last] surely on one drug; `first` is None if there are none that can be told.

    A start or end known only to the month leaves the days that every reading of it has in common; `begun` is
    the first day it may have begun, and `length` the days of supply, where all of them are over whenever it
    began. `dose` is mg a day, None if unknown. `needed` marks a drug taken only
    when needed. `trouble` says what could not be told.
    """

    entry: Entry
    ingredient: Ingredient
    first: date | None
    last: date | None
    dose: float | None
    needed: bool = False
    trouble: str = ""
    orders: tuple[str, ...] = ()
    begun: date | None = None
    waiting: bool = False
    length: int = 0

    @property
    def settled(self) -> bool:
        """Whether the days are known."""
        return self.first is not None and self.last is not None


def days_of(when: When, chart: Chart) -> tuple[date, date]:
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
    needed = as_needed(dosages)
    if handed is None or days is None:
        trouble = "the day it was handed out is not known" if handed is None else "days of supply not known"
        return Supply(entry, ingredient, None, None, dose, needed, trouble, named, waiting=waiting)
    if chart.is_ahead(handed):
        return None
    start = days_of(handed, chart)
    covered = _days_covered(start, start[0] + timedelta(days=days - 1), chart.today)
    return covered and Supply(
        entry,
        ingredient,
        covered.first,
        covered.last,
        dose,
        needed,
        covered.trouble,
        named,
        covered.begun,
        waiting,
        days if start[1] + timedelta(days=days - 1) <= chart.today else 0,
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
    period = statement.effective_period
    start = chart.when(period.start) if period else None
    end = chart.when(period.end) if period else None
    last = days_of(end, chart)[0] if end is not None else None
    if last is None and period is not None and not period.end and statement.status == "active":
        last = chart.today
    if start is None or last is None:
        return Supply(entry, ingredient, None, None, dose, needed, "the days it was taken are not known")
    if chart.is_ahead(start):
        return None
    covered = _days_covered(days_of(start, chart), last, chart.today)
    return covered and Supply(
        entry, ingredient, covered.first, covered.last, dose, needed, covered.trouble, begun=covered.begun
    )


class _Covered(NamedTuple):
    """The days surely covered, the first on which it may have begun, and what could not be told."""

    first: date | None
    last: date | None
    begun: date | None = None
    trouble: str = ""


def _days_covered(start: tuple[date, date], last: date, today: date) -> _Covered | None:
    """What a supply surely covers that began on one of the days of `start`; None if it is all to come."""
    earliest, latest = start
    if earliest > today:
        return None
    last = min(last, today)
    if latest > last:
        return _Covered(None, None, trouble="its dates are too vague to tell a single day")
    return _Covered(latest, last, earliest)


class Run(Struct, frozen=True, gc=False):
    """A stretch on one drug without a gap longer than the rule bridges."""

    supplies: tuple[Supply, ...]
    first: date
    last: date
    covered: int

    @property
    def begun(self) -> date:
        """The first day it may have begun."""
        return min((s.begun for s in self.supplies if s.begun is not None), default=self.first)

    @property
    def floats(self) -> bool:
        """Whether it counts more days than surely lie in it: what came before it and what after is open."""
        return self.covered > (self.last - self.first).days + 1

    @property
    def elapsed(self) -> int:
        """Days from first to last, gaps included."""
        return max(self.covered, (self.last - self.first).days + 1)

    def days_of(self, some: Sequence[Supply]) -> int:
        """Days covered by some of the supplies, in their order, each day once."""
        return self.covered if len(some) == len(self.supplies) else _covered(some)


def _covered(supplies: Sequence[Supply]) -> int:
    """Days covered by settled supplies sorted by their first day, each day once."""
    days, reached = 0, 0
    for supply in supplies:
        assert supply.first is not None and supply.last is not None
        last = supply.last.toordinal()
        if last > reached:
            days += last - max(supply.first.toordinal() - 1, reached)
            reached = last
    return days


def runs(supplies: Sequence[Supply], bridged_gap: int) -> Iterator[Run]:
    """Supplies of one drug joined into stretches; a gap of up to `bridged_gap` days does not end one."""
    settled = sorted(
        (supply for supply in supplies if supply.settled),
        key=lambda supply: (supply.first or date.min, supply.last or date.min, supply.entry.reference),
    )
    group: list[Supply] = []
    reached: date | None = None
    for supply in settled:
        assert supply.first is not None and supply.last is not None
        if reached is not None and (supply.first - reached).days - 1 > bridged_gap:
            yield _run(group, reached)
            group, reached = [], None
        group.append(supply)
        reached = supply.last if reached is None else max(reached, supply.last)
    if reached is not None:
        yield _run(group, reached)


def _run(group: Sequence[Supply], last: date) -> Run:
    assert group[0].first is not None
    # Of a supply that stands alone every day counts, whenever it began.
    alone = group[0].length if len(group) == 1 else 0
    return Run(tuple(group), group[0].first, last, max(alone, _covered(group)))
