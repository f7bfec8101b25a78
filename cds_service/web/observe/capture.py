"""Calls kept whole, to be replayed under other rules: patient data, only where the operator asks for it.

A call is kept as it was judged: with what was read from the FHIR server in its prefetch, the instant, the
time zone and the answer. The access token and whatever else came with it are left out. Each is a file of its
own, readable by the owner alone, in a folder a day, so that old days can be deleted.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.facts.members import objects_of
from cds_service.facts.request import HookRequest
from cds_service.facts.server.source import FAILED, Answer
from cds_service.web.observe.call import Call
from cds_service.web.outcome import refused_as

CAPTURE = "org.cds-service.capture"
"""The extension of a kept call that says how it was judged and answered."""
_encode = msgspec.json.Encoder().encode
_raw = msgspec.json.Decoder(Raw).decode


def kept_call(call: Call) -> bytes | None:
    """The hook call to keep; None for one that was not judged: not let in, not readable, or our failure."""
    request = call.request
    if request is None or not (call.outcome is not None or isinstance(call.error, RequestError)):
        return None
    read = {name: _sound(answer) for name, answer in call.heard.items()}
    found = {name: one.raw for name, one in read.items() if one.raw is not None and not _is_reference(name)}
    body: dict[str, Any] = {"hook": request.hook, "hookInstance": request.hook_instance}
    if request.fhir_server:
        body["fhirServer"] = request.fhir_server
    body["context"] = objects_of.decode(call.body)["context"]
    body["prefetch"] = {**request.prefetch, **found}
    others = {name: _told(one) for name, one in read.items() if name not in found}
    return _encode(body | {"extension": {CAPTURE: _judged(call, request, others)}})


def _judged(call: Call, request: HookRequest, reads: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "service": request.service_id,
        "asOf": request.as_of.isoformat(),
        "timezone": str(request.zone),
    }
    if call.absent:
        told["absent"] = sorted(call.absent)
    if reads:
        told["reads"] = reads
    if call.outcome is not None:
        return told | {"answer": call.outcome.body}
    assert isinstance(call.error, RequestError)
    return told | {"refused": refused_as(call.error)}


def _sound(answer: Answer) -> Answer:
    """The answer; one that is no JSON, which nothing could be read from, as one that failed."""
    if answer.raw is None:
        return answer
    try:
        bytes(answer.raw).decode()
        _raw(answer.raw)
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        return Answer(None, FAILED)
    return answer


def _is_reference(name: str) -> bool:
    """Whether a read was of one resource that an entry refers to, and not of a prefetch key."""
    return "/" in name


def _told(answer: Answer) -> dict[str, Any]:
    return {"ended": answer.ended} | ({} if answer.raw is None else {"resource": answer.raw})


# --- files ---------------------------------------------------------------------------------------


def folder_beside(log: Path) -> Path:
    """Where the calls of a log are kept."""
    return log.with_name(f"{log.name}.calls")


def place_of(folder: Path, digest: str, at: datetime) -> Path:
    """The file of a call that came at an instant."""
    return folder / f"{at.astimezone(UTC):%Y-%m-%d}" / f"{digest}.json"


class Captures:
    """Keeps calls in a folder, which is made for the owner alone. Raises OSError if it cannot be."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def keep(self, call: bytes, at: datetime) -> str:
        """Write a call whole, or not at all; its digest, which is its name. Raises OSError."""
        digest = hashlib.sha256(call).hexdigest()
        path = place_of(self._folder, digest, at)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=".")  # for the owner alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(call)
            Path(made).replace(path)
        except OSError:
            Path(made).unlink()
            raise
        return digest
