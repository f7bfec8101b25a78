"""`cds replay`: what the rules say of every chart at hand, and what an edit of them would change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from functools import partial
from pathlib import Path

import click

from cds_service.authoring.charts import FIXTURES
from cds_service.authoring.replay.calls import Calls, find_calls
from cds_service.authoring.replay.decide import Replayed, RulesAt, compare, decide, prepared, recheck
from cds_service.authoring.replay.htmlpage import as_html
from cds_service.authoring.replay.impact import Impact, as_json, gathered
from cds_service.authoring.replay.plain import Approvals, Tally, lines, summary
from cds_service.authoring.replay.plain import as_json as call_json
from cds_service.authoring.replay.run import cores, each, progress
from cds_service.authoring.replay.told import as_markdown, as_text
from cds_service.authoring.replay.versions import Edition, book_versions, edited, other_edition, pairs
from cds_service.authoring.testfile import DEFAULT_HOOK
from cds_service.errors import UsageError, nearest
from cds_service.settings import frozen_instant

_HELP = """Decide every chart again, and say whose cards an edit of the rules changes.

SOURCE is what to replay [default: fhir_fixtures]: a folder of charts (FHIR Bundles), of captured hook calls,
of fixtures (charts/ and requests/), or of a FHIR bulk export (*.ndjson, one chart per patient); or the
decision log of a service that kept its calls (CDS_CAPTURE=1), with whose answers the rules at hand are then
compared. A chart of the fixtures that has recorded calls is replayed by those; any other is opened at --hook.
Rules run as the service runs them: drafts are left out.

\b
  cds replay                                 every call, its cards, and whether they are as approved
  cds replay --accept                        approve them: writes fhir_fixtures/cards/
  cds replay --against HEAD                  what the edit at hand changes, chart by chart, and why
  cds replay --against main --format html > impact.html      side by side, for a committee
  cds replay export/ --today 2026-03-01 --against v0.1.0     on a bulk export
  cds replay var/decisions.jsonl             what the rules at hand would answer otherwise than was answered

--against takes a folder of rules, or else a revision of git; the work tree is not touched.
Exit codes: 0 no difference, 1 differences or charts that cannot be replayed, 2 wrong use.
"""
_FORMS: Mapping[str, Callable[[Impact], str]] = {
    "text": as_text,
    "json": lambda impact: json.dumps(as_json(impact), indent=2, ensure_ascii=False) + "\n",
    "markdown": as_markdown,
    "html": as_html,
}


@click.command(help=_HELP)
@click.argument("source", type=click.Path(path_type=Path), default=FIXTURES, required=False)
@click.option("--against", metavar="REV|DIR", help="The rules to compare with.")
@click.option("--accept", is_flag=True, help="Approve: write what recorded calls are answered now.")
@click.option(
    "--hook", metavar="HOOK", default=DEFAULT_HOOK, show_default=True, help="Where charts are opened."
)
@click.option("--today", metavar="DATE", help="The time of every call: a date (noon, UTC) or an instant.")
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="How many processes.  [default: one per core]"
)
@click.option("--format", "style", type=click.Choice(list(_FORMS)), default="text", show_default=True)
@click.pass_context
def replay(
    ctx: click.Context,
    source: Path,
    against: str | None,
    accept: bool,
    hook: str,
    today: str | None,
    rules: Path,
    jobs: int | None,
    style: str,
) -> None:
    """Replay, and compare if asked to."""
    if against and accept:
        raise UsageError("--accept approves what the rules say now; give it without --against")
    now = frozen_instant("--today", today, UTC) if today else None
    after = Edition.of(rules.as_posix(), rules)
    calls = find_calls(source, _known(hook, after), now)
    workers = jobs or cores()
    if not (against or calls.answered) and style in ("markdown", "html"):
        raise UsageError(f"--format {style} shows a comparison; give --against REV, or a decision log")
    if calls.answered and accept:
        raise UsageError("--accept approves the answers of fixtures; a log holds what was answered")
    if against or calls.answered:
        impact = _impact(calls, against, after, rules, workers)
        click.echo(_FORMS[style](impact), nl=False)
        ctx.exit(0 if impact.clean else 1)
    tally = _plain(calls, after, workers, style, accept=accept)
    ctx.exit(0 if tally.clean or (accept and not tally.failures) else 1)


def _impact(calls: Calls, against: str | None, after: Edition, rules: Path, workers: int) -> Impact:
    if against is None:
        return rechecked(calls, after, workers)
    with other_edition(against, rules) as before:
        return compared(calls, before, after, workers)


def _known(hook: str, edition: Edition) -> str:
    hooks = sorted({hook for at in edition.books.values() for hook in prepared(at).plans})
    if hooks and hook not in hooks:
        raise UsageError(f"--hook {hook}: no rule is for it ({nearest(hook, hooks)})")
    return hook


def compared(calls: Calls, before: Edition, after: Edition, jobs: int) -> Impact:
    """The impact of going from one edition to the other; by rules that are the same nothing is decided."""
    both = pairs(before, after)
    versions = book_versions(before, after)
    impact = Impact(before.label, after.label, versions, edited(both), passed_over=calls.passed_over)
    changed = {pair.after for pair in both}
    same = tuple(at for at in after.books.values() if at not in changed)
    decided = partial(compare, pairs=both, same=same)
    with progress(each(calls.each, decided, jobs), calls.total) as results:
        return gathered(impact, results)


def rechecked(calls: Calls, after: Edition, jobs: int) -> Impact:
    """How the answers of an edition would differ from those that a service gave."""
    impact = Impact("as answered", after.label, (), passed_over=calls.passed_over)
    decided = partial(recheck, books=tuple(after.books.values()))
    with progress(each(calls.each, decided, jobs), calls.total) as results:
        return gathered(impact, results)


# --- one version ---------------------------------------------------------------------------------


def _plain(calls: Calls, edition: Edition, jobs: int, style: str, *, accept: bool) -> Tally:
    books = tuple(edition.books.values())
    approvals = _approvals(calls, books, accept=accept)
    tally = Tally()
    with progress(each(calls.each, partial(decide, books=books), jobs), calls.total) as results:
        told = _told(results, approvals, tally)
        if style == "json":
            _print_json(told)
        else:
            for one, difference in told:
                click.echo("\n".join(lines(one, difference, accepted=accept)))
            click.echo(summary(tally, accepted=accept))
    return tally


def _approvals(calls: Calls, books: tuple[RulesAt, ...], *, accept: bool) -> Approvals:
    recorded: frozenset[str] = frozenset()
    if calls.approved is not None:
        recorded = frozenset(call.name for call in calls.each if call.recorded)
    if accept and (not recorded or len(books) > 1):
        raise UsageError("--accept needs fixtures with requests/, and --rules of one rulebook")
    return Approvals(calls.approved if len(books) == 1 else None, recorded, accept)


def _told(
    results: Iterator[tuple[Replayed, ...]], approvals: Approvals, tally: Tally
) -> Iterator[tuple[Replayed, str]]:
    for result in results:
        tally.replayed += 1
        for one in result:
            difference = approvals.difference(one)
            tally.failures += bool(one.failure)
            tally.cards += len((one.answered.body or {}).get("cards", ()))
            tally.stale += [one.call] if difference else []
            yield one, difference


def _print_json(told: Iterator[tuple[Replayed, str]]) -> None:
    """A list, written as it comes: an export of any length needs no more memory than one call."""
    click.echo("[", nl=False)
    for at, (one, difference) in enumerate(told):
        text = json.dumps(call_json(one, difference), ensure_ascii=False)
        click.echo(("," if at else "") + f"\n{text}", nl=False)
    click.echo("\n]")
