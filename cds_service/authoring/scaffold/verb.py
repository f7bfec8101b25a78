"""`cds new rulebook` and `cds new rule`: what they write, where, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast, get_args

import click

from cds_service.authoring.charts import CHARTS, FIXTURES
from cds_service.authoring.fmt.text import with_modeline
from cds_service.authoring.scaffold.texts import (
    REASONS,
    SOURCES,
    chart_text,
    rule_text,
    rulebook_text,
    tests_text,
)
from cds_service.authoring.testfile import path_beside
from cds_service.errors import UsageError, nearest
from cds_service.rulebook.load import find_rulebooks
from cds_service.rulebook.rule import Kind
from cds_service.rulebook.schema import SCHEMA_PATH, schema_text
from cds_service.rulebook.shape import ID_PATTERN
from cds_service.rulebook.shelf import BOOK, rule_paths
from cds_service.rulebook.shelf import REASONS as REASONS_FILE
from cds_service.rulebook.shelf import SOURCES as SOURCES_FILE
from cds_service.settings import frozen_instant

KINDS: tuple[str, ...] = get_args(Kind)
FOLDERS: Mapping[str, str] = {
    "definition": "definitions",
    "contraindication": "contraindications",
    "caution": "cautions",
    "interaction": "interactions",
    "dose-check": "treatment",
    "data-gap": "data-gaps",
}
"""Where a rule of a kind stands; a kind not named here has a folder of its name."""
_RULES = click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
_NEW_HELP = """Write the first files of a rulebook or a rule, clean but for the lines marked TODO:.

\b
  cds new rulebook our-clinic
  cds new rule monitoring/level-overdue
"""
_RULE_HELP = f"""Write a rule, its tests and a chart: KIND/NAME, such as caution/heavy-patient.

NAME is the id of the rule, its file and its conclusion. The rule is a draft that asks for the age only. Its
tests are green, and cds lint finds nothing but the lines marked TODO. Change one thing at a time and run
both again. KIND decides the folder, the order of the cards and which checks apply: {", ".join(KINDS)}.

\b
  cds new rule caution/heavy-patient
  cds new rule monitoring/level-overdue --rules rules/our-clinic
"""


@click.group(help=_NEW_HELP)
def new() -> None:
    """Files to begin with."""


@new.command(short_help="Write a rulebook without rules.")
@click.argument("name")
@_RULES
def rulebook(name: str, rules: Path) -> None:
    """Write a rulebook without rules: NAME is its id and its folder below --rules.

    It holds rulebook.yaml (what it is about, and the card that says what could not be checked), sources.yaml
    (numbered; every number of a rule cites one) and override-reasons.yaml. The JSON Schema of rules is
    written beside it, for completion in an editor.

    \b
      cds new rulebook our-clinic
      cds new rule monitoring/level-overdue --rules rules/our-clinic
    """
    _checked(name, "a rulebook")
    folder = rules / name
    files = {
        folder / BOOK: rulebook_text(name),
        folder / SOURCES_FILE: SOURCES,
        folder / REASONS_FILE: REASONS,
    }
    schema = rules / SCHEMA_PATH.name
    _write(files if schema.exists() else {**files, schema: schema_text()})
    click.echo("next: fill in the lines marked TODO:, then cds new rule KIND/NAME")


@new.command(help=_RULE_HELP, short_help="Write a rule, its tests and a chart.")
@click.argument("rule", metavar="KIND/NAME")
@_RULES
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path),
    default=FIXTURES,
    show_default=True,
    help="The folder of charts/ and requests/.",
)
@click.option("--today", metavar="DATE", help="The day of the tests and the chart (default: today).")
def rule(rule: str, rules: Path, fixtures: Path, today: str | None) -> None:
    """Write a rule with its tests and a chart."""
    kind, name = _kind_and_name(rule)
    day = frozen_instant("--today", today, UTC).date() if today else datetime.now(UTC).date()
    book = _book(rules)
    taken = next((path for path in rule_paths(book) if path.stem == name), None)
    if taken is not None:
        raise UsageError(f"{taken} is there already; an id is never used twice")
    path = book / FOLDERS.get(kind, kind) / f"{name}.yaml"
    _write(_rule_files(path, name, kind, fixtures, day))
    click.echo(f"next: fill in the lines marked TODO:, then cds lint {book} and cds test {path}")


def _rule_files(path: Path, name: str, kind: Kind, fixtures: Path, day: date) -> dict[Path, str]:
    return {
        path: with_modeline(rule_text(name, kind, day), path),
        path_beside(path): tests_text(name, kind, day),
        fixtures / CHARTS / f"{name}.json": chart_text(name, day),
    }


def _kind_and_name(text: str) -> tuple[Kind, str]:
    kind, slash, name = text.partition("/")
    if not slash:
        raise UsageError(f"{text!r} names no kind; write KIND/NAME, such as caution/{text}")
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is not a kind of rule; {nearest(kind, KINDS)}")
    _checked(name, "a rule")
    return cast(Kind, kind), name


def _checked(name: str, what: str) -> None:
    if not re.fullmatch(ID_PATTERN, name):
        raise UsageError(
            f"{name!r} cannot be the id of {what}: write words in lower case with hyphens, heavy-patient"
        )


def _book(rules: Path) -> Path:
    """The one rulebook at a path."""
    books = find_rulebooks(rules)
    if not books:
        raise UsageError(f"no rulebook in {rules}: begin with cds new rulebook NAME")
    if len(books) > 1:
        told = ", ".join(str(book) for book in books)
        raise UsageError(f"{rules} holds several rulebooks; name one with --rules: {told}")
    return books[0]


def _write(files: Mapping[Path, str]) -> None:
    """Write all files, or none if one is there already."""
    taken = next((path for path in files if path.exists()), None)
    if taken is not None:
        raise UsageError(f"{taken} is there already, and nothing was written")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.as_posix()}")
