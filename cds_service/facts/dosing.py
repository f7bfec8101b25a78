"""The daily dose of a dosage instruction in milligrams, or unknown: nothing is read from free text.

Of a range the low end counts ("1-2 tablets" is one). Counting units (tablets, capsules, patches) need the
strength of the product; amounts in mg do not. Several instructions are added only if they say that they
belong together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date

from cds_service.facts import fhir
from cds_service.facts.finding import Quantity
from cds_service.facts.quantity import convert, known_unit, read_quantity, unit_of
from cds_service.rulebook.terminology import Ingredient
from cds_service.truth import Span, exactly, hull

_DAYS: Mapping[str, float] = {
    "s": 1 / 86400,
    "min": 1 / 1440,
    "h": 1 / 24,
    "d": 1.0,
    "wk": 7.0,
    "mo": 30.0,
    "a": 365.0,
}
# FHIR TimingAbbreviation: times a day.
_ABBREVIATIONS: Mapping[str, float] = {
    "QD": 1,
    "AM": 1,
    "PM": 1,
    "BED": 1,
    "HS": 1,
    "BID": 2,
    "TID": 3,
    "QID": 4,
    "QOD": 0.5,
    "WK": 1 / 7,
    "Q4H": 6,
    "Q6H": 4,
    "Q8H": 3,
}
_COUNTED: frozenset[str] = frozenset(
    "{tbl} {tablet} {tab} {cap} {capsule} {patch} {pill} tab tabs tablet tablets cap caps capsule capsules "
    "patch patches pill pills tbl".split()
)
_SPRAYED: frozenset[str] = frozenset(
    "{actuat} {actuation} {spray} {puff} [actuat] actuation actuations spray sprays puff puffs".split()
)
_PACKS: frozenset[str] = frozenset("{pack} {kit} pack packs kit kits".split())
_PIECES: frozenset[str] = frozenset("{device} {piece} device devices piece pieces".split())
_MOST_A_WEEK = 700


def as_needed(dosages: Sequence[fhir.Dosage]) -> bool:
    """Whether any instruction says to take the drug only when needed."""
    return any(d.as_needed_boolean or d.as_needed_codeable_concept is not None for d in dosages)


def daily_dose(dosages: Sequence[fhir.Dosage], ingredient: Ingredient) -> float | None:
    """Milligrams a day of one ingredient; None if it cannot be told."""
    if not dosages:
        return None
    together = len(dosages) == 1 or all(d.sequence is not None for d in dosages)
    if not together or len({d.sequence for d in dosages}) > 1:
        return None
    parts = [_one_dose(dosage, ingredient) for dosage in dosages]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _one_dose(dosage: fhir.Dosage, ingredient: Ingredient) -> float | None:
    times = times_a_day(dosage.timing)
    if times is None or len(dosage.dose_and_rate) != 1:
        return None
    given = dosage.dose_and_rate[0]
    amount = given.dose_quantity or (given.dose_range.low if given.dose_range else None)
    each = milligrams(amount, ingredient)
    return None if each is None else each * times


def milligrams(amount: fhir.Quantity | None, ingredient: Ingredient) -> float | None:
    """One dose in milligrams: given so, or counted or measured units times the product's strength."""
    measured = read_quantity(amount)
    if amount is None or measured is None or not measured.span.exact or measured.span.low <= 0:
        return None
    if contradicts_itself(amount):
        return None
    mass = convert(measured, "mg")
    if mass is not None:
        return mass.span.low
    strength, unit = ingredient.strength, ingredient.unit.upper()
    if strength is None:
        return None
    volume = convert(measured, "mL")
    if volume is not None:
        return volume.span.low * strength if unit == "MG/ML" else None
    if not is_counted(amount):
        return None
    hours = {"MG": 1.0, "MG/HR": 24.0}.get(unit)
    return None if hours is None else measured.span.low * strength * hours


def is_counted(amount: fhir.Quantity | None) -> bool:
    """Whether an amount counts tablets, capsules or patches."""
    return amount is not None and _counts(amount, _COUNTED) and not contradicts_itself(amount)


def contradicts_itself(amount: fhir.Quantity) -> bool:
    """Whether the unit in words and its code are both known and mean different things (mg, and {tbl})."""
    words, code = amount.unit.strip(), amount.code.strip()
    if not words or not code or words == code:
        return False
    said, coded = _kind(words), _kind(code)
    return said is not None and coded is not None and said != coded


def _kind(unit: str) -> str | None:
    """What a unit measures: counted things by one name, the size of a mass or a volume; None if not known."""
    for things in (_COUNTED, _SPRAYED, _PACKS, _PIECES):
        if unit.lower() in things:
            return min(things)
    known = unit_of(fhir.Quantity(unit=unit))
    for measure in ("mg", "mL"):
        size = convert(Quantity(exactly(1.0), known), measure)
        if size is not None:
            return f"{size.span.low:g} {measure}"
    return known if known_unit(known) and known != "1" else None


def _counts(amount: fhir.Quantity, units: frozenset[str]) -> bool:
    return unit_of(amount).lower() in units or amount.unit.strip().lower() in units


def milligrams_a_unit(amount: fhir.Quantity, ingredient: Ingredient) -> float | None:
    """What one tablet, capsule, spray, pack or piece of a pack holds, if the amount counts those.

    None if the strength is not known.
    """
    if ingredient.pieces and _counts(amount, _PACKS | _PIECES):
        return ingredient.piece * (ingredient.pieces if _counts(amount, _PACKS) else 1)
    units = {"MG": _COUNTED, "MG/ACTUAT": _SPRAYED}.get(ingredient.unit.upper())
    return ingredient.strength if units is not None and _counts(amount, units) else None


def times_a_day(timing: fhir.Timing | None) -> float | None:
    """How often a day; the lower end of a range; None if the timing does not say."""
    if timing is None:
        return None
    repeat = timing.repeat
    if repeat is not None:
        often = _repeated(repeat)
        if often is not None:
            return often
    for coding in timing.code.coding if timing.code else ():
        if coding.code.upper() in _ABBREVIATIONS:
            return _ABBREVIATIONS[coding.code.upper()]
    return None


def _repeated(repeat: fhir.TimingRepeat) -> float | None:
    daily = len(repeat.time_of_day) or len(repeat.when)
    if repeat.period and repeat.period_unit in _DAYS:
        longest = repeat.period_max or repeat.period
        often = (repeat.frequency or daily or 1) / (longest * _DAYS[repeat.period_unit])
        if repeat.day_of_week and repeat.period_unit == "d":
            often *= len(repeat.day_of_week) / 7  # on these days of the week only
        return often if 0 < often < 100 else None
    if repeat.day_of_week:
        return (daily or repeat.frequency or 1) * len(repeat.day_of_week) / 7
    return float(daily) if daily else None


# --- times a week --------------------------------------------------------------------------------


def times_a_week(dosage: fhir.Dosage) -> Span | None:
    """How often a week, as an interval; a single time is once; None if the timing does not say.

    As needed means at most that often.
    """
    timing = dosage.timing
    often = _weekly(timing) if timing is not None else None
    if often is None or not 0 < often.high < _MOST_A_WEEK:
        return None
    return Span(0.0, often.high) if as_needed((dosage,)) else often


def _weekly(timing: fhir.Timing) -> Span | None:
    repeat = timing.repeat
    if repeat is not None and repeat.count == 1 and (repeat.count_max or 1) == 1:
        return exactly(1.0)  # once is once, whatever period stands beside it
    if repeat is not None and repeat.period and repeat.period > 0 and repeat.period_unit in _DAYS:
        return _every_period(repeat, repeat.period)
    often = times_a_day(timing) if len(timing.event) != 1 else None
    told = [exactly(often * 7)] if often is not None else []
    listed = _on_days(timing.event) if timing.event else None
    told += [listed] if listed is not None else []
    return hull(told) if told else None


def _on_days(moments: Sequence[str]) -> Span | None:
    """How often a week at moments told one by one: the most in seven days in a row, and the mean.

    None if one of several names no day.
    """
    if len(moments) == 1:
        return exactly(1.0)
    try:
        days = sorted(date.fromisoformat(text[:10]).toordinal() for text in moments)
    except ValueError:
        return None
    most = max(bisect_left(days, day + 7) - place for place, day in enumerate(days))
    mean = len(days) * 7 / max(7, days[-1] - days[0] + 1)
    return Span(min(mean, most), most)


def _every_period(repeat: fhir.TimingRepeat, period: float) -> Span:
    daily = len(repeat.time_of_day) or len(repeat.when) or 1
    least = repeat.frequency or daily
    most = max(least, repeat.frequency_max or 0)
    days = len(repeat.day_of_week)
    if days and repeat.period_unit == "d":
        return Span(least * days / period, most * days / period)  # on these days of the week only
    if days and repeat.period_unit == "wk":
        most = max(most, days)  # each of these days, or one of them
    length = _DAYS[repeat.period_unit] / 7
    longest = max(period, repeat.period_max or 0)
    return Span(least / (longest * length), most / (period * length))
