"""The command line `cds`: one verb per task, each loaded only when it is called.

Exit codes: 0 clean, 1 findings or failures, 2 wrong use.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from cds_service.errors import CdsError, UsageError


class Verb(NamedTuple):
    """Where a verb lives, and its one line of help."""

    module: str
    attribute: str
    help: str


VERBS: Mapping[str, Verb] = {
    "serve": Verb("cds_service.web.serve", "serve", "Serve the rules over HTTP."),
    "new": Verb("cds_service.authoring.scaffold.verb", "new", "Write the first files of a rule or rulebook."),
    "lint": Verb("cds_service.authoring.lint.verb", "lint", "Check rule files and say what to mend."),
    "fmt": Verb("cds_service.authoring.fmt.verb", "fmt", "Put the files of a rulebook in canonical form."),
    "test": Verb("cds_service.authoring.ruletest", "test", "Run the tests that stand beside the rules."),
    "coverage": Verb(
        "cds_service.authoring.coverage.verb", "coverage", "Show what the tests of the rules try, and miss."
    ),
    "explain": Verb(
        "cds_service.authoring.explain", "explain", "Show why a rule decides a chart as it does."
    ),
    "replay": Verb(
        "cds_service.authoring.replay.verb", "replay", "Show whose cards an edit of the rules changes."
    ),
    "feedback": Verb("cds_service.authoring.feedback", "feedback", "Report what became of the cards."),
    "fhir-server": Verb(
        "cds_service.authoring.fhirserver.verb",
        "fhir_server",
        "Serve example charts as a FHIR server, for tests.",
    ),
    "check-connection": Verb(
        "cds_service.authoring.connection.verb",
        "check_connection",
        "Say what a FHIR server gives the rules, key by key.",
    ),
    "export": Verb("cds_service.authoring.export.verb", "export", "Write a rulebook as FHIR R4 resources."),
    "docs": Verb("cds_service.authoring.docs", "docs", "Write a page for every rule, in words."),
}


_HELP = """Clinical rules as CDS Hooks cards: write, check, test, explain and serve them.

A rulebook is a folder below rules/; made-up patients to try it on are below fhir_fixtures/. Commands look for
both in the folder where they are called. A new rule, from its first line to its answer (docs/first-rule.md
goes through it):

\b
  cds new rulebook our-clinic
  cds new rule caution/heavy-patient --rules rules/our-clinic
  cds lint                                           what to mend, line by line
  cds test                                           do the cases beside the rule say what it does
  cds explain heavy-patient --chart heavy-patient    criterion by criterion, on one patient
  cds serve                                          answer an EHR, once its status is shadow or active

Each command says more: cds COMMAND --help.
"""


class Verbs(click.Group):
    """A group whose commands are imported only when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs in the order of a rule's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a verb; None if there is no such verb."""
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        try:
            command: click.Command = getattr(import_module(verb.module), verb.attribute)
        except ModuleNotFoundError as error:
            if error.name != verb.module:
                raise
            raise UsageError(f"`cds {cmd_name}` is not part of this version") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs with their help, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; an error of ours is one line on stderr, never a traceback."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            click.echo(f"cds: {error}", err=True)
            ctx.exit(2)
        except CdsError as error:
            click.echo(_told(error), err=True)
            ctx.exit(1)


def _told(error: CdsError) -> str:
    """A RuleError's lines are located already; any other error says whose words they are."""
    return str(error) if hasattr(error, "problems") else f"cds: {error}"


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=_HELP,
    epilog="Exit codes: 0 clean, 1 findings or failures, 2 wrong use.",
)
@click.version_option(package_name="cds-service", prog_name="cds", message="%(prog)s %(version)s")
def cli() -> None:
    """Clinical rules as CDS Hooks cards: write, check, test, explain and serve them."""


def main() -> None:
    """The entry point of the installed command."""
    sys.exit(cli.main(prog_name="cds"))


if __name__ == "__main__":
    main()
