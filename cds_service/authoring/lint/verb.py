"""`cds lint`: every problem of every rulebook in one run, located, with what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path

import click

from cds_service.authoring.charts import FIXTURES
from cds_service.authoring.lint.against import rules_at
from cds_service.authoring.lint.check import LEVELS, PERSONAS, Persona
from cds_service.authoring.lint.report import FORMATS, Report
from cds_service.authoring.lint.run import Findings, lint_rulebook
from cds_service.authoring.testfile import SUFFIX, read_tests
from cds_service.errors import Problem, UsageError
from cds_service.rulebook.load import find_rulebooks, rulebook_of
from cds_service.rulebook.overlay import LOCAL
from cds_service.rulebook.shelf import BOOK
from cds_service.settings import frozen_instant


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice([*FORMATS]),
    default="pretty",
    show_default=True,
    help="How to print.",
)
@click.option(
    "--persona",
    type=click.Choice(PERSONAS),
    default="regular",
    show_default=True,
    help="For whom: an author at work, a reviewer of style, or a committee that wants to see everything.",
)
@click.option(
    "--fail-level",
    type=click.Choice(LEVELS),
    default="error",
    show_default=True,
    help="The mildest level that makes the exit code 1.",
)
@click.option("--today", metavar="DATE", help="The day that reviews are due by.")
@click.option("--against", metavar="REV", help="A git commit: compare ids and versions with the rules there.")
@click.pass_context
def lint(
    ctx: click.Context,
    paths: tuple[Path, ...],
    style: str,
    persona: Persona,
    fail_level: str,
    today: str | None,
    against: str | None,
) -> None:
    """Check rulebooks and print every problem with its file, line and column.

    PATHS are rulebook folders, folders of rulebooks, files in one, or what a site changes in one
    (rules/local/…), default: rules/. A file narrows what is printed, never what is checked. A test file
    (x.test.yaml) is read only where it is named; cds test reads them all. Every finding names its page in
    docs/lint/: what to avoid, what to prefer, and why.

    \b
      cds lint
      cds lint rules/our-clinic/cautions/heavy-patient.yaml
      cds lint --persona auditor --fail-level warning    everything, for a review
      cds lint --against main --format github            on a pull request
    """
    day = frozen_instant("--today", today, UTC).date() if today is not None else date.today()
    found = [
        _with_cases(_narrowed(_run(folder, day, against), folder, wanted), wanted).for_persona(persona)
        for folder, wanted in _wanted(paths or (Path("rules"),)).items()
    ]
    click.echo(FORMATS[style](_report(found, persona)), nl=False)
    ctx.exit(1 if any(_fails(problem, fail_level) for one in found for problem in one.problems) else 0)


def _run(folder: Path, day: date, against: str | None) -> Findings:
    return lint_rulebook(folder, day, rules_at(folder, against) if against is not None else None)


def _report(found: Sequence[Findings], persona: Persona) -> Report:
    return Report(
        problems=tuple(sorted({problem for one in found for problem in one.problems})),
        set_aside=tuple(aside for one in found for aside in one.set_aside),
        books=tuple(one.book for one in found if one.book is not None),
        lists_set_aside=persona == "auditor",
    )


def _fails(problem: Problem, fail_level: str) -> bool:
    levels: tuple[str, ...] = LEVELS
    return levels.index(problem.level) <= levels.index(fail_level)


def _wanted(paths: Sequence[Path]) -> Mapping[Path, list[Path]]:
    """The rulebook folders to check, each with the paths the caller named in it."""
    wanted: dict[Path, list[Path]] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no {path}: name a rulebook folder, or run this where rules/ is")
        whole = find_rulebooks(path)
        inside = () if whole else _around(path)
        if not whole and not inside:
            raise UsageError(f"no rulebook in {path}: a rulebook folder holds a {BOOK}")
        for folder in whole:
            wanted.setdefault(folder, []).append(folder)
        for folder in inside:
            wanted.setdefault(folder, []).append(path)
    return wanted


def _around(path: Path) -> tuple[Path, ...]:
    """The rulebook that a file is part of or that a site changes in it; those of a folder of changes."""
    if path.resolve().name == LOCAL and path.is_dir():
        found = [rulebook_of(one) or rulebook_of(one.resolve()) for one in sorted(path.glob("*.yaml"))]
    else:
        found = [rulebook_of(path) or rulebook_of(path.resolve())]
    return tuple(one for one in found if one is not None)


def _narrowed(found: Findings, folder: Path, wanted: Sequence[Path]) -> Findings:
    """What is to be printed: all of a rulebook named whole, else what stands in the files named."""
    if folder in wanted:
        return found
    return replace(
        found,
        problems=tuple(one for one in found.problems if _in(one, wanted)),
        set_aside=tuple(one for one in found.set_aside if _in(one.problem, wanted)),
    )


def _with_cases(found: Findings, wanted: Sequence[Path]) -> Findings:
    """With the mistakes of the test files named, which are read only then: there are many, and long ones."""
    named = [path for path in wanted if path.name.endswith(SUFFIX)]
    book = found.book
    if book is None or not named:
        return found
    cases = [problem for path in named for problem in read_tests(path, book, FIXTURES)[1]]
    return replace(found, problems=tuple(sorted({*found.problems, *cases})))


def _in(problem: Problem, wanted: Sequence[Path]) -> bool:
    return any(Path(problem.place.file).resolve().is_relative_to(path.resolve()) for path in wanted)
