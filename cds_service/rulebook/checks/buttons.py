"""Walks what the cards of a rule offer: suggestions, their actions, the facts and texts these name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.rulebook.card import Action, FromFact, Suggestion
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of
from cds_service.rulebook.yamlfile import DataPath


def suggestions_of(rule: Rule) -> Iterator[tuple[DataPath, Suggestion]]:
    """Every suggestion with its path."""
    for path, card in cards_of(rule):
        for index, suggestion in enumerate(card.suggestions):
            yield (*path, "suggestions", index), suggestion


def actions_of(rule: Rule) -> Iterator[tuple[DataPath, Action]]:
    """Every action with its path."""
    for path, suggestion in suggestions_of(rule):
        for index, action in enumerate(suggestion.actions):
            yield (*path, "actions", index), action


def updates_of(rule: Rule) -> Iterator[tuple[DataPath, FromFact]]:
    """Every resource made from a fact's row, with the path of what it is made of."""
    for path, action in actions_of(rule):
        if isinstance(action.resource, FromFact):
            yield (*path, "resource"), action.resource


def changed_facts(rule: Rule) -> Iterator[tuple[DataPath, str]]:
    """The facts whose rows are updated or deleted, each with its path."""
    for path, resource in updates_of(rule):
        yield (*path, "from"), resource.origin
    for path, action in actions_of(rule):
        if action.origin is not None:
            yield (*path, "from"), action.origin


def named_facts(rule: Rule) -> Iterator[tuple[DataPath, str]]:
    """The facts that suggestions name, each with its path."""
    for path, suggestion in suggestions_of(rule):
        if suggestion.for_each is not None:
            yield (*path, "for_each"), suggestion.for_each
    yield from changed_facts(rule)


def set_texts(rule: Rule) -> Iterator[tuple[DataPath, str]]:
    """The texts that updates set, in which placeholders may stand."""
    for path, resource in updates_of(rule):
        yield from texts_in(resource.set, (*path, "set"))


def texts_in(node: Any, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """Every text in a value, with its path."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from texts_in(value, (*path, key))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from texts_in(value, (*path, index))
