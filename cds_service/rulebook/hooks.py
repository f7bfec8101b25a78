"""The hooks we know: what the context of each holds, and what of it a prefetch template may use.

From the CDS Hooks library 1.0.1 and, for what stands there in several ways, decision 13. A hook that an
organisation made for itself is named like a domain read backwards (`org.example.thing-verb`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "id", "reference", "references", "bundle", "resource", "resources"]
"""`user` and `reference` are `Type/id`, `id` is a bare FHIR id, `bundle` a Bundle."""


@dataclass(frozen=True, slots=True)
class ContextField:
    """One field of a context. `spellings` are the other names under which callers send it.

    `token` says whether a prefetch template may use it. `types` are the resource types of a `resource`, any
    if empty.
    """

    name: str
    kind: Kind
    required: bool = True
    token: bool = False
    spellings: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook: when it is called, what its context holds, which field would bring orders not yet signed."""

    name: str
    when: str
    fields: tuple[ContextField, ...]
    drafts: str = "draftOrders"

    @property
    def tokens(self) -> frozenset[str]:
        """The fields that a prefetch template may use."""
        return frozenset(field.name for field in self.fields if field.token)

    def field(self, name: str) -> ContextField | None:
        """The field of that name, if the hook has it."""
        return next((field for field in self.fields if field.name == name), None)


_USER = ContextField("userId", "user", token=True)
_MAYBE_USER = ContextField("userId", "user", required=False, token=True)
_PATIENT = ContextField("patientId", "id", token=True)
_ENCOUNTER = ContextField("encounterId", "id", token=True)
_MAYBE_ENCOUNTER = ContextField("encounterId", "id", required=False, token=True)
_SELECTIONS = ContextField("selections", "references")
_DRAFTS = ContextField("draftOrders", "bundle")
_OPENED = (_USER, _PATIENT, _MAYBE_ENCOUNTER)
_VISIT = (_USER, _PATIENT, _ENCOUNTER)

_KNOWN = (
    Hook("patient-view", "when a chart is opened", _OPENED),
    Hook("order-select", "when an order is chosen", (*_OPENED, _SELECTIONS, _DRAFTS)),
    Hook("order-sign", "when orders are signed", (*_OPENED, _DRAFTS)),
    Hook(
        "order-dispatch",
        "when an order is handed on",
        (
            _PATIENT,
            ContextField(
                "dispatchedOrders", "references", token=True, spellings=("dispatched-orders", "order")
            ),
            ContextField("performer", "reference", token=True),
            ContextField(
                "fulfillmentTasks", "resources", required=False, spellings=("fulfillment-tasks", "task")
            ),
        ),
    ),
    Hook("encounter-start", "when an encounter starts", _VISIT),
    Hook("encounter-discharge", "when a patient is discharged", _VISIT),
    Hook(
        "appointment-book",
        "when an appointment is booked",
        (*_OPENED, ContextField("appointments", "bundle")),
    ),
    Hook(
        "problem-list-item-create",
        "when a problem was added",
        (*_OPENED, ContextField("conditions", "bundle")),
    ),
    Hook(
        "allergyintolerance-create",
        "when an allergy is added",
        (
            *_OPENED,
            ContextField(
                "allergyIntolerance",
                "resource",
                spellings=("allergyIntolerances",),
                types=("AllergyIntolerance", "Bundle"),
            ),
        ),
    ),
    Hook(
        "medication-refill",
        "when a refill is asked for",
        (_MAYBE_USER, _PATIENT, _MAYBE_ENCOUNTER, ContextField("medications", "bundle")),
        drafts="medications",
    ),
    Hook(
        "medication-verify",
        "when a pharmacist verifies an order",
        (*_OPENED, ContextField("medication", "resource", spellings=("order",))),
    ),
)
HOOKS: Mapping[str, Hook] = {hook.name: hook for hook in _KNOWN}

REPLACED: Mapping[str, str] = {
    "medication-prescribe": "it became order-select and order-sign",
    "order-review": "it became order-sign",
}
"""Hooks of the first drafts, and what took their place."""

_OWN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+")
_OWN_FIELDS = (
    _MAYBE_USER,
    _PATIENT,
    _MAYBE_ENCOUNTER,
    ContextField("selections", "references", required=False),
    ContextField("draftOrders", "bundle", required=False),
)


def is_own(name: str) -> bool:
    """Whether the name is one an organisation may give to a hook of its own."""
    return _OWN_NAME.fullmatch(name) is not None


def hook_named(name: str) -> Hook:
    """The hook of that name; of one we do not know only the patient is required."""
    return HOOKS.get(name) or Hook(name, f"on {name}", _OWN_FIELDS)
