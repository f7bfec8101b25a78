"""`cds explain`: why a rule decides a chart, or a recorded hook call, as it does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from cds_service.authoring.cardwhy import CardWhy, card_why
from cds_service.authoring.charts import (
    CHARTS,
    FIXTURES,
    REQUESTS,
    ChartFile,
    chart_request,
    find_chart,
    find_request,
    request_file,
)
from cds_service.authoring.patches import Orders
from cds_service.authoring.replay import Bench
from cds_service.authoring.testfile import DEFAULT_HOOK, hooks_of
from cds_service.authoring.whytext import as_json, explained, for_the_card, header_of, tree_of
from cds_service.authoring.whytree import Why, why_tree
from cds_service.cards.response import shown
from cds_service.cards.unchecked import gaps_of
from cds_service.errors import UsageError, nearest
from cds_service.pipeline import Evaluation
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.settings import frozen_instant

_HELP = """Show why a rule decides as it does: every criterion with its answer and the entries behind it.

RULE is a rule's id. The chart is replayed as the call an EHR would make of it, at the chart's own time.

\b
  cds explain trd-definition-met --chart v01-clear-trd
  cds explain contraindication-aneurysmal-disease --chart v09-trd-and-aneurysm --hook order-sign
  cds explain suicidality-critical --request v15b-missing-data-not-supplied.patient-view

An order of the chart may be taken as one that is being written: --draft MedicationRequest/id.
"""
_DRAFT = "An order of the chart that is being written; may be given several times."
_SELECT = "Which of them are selected.  [default: all]"


@click.command(help=_HELP)
@click.argument("rule_id", metavar="RULE")
@click.option("--chart", metavar="NAME", help="A chart of the fixtures, or the path of one.")
@click.option("--request", "call", metavar="NAME", help="A recorded hook call instead, or the path of one.")
@click.option("--hook", metavar="HOOK", help="Where the chart is opened.  [default: the rule's first hook]")
@click.option("--draft", "drafts", metavar="REF", multiple=True, help=_DRAFT)
@click.option("--select", "selected", metavar="REF", multiple=True, help=_SELECT)
@click.option("--today", metavar="DATE", help="The time of the call: a date (noon, UTC) or an instant.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True)
@click.option("--fixtures", type=click.Path(path_type=Path), default=FIXTURES, show_default=True)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(
    rule_id: str,
    chart: str | None,
    call: str | None,
    hook: str | None,
    drafts: tuple[str, ...],
    selected: tuple[str, ...],
    today: str | None,
    rules: Path,
    fixtures: Path,
    style: str,
) -> None:
    """Explain one rule. Exit 2 for a rule or chart that is not there."""
    if (chart is None) == (call is None):
        raise UsageError("give one of --chart NAME and --request NAME")
    if call is not None and hook is not None:
        raise UsageError("--hook is for charts; a recorded call names its own hook")
    if call is not None and (drafts or selected):
        raise UsageError("--draft and --select are for charts; a recorded call holds its own orders")
    book = find_rule(rule_id, rules)
    now = frozen_instant("--today", today, UTC) if today else None
    bench = Bench.of(book)
    if chart is not None:
        orders = Orders(drafts, selected or None)
        path = _path(chart, fixtures / CHARTS, find_chart)
        evaluation = explained_chart(bench, rule_id, path, hook, now, orders)
    else:
        path = _path(call or "", fixtures / REQUESTS, find_request)
        request = request_file(path, book, as_of=now, charts=fixtures / CHARTS)
        evaluation = bench.examine(request, rule_id)
    if style == "json":
        click.echo(json.dumps(explain_json(evaluation, rule_id), indent=2, ensure_ascii=False))
    else:
        _print(evaluation, rule_id)


def _path(name: str, folder: Path, find: Any) -> Path:
    """A path as given, or a name in the fixtures."""
    given = Path(name)
    if given.suffix == ".json" and given.is_file():
        return given
    found: Path = find(name, folder)
    return found


def find_rule(rule_id: str, rules: Path) -> Rulebook:
    """The rulebook that holds a rule. Raises UsageError naming the nearest rule, RuleError."""
    folders = find_rulebooks(rules)
    if not folders:
        raise UsageError(f"no rulebook in {rules}: run this where rules/ is, or give --rules FOLDER")
    known: list[str] = []
    for folder in folders:
        book = load_rulebook(folder)
        if rule_id in book.by_id:
            return book
        known.extend(book.by_id)
    raise UsageError(f"there is no rule {rule_id!r} ({nearest(rule_id, known)})")


def explained_chart(
    bench: Bench,
    rule_id: str,
    path: Path,
    hook: str | None,
    as_of: datetime | None,
    orders: Orders | None = None,
) -> Evaluation:
    """A chart decided for a rule. Raises UsageError for a hook no rule is for, or orders not in the chart."""
    rule = bench.book.by_id[rule_id]
    where = hook or next(iter(rule.hooks), DEFAULT_HOOK)
    known = hooks_of(bench.book, rule)
    if where not in known:
        raise UsageError(f"no rule is for the hook {where!r} ({nearest(where, known)})")
    keys = bench.keys(where, rule_id)
    chart, drafts, selections = (orders or Orders()).taken(ChartFile.read(path))
    request = chart_request(
        chart, bench.book, where, as_of=as_of, keys=keys, drafts=drafts, selections=selections
    )
    return bench.examine(request, rule_id)


# --- the explanation -----------------------------------------------------------------------------


def explain_text(evaluation: Evaluation, rule_id: str) -> str:
    """The whole explanation as plain text: the verdict, the tree of criteria, the card."""
    return explained(_why(evaluation, rule_id), _file(evaluation, rule_id), card_of(evaluation, rule_id))


def explain_json(evaluation: Evaluation, rule_id: str) -> dict[str, Any]:
    """The same for a program."""
    rule = evaluation.decision.book.rulebook.by_id[rule_id]
    card = card_of(evaluation, rule_id)
    why = _why(evaluation, rule_id)
    body: dict[str, Any] = {
        "rule": rule_id,
        "version": rule.version,
        "verdict": why.truth.value,
        "file": _file(evaluation, rule_id),
        "hook": evaluation.decision.request.hook,
        "asOf": evaluation.decision.request.as_of.isoformat(),
        "missing": list(evaluation.conclusions[rule_id].missing),
        "criteria": [as_json(child) for child in why.children],
        "card": {"outcome": card.outcome, "shown": card.shown},
    }
    if why.notes:
        body["calculations"] = list(why.notes)
    if card.built is not None:
        body["card"]["summary"] = card.built.summary
    if not card.shown:
        body["card"]["reason"] = card.reason or card.withheld or card.inactive
    return body


def card_of(evaluation: Evaluation, rule_id: str) -> CardWhy:
    """The card of a rule's verdict in a whole call; a card may also give way to more important ones."""
    decision = evaluation.decision
    card = card_why(decision.book, decision.record, rule_id, decision.request.hook, decision.hidden)
    if not card.shown:
        return card
    visible = {
        entry.rule
        for draft in shown(decision, gaps_of(decision))
        if not draft.stays
        for entry in draft.entries
    }
    if rule_id in visible:
        return card
    return CardWhy(card.outcome, card.built, withheld="it gives way, more important cards fill the answer")


def _why(evaluation: Evaluation, rule_id: str) -> Why:
    local = evaluation.decision.book.rulebook.local
    return why_tree(evaluation.decision.record, rule_id, evaluation.chart, local)


def _tree(evaluation: Evaluation, rule_id: str) -> Tree:
    why = _why(evaluation, rule_id)
    return tree_of(why, header_of(why, _file(evaluation, rule_id)))


def _file(evaluation: Evaluation, rule_id: str) -> str:
    path = evaluation.decision.book.rulebook.paths.get(rule_id)
    return path.as_posix() if path is not None else ""


def _print(evaluation: Evaluation, rule_id: str) -> None:
    console = Console(soft_wrap=False, highlight=False)
    if console.is_terminal:
        console.print(_tree(evaluation, rule_id))
        for line in for_the_card(_why(evaluation, rule_id)):
            console.print(Text(line))
        console.print(Text(str(card_of(evaluation, rule_id))))
    else:
        click.echo(explain_text(evaluation, rule_id))
