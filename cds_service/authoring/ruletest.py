"""`cds test`: the tests beside the rules, with what was got beside what was expected and the reason why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from cds_service.authoring.cases import Result
from cds_service.authoring.charts import FIXTURES
from cds_service.authoring.junit import junit_xml
from cds_service.authoring.testfile import SUFFIX, Item, path_beside, paths_beside
from cds_service.authoring.testrun import (
    Order,
    Suite,
    Timed,
    case_files,
    processes_of,
    read_suite,
    read_suites,
    run_cases,
)
from cds_service.errors import Problem, UsageError
from cds_service.rulebook.load import find_rulebooks, rulebook_of
from cds_service.rulebook.shelf import BOOK
from cds_service.settings import frozen_instant

__all__ = ["Suite", "read_suite", "test"]

_HELP = """Run the tests that stand beside the rules, x.test.yaml beside x.yaml.

Many tests of one rule may stand in several files, x.doses.test.yaml beside x.test.yaml.

PATHS are rulebook folders, folders of rulebooks, folders in one, rule files or test files (default: rules/).

\b
  cds test
  cds test -k "aneurysm order"
  cds test rules/ketamine-trd/definitions/trd-definition-met.yaml
  cds test -n auto --junit rule-tests.xml

The same tests run under pytest, which finds them in any rulebook folder: pytest rules/ -k bipolar
"""


@click.command(help=_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-k", "words", metavar="WORDS", default="", help="Only tests whose rule and name hold all words."
)
@click.option("--today", metavar="DATE", help="The time of every test: a date (noon, UTC) or an instant.")
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path),
    default=FIXTURES,
    show_default=True,
    help="The folder of charts/ and requests/.",
)
@click.option("-n", "processes", metavar="N", default="1", help="Processes to run them in; auto: one a core.")
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write the results as JUnit XML."
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def test(ctx: click.Context, /, paths: tuple[Path, ...], words: str, **options: Any) -> None:
    """Run tests. Exit 0 if all passed, 1 if any failed or there was none, 2 for wrong use."""
    today = options["today"]
    now = frozen_instant("--today", today, UTC) if today else None
    orders = [
        Order(folder, None if files is None else tuple(files), options["fixtures"], now)
        for folder, files in _wanted(paths or (Path("rules"),)).items()
    ]
    results, problems = _run(orders, words, processes_of(options["processes"]))
    if options["junit"]:
        _write(options["junit"], junit_xml(results, problems))
    told = [one.result for one in results]
    if options["style"] == "json":
        click.echo(json.dumps(_report(told, problems), indent=2, ensure_ascii=False))
    else:
        _print(told, problems, words)
    clean = bool(told) and not problems and all(result.passed for result in told)
    ctx.exit(0 if clean else 1)


def _run(orders: Sequence[Order], words: str, processes: int) -> tuple[list[Timed], tuple[Problem, ...]]:
    """The results of the tests named, and every mistake in the files."""
    suites = read_suites(orders)
    problems = tuple(problem for suite in suites for problem in suite.problems)
    chosen = [
        (number, at)
        for number, suite in enumerate(suites)
        for at, item in enumerate(suite.items)
        if _named(item, words)
    ]
    return list(_shown(run_cases(orders, suites, chosen, processes), len(chosen))), problems


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--junit: {path} cannot be written: {error.strerror}") from error


def _wanted(paths: Sequence[Path]) -> dict[Path, list[Path] | None]:
    """The rulebooks to test, each with the test files named in it; None for all of them."""
    wanted: dict[Path, list[Path] | None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no {path}: name a rulebook folder, or run this where rules/ is")
        whole = find_rulebooks(path)
        for folder in whole:
            wanted[folder] = None
        if whole:
            continue
        inside = rulebook_of(path)
        if inside is None:
            raise UsageError(f"no rulebook in {path}: a rulebook folder holds a {BOOK}")
        known = wanted.setdefault(inside, [])
        if known is not None:
            known += [file for file in _files(path) if file not in known]
    return wanted


def _files(path: Path) -> tuple[Path, ...]:
    if path.is_dir():
        return case_files(path)
    if path.name.endswith(SUFFIX):
        return (path,)
    beside = paths_beside(path)
    if not beside:
        raise UsageError(f"{path} has no tests: write {path_beside(path).name} beside it")
    return beside


def _named(item: Item, words: str) -> bool:
    name = item.id.lower()
    return all(word in name for word in words.lower().split())


def _shown(results: Iterator[Timed], total: int) -> Iterator[Timed]:
    """The same, with progress on a terminal."""
    console = Console(stderr=True)
    yield from track(
        results,
        "testing rules",
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


# --- the report ----------------------------------------------------------------------------------


def _print(results: Sequence[Result], problems: Sequence[Problem], words: str) -> None:
    for problem in problems:
        click.echo(str(problem))
    for result in results:
        if not result.passed:
            click.echo(click.style(str(result), fg="red"))
            click.echo("".join(f"    {line}\n" for line in result.why.splitlines()))
    click.echo(_counted(results, problems))
    if not results and not problems:
        click.echo(
            f"no test is named like {words!r}" if words else f"there is no test: write a *{SUFFIX} file"
        )


def _counted(results: Sequence[Result], problems: Sequence[Problem]) -> str:
    failed = sum(not result.passed for result in results)
    told = f"{len(results) - failed} passed, {failed} failed"
    if not problems:
        return told
    return f"{told}; {len(problems)} problem{'' if len(problems) == 1 else 's'} in the test files"


def _report(results: Sequence[Result], problems: Sequence[Problem]) -> dict[str, Any]:
    failed = [result for result in results if not result.passed]
    return {
        "passed": len(results) - len(failed),
        "failed": len(failed),
        "tests": [_record(result) for result in results],
        "problems": [
            {"file": one.place.file, "line": one.place.line, "column": one.place.column}
            | {"code": one.code, "message": one.message, "hint": one.hint}
            for one in problems
        ],
    }


def _record(result: Result) -> dict[str, Any]:
    item = result.item
    body: dict[str, Any] = {
        "rule": item.rule.rule,
        "name": item.case.name,
        "file": item.place.file,
        "line": item.place.line,
        "passed": result.passed,
    }
    if not result.passed:
        body |= {"differences": [asdict(one) for one in result.differences], "why": result.why}
    return body
