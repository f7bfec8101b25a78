"""Calls that wait for a thread: their time runs meanwhile, and what is no call does not wait behind them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.arrival import ARRIVED
from cds_service.web.front import THREADS, Front

from .answers import NOW, VIEW, assert_cards, view_call
from .test_front import Call

BODY = json.dumps(view_call()).encode()
LONG, SHORT = 60.0, 0.05
DECISION = "org.cds-service.decision"


class Held:
    """An application whose calls with the header `x-hold` stay in their thread until they are let go."""

    def __init__(self, app: Flask) -> None:
        self._app, self._go = app, threading.Event()
        self.inside = threading.Semaphore(0)
        self.arrived: list[float] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.arrived.append(environ[ARRIVED])
        if "HTTP_X_HOLD" in environ:
            self.inside.release()
            assert self._go.wait(LONG)
        return self._app(environ, start_response)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def held(sample_book: Rulebook, tmp_path: Path) -> Held:
    log = str(tmp_path / "decisions.jsonl")
    return Held(create_app(Settings(today=NOW, decision_log=log), [sample_book]))


def post(path: str = VIEW, **headers: str) -> Call:
    sent = {"content-type": "application/json", "content-length": str(len(BODY))} | headers
    return Call("POST", path, sent, BODY)


def begun(front: Front, call: Call) -> asyncio.Task[None]:
    return asyncio.create_task(front.answer(call, call))  # type: ignore[arg-type]


@asynccontextmanager
async def every_thread_held(held: Held, deadline: float) -> AsyncIterator[Front]:
    """A front all of whose threads for calls are taken; they are let go and answered at the end."""
    front = Front(held, 100_000, deadline=deadline)
    calls = [post(**{"x-hold": "1"}) for _ in range(THREADS)]
    tasks = [begun(front, call) for call in calls]
    for _ in tasks:
        await asyncio.to_thread(held.inside.acquire)
    try:
        yield front
        assert not any(task.done() for task in tasks)
    finally:
        held.let_go()
        await asyncio.gather(*tasks)
    assert [call.answer[0] for call in calls] == [200] * THREADS


async def answers(front: Front, *calls: Call) -> list[int]:
    await asyncio.gather(*(begun(front, call) for call in calls))
    return [call.answer[0] for call in calls]


def test_health_and_discovery_do_not_wait_behind_calls(held: Held):
    async def look() -> list[int]:
        async with every_thread_held(held, LONG) as front:
            paths = ("/healthz", "/readyz", "/metrics", "/cds-services", "/base/healthz")
            preflight = Call("OPTIONS", VIEW, {"origin": "https://ehr.example.org"})
            return await answers(front, *(Call("GET", path, {}) for path in paths), preflight)

    assert asyncio.run(look()) == [200, 200, 200, 200, 404, 204]


@pytest.mark.parametrize("path", [VIEW, f"{VIEW}/feedback"])
def test_a_call_that_finds_no_thread_within_its_time_is_turned_away(
    held: Held, path: str, caplog: pytest.LogCaptureFixture
):
    call = post(path)

    async def look() -> None:
        async with every_thread_held(held, SHORT) as front:
            await answers(front, call)

    asyncio.run(look())
    status, headers, body = call.answer
    (issue,) = json.loads(body)["issue"]
    assert (status, issue["code"]) == (503, "throttled")
    assert int(headers["retry-after"]) > 0
    assert headers["content-type"] == "application/json"
    assert [one for one in caplog.messages if "every thread" in one] == [
        "503: every thread was taken for 0.05 s, the time of a call"
    ]


def test_who_is_turned_away_is_logged_and_counted_like_any_call(held: Held, tmp_path: Path):
    scrape = Call("GET", "/metrics", {})

    async def look() -> None:
        async with every_thread_held(held, SHORT) as front:
            await answers(front, post())
            await answers(front, scrape)

    asyncio.run(look())
    line = json.loads((tmp_path / "decisions.jsonl").read_text().splitlines()[0])
    assert (line["status"], line["reason"], line["service"]) == (503, "throttled", "sample-patient-view")
    assert line["ms"] >= 1000 * SHORT
    counted = b'cds_requests_total{endpoint="call",service="sample-patient-view",status="503"} 1.0'
    assert counted in scrape.answer[2]


def test_the_time_of_a_call_begins_before_it_has_a_thread(held: Held):
    waiting = post()

    async def look() -> float:
        async with every_thread_held(held, LONG) as front:
            task = begun(front, waiting)
            await answers(front, Call("GET", "/healthz", {}))  # by now the call stands in line
            now = time.monotonic()
            assert not task.done()
        await task
        return now

    let_go = asyncio.run(look())
    assert waiting.answer[0] == 200
    assert all(arrived < let_go for arrived in held.arrived)


# --- what the application makes of it ------------------------------------------------------------


def late(app: Flask, call: dict[str, Any], seconds: float = 1_000.0) -> Any:
    """The answer to a call that waited so long."""
    waited = {ARRIVED: time.monotonic() - seconds}
    return app.test_client().post(VIEW, json=call, environ_overrides=waited)


@pytest.fixture
def make(sample_book: Rulebook) -> Callable[..., Flask]:
    return lambda **members: create_app(replace(Settings(today=NOW), **members), [sample_book])


def test_a_call_whose_time_for_reads_is_up_is_answered_without_them(make: Callable[..., Flask]):
    with socket.create_server(("127.0.0.1", 0)) as unasked:
        unasked.setblocking(False)
        call = view_call() | {"fhirServer": f"http://127.0.0.1:{unasked.getsockname()[1]}/fhir"}
        del call["prefetch"]["conditions"]
        told = assert_cards(late(make(), call))["extension"][DECISION]
        with pytest.raises(BlockingIOError):
            unasked.accept()
    assert not told["complete"]
    reasons = {one["reason"] for verdict in told["verdicts"] for one in verdict.get("because", ())}
    assert reasons == {"deadline"}


def test_without_the_patient_it_is_refused_as_not_obtained(make: Callable[..., Flask]):
    call = view_call() | {"fhirServer": "http://127.0.0.1:9/fhir", "prefetch": {}}
    assert late(make(), call).status_code == 412


def test_a_call_that_brought_everything_loses_nothing_by_waiting(make: Callable[..., Flask]):
    app = make()
    assert assert_cards(late(app, view_call())) == assert_cards(late(app, view_call(), 0.0))


def test_the_log_counts_the_waiting_too(make: Callable[..., Flask], tmp_path: Path):
    path = tmp_path / "decisions.jsonl"
    late(make(decision_log=str(path)), view_call())
    assert json.loads(path.read_text())["ms"] >= 1_000_000
