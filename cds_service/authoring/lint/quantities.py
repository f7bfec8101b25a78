"""Numbers and their units as they stand in texts: what a claim holds, what a card says.

A number is written in figures, or in words up to twelve. A unit is what stands right after it; in a range
("56 or 84 mg") both ends have it. Lengths of time are compared in minutes or in months, drugs in mg.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from math import isclose
from typing import NamedTuple

from cds_service.rulebook.rule import Rule

_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_VALUES: Mapping[str, float] = {word: float(value) for value, word in enumerate(_WORDS)}
_FIGURE = r"(?<![\w.])(?<![A-Za-z]-)\d+(?:,\d{3})*(?:\.\d+)?"
_UNIT = r"mm ?\[?Hg\]?|percent|per cent|%|[A-Za-zµμ]+(?:/[A-Za-z]+)*(?:(?: a| per)? (?:daily|day)\b)?"
_NUMBER = re.compile(
    rf"(?P<number>{_FIGURE}|\b(?:{'|'.join(_WORDS)})\b)(?:(?=\s*-?\s*(?P<unit>{_UNIT}))|)", re.I
)
_RANGE = re.compile(r"\s*(?:to|or|and|-|–)\s*$", re.I)
_KNOWN: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(("min", "minute"), ("min", 1)),
    **dict.fromkeys(("h", "hour"), ("min", 60)),
    **dict.fromkeys(("d", "day"), ("min", 1440)),
    **dict.fromkeys(("wk", "week"), ("min", 10080)),
    **dict.fromkeys(("mo", "month"), ("month", 1)),
    **dict.fromkeys(("y", "year"), ("month", 12)),
    **dict.fromkeys(("mg", "milligram"), ("mg", 1)),
    **dict.fromkeys(("g", "gram"), ("mg", 1000)),
    **dict.fromkeys(("mcg", "ug", "µg", "μg", "microgram"), ("mg", 0.001)),
    **dict.fromkeys(("kg", "kilogram"), ("kg", 1)),
    **dict.fromkeys(("%", "percent", "per cent"), ("%", 1)),
    **dict.fromkeys(("mmhg", "mm hg", "mm[hg]", "mm [hg]"), ("mmHg", 1)),
}
_PER: Mapping[str, str] = {"day": "d", "hour": "h", "minute": "min"}
_DRUG = "mg"


class Quantity(NamedTuple):
    """A number as written, the unit it is compared in ("" if it has none), and how much of that."""

    text: str
    number: float
    unit: str
    amount: float

    @property
    def dose(self) -> bool:
        """Whether it is an amount of a drug, also one for a weight or a time."""
        return self.unit.split("/")[0] == _DRUG


def quantity(number: float, unit: str) -> Quantity:
    """A number of a rule with its unit; a unit that is not known here is left out of comparisons."""
    base, factor = _unit(unit)
    return Quantity(f"{number:.12g} {unit}".rstrip(), number, base, number * factor)


def claimed(rule: Rule) -> Mapping[int, tuple[Quantity, ...]]:
    """The numbers of the claims by source."""
    held: dict[int, tuple[Quantity, ...]] = {}
    for entry in rule.evidence:
        held[entry.source] = (*held.get(entry.source, ()), *quantities_in(entry.claim))
    return held


def quantities_in(text: str) -> tuple[Quantity, ...]:
    """Every number of a text, left to right."""
    return tuple(found for _, found in placed_in(text))


def placed_in(text: str) -> Iterator[tuple[int, Quantity]]:
    """Every number of a text with the place where it begins."""
    matches = list(_NUMBER.finditer(text))
    for index, match in enumerate(matches):
        written, unit = match["number"], _own_unit(match)
        for following, before in zip(matches[index + 1 :], matches[index:], strict=False):
            joined = _RANGE.fullmatch(text[before.end("number") : following.start()])
            if unit or joined is None:
                break
            unit = _own_unit(following)
        number = _VALUES.get(written.casefold())
        yield match.start(), quantity(float(written.replace(",", "")) if number is None else number, unit)


def stands_in(wanted: Quantity, held: Iterable[Quantity]) -> bool:
    """Whether a number is among others: one amount, or one figure where either has no unit."""
    ways = list(_ways(wanted))
    return any(_same(way, one) for way in ways for one in held)


def _same(one: Quantity, other: Quantity) -> bool:
    if one.unit and other.unit:
        return one.unit == other.unit and isclose(one.amount, other.amount)
    return isclose(one.number, other.number)


def _ways(wanted: Quantity) -> Iterator[Quantity]:
    """A share may be written in percent; a number counted backwards without its sign."""
    yield wanted._replace(number=abs(wanted.number), amount=abs(wanted.amount))
    if not wanted.unit and 0 < wanted.number < 1:
        yield quantity(wanted.number * 100, "%")
    elif wanted.unit == "%":
        yield quantity(wanted.number / 100, "")


def _own_unit(match: re.Match[str]) -> str:
    """The unit right after a number, or nothing if the word there is none."""
    unit = match["unit"] or ""
    return unit if _unit(unit)[0] else unit.split(" ")[0] if _unit(unit.split(" ")[0])[0] else ""


def _unit(unit: str) -> tuple[str, float]:
    """The unit a unit is compared in, and how much of that it is."""
    plain = re.sub(r" (?:(?:a |per )?(?:daily|day))$", "/d", unit.casefold())
    known = _KNOWN.get(plain) or _KNOWN.get(plain.removesuffix("s"))
    if known is not None:
        return known
    first, *rest = plain.split("/")
    base, factor = _KNOWN.get(first, ("", 1.0))
    if not rest or base != _DRUG:
        return "", 1.0
    return "/".join((base, *(_PER.get(part, part) for part in rest))), factor
