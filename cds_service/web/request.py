"""The bytes of a hook call become a HookRequest, or a RequestError saying where and what was expected.

A body in which a member stands twice, however deep, is refused. Then one pass of msgspec: the resources of
`prefetch` stay raw bytes, unknown members are skipped, everything the service acts on is typed and checked.
Messages never repeat a value of the body.

Lenient where callers differ without harm: an optional member that is null or "" counts as absent;
`hookInstance` in any case, with or without `urn:uuid:`; unknown members, extensions and prefetch keys pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.facts.members import refuse_duplicates
from cds_service.facts.request import HookRequest
from cds_service.rulebook.hooks import hook_named
from cds_service.web.context import read_context
from cds_service.web.values import ABSENT, NULL, decode, members_of, missing, text_in, text_of, unusable

_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_SERVER = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_LONGEST_SERVER = 2048
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 2.1


class _Call(msgspec.Struct, rename="camel"):
    hook: Raw = ABSENT
    hook_instance: Raw = ABSENT
    fhir_server: Raw = ABSENT
    fhir_authorization: Raw = ABSENT
    context: Raw = ABSENT
    extension: Raw = ABSENT
    prefetch: dict[str, Raw] | None = None


_call = msgspec.json.Decoder(_Call)
_number = msgspec.json.Decoder(float).decode


def read_request(body: bytes, *, service_id: str, hook: str, as_of: datetime, zone: tzinfo) -> HookRequest:
    """Read one hook call to the service that answers `hook`. Raises RequestError (400)."""
    refuse_encoding(body)
    call = decode(_call, body, "")
    refuse_duplicates(body)
    _check_hook(call.hook, hook)
    instance = _hook_instance(call.hook_instance)
    context = read_context(call.context, hook_named(hook))
    server, access = _server(call.fhir_server, call.fhir_authorization, context.patient_id)
    return HookRequest(
        hook=hook,
        hook_instance=instance,
        service_id=service_id,
        user=context.user,
        patient_id=context.patient_id,
        as_of=as_of,
        zone=zone,
        encounter_id=context.encounter_id,
        prefetch=call.prefetch or {},
        draft_orders=context.drafts,
        selections=context.selections,
        fhir_server=server,
        access_token=access.token,
        subject=access.subject,
        token_unusable=access.unusable,
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


def _check_hook(raw: Raw, hook: str) -> None:
    seen = text_of(raw, "hook")
    if not seen:
        raise missing("hook", f"the hook this service answers, {hook}")
    if seen != hook:
        raise RequestError(f"This service answers the hook {hook} only.", code="value", where="hook")


def _hook_instance(raw: Raw) -> str:
    seen = text_of(raw, "hookInstance")
    if not seen:
        raise missing("hookInstance", "a UUID")
    match = _UUID.fullmatch(seen)
    if match is None:
        raise unusable("hookInstance", "a UUID")
    return match[1].lower()


class _Access(NamedTuple):
    """The token to read the FHIR server with, the client it was given to; or that there is one of no use."""

    token: str = ""
    subject: str = ""
    unusable: bool = False


def _server(raw: Raw, authorization: Raw, patient: str) -> tuple[str, _Access]:
    """The FHIR server, and the access to it that the call brought."""
    server = text_of(raw, "fhirServer")
    if server and (len(server) > _LONGEST_SERVER or _SERVER.fullmatch(server) is None):
        raise unusable("fhirServer", "the base URL of a FHIR server")
    if authorization in (ABSENT, NULL):
        return server, _Access()
    members = members_of(authorization, "fhirAuthorization")
    if not server:
        raise RequestError(
            "fhirAuthorization is given without fhirServer; expected both.",
            code="required",
            where="fhirServer",
        )
    where = "fhirAuthorization.patient"
    if text_in(members, "patient", "fhirAuthorization") not in ("", patient):
        raise RequestError(
            "The access is for another patient than context.patientId.", code="value", where=where
        )
    return server, _access(members) if members else _Access()


def _access(members: Mapping[str, Raw]) -> _Access:
    """Usable is a bearer token that can stand in a header and has not run out."""
    given = {
        name: text_in(members, name, "fhirAuthorization")
        for name in ("access_token", "token_type", "subject")
    }
    expires = members.get("expires_in", ABSENT)
    try:
        runs_out = len(expires) > 0 and _number(expires) <= 0
    except msgspec.MsgspecError:
        runs_out = False
    if runs_out or given["token_type"].lower() != "bearer" or not _BEARER.fullmatch(given["access_token"]):
        return _Access(subject=given["subject"], unusable=True)
    return _Access(given["access_token"], given["subject"])
