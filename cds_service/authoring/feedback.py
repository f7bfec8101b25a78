"""`cds feedback`: what clinicians did with the cards, per rule and version."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cds_service.authoring.shownlog import ShownLog
from cds_service.authoring.tally import Count, Reason, RuleVersion, Window, tally
from cds_service.cards.cardbook import CardBook
from cds_service.errors import RuleError, UsageError
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import Entry, FeedbackLog

_HELP = """Report per rule and version: cards shown, accepted, overridden and why, and without an answer.

Feedback is read from CDS_DATABASE_URL. What was shown is in the decision log: give its files with --log.
A card counts once, with its latest outcome. Comments are free text and may name patients.

\b
  cds feedback
  cds feedback --log var/decisions.jsonl --since 2026-01-01 --until 2026-03-31
  cds feedback --comments --format json
"""
_LOG = "A file of the decision log; may be given several times."
_COLUMNS = ("rule", "version", "shown", "accepted", "overridden", "no answer", "reasons")
_COMMENT_COLUMNS = ("rule", "version", "time", "outcome", "reason", "comment")
_NOT_KNOWN = "not known"


@click.command(help=_HELP)
@click.option("--log", "logs", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help=_LOG)
@click.option("--since", metavar="DATE", help="Leave out what was before this day or instant.")
@click.option("--until", metavar="DATE", help="Leave out what was after this day, or from this instant on.")
@click.option("--comments", is_flag=True, help="Print the comments, too; in CSV instead of the counts.")
@click.option("--rules", type=click.Path(path_type=Path), help="Folder of the rulebooks.  [default: rules]")
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True
)
def feedback(
    logs: tuple[Path, ...],
    since: str | None,
    until: str | None,
    comments: bool,
    rules: Path | None,
    style: str,
) -> None:
    """Print the report. Exit 1 if the database cannot be used, 2 for wrong use."""
    settings = Settings.from_environment(os.environ)
    zone = settings.timezone
    window = Window(
        _bound("--since", since, zone, days=0) if since else None,
        _bound("--until", until, zone, days=1) if until else None,
    )
    known = _known(rules or settings.rules)
    shown = ShownLog(logs) if logs else None
    counts = tally(_log(settings).entries(), shown, known, window)
    if style == "json":
        click.echo(json.dumps(as_json(counts, comments=comments), indent=2, ensure_ascii=False))
    elif style == "csv":
        click.echo(as_csv(counts, comments=comments), nl=False)
    else:
        _print(counts, comments=comments, logged=shown is not None)
    if shown is not None and shown.unread:
        click.echo(f"lines of the log that could not be read: {shown.unread}", err=True)


def _log(settings: Settings) -> FeedbackLog:
    database = Database(settings.database_url)
    if database.absent:
        raise UsageError(
            "CDS_DATABASE_URL: there is no database file there yet; run this where the service runs, or set "
            "it to the database of the service."
        )
    return FeedbackLog(database)


def _known(folder: Path) -> Mapping[str, RuleVersion]:
    """The rule versions at hand, by the prefix of their cards; a rulebook with mistakes is passed over."""
    known: dict[str, RuleVersion] = {}
    for path in find_rulebooks(folder):
        try:
            known.update(CardBook.compile(load_rulebook(path)).prefixes)
        except RuleError:
            click.echo(f"{path} has problems, so its rules are not named; try cds lint", err=True)
    return known


def _bound(name: str, text: str, zone: tzinfo, *, days: int) -> datetime:
    """An instant, or the midnight of a date so many days later. Raises UsageError."""
    try:
        if len(text) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days), time(), zone)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UsageError(f"{name}: expected a date or an instant; try 2026-03-01 or 2026-03-01T12:00:00Z.")
    return instant


# --- the forms of the report ---------------------------------------------------------------------


def as_json(counts: Sequence[Count], *, comments: bool) -> list[dict[str, Any]]:
    """The counts as plain data; what is not known is null."""
    return [
        {
            "rule": one.rule,
            "version": one.version,
            "shown": one.shown,
            "accepted": one.accepted,
            "overridden": one.overridden,
            "noAnswer": one.no_answer,
            "reasons": [reason._asdict() | {"cards": cards} for reason, cards in one.reasons.most_common()],
            **({"comments": [_comment(entry) for entry in one.comments]} if comments else {}),
        }
        for one in counts
    ]


def as_csv(counts: Sequence[Count], *, comments: bool) -> str:
    """The counts, or the comments, as CSV with a header; a spreadsheet will run none of it."""
    rows = comment_rows(counts) if comments else count_rows(counts)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COMMENT_COLUMNS if comments else _COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def count_rows(counts: Sequence[Count]) -> list[tuple[str, ...]]:
    """One row per rule version, in the order of the columns."""
    return [
        (
            one.rule,
            one.version or "-",
            _number(one.shown),
            str(one.accepted),
            str(one.overridden),
            _number(one.no_answer),
            "; ".join(f"{_name(reason)} {cards}" for reason, cards in one.reasons.most_common()),
        )
        for one in counts
    ]


def comment_rows(counts: Sequence[Count]) -> list[tuple[str, ...]]:
    """One row per comment, in the order of the columns."""
    return [
        (
            one.rule,
            one.version or "-",
            entry.outcome_time.isoformat(),
            entry.outcome,
            _name(_reason(entry)) if entry.outcome == "overridden" else "",
            entry.comment,
        )
        for one in counts
        for entry in one.comments
    ]


def _comment(entry: Entry) -> dict[str, str]:
    return {
        "time": entry.outcome_time.isoformat(),
        "outcome": entry.outcome,
        "reason": _name(_reason(entry)) if entry.outcome == "overridden" else "",
        "comment": entry.comment,
    }


def _reason(entry: Entry) -> Reason:
    return Reason(entry.reason_system, entry.reason_code, entry.reason_display)


def _name(reason: Reason) -> str:
    return reason.code or reason.display or "no reason given"


def _number(count: int | None) -> str:
    return _NOT_KNOWN if count is None else str(count)


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and cell != "-" else cell


def _readable(text: str) -> str:
    """A text on one line without what a terminal would obey; a clinician's system wrote it, not we."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _print(counts: Sequence[Count], *, comments: bool, logged: bool) -> None:
    if not counts:
        click.echo("No feedback and no card in this time.")
        return
    _table(_COLUMNS, count_rows(counts))
    if comments:
        click.echo("")
        _table(_COMMENT_COLUMNS, comment_rows(counts))
    if not logged:
        click.echo("shown: not known, and so is what had no answer; give the decision log with --log")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A ruled table on a terminal; elsewhere columns two blanks apart."""
    cells = [[_readable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        table = Table(*(Column(name, overflow="fold") for name in columns))
        for texts in cells:
            table.add_row(*(Text(text) for text in texts))
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
