"""The FHIR server of the fixture charts, told to misbehave between one call and the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from typing import Any

from flask import Response, g
from losing import CHARTS, ROOT, book

from cds_service.authoring.fhirserver.app import Seen, create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.facts.prefetch import template
from cds_service.facts.request import HookRequest
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.reads import FhirReader, Reading

REQUESTS = sorted((ROOT / "fhir_fixtures" / "requests").glob("*.json"))
SENDS_ALL = [path for path in REQUESTS if "not-supplied" not in path.name]
STRANGER = "someone-else"
HERE = FhirPolicy(any_base=True, networks=(ip_network("127.0.0.0/8"),), without_token=True)
"""What the service agrees to where nobody is configured: servers of this machine."""


@dataclass
class Clock:
    """Time that passes when it is told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class FixtureServer:
    """A running server: its base, its faults by place, what it was asked, and whose answers it falsifies."""

    base: str = ""
    slow: dict[str, int] = field(default_factory=dict)
    fail: dict[str, int] = field(default_factory=dict)
    truncate: dict[str, int] = field(default_factory=dict)
    strange: set[str] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def behave(self) -> None:
        """Forget every fault, and what was asked."""
        for faults in (self.slow, self.fail, self.truncate, self.strange, self.seen):
            faults.clear()

    def make_strange(self, response: Response) -> Response:
        """Answer with another patient's resources where told to."""
        if self.strange & {g.get("kind")}:
            text = response.get_data(as_text=True)
            response.set_data(text.replace('"Patient/', f'"Patient/{STRANGER}-'))
        return response


@contextmanager
def fixture_server(page: int = 1000) -> Iterator[FixtureServer]:
    """Serve every fixture chart on this machine; its slowness lets only its own clock go on."""
    server = FixtureServer()
    knobs = Knobs(slow=server.slow, fail=server.fail, truncate=server.truncate, page=page)
    app = create_fhir_app(charts(), knobs, pause=server.clock.pass_by, seen=server.seen.append)
    app.after_request(server.make_strange)
    with serving(app) as base:
        server.base = base
        yield server


@cache
def charts() -> Store:
    return Store.read(CHARTS)


def place(key: str) -> str:
    """Where the faults of one key are set: its type, and its codes if it has any."""
    kind, _, search = template(key, book()).partition("?")
    code = search.partition("&")[2]
    return f"{kind}?{code}" if code else kind.partition("/")[0]


class Calls:
    """Calls to a reader whose clock is the server's: nobody waits for anything."""

    def __init__(self, server: FixtureServer, **settings: Any) -> None:
        self.reader = FhirReader(5_000, clock=server.clock, **settings)

    def begin(self, policy: FhirPolicy = HERE) -> Reading:
        return self.reader.begin(policy)


def keep(request: HookRequest, keys: set[str]) -> dict[str, Any]:
    """The prefetch of a call with some of its keys only."""
    return {key: raw for key, raw in request.prefetch.items() if key in keys}
