"""`cds export`: a rulebook as FHIR R4 resources, or as the attributes that must be disclosed of it."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import click

from cds_service.authoring.explain import every_rulebook
from cds_service.authoring.export.parts import export_bundle
from cds_service.authoring.export.transparency import as_markdown, transparency
from cds_service.errors import UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import frozen_instant

_HELP = """Write a rulebook as a FHIR R4 Bundle.

It holds a PlanDefinition per rule (event, condition, action), a ValueSet per value set, and a Library with
the sources.

With --transparency instead: developer, funding, citations, dates, and which personal data the rules use, as a
notice about decision support asks for. What nobody stated is reported as not stated.

\b
  cds export > ketamine-trd.json
  cds export --transparency --format markdown --funding "None; made by the hospital" --released 2026-11-23

A receiver can read rules, evidence, codes and triggers, but not run the rules: expressions are in the
language of the rule files (text/x-cds-rule).
"""


@click.command(help=_HELP)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
@click.option("--transparency", "disclose", is_flag=True, help="The attributes to disclose, not FHIR.")
@click.option("--funding", default="", metavar="TEXT", help="Who paid; only the publisher knows.")
@click.option("--released", metavar="DATE", help="When this version was released.")
@click.option("--format", "style", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
def export(rules: Path, disclose: bool, funding: str, released: str | None, style: str) -> None:
    """Print the export. Exit 2 for wrong use."""
    if not disclose and (funding or released or style == "markdown"):
        raise UsageError("--funding, --released and --format markdown belong to --transparency")
    book = _only(every_rulebook(rules))
    if not disclose:
        click.echo(json.dumps(export_bundle(book), indent=2, ensure_ascii=False))
        return
    day = frozen_instant("--released", released, UTC).date() if released else None
    found = transparency(book, funding=funding, released=day)
    click.echo(as_markdown(found) if style == "markdown" else json.dumps(found, indent=2, ensure_ascii=False))


def _only(books: tuple[Rulebook, ...]) -> Rulebook:
    if len(books) > 1:
        named = ", ".join(book.folder.as_posix() for book in books)
        raise UsageError(f"--rules must name one rulebook; here are {named}")
    return books[0]
