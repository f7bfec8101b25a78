"""Checks of the files that rules share: tables and rulebook.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Problem, nearest
from cds_service.rulebook.checks.cards import LONGEST_SUMMARY, PLACEHOLDER
from cds_service.rulebook.checks.evidence import cited, unknown_source
from cds_service.rulebook.files import CouldNotCheck, RulebookFile
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.shelf import Shelf
from cds_service.rulebook.walk import cards_of, texts_of

COULD_NOT_CHECK_WORDS = ("keys", "rules", "rule_count", "missing_count", "missing_questions")


def table_rows_are_complete(shelf: Shelf) -> Iterator[Problem]:
    """Every row of a table has every column and no other."""
    for parsed in shelf.tables.values():
        columns = parsed.model.columns
        for key, row in parsed.model.rows.items():
            path = ("rows", key, "values")
            missing = [column for column in columns if column not in row.values]
            if missing:
                yield parsed.problem_at_key(
                    path,
                    "table/column-missing",
                    f"{row.name} has no {', '.join(missing)}",
                    f"every row has {', '.join(columns)}",
                )
            for column in row.values:
                if column not in columns:
                    yield parsed.problem_at_key(
                        (*path, column),
                        "table/unknown-column",
                        f"{column!r} is not a column of this table",
                        nearest(column, columns),
                    )


def table_sources_are_known(shelf: Shelf) -> Iterator[Problem]:
    """The source of every row is a number of sources.yaml."""
    known = shelf.source_numbers
    if known is None:
        return
    for parsed in shelf.tables.values():
        for key, row in parsed.model.rows.items():
            if row.source not in known:
                message, hint = unknown_source(row.source, known)
                yield parsed.problem(("rows", key, "source"), "evidence/unknown-source", message, hint)


def could_not_check_fits(shelf: Shelf) -> Iterator[Problem]:
    """The could-not-check card names sources, reasons, rules and placeholders there are."""
    if shelf.about is None:
        return
    card = shelf.about.model.could_not_check
    yield from _references(shelf, shelf.about, card)
    yield from _citations(shelf, shelf.about, card)
    yield from _texts(shelf.about, card)


def wording_is_used(shelf: Shelf) -> Iterator[Problem]:
    """A phrase that a site may say otherwise stands in some card."""
    if shelf.about is None:
        return
    about = shelf.about.model
    texts = [about.could_not_check.summary, about.could_not_check.detail]
    for parsed in shelf.rules:
        for path, card in cards_of(parsed.model):
            texts += [text for _, text in texts_of(card, path)]
    changed = shelf.overlay.model.wording if shelf.overlay is not None else {}
    for key, phrase in about.wording.items():
        if key not in changed and not any(phrase in text for text in texts):
            yield shelf.about.problem(
                ("wording", key),
                "card/unused-wording",
                "no card holds this phrase",
                "write it exactly as the cards do, or remove it",
            )


def _references(shelf: Shelf, about: Parsed[RulebookFile], card: CouldNotCheck) -> Iterator[Problem]:
    sources, reasons, rules = shelf.source_numbers, shelf.known("reason"), shelf.known("rule")
    top = "could_not_check"
    if sources is not None and card.source not in sources:
        message, hint = unknown_source(card.source, sources)
        yield about.problem((top, "source"), "evidence/unknown-source", message, hint)
    for index, reason in enumerate(card.override_reasons):
        if shelf.reasons is not None and reason not in reasons:
            yield about.problem(
                (top, "override_reasons", index),
                "card/unknown-override-reason",
                f"override-reasons.yaml has no {reason!r}",
                nearest(reason, sorted(reasons)),
            )
    named = [("only_if_rules", i, rule) for i, rule in enumerate(card.only_if_rules)]
    named += [("or_unknown_rules", i, rule) for i, rule in enumerate(card.or_unknown_rules)]
    for key, index, rule in named:
        if rule not in rules:
            yield about.problem(
                (top, key, index),
                "data/unknown-conclusion",
                f"no rule is called {rule!r}",
                nearest(rule, sorted(rules)),
            )
    if card.indicator != "info" and not card.override_reasons:
        yield about.problem(
            (top, "indicator"),
            "card/override-reasons-missing",
            f"a {card.indicator} card needs reasons to override it",
            "add override_reasons: [...] with ids of override-reasons.yaml",
        )


def _citations(shelf: Shelf, about: Parsed[RulebookFile], card: CouldNotCheck) -> Iterator[Problem]:
    known = shelf.source_numbers
    for key, text in (("summary", card.summary), ("detail", card.detail)):
        for number in cited(text):
            if known is not None and number not in known:
                message, hint = unknown_source(number, known)
                yield about.problem(("could_not_check", key), "evidence/unknown-source", message, hint)


def _texts(about: Parsed[RulebookFile], card: CouldNotCheck) -> Iterator[Problem]:
    top = "could_not_check"
    for key, text in (("summary", card.summary), ("detail", card.detail)):
        for name in PLACEHOLDER.findall(text):
            if name not in COULD_NOT_CHECK_WORDS:
                yield about.problem(
                    (top, key),
                    "card/unknown-placeholder",
                    f"nothing can be filled in for {{{name}}}",
                    nearest(name, COULD_NOT_CHECK_WORDS),
                )
    own = len(PLACEHOLDER.sub("", card.summary))
    if own > LONGEST_SUMMARY:
        yield about.problem(
            (top, "summary"),
            "card/summary-too-long",
            f"the summary has {own} characters before fill-in, at most {LONGEST_SUMMARY} fit",
            "move the rest to detail",
        )
