"""`cds coverage`: what the tests beside the rules try, and with --mutate the mistakes they would let pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from cds_service.authoring.charts import CHARTS, FIXTURES
from cds_service.authoring.coverage.codes import set_uses
from cds_service.authoring.coverage.page import page
from cds_service.authoring.coverage.report import as_json, percent, print_text
from cds_service.authoring.coverage.run import Measured, measure, suite_of
from cds_service.authoring.testrun import Suite
from cds_service.errors import UsageError, nearest
from cds_service.rulebook.load import find_rulebooks

_HELP = """Show what the tests beside the rules try, line by line.

Each criterion should be true, false and unknown in some case, as far as its fact can be, and some verdict
should hang on it. Each number should be tried on both sides. Each card should be shown, and each line of a
card under a condition shown and hidden.

With --mutate every number is moved by one step, every comparator, all/any, not and record is changed, every
criterion and condition left out, one at a time. A change that no case notices survives; it is listed with a
case to paste into the test file. What cannot be tested is said on the line, with a reason:

\b
  # cds: unreachable[unknown] the birth date is always known
  # cds: equivalent-mutant[31 days] the search asks for 30 days only

\b
  cds coverage
  cds coverage --rule trd-definition-met --mutate
  cds coverage --html coverage.html --fail-under 100
"""


@click.command(help=_HELP)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
@click.option(
    "--rule", "wanted", metavar="ID", multiple=True, help="Only this rule; may be given several times."
)
@click.option("--mutate", is_flag=True, help="Try every small mistake; list those no case notices.")
@click.option("--codes", is_flag=True, help="List the codes of value sets that no chart holds.")
@click.option("--fail-under", type=float, default=100.0, show_default=True, help="Percent covered to exit 0.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with the rules coloured."
)
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one per core]")
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path),
    default=FIXTURES,
    show_default=True,
    help="The folder of charts/ and requests/.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def coverage(
    ctx: click.Context,
    rules: Path,
    wanted: tuple[str, ...],
    mutate: bool,
    codes: bool,
    fail_under: float,
    html: Path | None,
    workers: int | None,
    fixtures: Path,
    style: str,
) -> None:
    """Measure. Exit 1 below --fail-under, for a failing case, a stale excuse or an unexplained mutant."""
    folders = find_rulebooks(rules)
    if not folders:
        raise UsageError(f"no rulebook in {rules}: run this where rules/ is, or give --rules FOLDER")
    suites = [suite_of(folder, fixtures) for folder in folders]
    done: list[Measured] = []
    for suite, ids in _chosen(suites, wanted):
        done += _measured(suite, ids, mutate=mutate, workers=workers)
    sets = [one for suite in suites for one in set_uses(suite.runner.bench.book, fixtures / CHARTS)]
    if html is not None:
        html.write_text(page(done), encoding="utf-8")
    if style == "json":
        click.echo(json.dumps(as_json(done, sets), indent=2, ensure_ascii=False))
    else:
        print_text(done, sets if codes else (), Console(highlight=False), codes=codes)
    ctx.exit(0 if _clean(done, fail_under) else 1)


def _chosen(suites: Sequence[Suite], wanted: Sequence[str]) -> list[tuple[Suite, list[str]]]:
    """The rules to measure of each rulebook."""
    known = [(suite, list(suite.runner.bench.book.by_id)) for suite in suites]
    names = [name for _, ids in known for name in ids]
    for name in wanted:
        if name not in names:
            raise UsageError(f"there is no rule {name!r} ({nearest(name, names)})")
    return [(suite, [one for one in ids if not wanted or one in wanted]) for suite, ids in known]


def _measured(suite: Suite, ids: list[str], *, mutate: bool, workers: int | None) -> list[Measured]:
    """The rules of one rulebook in its order, with progress on a terminal."""
    if not ids:
        return []
    console = Console(stderr=True)
    done = track(
        measure(suite, ids, mutate=mutate, workers=workers or (None if mutate else 1)),
        "trying mutants" if mutate else "measuring",
        total=len(ids),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return sorted(done, key=lambda rule: ids.index(rule.coverage.rule))


def _clean(done: Sequence[Measured], fail_under: float) -> bool:
    """Whether enough is covered and nothing but gaps of coverage is left to mend."""
    enough = percent([rule.coverage for rule in done]) >= fail_under
    other = any(
        rule.coverage.failed
        or rule.coverage.stale
        or (rule.mutants is not None and (rule.mutants.unexplained or rule.mutants.stale))
        for rule in done
    )
    return enough and not other and bool(done)
