"""`cds lint`: every problem of every rulebook in one run, located, with what to try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from cds_service.errors import Problem, UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import check_rulebook, find_rulebooks
from cds_service.rulebook.shelf import BOOK

_COLOURS = {"error": "red", "warning": "yellow"}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["pretty", "json"]),
    default="pretty",
    show_default=True,
    help="How to print the problems.",
)
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...], style: str) -> None:
    """Check rulebooks and print every problem with its file, line and column.

    PATHS are rulebook folders, folders of rulebooks, or files in one (default: rules/). A file narrows what
    is printed, never what is checked.
    """
    problems: list[Problem] = []
    books: list[Rulebook] = []
    for folder, wanted in _wanted(paths or (Path("rules"),)).items():
        book, found = check_rulebook(folder)
        problems += [problem for problem in found if _in(problem, folder, wanted)]
        books += [book] if book is not None else []
    problems = sorted(set(problems))
    if style == "json":
        click.echo(json.dumps([_record(problem) for problem in problems], indent=2, ensure_ascii=False))
    else:
        _print(problems, books)
    ctx.exit(1 if any(problem.level == "error" for problem in problems) else 0)


def _wanted(paths: Sequence[Path]) -> dict[Path, list[Path]]:
    """The rulebook folders to check, each with the paths the caller named in it."""
    wanted: dict[Path, list[Path]] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no {path}: name a rulebook folder, or run this where rules/ is")
        whole = find_rulebooks(path)
        inside = [] if whole else [one for one in path.parents if (one / BOOK).is_file()][:1]
        if not whole and not inside:
            raise UsageError(f"no rulebook in {path}: a rulebook folder holds a {BOOK}")
        for folder in whole:
            wanted.setdefault(folder, []).append(folder)
        for folder in inside:
            wanted.setdefault(folder, []).append(path)
    return wanted


def _in(problem: Problem, folder: Path, wanted: Sequence[Path]) -> bool:
    """Whether a problem is to be printed: all of a rulebook named whole, else those in the files named."""
    return folder in wanted or any(Path(problem.place.file).is_relative_to(path) for path in wanted)


def _record(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "code": problem.code,
        "level": problem.level,
        "message": problem.message,
        "hint": problem.hint,
    }


def _print(problems: Sequence[Problem], books: Sequence[Rulebook]) -> None:
    # click leaves the colours out where stdout is not a terminal.
    for problem in problems:
        hint = click.style(f" ({problem.hint})", fg="cyan") if problem.hint else ""
        level = click.style(f"{problem.level}[{problem.code}]", fg=_COLOURS.get(problem.level, "white"))
        click.echo(f"{click.style(str(problem.place), bold=True)}: {problem.message}{hint} {level}")
    if problems:
        files = len({problem.place.file for problem in problems})
        click.echo(f"{_counted(len(problems), 'problem')} in {_counted(files, 'file')}")
    else:
        click.echo(f"clean: {_contents(books)}")


def _contents(books: Sequence[Rulebook]) -> str:
    if not books:
        return "nothing to mend in the files named"
    counts = (
        (sum(len(book.rules) for book in books), "rule"),
        (sum(len(book.terminology.valuesets) for book in books), "value set"),
        (sum(len(book.tables) for book in books), "table"),
        (sum(len(book.templates) for book in books), "template"),
        (sum(len(book.sources) for book in books), "source"),
    )
    return ", ".join(_counted(number, what) for number, what in counts)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
