"""Ends on record that contradict a supply: the days after them are not surely taken.

A dispense is meant to last for a number of days, but its order or its instructions may be bounded, or a
statement may say that the drug was taken until an earlier day. Which of the two is right nobody can tell, so
such a supply covers at least the days up to that end and at most its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.shelf import Entry
from cds_service.facts.views.days import Days, later, length_in_days
from cds_service.facts.views.supply import TAKEN, Supply, days_of, is_placed, stated_days, written_near
from cds_service.rulebook.terminology import Ingredient

Stated = tuple[Entry, Ingredient]


def shortened(
    supplies: Sequence[Supply], orders: Sequence[Entry], statements: Sequence[Stated], gap: int, chart: Chart
) -> Sequence[Supply]:
    """The supplies of one drug, each with the earliest end on record for it.

    `orders` and `statements` are those of the drug; `gap` is the longest that does not end a stretch, in
    days.
    """
    if not statements and not any(map(_bounded, (*orders, *(supply.entry for supply in supplies)))):
        return supplies
    known = {order.reference: order for order in orders}
    made = []
    for supply in supplies:
        if supply.begun is None or supply.is_statement:
            made.append(supply)
            continue
        ends = [*_ordered_ends(supply, known, gap, chart), *_stated_ends(supply, statements, gap, chart)]
        made.append(supply.shortened(min(ends)) if ends else supply)
    return made


# --- what was ordered ----------------------------------------------------------------------------


def _ordered_ends(supply: Supply, orders: Mapping[str, Entry], gap: int, chart: Chart) -> Iterator[Days]:
    """By the instructions of the supply, and by its orders, if each of them ends."""
    own = _bounds(supply.entry.resource.dosage_instruction, supply, chart)
    if own is not None:
        yield own
    if supply.orders:
        placed = [orders[name] for name in supply.orders if name in orders]
    else:
        placed = [one for one in orders.values() if written_near(one, supply.begun, supply.until, gap)]
    ends = [
        _bounds(one.resource.dosage_instruction, supply, chart) for one in placed if is_placed(one.resource)
    ]
    known = [end for end in ends if end is not None]
    if known and len(known) == len(ends):
        yield max(known)


def _bounded(entry: Entry) -> bool:
    """Whether the instructions of an order or a dispense have an end."""
    if isinstance(entry.resource, fhir.MedicationStatement):
        return False
    for line in entry.resource.dosage_instruction:
        repeat = line.timing.repeat if line.timing is not None else None
        if repeat is not None and (repeat.bounds_period or repeat.bounds_range or repeat.bounds_duration):
            return True
    return False


def _bounds(lines: Sequence[fhir.Dosage], supply: Supply, chart: Chart) -> Days | None:
    """The last day of instructions all of which end; a length of time counts from the day of the supply."""
    ends = [_bound(line, supply, chart) for line in lines]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _bound(line: fhir.Dosage, supply: Supply, chart: Chart) -> Days | None:
    repeat = line.timing.repeat if line.timing is not None else None
    if repeat is None or supply.begun is None:
        return None
    if repeat.bounds_period is not None:
        end = chart.when(repeat.bounds_period.end)
        return days_of(end, chart) if end is not None else None
    longest = repeat.bounds_range.high if repeat.bounds_range is not None else repeat.bounds_duration
    days = length_in_days(longest)
    return (later(supply.begun, days - 1), later(supply.first, days - 1)) if days is not None else None


# --- what was stated -----------------------------------------------------------------------------


def _stated_ends(supply: Supply, statements: Sequence[Stated], gap: int, chart: Chart) -> Iterator[Days]:
    """The ends of courses that somebody stated to have ended after the day the supply was handed out."""
    begun = supply.begun
    stated = [entry for entry, ingredient in statements if _same(supply.ingredient, ingredient)]
    for begin, end in _courses(stated, gap, chart) if stated else ():
        if begun is not None and begin <= supply.until and begun < end[1]:
            yield max(end[0], begun), end[1]  # one before it was handed out is no contradiction


def _same(one: Ingredient, other: Ingredient) -> bool:
    """Whether a statement may be about this drug: of another strength it says that the dose was changed."""
    strengths = {one.strength, other.strength} - {None}
    return one.rxcui == other.rxcui and len(strengths) < 2


def _courses(statements: Iterable[Entry], gap: int, chart: Chart) -> Iterator[tuple[date, Days]]:
    """First day and end of what was stated, what follows within the gap joined."""
    stated = []
    for entry in statements:
        start, end = stated_days(entry.resource, chart)
        if entry.resource.status in TAKEN and end is not None:
            stated.append((start[0] if start is not None else date.min, end))
    course: tuple[date, Days] | None = None
    for begin, end in sorted(stated):
        if course is not None and begin <= later(course[1][1], gap + 1):
            course = (course[0], max(course[1], end))
        else:
            if course is not None:
                yield course
            course = (begin, end)
    if course is not None:
        yield course
