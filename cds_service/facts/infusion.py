"""One line of dosage as dose, dose by weight, duration and rate: each given, worked out, or not known.

A line may tell its amount in several ways (ordered and calculated, a dose and a rate over a duration): each
is a reading of its own, so that every one of them is judged. What a reading gives always stands; the rest is
worked out of it where the arithmetic leaves no choice. The body weight is used last, for what cannot be had
without it. Nothing is read from free text. Every number is an interval, so that a range or "less than" is
carried along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import inf

from cds_service.facts import fhir
from cds_service.facts.dosing import contradicts_itself, milligrams_a_unit
from cds_service.facts.finding import Quantity
from cds_service.facts.quantity import convert, read_quantity, unit_of
from cds_service.rulebook.terminology import Ingredient
from cds_service.truth import Span, exactly, hull

_ANNOTATION = re.compile(r"\{[^}]*\}")
_PLAIN = re.compile(r"[^/().]+(?:/[^/().]+)*")
_GROUPED = re.compile(r"([^/().]+)/\(([^/().]+)\.([^/().]+)\)")
_LONGEST_UNIT = 40
_DECIMALS = 9
# How units are written where no UCUM code was sent.
_SPOKEN: Mapping[str, str] = {
    **dict.fromkeys(("mcg", "µg", "μg"), "ug"),
    **dict.fromkeys(("ml", "cc"), "mL"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    "l": "L",
    "day": "d",
}
_MOST_READINGS = 12
_PER_DOSE = frozenset({"dose"})
_BODY = frozenset({"kg", "[lb_av]"})


@dataclass(frozen=True, slots=True)
class Unit:
    """What a compound unit measures: a mass in mg or a volume in mL, perhaps per kg, perhaps per min."""

    of: str
    factor: float
    per_kg: bool = False
    per_min: bool = False


MG, MG_KG, ML, ML_KG = Unit("mg", 1), Unit("mg", 1, True), Unit("mL", 1), Unit("mL", 1, True)
MG_MIN, MG_KG_MIN = Unit("mg", 1, False, True), Unit("mg", 1, True, True)
ML_MIN = Unit("mL", 1, False, True)
Given = Mapping[Unit, Span]
"""The amounts of a line by what they measure, in base units."""
_Item = tuple[Unit, Span]


@dataclass(frozen=True, slots=True)
class Infusion:
    """What one line of dosage says: mg, mg/kg, min, mg/min; None where it does not."""

    dose: Span | None = None
    per_weight: Span | None = None
    duration: Span | None = None
    rate: Span | None = None


@dataclass(frozen=True, slots=True)
class LineReading:
    """One way to read a line: amounts by what they measure, and minutes each time where the timing says."""

    given: Given
    lasting: Span | None


def infusion(line: LineReading, weight: Span | None) -> Infusion:
    """Work out one reading; `weight` is the body's in kg, None if not known."""
    given = line.given
    dose, per_weight = given.get(MG), given.get(MG_KG)
    rate, weighed_rate = given.get(MG_MIN), given.get(MG_KG_MIN)
    lasting = _first(
        _hull(
            (
                line.lasting,
                _over(dose, rate),
                _over(per_weight, weighed_rate),
                _over(given.get(ML), given.get(ML_MIN)),
            )
        ),
        _over(dose, _times(weighed_rate, weight)),
        _over(_times(per_weight, weight), rate),
    )
    return Infusion(
        dose=_rounded(
            dose,
            _times(rate, lasting),
            _times(per_weight, weight),
            _times(_times(weighed_rate, weight), lasting),
        ),
        per_weight=_rounded(
            per_weight,
            _times(weighed_rate, lasting),
            _over(dose, weight),
            _over(_times(rate, lasting), weight),
        ),
        duration=_rounded(lasting),
        rate=_rounded(
            rate,
            _over(dose, lasting),
            _times(weighed_rate, weight),
            _over(_times(per_weight, weight), lasting),
        ),
    )


def duration(dosage: fhir.Dosage) -> Span | None:
    """How long each time takes, in minutes, where the timing says so."""
    repeat = dosage.timing.repeat if dosage.timing else None
    if repeat is None or not repeat.duration or repeat.duration <= 0:
        return None
    longest = max(repeat.duration, repeat.duration_max or 0)
    lasting = convert(Quantity(Span(repeat.duration, longest), repeat.duration_unit), "min")
    return lasting.span if lasting is not None else None


def milligrams_given(amount: fhir.Quantity | None, ingredient: Ingredient) -> Span | None:
    """An amount in mg: given so, or as a volume or number of units of a product whose strength is known."""
    return _rounded(_in_milligrams(dict(_read(amount, ingredient)), ingredient).get(MG))


# --- what the line gives -------------------------------------------------------------------------


def readings(dosage: fhir.Dosage, ingredient: Ingredient) -> tuple[LineReading, ...]:
    """The ways to read a line for one ingredient, one at least: one for each amount of the drug it tells.

    A dose and a rate of one `doseAndRate` belong together; one without the other takes what the rest of the
    line says. Where a rate over the duration told is an amount beside a dose, it is one more. Of very many,
    anything between is one.
    """
    lasting = duration(dosage)
    parts = [tuple(_part(part, ingredient)) for part in dosage.dose_and_rate]
    kinds = _by_kind(item for part in parts for item in part)
    volumes = {kind: hull(spans) for kind, spans in kinds.items() if kind.of == "mL"}
    told = dict.fromkeys(one for pair in _pairs(parts, ingredient) for one in _of_pair(pair, lasting))
    if not 0 < len(told) <= _MOST_READINGS:
        whole = {kind: hull(spans) for kind, spans in kinds.items()}
        return (LineReading(_in_milligrams(whole, ingredient), lasting),)
    return tuple(LineReading({**volumes, **dict(items)}, minutes) for items, minutes in told)


def _part(part: fhir.DoseAndRate, ingredient: Ingredient) -> Iterator[_Item]:
    """The amounts of one `doseAndRate`: doses, and rates."""
    doses = (*_read(part.dose_quantity, ingredient), *_read_range(part.dose_range, ingredient))
    rates = (
        *_read(part.rate_quantity, ingredient),
        *_read_range(part.rate_range, ingredient),
        *_read_ratio(part.rate_ratio, ingredient),
    )
    yield from (item for item in doses if not item[0].per_min)
    yield from (item for item in rates if item[0].per_min)


def _pairs(parts: Sequence[Sequence[_Item]], ingredient: Ingredient) -> Iterator[tuple[_Item, ...]]:
    """Each dose by mass with each rate by mass that may belong to it; a volume only where no mass is told."""
    masses = [[item for item in part if item[0].of == "mg"] for part in parts]
    if not any(not kind.per_min for part in masses for kind, _ in part):
        masses = [[*kept, *_masses_of(part, ingredient)] for kept, part in zip(masses, parts, strict=True)]
    everything = list(dict.fromkeys(item for part in masses for item in part))
    if len(everything) > _MOST_READINGS:
        return
    for part in masses:
        own = [[item for item in part if item[0].per_min is timed] for timed in (False, True)]
        rest = [[item for item in everything if item[0].per_min is timed] for timed in (False, True)]
        sides = [mine or others for mine, others in zip(own, rest, strict=True)]
        if part:
            yield from product(*(side for side in sides if side))


def _masses_of(part: Sequence[_Item], ingredient: Ingredient) -> Iterator[_Item]:
    for kind, span in part:
        if not kind.per_min:
            made = _in_milligrams({kind: span}, ingredient)
            yield from ((mass, made[mass]) for mass in (MG, MG_KG) if mass in made)


def _of_pair(
    pair: tuple[_Item, ...], lasting: Span | None
) -> Iterator[tuple[tuple[_Item, ...], Span | None]]:
    """A dose with its rate; if a duration is told too, each alone over that duration."""
    if len(pair) == 1 or lasting is None:
        yield pair, lasting
        return
    (kind, amount), (rate_kind, rate) = pair
    alike = kind.per_kg is rate_kind.per_kg
    yield pair[:1], _hull((lasting, _over(amount, rate) if alike else None))
    yield pair[1:], lasting


def _by_kind(items: Iterable[_Item]) -> Mapping[Unit, Sequence[Span]]:
    kinds: dict[Unit, list[Span]] = {}
    for kind, span in items:
        kinds.setdefault(kind, []).append(span)
    return kinds


def _in_milligrams(given: Given, ingredient: Ingredient) -> Given:
    """The doses by volume as mass too, by the product's concentration.

    Never the rates: what runs into a vein is often diluted, and then runs by another concentration.
    """
    if ingredient.strength is None or ingredient.unit.upper() != "MG/ML":
        return given
    concentration = exactly(ingredient.strength)
    made = dict(given)
    for volume, mass in ((ML, MG), (ML_KG, MG_KG)):
        worked_out = _times(given.get(volume), concentration)
        if mass not in given and worked_out is not None:
            made[mass] = worked_out
    return made


def _read(amount: fhir.Quantity | None, ingredient: Ingredient) -> Iterator[tuple[Unit, Span]]:
    """One amount, in the base units of what it measures."""
    measured = read_quantity(amount)
    if amount is None or measured is None or measured.span.high <= 0 or contradicts_itself(amount):
        return
    span = Span(max(0.0, measured.span.low), measured.span.high)
    each = milligrams_a_unit(amount, ingredient)
    if each is not None:
        yield MG, _scaled(span, each)
        return
    unit = compound(unit_of(amount))
    if unit is not None:
        yield Unit(unit.of, 1, unit.per_kg, unit.per_min), _scaled(span, unit.factor)


def _read_range(amount: fhir.Range | None, ingredient: Ingredient) -> Iterator[tuple[Unit, Span]]:
    """From low to high, both of one kind; an end that is not given is open."""
    if amount is None:
        return
    low, high = dict(_read(amount.low, ingredient)), dict(_read(amount.high, ingredient))
    for kind in {**low, **high}:
        if (amount.low is None or kind in low) and (amount.high is None or kind in high):
            least = low[kind].low if kind in low else 0.0
            most = high[kind].high if kind in high else inf
            if least <= most:
                yield kind, Span(least, most)


def _read_ratio(ratio: fhir.Ratio | None, ingredient: Ingredient) -> Iterator[tuple[Unit, Span]]:
    """An amount per a length of time."""
    lasting = read_quantity(ratio.denominator) if ratio is not None else None
    if ratio is None or lasting is None or not lasting.span.exact or lasting.span.low <= 0:
        return
    minutes = _factor(lasting.unit, "min")
    for kind, span in _read(ratio.numerator, ingredient):
        if minutes is not None and not kind.per_min:
            yield Unit(kind.of, 1, kind.per_kg, True), _scaled(span, 1 / (lasting.span.low * minutes))


# --- units ---------------------------------------------------------------------------------------


@lru_cache(1024)
def compound(unit: str) -> Unit | None:
    """Read `mg`, `mg/kg`, `ug/kg/min`, `mg/(kg.h)`, `mL/h`, … (UCUM); None for anything else."""
    if len(unit) > _LONGEST_UNIT:
        return None
    plain = _ANNOTATION.sub("", unit).strip().rstrip("/").replace(" ", "")
    grouped = _GROUPED.fullmatch(plain)
    if grouped is None and _PLAIN.fullmatch(plain) is None:
        return None
    head, *below = grouped.groups() if grouped else plain.split("/")
    below = [part for part in below if part.lower() not in _PER_DOSE]
    weights = [_factor(part, "kg") or 1.0 for part in below if part.lower() in _BODY]
    times = [factor for part in below if (factor := _factor(part, "min")) is not None]
    if len(weights) > 1 or len(times) > 1 or len(weights) + len(times) < len(below):
        return None
    for of in ("mg", "mL"):
        factor = _factor(head, of)
        if factor is not None:
            for lower in (*weights, *times):
                factor /= lower
            return Unit(of, factor, bool(weights), bool(times))
    return None


def _factor(unit: str, base: str) -> float | None:
    known = (
        unit
        if convert(Quantity(exactly(1.0), unit), base) is not None
        else _SPOKEN.get(unit.lower(), unit.lower())
    )
    measured = convert(Quantity(exactly(1.0), known), base)
    return measured.span.low if measured is not None else None


# --- arithmetic of intervals above zero ----------------------------------------------------------


def _first(*spans: Span | None) -> Span | None:
    return next((span for span in spans if span is not None), None)


def _rounded(*spans: Span | None) -> Span | None:
    """The first that is known, without what binary fractions add: 40, not 39.99999999999999."""
    span = _first(*spans)
    return Span(round(span.low, _DECIMALS), round(span.high, _DECIMALS)) if span is not None else None


def _hull(spans: Iterable[Span | None]) -> Span | None:
    known = [span for span in spans if span is not None]
    return hull(known) if known else None


def _scaled(span: Span, factor: float) -> Span:
    return Span(span.low * factor, span.high * factor)


def _times(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None or one.high <= 0 or other.high <= 0:
        return None
    low = 0.0 if 0 in (one.low, other.low) else one.low * other.low
    return Span(low, one.high * other.high)


def _over(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None or one.high <= 0 or other.high <= 0:
        return None
    return Span(one.low / other.high, one.high / other.low if other.low > 0 else inf)
