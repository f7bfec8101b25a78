"""Calls in which everything a caller can write is marked, and an EHR that marks everything it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from ..answers import view_call

MARK = "zq7"
TOKEN, NAME, TEXT, COMMENT = f"{MARK}token", f"{MARK}name", f"{MARK}text", f"{MARK}comment"
PATIENT, USER, ENCOUNTER, ENTRY = f"{MARK}patient", f"{MARK}user", f"{MARK}encounter", f"{MARK}entry"
HEADERS = {
    "User-Agent": f"{MARK}agent",
    "X-Request-Id": f"{MARK}header",
    "Referer": f"https://ehr.example/{MARK}referer",
    "Cookie": f"session={MARK}cookie",
}
QUERY = f"?patient={MARK}query"
FAULT = "00000000-0000-4000-8000-000000000500"
"""A call with this hookInstance makes the served program fail, see `SERVE_WITH_A_FAULT`."""

SERVE_WITH_A_FAULT = f"""
from cds_service.web import service
from cds_service.web.serve import serve
sound = service.evaluate

def evaluate(request, served, reading):
    if request.hook_instance == {FAULT!r}:
        raise RuntimeError(f"{{request!r}} {{request.access_token}} {{request.prefetch}}")
    return sound(request, served, reading)

service.evaluate = evaluate
serve()
"""


def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "birthDate": "1980-01-01",
        "name": [{"family": NAME, "given": [f"{NAME}2"]}],
        "identifier": [{"value": f"{MARK}mrn"}],
        "telecom": [{"value": f"{MARK}phone"}],
    }


def marked_call(**members: Any) -> dict[str, Any]:
    """A call that is answered with a card; its data, ids and unknown members are marked."""
    call: dict[str, Any] = json.loads(json.dumps(view_call()).replace('"p1"', f'"{PATIENT}"'))
    call = json.loads(json.dumps(call).replace("Patient/p1", f"Patient/{PATIENT}"))
    call["context"] |= {"userId": f"Practitioner/{USER}", "encounterId": ENCOUNTER, f"{MARK}member": TEXT}
    call["prefetch"]["patient"] = patient()
    call["prefetch"][f"{MARK}key"] = {"resourceType": "Bundle", "id": ENTRY}
    condition = call["prefetch"]["conditions"]["entry"][0]["resource"]
    condition |= {"id": ENTRY, "note": [{"text": TEXT}], "subject": {"reference": f"Patient/{PATIENT}"}}
    condition["code"] |= {"text": TEXT}
    call["prefetch"]["conditions"]["entry"].append(
        {"resource": condition | {"id": f"{ENTRY}2", "onsetDateTime": 7, "code": TEXT}}
    )
    weight = call["prefetch"]["observations-vital-signs"]["entry"][0]["resource"]
    weight["subject"] = {"reference": f"Patient/{PATIENT}"}
    return call | {"extension": {MARK: TEXT}, f"{MARK}member": TEXT} | members


def access(base: str) -> dict[str, Any]:
    """The way back to an EHR, its token marked."""
    token = {"access_token": TOKEN, "token_type": "Bearer", "scope": f"{MARK}scope", "expires_in": 300}
    return {"fhirServer": base, "fhirAuthorization": token | {"subject": f"{MARK}subject"}}


def feedback(card: str) -> dict[str, Any]:
    """Feedback with everything it may hold; only reason and comment are the clinician's own words."""
    reason = {"code": f"{MARK}code", "system": "urn:x", "display": f"{MARK}display"}
    entry = {
        "card": card,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-03-01T12:00:00Z",
        "overrideReason": {"reason": reason, "userComment": COMMENT},
        f"{MARK}member": NAME,
    }
    return {"feedback": [entry], f"{MARK}member": NAME}


class _Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        kind = self.path.partition("?")[0].split("/")[1]
        if kind == "Patient":
            self._say(200, patient())
        elif kind == "Condition":
            self._say(500, {"resourceType": "OperationOutcome", "text": f"{NAME} {TOKEN}"})
        else:
            self.wfile.write(f"HTTP/1.1 200 {MARK}\r\nContent-Length: {MARK}\r\n\r\n".encode())

    def _say(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status, f"{MARK} {NAME}")
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("X-Marked", f"{NAME}header")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def marked_ehr() -> Iterator[tuple[str, list[str]]]:
    """The base of an EHR that has the Patient, fails over the rest; the tokens it was brought."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"asked": asked}))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
