"""`cds feedback`: what clinicians did with the cards, per rule and version."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from textwrap import fill
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cds_service.authoring.shownlog import ShownLog
from cds_service.authoring.tally import UNKNOWN, Count, Reason, RuleVersion, Window, tally
from cds_service.cards.cardbook import CardBook
from cds_service.errors import RuleError, UsageError
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import Entry, FeedbackLog

_HELP = """Report per rule and version: cards shown, accepted, overridden and why, and without an answer.

Feedback is read from CDS_DATABASE_URL. What was shown is in the decision log: give its files with --log.
A card counts once for each client and service, with its latest outcome there. Clients and services are
counted together; --by tells them apart. Comments are free text and may name patients.

\b
  cds feedback
  cds feedback --by client --by service
  cds feedback --log var/decisions.jsonl --since 2026-01-01 --until 2026-03-31
  cds feedback --comments --format json
"""
_LOG = "A file of the decision log; may be given several times."
_BY = "Count clients (and their tenants) or services apart; may be given twice."
_APART = {"client": ("client", "tenant"), "service": ("service",)}
_WHOSE = ("rule", "version")
_COLUMNS = ("shown", "accepted", "overridden", "no answer", "not in log", "reasons")
_COMMENT_COLUMNS = ("time", "outcome", "reason", "comment")
_NOT_KNOWN = "not known"
_TOGETHER = (
    "Some rows count several clients, tenants or services together; --by client and --by service tell them "
    "apart."
)
_NO_LOG = (
    "Without the decision log (--log) nobody knows which cards were shown, or shown and never answered, or "
    "answered by a client that was never shown them."
)
_NOT_SHOWN = (
    "not in log: cards that were answered, and that the log does not have as shown to that client by that "
    "service. They are of another time, or in a file of the log that was not given, or were answered at the "
    "address of another service, or are made up."
)
_UNKNOWN = (
    f"{UNKNOWN}: version has the digits its cards begin with, - for cards that cannot be ours; name the "
    "folder of the older rules with --rules, or the log with --log."
)


@click.command(help=_HELP)
@click.option("--log", "logs", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help=_LOG)
@click.option("--since", metavar="DATE", help="Leave out what was before this day or instant.")
@click.option("--until", metavar="DATE", help="Leave out what was after this day, or from this instant on.")
@click.option("--by", multiple=True, type=click.Choice(list(_APART)), help=_BY)
@click.option("--comments", is_flag=True, help="Print the comments, too; in CSV instead of the counts.")
@click.option("--rules", type=click.Path(path_type=Path), help="Folder of the rulebooks.  [default: rules]")
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True
)
def feedback(
    logs: tuple[Path, ...],
    since: str | None,
    until: str | None,
    by: tuple[str, ...],
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
    apart = tuple(name for each in _APART if each in by for name in _APART[each])
    counts = tally(_log(settings).said(), shown, known, window, apart)
    if style == "json":
        click.echo(json.dumps(as_json(counts, apart, comments=comments), indent=2, ensure_ascii=False))
    elif style == "csv":
        click.echo(as_csv(counts, apart, comments=comments), nl=False)
    else:
        _print(counts, apart, comments=comments)
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


def as_json(counts: Sequence[Count], apart: Sequence[str], *, comments: bool) -> list[dict[str, Any]]:
    """The counts as plain data, `apart` the fields of a channel among them; what is not known is null."""
    return [
        {
            "rule": one.rule,
            "version": one.version,
            **{name: getattr(one.channel, name) for name in apart},
            "shown": one.shown,
            "accepted": one.accepted,
            "overridden": one.overridden,
            "noAnswer": one.no_answer,
            "notInLog": one.not_shown,
            "reasons": [reason._asdict() | {"cards": cards} for reason, cards in one.reasons.most_common()],
            **({"comments": [_comment(entry) for entry in one.comments]} if comments else {}),
        }
        for one in counts
    ]


def as_csv(counts: Sequence[Count], apart: Sequence[str], *, comments: bool) -> str:
    """The counts, or the comments, as CSV with a header; a spreadsheet will run none of it."""
    rows = comment_rows(counts, apart) if comments else count_rows(counts, apart)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_WHOSE, *apart, *(_COMMENT_COLUMNS if comments else _COLUMNS)))
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def count_rows(counts: Sequence[Count], apart: Sequence[str]) -> list[tuple[str, ...]]:
    """One row per rule version and what is counted apart, in the order of the columns."""
    return [
        (
            *_whose(one, apart),
            _number(one.shown),
            str(one.accepted),
            str(one.overridden),
            _number(one.no_answer),
            _number(one.not_shown),
            "; ".join(f"{_name(reason)} {cards}" for reason, cards in one.reasons.most_common()),
        )
        for one in counts
    ]


def comment_rows(counts: Sequence[Count], apart: Sequence[str]) -> list[tuple[str, ...]]:
    """One row per comment, in the order of the columns."""
    return [
        (
            *_whose(one, apart),
            entry.outcome_time.isoformat(),
            entry.outcome,
            _name(_reason(entry)) if entry.outcome == "overridden" else "",
            entry.comment,
        )
        for one in counts
        for entry in one.comments
    ]


def _whose(count: Count, apart: Sequence[str]) -> tuple[str, ...]:
    told = (count.version, *(getattr(count.channel, name) for name in apart))
    return (count.rule, *(text or "-" for text in told))


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


def _print(counts: Sequence[Count], apart: Sequence[str], *, comments: bool) -> None:
    if not counts:
        click.echo("No feedback and no card in this time.")
        return
    whose = (*_WHOSE, *apart)
    _table((*whose, *_COLUMNS), count_rows(counts, apart))
    if comments:
        click.echo("")
        rows = comment_rows(counts, apart)
        _table((*whose, *_COMMENT_COLUMNS), rows) if rows else click.echo("No comments.")
    for line in _notes(counts):
        click.echo(f"\n{fill(line, 100)}")


def _notes(counts: Sequence[Count]) -> Iterator[str]:
    """What a reader of these counts may ask."""
    if any(one.rule == UNKNOWN for one in counts):
        yield _UNKNOWN
    if any(len(one.channels) > 1 for one in counts):
        yield _TOGETHER
    if any(one.shown is None for one in counts):
        yield _NO_LOG
    elif any(one.not_shown for one in counts):
        yield _NOT_SHOWN


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
