"""Facts made of facts: a calculation with one operator, and the moment that rows must come after or before.

calculate: 0.5 [1] * weight
after: session_start + 40 minutes [7]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from cds_service.rulebook.criterion import TIME_UNITS, TimeUnit, mistake

Operator = Literal["*", "/", "+", "-"]

_NAME = r"[a-z][a-z0-9_]*"
_NUMBER = r"-?\d+(?:\.\d+)?"
_OPERAND = rf"(?:{_NUMBER}(?:\s*\[\d+\])*|{_NAME}(?:\.{_NAME})?)"
_CALCULATION = re.compile(rf"^(?P<left>{_OPERAND})\s*(?P<operator>[*/+-])\s*(?P<right>{_OPERAND})$")
_ANCHOR = re.compile(
    rf"^(?P<fact>{_NAME})(?:\s*(?P<sign>[+-])\s*(?P<number>\d+)\s+(?P<unit>[a-z]+)(?P<cites>(?:\s*\[\d+\])*))?$"
)


@dataclass(frozen=True, slots=True)
class Operand:
    """A number with its sources, or a fact (or one column of its reading)."""

    text: str
    number: float | None = None
    fact: str = ""
    column: str = ""
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Calculation:
    """One operator between two operands; unknown if a part is."""

    text: str
    left: Operand
    operator: Operator
    right: Operand

    @property
    def operands(self) -> tuple[Operand, Operand]:
        """Both sides."""
        return self.left, self.right

    @classmethod
    def parse(cls, raw: object) -> Calculation:
        """Read a calculation."""
        if isinstance(raw, Calculation):
            return raw
        match = _CALCULATION.match(raw.strip()) if isinstance(raw, str) else None
        if match is None:
            raise mistake(
                "bad_calculation",
                f"{raw!r} is not a calculation",
                'write one operator between numbers and facts: "0.5 [1] * weight"',
            )
        left, right = _operand(match["left"]), _operand(match["right"])
        return cls(str(raw).strip(), left, cast(Operator, match["operator"]), right)


def _operand(text: str) -> Operand:
    if text[0].isalpha():
        fact, _, column = text.partition(".")
        return Operand(text, fact=fact, column=column)
    number, *cites = re.findall(rf"^{_NUMBER}|\d+", text)
    return Operand(text, number=float(number), sources=tuple(int(cite) for cite in cites))


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment told by a date fact, moved by a length of time: `session_start + 40 minutes [7]`."""

    text: str
    fact: str
    number: int = 0
    unit: TimeUnit = "days"
    sources: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Anchor:
        """Read an anchor."""
        if isinstance(raw, Anchor):
            return raw
        match = _ANCHOR.match(raw.strip()) if isinstance(raw, str) else None
        unit = _time_unit(match["unit"]) if match is not None else None
        if match is None or unit is None:
            raise mistake(
                "bad_anchor",
                f"{raw!r} names no moment",
                'write a date fact, moved if need be: "first_session", "session_start + 40 minutes [7]"',
            )
        number = int(match["number"] or 0) * (-1 if match["sign"] == "-" else 1)
        cites = tuple(int(cite) for cite in re.findall(r"\d+", match["cites"] or ""))
        return cls(str(raw).strip(), match["fact"], number, unit, cites)


def _time_unit(text: str | None) -> TimeUnit | None:
    if text is None:
        return "days"
    plural = text if text.endswith("s") else text + "s"
    return plural if plural in TIME_UNITS and plural not in ("months", "years") else None
