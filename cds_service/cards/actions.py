"""What accepting a suggestion does: FHIR resources from templates, the request's ids and dates filled in.

Placeholders in any string of a template: {patient_id} {user} {encounter_id} {today} {now}. A string whose
value the request does not have is left out, and so is everything that becomes empty without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.cards.identity import resource_id
from cds_service.facts.dates import day_of
from cds_service.facts.request import HookRequest
from cds_service.rulebook.card import Action, FromTemplate
from cds_service.rulebook.files import TemplateFile

_PLACEHOLDER = re.compile(r"\{(patient_id|user|encounter_id|today|now)\}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{0,63}/[A-Za-z0-9\-.]{1,64}")

Prepared = Any
"""A JSON value whose strings with placeholders are `_Pattern`s, and what holds one `_Members` or `_Items`."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A string with placeholders: literal pieces at even places, names at odd ones."""

    pieces: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str | None:
        filled = [values.get(piece, "") if at % 2 else piece for at, piece in enumerate(self.pieces)]
        return None if "" in filled[1::2] else "".join(filled)


@dataclass(frozen=True, slots=True)
class _Members:
    """An object somewhere below which a placeholder stands."""

    parts: Mapping[str, Prepared]


@dataclass(frozen=True, slots=True)
class _Items:
    """A list somewhere below which a placeholder stands."""

    parts: tuple[Prepared, ...]


@dataclass(frozen=True, slots=True)
class PreparedAction:
    """An action with its template looked up and split."""

    type: str
    description: str
    resource: Prepared

    def answer(self, values: Mapping[str, str], suggestion: str, place: int) -> dict[str, Any]:
        """The action's JSON; `suggestion` is the uuid of its suggestion, `place` its place in it."""
        return _ANSWERS[self.type](self, values, resource_id(suggestion, place))


def _create(action: PreparedAction, values: Mapping[str, str], identifier: str) -> dict[str, Any]:
    resource = {"resourceType": "", "id": identifier} | fill(action.resource, values)
    return {"type": "create", "description": action.description, "resource": resource}


_ANSWERS: Mapping[str, Callable[[PreparedAction, Mapping[str, str], str], dict[str, Any]]] = {
    "create": _create
}
SUPPORTED = frozenset(_ANSWERS)


def prepare_action(action: Action, templates: Mapping[str, TemplateFile]) -> PreparedAction:
    """Look up and split the template. Raises KeyError for a type or template that is not known."""
    if action.type not in SUPPORTED or not isinstance(action.resource, FromTemplate):
        raise KeyError(action.type)
    resource = {
        key: value for key, value in templates[action.resource.template].resource.items() if key != "id"
    }
    return PreparedAction(action.type, action.description, split(resource))


def split(node: Any) -> Prepared:
    """Replace strings that have placeholders by patterns, and leave out what is empty."""
    if isinstance(node, str):
        pieces = _PLACEHOLDER.split(node)
        return _Pattern(tuple(pieces)) if len(pieces) > 1 else node
    if isinstance(node, Mapping):
        parts = {
            key: part for key, part in zip(node, map(split, node.values()), strict=True) if not _empty(part)
        }
        return _Members(parts) if any(map(_varies, parts.values())) else parts
    if isinstance(node, list | tuple):
        items = [part for part in map(split, node) if not _empty(part)]
        return _Items(tuple(items)) if any(map(_varies, items)) else items
    return node


def fill(node: Prepared, values: Mapping[str, str]) -> Any:
    """The value with its placeholders filled in, without anything empty; parts without any are shared."""
    if isinstance(node, _Pattern):
        return node.fill(values)
    if isinstance(node, _Members):
        filled = {key: fill(part, values) for key, part in node.parts.items()}
        return {key: part for key, part in filled.items() if not _empty(part)}
    if isinstance(node, _Items):
        return [part for part in (fill(part, values) for part in node.parts) if not _empty(part)]
    return node


def _varies(part: Prepared) -> bool:
    return isinstance(part, _Pattern | _Members | _Items)


def _empty(value: object) -> bool:
    return value is None or value in ("", [], {})


def values_of(request: HookRequest) -> Mapping[str, str]:
    """What a request gives to placeholders; ids that are no FHIR ids are left out."""
    values = {
        "patient_id": request.patient_id if _ID.fullmatch(request.patient_id) else "",
        "user": request.user if _REFERENCE.fullmatch(request.user) else "",
        "encounter_id": request.encounter_id if _ID.fullmatch(request.encounter_id) else "",
        "today": day_of(request.as_of, request.zone).isoformat(),
        "now": request.as_of.astimezone(request.zone).isoformat(timespec="seconds"),
    }
    return {name: value for name, value in values.items() if value}
