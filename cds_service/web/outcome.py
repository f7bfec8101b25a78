"""Every answer that is not a success is a JSON OperationOutcome, so that the caller knows what to mend.

It says what kind of problem, where in the body, and what was expected. It never repeats a value of
the body, and a failure of ours says nothing but the number under which the log has it.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from cds_service.errors import (
    BusyError,
    DataUnavailable,
    RequestError,
    ServiceUnavailable,
    StoreUnavailable,
)

_LOG = logging.getLogger("cds_service")
_encode = msgspec.json.Encoder().encode

_CODES = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported", 503: "transient"}
_TEXTS = {
    404: "There is nothing at this address; GET /cds-services lists the services.",
    405: "This address does not answer this method.",
    408: "The request body did not arrive in time.",
    413: "The request body is larger than this service accepts.",
}


def json_response(body: bytes, status: int = 200, *, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """A JSON answer that nobody may keep: answers hold patient data."""
    response = Response(body, status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(headers)
    return response


def operation_outcome(text: str, code: str, *, where: Sequence[str] = (), diagnostics: str = "") -> bytes:
    """The bytes of an OperationOutcome with one issue of severity error."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "details": {"text": text}}
    if diagnostics:
        issue["diagnostics"] = diagnostics
    if where:
        issue["expression"] = list(where)
    return _encode({"resourceType": "OperationOutcome", "issue": [issue]})


def refusal(error: RequestError) -> Response:
    """The answer to a request that cannot be answered."""
    where = [error.where] if error.where else []
    diagnostics = ""
    if isinstance(error, DataUnavailable) and error.keys:
        diagnostics = "Not obtained: " + ", ".join(error.keys)
        where = [f"prefetch.{key}" for key in error.keys]
    body = operation_outcome(str(error), error.code, where=where, diagnostics=diagnostics)
    asked = [("WWW-Authenticate", "Bearer")] if error.status == 401 else []
    return json_response(body, error.status, headers=asked)


def http_failure(error: HTTPException) -> Response:
    """The answer where HTTP itself says no: unknown address, wrong method, too large."""
    if error.code is None or error.code < 400:
        return Response(status=error.code or 500, headers=error.get_headers())
    text = _TEXTS.get(error.code, f"{error.name}.")
    kept = [pair for pair in error.get_headers() if pair[0].lower() in ("allow", "retry-after")]
    return json_response(operation_outcome(text, code_of(error)), error.code, headers=kept)


def unavailable(error: ServiceUnavailable) -> Response:
    """The answer where something that the call needs is down: try again soon. The log has the cause, without
    data; that of keys the gate has written.
    """
    if isinstance(error, StoreUnavailable):
        _LOG.warning("the database cannot be used: %s", " from ".join(described(error)))
    wait = [("Retry-After", str(error.retry_seconds))]
    return json_response(operation_outcome(str(error), "transient"), 503, headers=wait)


def busy(error: BusyError) -> Response:
    """The answer where a call waited too long for others; whoever turned it away wrote it to the log."""
    wait = [("Retry-After", str(error.retry_seconds))]
    return json_response(operation_outcome(str(error), "throttled"), 503, headers=wait)


def incident(error: Exception) -> Response:
    """The answer to a failure of ours: a number here, the cause in the log under it, no data in either."""
    number = uuid.uuid4().hex
    _LOG.error("incident %s: %s", number, " from ".join(described(error)))
    text = "The service failed; its log has the cause under this incident."
    return json_response(operation_outcome(text, "exception", diagnostics=f"incident {number}"), 500)


def status_of(error: Exception) -> int:
    """The status with which an error is answered."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, ServiceUnavailable):
        return 503
    return error.code or 500 if isinstance(error, HTTPException) else 500


def refused_as(error: RequestError) -> str:
    """A refusal in one line: the status, and what was not obtained or what is wrong."""
    why = f"{', '.join(error.keys)} not obtained" if isinstance(error, DataUnavailable) else str(error)
    return f"{error.status}: {why}"


def code_of(error: Exception) -> str:
    """The issue type with which an error is answered: what kind of problem it is."""
    if isinstance(error, RequestError):
        return error.code
    if isinstance(error, BusyError):
        return "throttled"
    status = status_of(error)
    return _CODES.get(status, "exception" if status >= 500 else "invalid")


def answer_errors(app: Flask) -> None:
    """Let the app answer every error with an OperationOutcome."""
    app.register_error_handler(RequestError, refusal)
    app.register_error_handler(ServiceUnavailable, unavailable)
    app.register_error_handler(BusyError, busy)
    app.register_error_handler(HTTPException, http_failure)
    app.register_error_handler(Exception, incident)


def described(error: BaseException) -> list[str]:
    """The class and place of the error and of its causes; messages may hold patient data and stay out."""
    seen: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(seen) < 5:
        seen.append(f"{type(cause).__name__} at {_place(cause)}")
        cause = cause.__cause__ or cause.__context__
    return seen


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if not frames:
        return "an unknown place"
    last = frames[-1]
    return f"{Path(last.filename).name}:{last.lineno} in {last.name}"
