"""One run over one rulebook: the loader's problems, or what every check found and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from cds_service.authoring.lint.against import Earlier
from cds_service.authoring.lint.check import PERSONAS, Check, Linted, Persona
from cds_service.authoring.lint.ignores import ignores_in, reason_for
from cds_service.authoring.lint.registry import ABOUT_LINTING, every_check
from cds_service.errors import Problem
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.like import told_once
from cds_service.rulebook.load import examine


class SetAside(NamedTuple):
    """A problem an author set aside on its line, with the reason given there."""

    problem: Problem
    reason: str


@dataclass(frozen=True)
class Findings:
    """What one run found. `book` is None if the rulebook cannot be loaded; no check ran then."""

    book: Rulebook | None
    problems: tuple[Problem, ...]
    set_aside: tuple[SetAside, ...] = ()

    def for_persona(self, persona: Persona) -> Findings:
        """What concerns one audience; errors of loading concern all."""
        return replace(
            self,
            problems=tuple(one for one in self.problems if _concerns(one.code, persona)),
            set_aside=tuple(one for one in self.set_aside if _concerns(one.problem.code, persona)),
        )


def lint_rulebook(folder: Path, today: date, earlier: Earlier | None = None) -> Findings:
    """Look at the rulebook in `folder` on the day `today`; `earlier` are the rules to compare with."""
    examined = examine(folder)
    if examined.book is None or examined.shelf is None:
        return Findings(None, examined.problems)
    ignores = ignores_in(examined.shelf)
    linted = Linted(examined.book, examined.shelf, today, earlier, ignores)
    checks = [one for one in every_check().values() if earlier is not None or not one.needs_earlier]
    found = _look([one for one in checks if not one.id.startswith(ABOUT_LINTING)], linted)
    reasons = {problem: reason_for(problem, ignores) for problem in found}
    ran = frozenset(one.id for one in checks)
    after = replace(linted, found=tuple(found), known=frozenset(every_check()), ran=ran)
    about = _look([one for one in checks if one.id.startswith(ABOUT_LINTING)], after)
    left = [problem for problem, reason in reasons.items() if reason is None]
    return Findings(
        examined.book,
        tuple(sorted(told_once({*examined.problems, *left, *about}, examined.shelf.likes))),
        tuple(sorted(SetAside(problem, reason) for problem, reason in reasons.items() if reason is not None)),
    )


def _look(checks: Sequence[Check], linted: Linted) -> list[Problem]:
    return [problem for check in checks for problem in check.problems(linted)]


def _concerns(code: str, persona: Persona) -> bool:
    check = every_check().get(code)
    return check is None or PERSONAS.index(check.persona) <= PERSONAS.index(persona)
