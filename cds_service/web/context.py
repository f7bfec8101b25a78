"""The context of a call, checked field by field as its hook says; what we do not know in it is ignored.

Lenient where callers differ without harm: another spelling of a field; a Bundle without `type`, its entries
without `fullUrl`; one order or task where a list belongs; a resource inside `{"resource": …}`. The
resources themselves stay raw bytes: the chart reads of them what it needs, and takes no offence at the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.rulebook.hooks import ContextField, Hook, Kind
from cds_service.web.values import ABSENT, NULL, REFERENCE, decode, members_of, missing, text_of, unusable

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    entry: list[Raw] | None = None


class _Wrapped(msgspec.Struct, rename="camel"):
    """A resource, or an object that holds one."""

    resource_type: str = ""
    resource: dict[str, Raw] | None = None


_listed = msgspec.json.Decoder(list[str])
_references = msgspec.json.Decoder(str | list[str])
_bundle = msgspec.json.Decoder(_Bundle)
_wrapped = msgspec.json.Decoder(_Wrapped)
_objects = msgspec.json.Decoder(list[dict[str, Raw]] | dict[str, Raw])
_type = msgspec.json.Decoder(str)

EXPECTED: Mapping[Kind, str] = {
    "user": "a reference such as Practitioner/123",
    "id": "a FHIR id",
    "reference": "a reference such as Organization/123",
    "references": "a list of references such as MedicationRequest/123",
    "bundle": "a Bundle",
    "resource": "a FHIR resource",
    "resources": "a list of FHIR resources",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What the service reads of a context; texts that were not sent are empty."""

    patient_id: str
    user: str = ""
    encounter_id: str = ""
    selections: tuple[str, ...] = ()
    drafts: Raw | None = None


def read_context(raw: Raw, hook: Hook) -> Context:
    """Check every field the hook has. Raises RequestError (400) for the first that is missing or unusable."""
    if raw in (ABSENT, NULL):
        raise missing("context", "an object with patientId")
    members = members_of(raw, "context")
    if not members:
        raise RequestError("context is empty; expected patientId.", code="required", where="context")
    read = {field.name: _field(members, field) for field in hook.fields}
    return Context(
        patient_id=read["patientId"],
        user=read.get("userId") or "",
        encounter_id=read.get("encounterId") or "",
        selections=read.get("selections") or (),
        drafts=read.get(hook.drafts),
    )


def _field(members: Mapping[str, Raw], field: ContextField) -> Any:
    """The value of a field under whatever name it came; None if it did not."""
    for name in (field.name, *field.spellings):
        raw = members.get(name, NULL)
        if raw not in (NULL, Raw(b'""')):
            return _READERS[field.kind](raw, f"context.{name}", field)
    if field.required:
        raise missing(f"context.{field.name}", EXPECTED[field.kind])
    return None


def _id(raw: Raw, where: str, _field: ContextField) -> str:
    seen = text_of(raw, where)
    if _ID.fullmatch(seen) is None:
        raise unusable(where, "a FHIR id without a resource type" if "/" in seen else "a FHIR id")
    return seen


def _reference(raw: Raw, where: str, field: ContextField) -> str:
    seen = text_of(raw, where)
    if REFERENCE.fullmatch(seen) is None:
        raise unusable(where, _expected(EXPECTED[field.kind], seen))
    return seen


def _expected(reference: str, *seen: str) -> str:
    """What is expected; said plainly to a caller who sends whole addresses."""
    absolute = any("://" in reference for reference in seen)
    return f"{reference}, without the address of a server before it" if absolute else reference


def _list_of_references(raw: Raw, where: str, field: ContextField) -> tuple[str, ...]:
    """A list; under an older spelling also a single reference, which is what it then was."""
    older = where != f"context.{field.name}"
    seen = decode(_references if older else _listed, raw, where)
    listed = (seen,) if isinstance(seen, str) else tuple(seen)
    if not all(REFERENCE.fullmatch(reference) for reference in listed):
        raise unusable(where, _expected("references such as MedicationRequest/123", *listed))
    return listed


def _one_bundle(raw: Raw, where: str, _field: ContextField) -> Raw:
    if decode(_bundle, raw, where).resource_type != "Bundle":
        raise unusable(where, EXPECTED["bundle"])
    return raw


def _one_resource(raw: Raw, where: str, field: ContextField) -> Raw:
    seen = decode(_wrapped, raw, where)
    kind = seen.resource_type
    if not kind and seen.resource is not None:
        kind = decode(_type, seen.resource.get("resourceType", Raw(b'""')), f"{where}.resource.resourceType")
    if not kind or (field.types and kind not in field.types):
        raise unusable(where, " or ".join(field.types) or EXPECTED["resource"])
    return raw


def _several_objects(raw: Raw, where: str, _field: ContextField) -> Raw:
    decode(_objects, raw, where)
    return raw


_READERS: Mapping[Kind, Callable[[Raw, str, ContextField], Any]] = {
    "user": _reference,
    "id": _id,
    "reference": _reference,
    "references": _list_of_references,
    "bundle": _one_bundle,
    "resource": _one_resource,
    "resources": _several_objects,
}
