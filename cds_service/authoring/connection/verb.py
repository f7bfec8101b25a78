"""`cds check-connection`: what an EHR's FHIR server gives the rules, key by key, before anybody is served."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cds_service.authoring.connection.ask import Connection, check
from cds_service.authoring.connection.report import report, whole_report
from cds_service.authoring.connection.words import console, told
from cds_service.errors import UsageError, nearest
from cds_service.facts.server.query import is_id
from cds_service.facts.server.reads import FhirReader
from cds_service.pipeline import ServedRulebook
from cds_service.rulebook.hooks import hook_named
from cds_service.settings import Settings
from cds_service.web.rules import load_rulebooks

_BASE = re.compile(r"https?://[^\s/?#@]+[^\s?#@]*")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_LONGEST_TOKEN = 100_000

_HELP = """Say what each prefetch key of a hook would get from a FHIR server, and what the rules could decide.

Every key is read from the server as the service reads what an EHR did not send: side by side, page after
page, within CDS_DEADLINE_MS. Then the rules are run on what came. No content of a resource is printed.

\b
  cds check-connection --fhir http://127.0.0.1:8090/fhir --patient v01 --today 2026-03-01
  cds check-connection --fhir https://ehr.example.org/fhir --token-file token.txt --patient 123

The token is read from a file, so that it shows in no list of processes and no history; `-` reads it from
standard input. It is sent to this server only, over plain http only within this machine or a private network.

Exit codes: 0 every key obtained, 1 some were not, 2 wrong use.
"""


@click.command(name="check-connection", help=_HELP)
@click.option("--fhir", "base", metavar="BASE", required=True, help="The FHIR server's base URL.")
@click.option("--patient", metavar="ID", required=True, help="The patient whose chart is read.")
@click.option("--encounter", metavar="ID", default="", help="The encounter in which the chart is opened.")
@click.option("--token-file", metavar="FILE", help="A file that holds an access token; - is standard input.")
@click.option(
    "--hook", metavar="HOOK", default="patient-view", show_default=True, help="The hook whose keys are read."
)
@click.option(
    "--today", metavar="DATE", help="The time of the call: a date (noon) or an instant.  [default: now]"
)
@click.option("--rules", metavar="FOLDER", help="The folder of the rulebooks.  [default: rules]")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check_connection(
    base: str,
    patient: str,
    encounter: str,
    token_file: str | None,
    hook: str,
    today: str | None,
    rules: str | None,
    style: str,
) -> None:
    """Check one connection. Exit 1 if a key was not obtained in full."""
    given = {"CDS_TODAY": today, "CDS_RULES": rules}
    settings = Settings.from_environment(os.environ | {name: text for name, text in given.items() if text})
    books = _served(settings, hook)
    connection = Connection(
        _base(base), _id("Patient", patient), _encounter(hook, encounter), _token(token_file)
    )
    as_of = settings.today or datetime.now(UTC)
    reader = FhirReader(settings.deadline_ms)
    try:
        checked = [
            check(one, connection.request(one, hook, as_of, settings.timezone), connection.policy, reader)
            for one in books
        ]
    finally:
        reader.close()
    at = as_of.astimezone(settings.timezone).isoformat(timespec="seconds")
    found = whole_report(connection.base, hook, at, (report(one) for one in checked))
    if style == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        console().print(told(found))
    sys.exit(0 if all(one.obtained for one in checked) else 1)


def _served(settings: Settings, hook: str) -> list[ServedRulebook]:
    """The rulebooks with rules for the hook. Raises UsageError naming the nearest hook."""
    books = load_rulebooks(settings)
    known = sorted({name for book in books for name in book.hooks})
    if hook not in known:
        raise UsageError(f"--hook: no rule is for the hook {hook!r} ({nearest(hook, known)})")
    return [ServedRulebook.prepare(book, settings.engine) for book in books if hook in book.hooks]


def _base(text: str) -> str:
    if not _BASE.fullmatch(text):
        raise UsageError(
            "--fhir: expected the base URL of a FHIR server, without a user, ? or #; "
            "try http://127.0.0.1:8090/fhir"
        )
    return text.rstrip("/")


def _id(kind: str, text: str) -> str:
    """The id of a resource, given bare or as `Type/id`; anything else of a path is a mistake."""
    bare = text.removeprefix(f"{kind}/")
    if not is_id(bare):
        raise UsageError(
            f"--{kind.lower()}: expected a FHIR id (up to 64 letters, digits, - and .), "
            f"bare or behind {kind}/; try {kind}/123"
        )
    return bare


def _encounter(hook: str, text: str) -> str:
    visit = hook_named(hook).field("encounterId")
    if not text and visit is not None and visit.required:
        raise UsageError(f"--encounter: a call of {hook} always names the visit; give its id")
    return _id("Encounter", text) if text else ""


def _token(name: str | None) -> str:
    """The token of a file. Raises UsageError, which never repeats what was read."""
    if name is None:
        return ""
    try:
        text = sys.stdin.read(_LONGEST_TOKEN) if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError):
        raise UsageError("--token-file: the file cannot be read; name a text file, or - for input") from None
    token = text.strip().removeprefix("Bearer ").strip()
    if not _TOKEN.fullmatch(token):
        raise UsageError("--token-file: expected one access token and nothing else (RFC 6750)")
    return token
