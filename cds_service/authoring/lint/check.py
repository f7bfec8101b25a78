"""What a check is: its id, its level, for whom it is, one sentence, and the look it takes at a rulebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from cds_service.authoring.lint.against import Earlier
from cds_service.errors import Place, Problem
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import Shelf

Level = Literal["error", "warning", "pedantic"]
Persona = Literal["regular", "pedantic", "auditor"]
LEVELS: tuple[Level, ...] = ("error", "warning", "pedantic")
PERSONAS: tuple[Persona, ...] = ("regular", "pedantic", "auditor")
"""Whom a finding is for: an author at work, a reviewer of style, a committee that wants to see everything."""


class Ignore(NamedTuple):
    """A comment that sets checks aside on its line: `# cds: ignore[logic/double-negation] reason`."""

    place: Place
    ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Linted:
    """What a check looks at: the rulebook and its files, the day, the rules as they were if asked for.

    `found` (before anything is set aside), `known` and `ran` (ids of checks) are for the checks of
    comments, which look last.
    """

    book: Rulebook
    shelf: Shelf
    today: date
    earlier: Earlier | None = None
    ignores: tuple[Ignore, ...] = ()
    found: Sequence[Problem] = ()
    known: frozenset[str] = frozenset()
    ran: frozenset[str] = frozenset()

    @property
    def rules(self) -> Sequence[Parsed[Rule]]:
        """The rules with their places; retired ones are history and left out."""
        return [one for one in self.shelf.rules if one.model.status != "retired"]


class Seen(NamedTuple):
    """One thing to mend: where, what was seen, what to try; a level of its own where the check says so."""

    place: Place
    message: str
    hint: str
    level: Level | None = None


@dataclass(frozen=True)
class Check:
    """A check; `says` is its sentence on the index of pages, `needs_earlier` runs it only with --against."""

    id: str
    level: Level
    persona: Persona
    says: str
    look: Callable[[Linted], Iterator[Seen]]
    needs_earlier: bool = False

    def problems(self, linted: Linted) -> Iterator[Problem]:
        """What it finds, as problems of its id."""
        for seen in self.look(linted):
            yield Problem(seen.place, self.id, seen.message, seen.hint, seen.level or self.level)
