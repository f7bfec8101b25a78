"""The bytes of a hook call become a HookRequest, or a RequestError saying where and what was expected.

One pass of msgspec over the body: the resources of `prefetch` stay raw bytes, unknown members are skipped,
everything the service acts on is typed and checked. Messages never repeat a value of the body.

Lenient where callers differ without harm: an optional member that is null or "" counts as absent;
`hookInstance` in any case, with or without `urn:uuid:`; unknown members, extensions and prefetch keys pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.facts.request import HookRequest
from cds_service.web.members import Members, objects_of, refuse_duplicates

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Needs:
    """Which context fields a hook requires beside `patientId` (hook library 1.0.1)."""

    user: bool = True
    encounter: bool = False
    drafts: bool = False
    selections: bool = False


HOOKS: Mapping[str, Needs] = {
    "patient-view": Needs(),
    "order-select": Needs(drafts=True, selections=True),
    "order-sign": Needs(drafts=True),
    "order-dispatch": Needs(user=False),
    "encounter-start": Needs(encounter=True),
    "encounter-discharge": Needs(encounter=True),
    "appointment-book": Needs(),
    "problem-list-item-create": Needs(),
    "allergyintolerance-create": Needs(),
    "medication-refill": Needs(user=False),
    "medication-verify": Needs(),
}
"""Any other hook needs only the patient."""

_OTHER = Needs(user=False)
_ABSENT, _NULL = Raw(b""), Raw(b"null")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-._]{1,64}")
_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_SERVER = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_LONGEST_SERVER = 2048
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 2.1


class _Call(msgspec.Struct, rename="camel"):
    hook: Raw = _ABSENT
    hook_instance: Raw = _ABSENT
    fhir_server: Raw = _ABSENT
    fhir_authorization: Raw = _ABSENT
    context: Raw = _ABSENT
    extension: Raw = _ABSENT
    prefetch: dict[str, Raw] | None = None

    def members(self) -> Members:
        """The members by name, as they stand in the body; a null prefetch cannot be told from none."""
        plain = {
            "hook": self.hook,
            "hookInstance": self.hook_instance,
            "fhirServer": self.fhir_server,
            "fhirAuthorization": self.fhir_authorization,
            "context": self.context,
            "extension": self.extension,
        }
        return plain | {"prefetch": _NULL if self.prefetch is None else self.prefetch}


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    entry: list[Raw] | None = None


_call = msgspec.json.Decoder(_Call)
_text = msgspec.json.Decoder(str | None)
_texts = msgspec.json.Decoder(list[str] | None)
_bundle = msgspec.json.Decoder(_Bundle)
_number = msgspec.json.Decoder(float).decode


def read_request(body: bytes, *, service_id: str, hook: str, as_of: datetime, zone: tzinfo) -> HookRequest:
    """Read one hook call to the service that answers `hook`. Raises RequestError (400)."""
    refuse_encoding(body)
    call = _decode(_call, body, "")
    refuse_duplicates(body, call.members())
    needs = HOOKS.get(hook, _OTHER)
    _check_hook(call.hook, hook)
    instance = _hook_instance(call.hook_instance)
    context = _context(call.context)
    patient = _id(context, "patientId", required=True)
    server, token, subject = _server(call.fhir_server, call.fhir_authorization, patient)
    return HookRequest(
        hook=hook,
        hook_instance=instance,
        service_id=service_id,
        user=_user(context, required=needs.user),
        patient_id=patient,
        as_of=as_of,
        zone=zone,
        encounter_id=_id(context, "encounterId", required=needs.encounter),
        prefetch=call.prefetch or {},
        draft_orders=_drafts(context, required=needs.drafts),
        selections=_selections(context, required=needs.selections),
        fhir_server=server,
        access_token=token,
        subject=subject,
    )


def refuse_encoding(body: bytes) -> None:
    """Refuse a body that is empty or not plain UTF-8. Raises RequestError (400)."""
    if not body.strip():
        raise RequestError("The body is empty; expected a JSON object.", code="required")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise RequestError("The body starts with a byte order mark; expected plain UTF-8.", code="structure")
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        place = f"at byte {error.start}"
        raise RequestError(f"The body is not UTF-8 ({place}); expected JSON.", code="structure") from None


def _decode(decoder: msgspec.json.Decoder[T], raw: bytes, where: str) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        expected, place = _explained(str(error), where)
        raise RequestError(expected, code="structure", where=place) from None
    except msgspec.DecodeError as error:
        raise RequestError(f"The body is not JSON: {error}.", code="structure", where=where) from None
    except RecursionError:
        raise RequestError("The body is nested too deeply.", code="structure", where=where) from None


def _explained(message: str, where: str) -> tuple[str, str]:
    """msgspec's own words without its path, and the path as ours; neither holds a value of the body."""
    said, _, path = message.partition(" - at `$")
    steps = path.rstrip("`").replace("[...]", "").strip(".")
    place = where + steps if steps.startswith("[") else ".".join(part for part in (where, steps) if part)
    return f"Wrong type at {place or 'the body'}: {said.replace('`', '').lower()}.", place


def _missing(where: str, expected: str) -> RequestError:
    return RequestError(f"{where} is missing; expected {expected}.", code="required", where=where)


def _bad(where: str, expected: str) -> RequestError:
    return RequestError(f"{where} is not usable; expected {expected}.", code="value", where=where)


def _check_hook(raw: Raw, hook: str) -> None:
    seen = _string(raw, "hook")
    if not seen:
        raise _missing("hook", f"the hook this service answers, {hook}")
    if seen != hook:
        raise RequestError(f"This service answers the hook {hook} only.", code="value", where="hook")


def _hook_instance(raw: Raw) -> str:
    seen = _string(raw, "hookInstance")
    if not seen:
        raise _missing("hookInstance", "a UUID")
    match = _UUID.fullmatch(seen)
    if match is None:
        raise _bad("hookInstance", "a UUID")
    return match[1].lower()


def _context(raw: Raw) -> dict[str, Raw]:
    if raw in (_ABSENT, _NULL):
        raise _missing("context", "an object with patientId")
    members = _object(raw, "context")
    if not members:
        raise RequestError("context is empty; expected patientId.", code="required", where="context")
    return members


def _object(raw: Raw, where: str) -> dict[str, Raw]:
    members = _decode(objects_of, raw, where)
    refuse_duplicates(bytes(raw), members, where)
    return members


def _string(raw: Raw, where: str) -> str:
    return (_decode(_text, raw, where) or "") if len(raw) else ""


def _id(context: Mapping[str, Raw], name: str, *, required: bool) -> str:
    where = f"context.{name}"
    seen = _string(context.get(name, _ABSENT), where)
    if not seen:
        if required:
            raise _missing(where, "a FHIR id")
        return ""
    if _ID.fullmatch(seen) is None:
        raise _bad(where, "a FHIR id without a resource type" if "/" in seen else "a FHIR id")
    return seen


def _user(context: Mapping[str, Raw], *, required: bool) -> str:
    where = "context.userId"
    seen = _string(context.get("userId", _ABSENT), where)
    if not seen:
        if required:
            raise _missing(where, "a reference such as Practitioner/123")
        return ""
    if _REFERENCE.fullmatch(seen) is None:
        raise _bad(where, "a reference such as Practitioner/123")
    return seen


def _selections(context: Mapping[str, Raw], *, required: bool) -> tuple[str, ...]:
    where = "context.selections"
    raw = context.get("selections", _ABSENT)
    seen = _decode(_texts, raw, where) if len(raw) else None
    if seen is None:
        if required:
            raise _missing(where, "a list of references such as MedicationRequest/123")
        return ()
    if not all(_REFERENCE.fullmatch(reference) for reference in seen):
        raise _bad(where, "references such as MedicationRequest/123")
    return tuple(seen)


def _drafts(context: Mapping[str, Raw], *, required: bool) -> Raw | None:
    where = "context.draftOrders"
    raw = context.get("draftOrders", _ABSENT)
    if raw in (_ABSENT, _NULL):
        if required:
            raise _missing(where, "a Bundle of the unsigned orders")
        return None
    if _decode(_bundle, raw, where).resource_type != "Bundle":
        raise _bad(where, "a Bundle of the unsigned orders")
    return raw


def _server(raw: Raw, authorization: Raw, patient: str) -> tuple[str, str, str]:
    """The FHIR server, the token to read it with, and the client the token was given to."""
    server = _string(raw, "fhirServer")
    if server and (len(server) > _LONGEST_SERVER or _SERVER.fullmatch(server) is None):
        raise _bad("fhirServer", "the base URL of a FHIR server")
    if authorization in (_ABSENT, _NULL):
        return server, "", ""
    members = _object(authorization, "fhirAuthorization")
    if not server:
        raise RequestError(
            "fhirAuthorization is given without fhirServer; expected both.",
            code="required",
            where="fhirServer",
        )
    where = "fhirAuthorization.patient"
    if _string(members.get("patient", _ABSENT), where) not in ("", patient):
        raise RequestError(
            "The access is for another patient than context.patientId.", code="value", where=where
        )
    return server, *_access(members)


def _access(members: Mapping[str, Raw]) -> tuple[str, str]:
    """The token and whom it was given to; without the token if it is none that we can use.

    It must be a bearer token that can stand in a header and has not run out.
    """
    given = {
        name: _string(members.get(name, _ABSENT), f"fhirAuthorization.{name}")
        for name in ("access_token", "token_type", "subject")
    }
    expires = members.get("expires_in", _ABSENT)
    try:
        runs_out = len(expires) > 0 and _number(expires) <= 0
    except msgspec.MsgspecError:
        runs_out = False
    usable = given["token_type"].lower() == "bearer" and _BEARER.fullmatch(given["access_token"])
    return given["access_token"] if usable and not runs_out else "", given["subject"]
