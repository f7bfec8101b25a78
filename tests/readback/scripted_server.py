"""A server on this machine that does exactly what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

from msgspec import Raw

from cds_service.facts.request import HookRequest
from cds_service.facts.server.policy import FhirPolicy

Act = Callable[["Handler"], None]
HERE = FhirPolicy(any_base=True, networks=(ip_network("127.0.0.0/8"),), without_token=True)
TOKEN = "seen-by-the-server-alone"


@dataclass(frozen=True)
class Asked:
    """One request as it came in; `peer` is the client's port, which tells connections apart."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    peer: int


@dataclass
class Scripted:
    """What to do by path (query included), one act after the other; the last is repeated."""

    acts: dict[str, list[Act]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    base: str = ""

    def on(self, path: str, *acts: Act) -> None:
        self.acts[f"/fhir/{path}"] = list(acts)

    def next_act(self, asked: Asked) -> Act:
        with self.lock:
            self.asked.append(asked)
            acts = self.acts.get(asked.path, [answer({"resourceType": "OperationOutcome"}, 404)])
            return acts.pop(0) if len(acts) > 1 else acts[0]

    def paths(self) -> list[str]:
        return [asked.path.removeprefix("/fhir/") for asked in self.asked]


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, so connections are kept."""

    protocol_version = "HTTP/1.1"
    scripted: Scripted

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size).decode()
        asked = Asked(self.command, self.path, dict(self.headers), body, self.client_address[1])
        self.scripted.next_act(asked)(self)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def answer(body: Any, status: int = 200, **headers: str) -> Act:
    """A whole answer; bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def act(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return act


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def bundle(*ids: str, following: str = "", **members: Any) -> dict[str, Any]:
    """A page of Conditions of the patient p1."""
    subject = {"reference": "Patient/p1"}
    entries = [{"resource": {"resourceType": "Condition", "id": one, "subject": subject}} for one in ids]
    links = {"link": [{"relation": "next", "url": following}]} if following else {}
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **links, **members}


@contextmanager
def scripted(prepare: Callable[[ThreadingHTTPServer], None] = lambda _: None) -> Iterator[Scripted]:
    """Serve while the block runs."""
    script = Scripted()
    handler = type("ScriptedHandler", (Handler,), {"scripted": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    prepare(server)
    script.base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def call(server: str, **members: Any) -> HookRequest:
    """A call about the patient p1 with a token for this server."""
    given: dict[str, Any] = {
        "hook": "patient-view",
        "hook_instance": "i",
        "service_id": "s",
        "user": "Practitioner/1",
        "patient_id": "p1",
        "as_of": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "zone": UTC,
        "fhir_server": server,
        "access_token": TOKEN,
    }
    return HookRequest(**given | members)


def ids(raw: Raw | None) -> list[str]:
    """The ids of a Bundle's entries."""
    assert raw is not None
    return [entry["resource"]["id"] for entry in json.loads(bytes(raw)).get("entry", [])]
