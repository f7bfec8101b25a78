"""What an observation tells of a blood pressure: both sides in mm[Hg], and whether more stands there unread.

A pressure in a local code, in words or in another shape is a reading all the same. Only an observation that
is coded as a pressure is looked at for one: what stands in another panel is not guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds_service.facts.chart import Chart
from cds_service.facts.elements import answer_number
from cds_service.facts.finding import Quantity
from cds_service.facts.meaning import Meaning
from cds_service.facts.quantity import convert
from cds_service.facts.read import Note
from cds_service.facts.shelf import Entry
from cds_service.facts.views.parts import Valued, parts_of

PANEL, SYSTOLIC, DIASTOLIC = (
    "blood-pressure-panel",
    "systolic-blood-pressure",
    "diastolic-blood-pressure",
)
SIDES: Mapping[str, str] = {SYSTOLIC: "systolic", DIASTOLIC: "diastolic"}
_SIDED = frozenset(SIDES)
NOT_READ = "reading-not-read"
# Reasons for absent data (FHIR) that do not say that nothing was measured.
_MEASURED = frozenset(
    {"masked", "unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity"}
)
Parts = Iterable[tuple[Valued, Meaning]]


def sides_told(entry: Entry) -> dict[str, Quantity | None]:
    """The sides a number stands for, each None if its unit is not one of pressure."""
    sides: dict[str, Quantity | None] = {}
    for part, asked in parts_of(entry):
        for name, side in SIDES.items():
            value = answer_number(part) if name in asked.sets else None
            if value is not None:
                sides[side] = _pressure(value)
    return sides


def tells_more(entry: Entry, sides: Mapping[str, Quantity | None]) -> bool:
    """Whether a side that is not known stands there in a way that cannot be read."""
    if all(sides.get(side) is not None for side in SIDES.values()):
        return False
    (own, asked), *rest = parts_of(entry)
    parts = ((own, asked), *rest)
    if any(sides.get(side) is None and _told(parts, name) for name, side in SIDES.items()):
        return True
    if PANEL not in asked.sets or all(_coded(parts, name) for name in SIDES):
        return False
    others = [part for part, meant in rest if _SIDED.isdisjoint(meant.sets)]
    return _stands(own) or any(_may_be_a_pressure(part) for part in others)


def notes_unread(chart: Chart) -> tuple[Note, ...]:
    """A note on each pressure that stands there and cannot be read."""
    keys = [key for key, kind in chart.shelves if kind == "Observation"]
    entries = (entry for entry, _ in chart.entries(keys, "Observation", (PANEL, *SIDES)))
    return tuple(
        Note(NOT_READ, entry.reference)
        for entry in entries
        if not _plainly_told(entry) and tells_more(entry, sides_told(entry))
    )


def _plainly_told(entry: Entry) -> bool:
    """Whether every value is a number of mm[Hg], both sides among them: most pressures are."""
    parts = entry.resource.component
    return entry.sets >= _SIDED and all(
        part.value_quantity is not None
        and part.value_quantity.value is not None
        and part.value_quantity.code == "mm[Hg]"
        for part in parts
    )


def _coded(parts: Parts, name: str) -> bool:
    return any(name in asked.sets for _, asked in parts)


def _told(parts: Parts, name: str) -> bool:
    """Whether a part coded as this side holds anything."""
    return any(name in asked.sets and _stands(part) for part, asked in parts)


def _stands(part: Valued) -> bool:
    """Whether a value of any kind is recorded, or was and is not shown."""
    shaped = (part.value_quantity, part.value_codeable_concept, *_shaped(part))
    if answer_number(part) is not None or part.value_string.strip() or any(one is not None for one in shaped):
        return True
    absent = part.data_absent_reason
    return absent is not None and any(code.code in _MEASURED for code in absent.coding)


def _may_be_a_pressure(part: Valued) -> bool:
    """Whether a component that is coded as neither side may hold one: by its unit, or digits in its words."""
    number = answer_number(part)
    if number is not None:
        return _pressure(number) is not None
    return any(sign.isdigit() for sign in part.value_string) or any(one is not None for one in _shaped(part))


def _shaped(part: Valued) -> tuple[object, ...]:
    """What it holds in a shape that is not read as a number."""
    return part.value_range, part.value_ratio, part.value_sampled_data


def _pressure(value: Quantity) -> Quantity | None:
    """In mm[Hg]; a number without any unit is taken as mm[Hg], the only unit pressures are charted in."""
    return Quantity(value.span, "mm[Hg]") if not value.unit else convert(value, "mm[Hg]")
