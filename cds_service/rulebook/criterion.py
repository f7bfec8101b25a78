"""The one-line texts of a rule file, parsed: criteria, thresholds, durations, what to give.

    fact            fact >= 2 [2]            fact < 7 days [3]            reading.column > 140 [7]

Nothing else is a criterion. If a criterion needs more, the fact is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic_core import PydanticCustomError

from cds_service.truth import Comparator

TimeUnit = Literal["minutes", "hours", "days", "weeks", "months", "years"]
TIME_UNITS: tuple[TimeUnit, ...] = ("minutes", "hours", "days", "weeks", "months", "years")

_NAME = r"[a-z][a-z0-9_]*"
_COMPARATOR = r">=|<=|==|!=|>|<"
_NUMBER = r"-?\d+(?:\.\d+)?"
_UNIT = r"(?!\[\d+\])\S+"
_CITES = r"(?P<cites>(?:\s*\[\d+\])*)"
_CRITERION = re.compile(
    rf"^(?P<fact>{_NAME})(?:\.(?P<column>{_NAME}))?"
    rf"(?:\s*(?P<comparator>{_COMPARATOR})\s*(?P<number>{_NUMBER})(?:\s+(?P<unit>{_UNIT}))?{_CITES})?$"
)
_THRESHOLD = re.compile(
    rf"^(?P<comparator>{_COMPARATOR})\s*(?P<number>{_NUMBER})(?:\s+(?P<unit>{_UNIT}))?{_CITES}$"
)
_TABLE_THRESHOLD = re.compile(
    rf"^(?P<comparator>{_COMPARATOR})\s*(?P<column>{_NAME}) in (?P<table>[a-z][a-z0-9-]*){_CITES}$"
)
_AMOUNT = re.compile(rf"^(?P<number>{_NUMBER})(?:\s+(?P<unit>{_UNIT}))?{_CITES}$")
_GIVE = re.compile(
    rf"^(?:exists|possible|count|any_yes|age|count_distinct (?P<column>{_NAME})"
    r"|(?:latest|earliest) (?:value|reading|date))$"
)


def mistake(kind: str, message: str, hint: str) -> PydanticCustomError:
    """An error in our own words: what was seen, what was expected, what to try."""
    return PydanticCustomError(cast(Any, kind), cast(Any, "{message}"), {"message": message, "hint": hint})


def _text(raw: object, what: str, example: str) -> str:
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, (list, dict)):
        raise mistake(
            "unquoted_citation",
            f"{what} is text; YAML read this as a list or mapping, which happens when a citation stands "
            "inside [ ] or { } without quotes",
            f'put quotes round it: "{example}"',
        )
    raise mistake("wrong_type", f"{what} is text, not {raw!r}", f'write it like "{example}"')


def _cites(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line comparing a fact; `number` is None for a bare yes/no fact."""

    text: str
    fact: str
    column: str = ""
    comparator: Comparator | None = None
    number: float | None = None
    unit: str = ""
    sources: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Criterion:
        """Read a criterion. Raises a located pydantic error with the form to write."""
        if isinstance(raw, Criterion):
            return raw
        text = _text(raw, "a criterion", "fact >= 2 [2]")
        match = _CRITERION.match(text)
        if match is None:
            raise mistake(
                "bad_criterion",
                f"{text!r} is not a criterion",
                "write `fact`, `fact >= 2 [2]`, `fact < 7 days [3]` or `reading.column > 140 [7]`",
            )
        part = match.groupdict()
        return cls(
            text=text,
            fact=part["fact"],
            column=part["column"] or "",
            comparator=cast(Comparator | None, part["comparator"]),
            number=float(part["number"]) if part["number"] else None,
            unit=part["unit"] or "",
            sources=_cites(part["cites"] or ""),
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison of a column with a number, or with a column of a table (`table` set, `number` None)."""

    text: str
    comparator: Comparator
    number: float | None = None
    unit: str = ""
    table: str = ""
    column: str = ""
    sources: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Threshold:
        """Read `>= 42 days [14]` or `>= minimum in dose-table [3]`."""
        if isinstance(raw, Threshold):
            return raw
        text = _text(raw, "a comparison", ">= 6 [3]")
        number, table = _THRESHOLD.match(text), _TABLE_THRESHOLD.match(text)
        if number is not None:
            part = number.groupdict()
            return cls(
                text,
                cast(Comparator, part["comparator"]),
                number=float(part["number"]),
                unit=part["unit"] or "",
                sources=_cites(part["cites"]),
            )
        if table is not None:
            part = table.groupdict()
            return cls(
                text,
                cast(Comparator, part["comparator"]),
                table=part["table"],
                column=part["column"],
                sources=_cites(part["cites"]),
            )
        raise mistake(
            "bad_comparison",
            f"{text!r} is not a comparison",
            'write ">= 42 days [14]" or ">= minimum in table-name [3]", or a list of words: [final, amended]',
        )


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with a unit and its citation: `14 days [13]`, `0.8 [13]`, `50 % [5]`."""

    text: str
    number: float
    unit: str = ""
    sources: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Amount:
        """Read an amount."""
        if isinstance(raw, Amount):
            return raw
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            raw = str(raw)
        text = _text(raw, "an amount", "14 days [13]")
        match = _AMOUNT.match(text)
        if match is None:
            raise mistake(
                "bad_amount", f"{text!r} is not an amount", 'write a number, a unit, a source: "14 days [13]"'
            )
        part = match.groupdict()
        return cls(text, float(part["number"]), part["unit"] or "", _cites(part["cites"]))


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time counted back from today: `30 days [4]`; months and years are calendar ones."""

    text: str
    number: int
    unit: TimeUnit
    sources: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Duration:
        """Read a duration."""
        if isinstance(raw, Duration):
            return raw
        amount = Amount.parse(raw)
        unit = amount.unit if amount.unit in TIME_UNITS else amount.unit + "s"
        if unit not in TIME_UNITS or amount.number < 0 or amount.number != int(amount.number):
            raise mistake(
                "bad_duration",
                f"{amount.text!r} is not a length of time",
                f'write a whole number and one of {", ".join(TIME_UNITS)}: "30 days [4]"',
            )
        return cls(amount.text, int(amount.number), unit, amount.sources)


GiveKind = Literal[
    "exists",
    "count",
    "count_distinct",
    "latest value",
    "latest reading",
    "latest date",
    "earliest date",
    "any_yes",
    "possible",
    "age",
]
YES_NO: frozenset[str] = frozenset({"exists", "any_yes", "possible"})


@dataclass(frozen=True, slots=True)
class Give:
    """What a fact makes of the rows found."""

    text: str
    kind: GiveKind
    column: str = ""

    @property
    def yes_no(self) -> bool:
        """Whether the fact is a yes/no question, usable as a bare criterion."""
        return self.kind in YES_NO

    @classmethod
    def parse(cls, raw: object) -> Give:
        """Read `exists`, `count_distinct ingredient`, `latest value`, …"""
        if isinstance(raw, Give):
            return raw
        text = _text(raw, "give", "exists")
        match = _GIVE.match(text)
        if match is None or text in ("earliest value", "earliest reading"):
            raise mistake(
                "bad_give",
                f"{text!r} is not something a fact can give",
                "write exists, count, count_distinct <column>, latest value, latest reading, latest date, "
                "earliest date, any_yes, possible or age",
            )
        column = match.group("column") or ""
        return cls(text, cast(GiveKind, "count_distinct" if column else text), column)


NOT_READ = Give("?", "exists")
"""Stands for a refused or missing `give`, so that the rest of a fact can still be checked."""
