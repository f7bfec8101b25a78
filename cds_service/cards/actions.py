"""What accepting a suggestion does: a resource made from a template, an order of the call changed or removed.

Placeholders in any string of a template: {patient_id} {user} {encounter_id} {today} {now}. A string whose
value the request does not have is left out, and so is everything that becomes empty without it.

An order is changed or removed only if it came in `context.draftOrders`: the one behind the row of the fact
after `from:` that placeholders read (of several rows the first; with `for_each` each in turn).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.cards.changes import Members, UnfitError, changed, compile_changes
from cds_service.cards.escape import clean
from cds_service.cards.identity import resource_id
from cds_service.cards.reading import Reading
from cds_service.cards.repeats import repeats_the_old
from cds_service.cards.text import Template
from cds_service.cards.wording import PLAIN, first_row
from cds_service.facts.dates import day_of
from cds_service.facts.request import HookRequest
from cds_service.rulebook.card import Action, FromFact, FromTemplate
from cds_service.rulebook.files import TemplateFile
from cds_service.truth import TRUE

DESCRIPTION_LIMIT = 300
_PLACEHOLDER = re.compile(r"\{(patient_id|user|encounter_id|today|now)\}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{0,63}/[A-Za-z0-9\-.]{1,64}")

Words = Mapping[str, str]
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
class Offered:
    """An action for one chart: everything is known but the ids and dates of the request.

    `resource` is that of a create (split) or an update (whole), `removes` the `Type/id` of a delete.
    """

    type: str
    description: str
    resource: Prepared = None
    removes: str = ""

    def answer(self, values: Mapping[str, str], suggestion: str, place: int) -> dict[str, Any]:
        """The action's JSON; `suggestion` is the uuid of its suggestion, `place` its place in it."""
        body: dict[str, Any] = {"type": self.type, "description": self.description}
        if self.type == "create":
            identifier = resource_id(suggestion, place)
            body["resource"] = {"resourceType": "", "id": identifier} | fill(self.resource, values)
        elif self.type == "update":
            body["resource"] = self.resource
        else:
            body["resourceId"] = self.removes
        return body


@dataclass(frozen=True, slots=True)
class PreparedCreate:
    """A resource from a template, looked up and split."""

    description: Template
    resource: Prepared

    def offered(self, reading: Reading, words: Words) -> Offered:
        """The action on one chart."""
        return Offered("create", _described(self.description, reading, words), self.resource)


@dataclass(frozen=True, slots=True)
class PreparedUpdate:
    """A change to the order behind a fact's row."""

    description: Template
    fact: str
    change: Members

    def offered(self, reading: Reading, words: Words) -> Offered | None:
        """The action on one chart; None if the order, or what to set, is not surely known, or told twice."""
        order = _order(self.fact, reading)
        received = reading.record.drafts.resource(order)
        if received is None or _several_rows(order, self.fact, reading):
            return None
        try:
            resource = changed(received, self.change, reading)
        except UnfitError:
            return None
        if repeats_the_old(received, resource):
            return None
        return Offered("update", _described(self.description, reading, words), resource)


@dataclass(frozen=True, slots=True)
class PreparedDelete:
    """The removal of the order behind a fact's row."""

    description: Template
    fact: str

    def offered(self, reading: Reading, words: Words) -> Offered | None:
        """The action on one chart; None if no order of the call is surely behind the row."""
        order = _order(self.fact, reading)
        if order not in reading.record.drafts:
            return None
        return Offered("delete", _described(self.description, reading, words), removes=order)


PreparedAction = PreparedCreate | PreparedUpdate | PreparedDelete


def _described(template: Template, reading: Reading, words: Words) -> str:
    return clean(template.fill(reading, PLAIN, words), DESCRIPTION_LIMIT)


def _order(fact: str, reading: Reading) -> str:
    """`Type/id` of the row in hand, empty if no row surely counts."""
    row = first_row(reading.finding(fact))
    return row.evidence.reference if row is not None and row.counts is TRUE else ""


def _several_rows(order: str, fact: str, reading: Reading) -> bool:
    """Whether the fact found several things in one order: it is not known which of them a path means."""
    return sum(row.evidence.reference == order for row in reading.finding(fact).rows) > 1


def prepare_action(action: Action, templates: Mapping[str, TemplateFile]) -> PreparedAction:
    """Compile an action. Raises KeyError for a template, BadPathError for a path that is not known."""
    description = Template.of(action.description)
    if isinstance(action.resource, FromTemplate):
        received = templates[action.resource.template].resource
        resource = {key: value for key, value in received.items() if key != "id"}
        return PreparedCreate(description, split(resource))
    if isinstance(action.resource, FromFact):
        return PreparedUpdate(description, action.resource.origin, compile_changes(action.resource.set))
    return PreparedDelete(description, action.origin or "")


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
