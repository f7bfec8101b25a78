"""Walks a rule and names the path of everything in it, so that a check can say where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from cds_service.rulebook.yamlfile import DataPath

if TYPE_CHECKING:
    from cds_service.rulebook.rule import Card, Rule


def everything(value: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, Any]]:
    """Every value with its path, models before their parts; paths use the keys of the file."""
    yield path, value
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from everything(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from everything(item, (*path, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from everything(item, (*path, key))


def cards_of(rule: Rule) -> Iterator[tuple[DataPath, Card]]:
    """Every card with its path."""
    for outcome in ("when_true", "when_unknown", "when_false"):
        for index, card in enumerate(getattr(rule.cards, outcome)):
            yield ("cards", outcome, index), card


def rejected_told(rule: Rule) -> frozenset[str]:
    """The facts of which some card of the rule tells the rows that do not count: `{fact.rejected}`.

    A rule that is not active shows no card.
    """
    if rule.status != "active":
        return frozenset()
    texts = [text for path, card in cards_of(rule) for _, text in texts_of(card, path)]
    return frozenset(name for name in rule.data if any(f"{{{name}.rejected}}" in text for text in texts))


def texts_of(card: Card, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """The texts of a card in which placeholders and citations may stand."""
    yield (*path, "summary"), card.summary
    for index, line in enumerate(card.detail):
        yield (*path, "detail", index, "text"), line.text
    for index, suggestion in enumerate(card.suggestions):
        yield (*path, "suggestions", index, "label"), suggestion.label
        for place, action in enumerate(suggestion.actions):
            yield (*path, "suggestions", index, "actions", place, "description"), action.description
