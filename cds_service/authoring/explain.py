"""`cds explain`: why a rule decides a chart, or a recorded hook call, as it does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from cds_service.authoring.bench import Bench
from cds_service.authoring.cardways import card_json, card_text
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
from cds_service.authoring.graph import graph_of, mermaid, svg
from cds_service.authoring.needs import as_json as needs_json
from cds_service.authoring.needs import as_text as needs_text
from cds_service.authoring.needs import key_needs
from cds_service.authoring.patches import Orders
from cds_service.authoring.testfile import DEFAULT_HOOK, hooks_of
from cds_service.authoring.whylocal import card_changed_here
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
  cds explain trd-definition-met --chart v03-short-trials --card    why no card, and what would make one
  cds explain --prefetch                                 which rule needs which data, hook by hook
  cds explain any-caution --graph mermaid                which rules a rule uses, and which use it

--draft MedicationRequest/ID takes an order of the chart as one that is being written.
"""
_TODAY = "The time of the call: a date (noon, UTC) or an instant.  [default: the chart's own]"
_DRAFT = "Take this order as one that is being written; may be given several times."
_SELECT = "A draft that is selected; may be given several times.  [default: all of them]"
_CARD = "Say why the rule's card shows, or what would have to be different for one to show."
_DRAWINGS = {"mermaid": mermaid, "svg": svg}


@click.command(help=_HELP)
@click.argument("rule_id", metavar="[RULE]", required=False, default="")
@click.option("--chart", metavar="NAME", help="A chart of the fixtures, or the path of one.")
@click.option("--request", "call", metavar="NAME", help="A recorded hook call instead, or the path of one.")
@click.option("--hook", metavar="HOOK", help="The hook of the call.  [default: the rule's first one]")
@click.option("--draft", "drafts", metavar="REF", multiple=True, help=_DRAFT)
@click.option("--select", "selected", metavar="REF", multiple=True, help=_SELECT)
@click.option("--today", metavar="DATE", help=_TODAY)
@click.option("--card", "of_card", is_flag=True, help=_CARD)
@click.option("--prefetch", is_flag=True, help="Which data RULE, or every rule, needs; no chart is read.")
@click.option(
    "--graph", type=click.Choice(list(_DRAWINGS)), help="Draw which rule uses which; no chart is read."
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path),
    default=FIXTURES,
    show_default=True,
    help="The folder of charts/ and requests/.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(
    rule_id: str,
    chart: str | None,
    call: str | None,
    hook: str | None,
    drafts: tuple[str, ...],
    selected: tuple[str, ...],
    today: str | None,
    of_card: bool,
    prefetch: bool,
    graph: str | None,
    rules: Path,
    fixtures: Path,
    style: str,
) -> None:
    """Explain one rule. Exit 2 for a rule or chart that is not there."""
    if prefetch or graph:
        if chart or call or of_card:
            raise UsageError(
                "--prefetch and --graph are about rules alone; leave out --chart, --request, --card"
            )
        books = [find_rule(rule_id, rules)] if rule_id else every_rulebook(rules)
        click.echo(_drawn(books, rule_id, graph) if graph else _needed(books, rule_id, style))
        return
    _check_use(rule_id, chart, call, hook, (*drafts, *selected))
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
        click.echo(json.dumps(explain_json(evaluation, rule_id, of_card), indent=2, ensure_ascii=False))
    elif of_card:
        card = card_of(evaluation, rule_id)
        click.echo(card_text(evaluation, card, _why(evaluation, rule_id), _local(evaluation, rule_id, card)))
    else:
        _print(evaluation, rule_id)


def _check_use(
    rule_id: str, chart: str | None, call: str | None, hook: str | None, orders: tuple[str, ...]
) -> None:
    if not rule_id:
        raise UsageError("name a rule; without one there is --prefetch and --graph")
    if (chart is None) == (call is None):
        raise UsageError("give one of --chart NAME and --request NAME")
    if call is not None and hook is not None:
        raise UsageError("--hook is for charts; a recorded call names its own hook")
    if call is not None and orders:
        raise UsageError("--draft and --select are for charts; a recorded call holds its own orders")


def _drawn(books: Sequence[Rulebook], rule_id: str, graph: str) -> str:
    if len(books) > 1:
        raise UsageError("--graph draws one rulebook; name a rule, or give --rules FOLDER of one")
    return _DRAWINGS[graph](graph_of(books[0], rule_id)).rstrip()


def _needed(books: Sequence[Rulebook], rule_id: str, style: str) -> str:
    found = [need for book in books for need in key_needs(book, rule_id)]
    return json.dumps(needs_json(found), indent=2) if style == "json" else needs_text(found)


def _path(name: str, folder: Path, find: Any) -> Path:
    """A path as given, or a name in the fixtures."""
    given = Path(name)
    if given.suffix == ".json" and given.is_file():
        return given
    found: Path = find(name, folder)
    return found


def every_rulebook(rules: Path) -> tuple[Rulebook, ...]:
    """All rulebooks of a folder. Raises UsageError if there is none, RuleError."""
    folders = find_rulebooks(rules)
    if not folders:
        raise UsageError(f"no rulebook in {rules}: run this where rules/ is, or give --rules FOLDER")
    return tuple(load_rulebook(folder) for folder in folders)


def find_rule(rule_id: str, rules: Path) -> Rulebook:
    """The rulebook that holds a rule. Raises UsageError naming the nearest rule, RuleError."""
    books = every_rulebook(rules)
    known = [one for book in books for one in book.by_id]
    if rule_id not in known:
        raise UsageError(f"there is no rule {rule_id!r} ({nearest(rule_id, known)})")
    return next(book for book in books if rule_id in book.by_id)


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
    card = card_of(evaluation, rule_id)
    told = "\n".join((str(card), *_local(evaluation, rule_id, card)))
    return explained(_why(evaluation, rule_id), _file(evaluation, rule_id), told)


def explain_json(evaluation: Evaluation, rule_id: str, of_card: bool = False) -> dict[str, Any]:
    """The same for a program; `of_card` adds why the card shows, or the ways to one."""
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
    if local := _local(evaluation, rule_id, card):
        body["card"]["notes"] = list(local)
    if not card.shown:
        body["card"]["reason"] = card.reason or card.withheld or card.inactive
    if of_card:
        body["card"] |= card_json(evaluation, card, why)
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
    return replace(card, withheld="it gives way, more important cards fill the answer")


def _why(evaluation: Evaluation, rule_id: str) -> Why:
    local = evaluation.decision.book.rulebook.local
    return why_tree(evaluation.decision.record, rule_id, evaluation.chart, local)


def _local(evaluation: Evaluation, rule_id: str, card: CardWhy) -> tuple[str, ...]:
    """What the site reworded in the card of this outcome."""
    return card_changed_here(card.outcome, rule_id, evaluation.decision.book.rulebook.local)


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
        card = card_of(evaluation, rule_id)
        for line in (str(card), *_local(evaluation, rule_id, card)):
            console.print(Text(line))
    else:
        click.echo(explain_text(evaluation, rule_id))
