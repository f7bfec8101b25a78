"""Checks of the suggestions: rows to offer them for, whole actions, orders still FHIR once changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.errors import Problem
from cds_service.rulebook.card import Action, FromFact, FromTemplate
from cds_service.rulebook.checks.buttons import (
    actions_of,
    changed_facts,
    named_facts,
    set_texts,
    updates_of,
)
from cds_service.rulebook.checks.cards import PLACEHOLDER, unknown_part
from cds_service.rulebook.checks.derived import undefined
from cds_service.rulebook.checks.knowledge import (
    answers_a_date,
    answers_a_number,
    given,
    gives_rows,
    refused_fact,
)
from cds_service.rulebook.checks.templates import not_fhir
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Fact, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.shelf import Shelf
from cds_service.rulebook.views import VIEWS

ACTION = "card/action-not-whole"
PATH = "card/bad-path"
ORDER = "MedicationRequest"
KEPT = ("id", "resourceType", "subject")
"""What an update never changes: it would be another order, or another patient's."""

_STEP = r"_?[A-Za-z][A-Za-z0-9]*(?:\[\d{1,3}\])?"
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_MINIMAL: Mapping[str, Any] = {
    "resourceType": ORDER,
    "id": "order",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {"text": "a drug"},
    "subject": {"reference": "Patient/p1"},
}


def facts_give_rows(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """What a suggestion is offered for, or changes, is the row of a fact that has rows."""
    for path, name in named_facts(parsed.model):
        fact = parsed.model.data.get(name)
        if fact is None:
            if not refused_fact(parsed, name):
                yield undefined(parsed, path, name)
        elif not gives_rows(fact):
            message = f"{name} gives {given(fact)}, which has no rows"
            yield parsed.problem(path, "card/fact-without-rows", message, "name a fact that looks for rows")


def actions_are_whole(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """`create` has a template, `update` an order and what to set in it, `delete` an order alone."""
    for path, action in actions_of(parsed.model):
        if parsed.broken_under(*path):
            continue
        wrong = _NEEDS[action.type](action)
        if wrong is not None:
            yield parsed.problem((*path, "type"), ACTION, *wrong)


def _create(action: Action) -> tuple[str, str] | None:
    if isinstance(action.resource, FromTemplate) and action.origin is None:
        return None
    return "create makes a resource from a template, and nothing else", "write resource: {template: <id>}"


def _update(action: Action) -> tuple[str, str] | None:
    if not isinstance(action.resource, FromFact) or action.origin is not None:
        hint = "write resource: {from: <fact>, set: {<element>: <value>}}"
        return "update changes the order of a fact's row", hint
    if not action.resource.set:
        return "this update changes nothing", "add set: {<element>: <value>}"
    return None


def _delete(action: Action) -> tuple[str, str] | None:
    if action.origin is not None and action.resource is None:
        return None
    return "delete takes away the order of a fact's row, and needs no resource", "write from: <fact>"


_NEEDS = {"create": _create, "update": _update, "delete": _delete}


def drafts_are_changed(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Only orders being written are updated or deleted."""
    for path, name in changed_facts(parsed.model):
        fact = parsed.model.data.get(name)
        if isinstance(fact, RowsFact) and gives_rows(fact) and fact.origin not in ("drafts", "selections"):
            message = f"{name} looks at the chart; a suggestion changes only orders being written"
            yield parsed.problem(
                path, "card/not-a-draft", message, f"name a fact with from: drafts, or add it to {name}"
            )


def paths_are_sound(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """What an update sets is named by the path of an element, and keeps the order what it is."""
    for where, resource in updates_of(parsed.model):
        for name, value in resource.set.items():
            path = (*where, "set", name)
            if not _PATH.fullmatch(name):
                hint = "write element names and positions from 0: dosageInstruction[0].text"
                yield parsed.problem_at_key(path, PATH, f"{name!r} is not the path of an element", hint)
            elif _first(name) in KEPT:
                message = f"an update keeps the {_first(name)} of the order"
                yield parsed.problem_at_key(path, PATH, message, "remove it")
            elif value in ("", {}, []):
                hint = "write its value, or null to remove it"
                yield parsed.problem_at_key(path, PATH, f"{name} is given nothing", hint)
            elif value is None and name.endswith("]"):
                message = f"{name} cannot be taken out of its list"
                yield parsed.problem_at_key(path, PATH, message, "remove the whole list")


def paths_do_not_meet(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """No two values of an update are for one element, or for an element and a part of it."""
    for where, resource in updates_of(parsed.model):
        before: list[str] = []
        for name in resource.set:
            met = next((one for one in before if _meet(_steps(one), _steps(name))), None)
            if met is not None:
                message = f"{name} and {met} are in each other's way"
                yield parsed.problem_at_key((*where, "set", name), PATH, message, "set the whole once")
            before.append(name)


def _meet(one: list[str | int], other: list[str | int]) -> bool:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return type(left) is not type(right)
    return True


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def values_are_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Everything in braces in what an update sets is a fact, or a part of one."""
    for path, text in set_texts(parsed.model):
        for name in PLACEHOLDER.findall(text):
            hint = unknown_part(name, parsed, ())
            if hint is not None:
                message = f"nothing can be filled in for {{{name}}}"
                yield parsed.problem(path, "card/unknown-placeholder", message, hint)


# --- FHIR ----------------------------------------------------------------------------------------


def changed_orders_are_fhir(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """A minimal order is valid FHIR R4B once everything is set, with dummy values for the placeholders."""
    checks = (paths_are_sound, paths_do_not_meet, values_are_known)
    if any(True for check in checks for _ in check(parsed, shelf)):
        return
    for where, resource in updates_of(parsed.model):
        if not resource.set or not _reads_orders(parsed.model.data.get(resource.origin)):
            continue
        for loc, message in not_fhir(ORDER, _changed(resource, parsed.model.data)):
            path = (*where, "set", *_set_at(loc, resource))
            hint = f"see the elements of {ORDER} in FHIR R4B"
            yield parsed.problem_at_key(path, "card/invalid-fhir-action", message, hint)


def _reads_orders(fact: Fact | None) -> bool:
    if isinstance(fact, FindFact):
        return fact.find == ORDER
    return isinstance(fact, ViewFact) and fact.view in VIEWS and ORDER in VIEWS[fact.view].reads


def _changed(resource: FromFact, facts: Mapping[str, Fact]) -> dict[str, Any]:
    """The minimal order with everything set."""
    laid: dict[str | int, Any] = {}
    for path, value in resource.set.items():
        if value is not None:
            _put(laid, _steps(path), _filled(value, facts))
    drug = any(str(name).startswith("medication") for name in laid)
    gone = {path for path, value in resource.set.items() if value is None}
    kept = {
        key: value
        for key, value in _MINIMAL.items()
        if key not in gone and not (drug and key.startswith("medication"))
    }
    changed: dict[str, Any] = _as_json(laid)
    return kept | changed


def _steps(path: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.findall(r"_?[A-Za-z][A-Za-z0-9]*|\d+", path)]


def _put(node: dict[str | int, Any], steps: list[str | int], value: Any) -> None:
    """Lists are kept by position until all is set, so that a later place may be set first."""
    for step in steps[:-1]:
        node = node.setdefault(step, {})
    node[steps[-1]] = value


def _as_json(node: Any) -> Any:
    if isinstance(node, dict) and node and all(isinstance(key, int) for key in node):
        return [_as_json(node[key]) for key in sorted(node)]
    if isinstance(node, dict):
        return {key: _as_json(value) for key, value in node.items()}
    return [_as_json(value) for value in node] if isinstance(node, (list, tuple)) else node


def _filled(value: Any, facts: Mapping[str, Fact]) -> Any:
    """The value with dummies: a text that is one placeholder becomes what the fact gives."""
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole is not None:
            return _dummy(whole[1], facts)
        return PLACEHOLDER.sub(lambda match: str(_dummy(match[1], facts)), value)
    if isinstance(value, Mapping):
        return {key: _filled(one, facts) for key, one in value.items()}
    return [_filled(one, facts) for one in value] if isinstance(value, (list, tuple)) else value


def _dummy(name: str, facts: Mapping[str, Fact]) -> Any:
    fact_name, _, part = name.partition(".")
    fact = facts.get(fact_name)
    if part == "date" or (fact is not None and answers_a_date(fact) and not part):
        return "2026-01-01"
    if (
        part
        and isinstance(fact, ViewFact)
        and fact.view in VIEWS
        and VIEWS[fact.view].columns.get(part) == "number"
    ):
        return 1.5
    if part or fact is None or not answers_a_number(fact):
        return "text"
    return 1 if _whole(fact) else 1.5


def _whole(fact: Fact) -> bool:
    """Whether a fact's number has no decimals."""
    if isinstance(fact, CalculateFact):
        return fact.round is not None and fact.round == int(fact.round)
    return isinstance(fact, RowsFact) and fact.give.kind != "latest value"


def _set_at(loc: tuple[str | int, ...], resource: FromFact) -> tuple[str | int, ...]:
    """The path that was set and does not fit, and the place in its value."""
    for path in resource.set:
        steps = tuple(_steps(path))
        if loc[: len(steps)] == steps:
            return path, *loc[len(steps) :]
    named = [path for path in resource.set if loc and _steps(path)[0] == loc[0]]
    return ((named or list(resource.set))[0],)
