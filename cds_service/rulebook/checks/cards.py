"""Checks of the cards: texts that can be filled in, short summaries, reasons to override, a hook."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.buttons import actions_of
from cds_service.rulebook.checks.facts import unknown_file
from cds_service.rulebook.checks.knowledge import refused_fact, row_columns, source_known
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import FromTemplate, RowsFact, Rule
from cds_service.rulebook.shelf import UNREADABLE, Shelf
from cds_service.rulebook.walk import cards_of, texts_of

LONGEST_SUMMARY = 139
WORDS = ("missing_count", "missing_questions", "line_count")
PARTS = ("display", "date", "unit", "rows", "rejected")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders_are_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Everything in braces is a fact, a part of one, or one of three words."""
    for path, card in cards_of(parsed.model):
        for where, text in texts_of(card, path):
            for name in PLACEHOLDER.findall(text):
                hint = _unknown(name, parsed)
                if hint is not None:
                    yield parsed.problem(
                        where, "card/unknown-placeholder", f"nothing can be filled in for {{{name}}}", hint
                    )


def _unknown(name: str, parsed: Parsed[Rule]) -> str | None:
    return None if name in WORDS else unknown_part(name, parsed, WORDS)


def unknown_part(name: str, parsed: Parsed[Rule], others: tuple[str, ...]) -> str | None:
    """What to try instead of a fact or a part of one; None if it is known. `others` are further words."""
    fact_name, dot, part = name.partition(".")
    fact = parsed.model.data.get(fact_name)
    if fact is None:
        if refused_fact(parsed, fact_name):
            return None
        known = [one for one in parsed.model.data if one != UNREADABLE]
        return nearest(fact_name, [*known, *others])
    if not dot or not source_known(fact):
        return None
    if isinstance(fact, CalculateFact):
        return None if part == "unit" else f"write {{{fact_name}}}: of a calculation only .unit can be shown"
    if not isinstance(fact, RowsFact):
        return f"write {{{fact_name}}}: a conclusion has no parts"
    parts = [*PARTS, *row_columns(fact)]
    return None if part in parts else nearest(part, parts)


def summary_is_short(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A summary fits in 139 characters even with nothing filled in."""
    for path, card in cards_of(parsed.model):
        own = len(PLACEHOLDER.sub("", card.summary))
        if own > LONGEST_SUMMARY:
            yield parsed.problem(
                (*path, "summary"),
                "card/summary-too-long",
                f"the summary has {own} characters before fill-in, at most {LONGEST_SUMMARY} fit",
                "move the rest to detail",
            )


def override_reasons_are_given(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A warning or critical card offers reasons to override it."""
    for path, card in cards_of(parsed.model):
        if card.indicator != "info" and not card.override_reasons:
            yield parsed.problem(
                (*path, "indicator"),
                "card/override-reasons-missing",
                f"a {card.indicator} card needs reasons to override it",
                "add override_reasons: [...] with ids of override-reasons.yaml",
            )


def override_reasons_are_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """Override reasons are ids of override-reasons.yaml."""
    if shelf.reasons is None:
        return
    known = shelf.known("reason")
    for path, card in cards_of(parsed.model):
        for index, reason in enumerate(card.override_reasons):
            if reason not in known:
                yield parsed.problem(
                    (*path, "override_reasons", index),
                    "card/unknown-override-reason",
                    f"override-reasons.yaml has no {reason!r}",
                    nearest(reason, sorted(known)),
                )


def templates_are_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """The template of an action is a file of this rulebook."""
    known = shelf.known("template")
    for path, action in actions_of(parsed.model):
        if isinstance(action.resource, FromTemplate) and action.resource.template not in known:
            where = (*path, "resource", "template")
            yield unknown_file(parsed, where, "template", action.resource.template, known)


def merge_group_is_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """The group a card is merged into is declared in rulebook.yaml."""
    if shelf.about is None:
        return
    known = list(shelf.about.model.merge)
    for path, card in cards_of(parsed.model):
        if card.merge is not None and card.merge not in known:
            yield parsed.problem(
                (*path, "merge"),
                "card/unknown-merge-group",
                f"rulebook.yaml has no merge group {card.merge!r}",
                nearest(card.merge, known) or "add it under merge:",
            )


def card_can_appear(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """A card has a hook to appear on, and its own hooks are among the rule's."""
    if parsed.broken_under("hooks"):
        return
    hooks = parsed.model.hooks
    for path, card in cards_of(parsed.model):
        if not hooks:
            yield parsed.problem_at_key(
                path[:2],
                "card/never-shown",
                "this card never appears: the rule names no hooks",
                "add hooks: [...]",
            )
        for index, hook in enumerate(card.hooks):
            if hooks and hook not in hooks:
                yield parsed.problem(
                    (*path, "hooks", index),
                    "card/never-shown",
                    f"the rule has no cards on {hook!r}",
                    f"choose among {', '.join(hooks)}",
                )
