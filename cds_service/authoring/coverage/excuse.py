"""What an author says cannot be tested, on the line itself or the line above:

    - age >= 0 years     # cds: unreachable[false] nobody is younger
    within: 30 days [4]  # cds: equivalent-mutant[31 days] the search asks for 30 days only

The brackets hold the words of the report; a reason is required. An excuse that excuses nothing is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cds_service.errors import Place

KINDS = ("unreachable", "equivalent-mutant")
"""What a remark can be about."""
_MARK = re.compile(rf"#\s*cds:\s*(?P<kind>{'|'.join(KINDS)})\[(?P<what>[^\]]*)\]\s*(?P<reason>[^#]*)")


@dataclass(frozen=True, slots=True)
class Excuse:
    """One remark: about which line, which words of the report, and why."""

    kind: str
    line: int
    what: str
    reason: str
    place: Place

    def covers(self, kind: str, line: int, what: str) -> bool:
        """Whether it speaks of this line of the report."""
        return bool(self.reason) and (self.kind, self.line, self.what) == (kind, line, what)


def read_excuses(path: Path) -> tuple[Excuse, ...]:
    """Every excuse of a rule file."""
    return tuple(_excuses(path.read_text(encoding="utf-8").splitlines(), path.as_posix()))


def _excuses(lines: Sequence[str], name: str) -> Iterator[Excuse]:
    for at, text in enumerate(lines):
        for found in _MARK.finditer(text):
            alone = not text[: found.start()].strip(" #")
            line = _next_line(lines, at) if alone else at + 1
            place = Place(name, at + 1, found.start() + 1)
            yield Excuse(found["kind"], line, found["what"].strip(), found["reason"].strip(), place)


def _next_line(lines: Sequence[str], at: int) -> int:
    following = (number for number in range(at + 1, len(lines)) if not lines[number].lstrip().startswith("#"))
    return next(following, at) + 1


def stale(
    excuses: Sequence[Excuse], used: Mapping[Excuse, object] | frozenset[Excuse], kind: str
) -> tuple[str, ...]:
    """What to say of the excuses of a kind that excuse nothing, or give no reason."""
    return tuple(
        f"{one.place}: {one.kind}[{one.what}] "
        + ("excuses nothing: remove it" if one.reason else "gives no reason: write it after the brackets")
        for one in excuses
        if one.kind == kind and one not in used
    )
