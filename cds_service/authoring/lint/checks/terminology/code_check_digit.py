"""A LOINC or SNOMED CT code whose last digit does not fit: a digit was mistyped, or two were swapped.

LOINC computes it modulo 10 (Luhn), SNOMED CT after Verhoeff. Answer codes of LOINC (LA…) have none that is
published; other code systems have none at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.files import Code

_TURNS = 8
_FIVE = 5


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.shelf.valuesets.values():
        for key, members in (("include", parsed.model.include), ("exclude", parsed.model.exclude)):
            for index, member in enumerate(members):
                if isinstance(member, Code) and not _fits(member):
                    yield Seen(
                        parsed.file.place((key, index, "code")),
                        f"the check digit of {member.system} code {member.code} does not fit",
                        "look the code up: a digit was mistyped, or two were swapped",
                    )


def _fits(code: Code) -> bool:
    digits = code.code.strip().replace("-", "")
    if not (digits.isascii() and digits.isdigit()):
        return True
    if code.system == "loinc":
        return luhn(digits)
    return code.system != "snomed" or verhoeff(digits)


def luhn(digits: str) -> bool:
    """Whether the last digit fits, modulo 10: every second one from it is doubled, its digits added."""
    each = [int(digit) for digit in reversed(digits)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in each[1::2]]
    return sum(each[::2] + doubled) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Whether the last digit fits after Verhoeff: each is permuted by its place, all are joined as turns
    and flips of a pentagon, and nothing must be left (J. Verhoeff, Error detecting decimal codes, 1969)."""
    left = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % _TURNS):
            value = _PERMUTED[value]
        left = _joined(left, value)
    return left == 0


_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _joined(one: int, other: int) -> int:
    """The product in the group of the pentagon: 0 to 4 turn it, 5 to 9 flip it as well."""
    if one < _FIVE:
        return (one + other) % _FIVE + (_FIVE if other >= _FIVE else 0)
    turned = (one - other) % _FIVE
    return turned + (_FIVE if other < _FIVE else 0)


CHECK = Check(
    "terminology/code-check-digit", "error", "regular", "The check digit of a code does not fit.", _look
)
