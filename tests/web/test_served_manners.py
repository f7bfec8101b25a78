"""A real `cds serve`: slow and swollen bodies, calls under way when it is stopped, rules exchanged."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.settings import MAX_BODY
from cds_service.web.front import BODY_SECONDS, THREADS

from .answers import NOW, RULEBOOKS, VIEW, view_call
from .test_body import bomb
from .test_serve import Server

BODY = json.dumps(view_call()).encode()
TRIES = 600
STAMPED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (WARNING|ERROR) \d+ .+"
"""A line of the log: when, how bad, from which worker, what."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server("--rules", str(RULEBOOKS), "--today", NOW.date().isoformat())
    yield running
    running.stop()


def opened(server: Server, body: bytes, *, head: bytes = b"", length: int | None = None) -> socket.socket:
    """A connection on which a call has begun: its head, and so much of its body."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=BODY_SECONDS * 3)
    announced = len(BODY) if length is None else length
    connection.sendall(
        b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
        % (VIEW.encode(), head, announced, body)
    )
    return connection


def answer(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    connection.close()
    return b"".join(parts)


def is_answered(server: Server) -> bool:
    return requests.post(server.url + VIEW, json=view_call(), timeout=5).status_code == 200


def resident(server: Server) -> int:
    """The largest memory that any process of the server ever had, in bytes."""
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    peaks = []
    for pid in listed:
        (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in one]
        peaks.append(int(line.split()[1]) * 1024)
    return max(peaks)


# --- slow bodies ---------------------------------------------------------------------------------


def test_slow_clients_hold_up_nobody_and_get_408_in_the_end(server: Server):
    """More of them than the worker has threads; some stop in the middle, one sends drop by drop."""
    silent = [opened(server, BODY[:100]) for _ in range(2 * THREADS)]
    dripping = opened(server, BODY[:1])
    assert all(is_answered(server) for _ in range(5))
    answers = [dripped(dripping), *map(answer, silent)]
    for said in answers:
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"OperationOutcome" in said
        assert b"connection: close" in said
    assert is_answered(server)


def dripped(connection: socket.socket) -> bytes:
    """What a client hears that sends a byte five times a second."""
    connection.settimeout(0.2)
    for at in range(1, 10 * int(BODY_SECONDS)):
        with contextlib.suppress(TimeoutError):
            return answer(connection)
        connection.sendall(BODY[at : at + 1])
    raise AssertionError("nobody cut it off")


def test_a_call_that_pauses_within_the_time_is_answered(server: Server):
    connection = opened(server, BODY[:100], head=b"Connection: close\r\n")
    assert is_answered(server)
    connection.sendall(BODY[100:])
    assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(server: Server):
    for _ in range(50):
        opened(server, BODY[:100]).close()
    assert is_answered(server)


def test_a_call_that_waits_for_a_fhir_server_holds_up_nobody(server: Server):
    """Nor do twice as many as there are processors; the server named accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(4) as callers:
        call = view_call() | {"fhirServer": f"http://127.0.0.1:{mute.getsockname()[1]}/fhir"}
        del call["prefetch"]["conditions"]
        waiting = [callers.submit(requests.post, server.url + VIEW, json=call, timeout=20) for _ in range(4)]
        mute.accept()
        assert is_answered(server)
        assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200
        assert not any(one.done() for one in waiting)
        answers = [one.result() for one in waiting]
    assert [one.status_code for one in answers] == [200] * 4
    assert not any(one.json()["extension"]["org.cds-service.decision"]["complete"] for one in answers)


def test_a_burst_of_calls_that_wait_for_a_fhir_server_is_answered_within_the_time_of_a_call():
    """Far more of them than there are threads. One round after the other would take 5 times as long."""
    seconds, burst = 3.0, 5 * THREADS
    running = Server("--rules", str(RULEBOOKS), CDS_DEADLINE_MS=f"{1000 * seconds:.0f}")
    try:
        with socket.create_server(("127.0.0.1", 0), backlog=4 * burst) as mute:
            call = view_call() | {"fhirServer": f"http://127.0.0.1:{mute.getsockname()[1]}/fhir"}
            del call["prefetch"]["conditions"]
            with ThreadPoolExecutor(burst) as callers:
                asked = [callers.submit(timed, running.url + VIEW, call) for _ in range(burst)]
                mute.accept()
                assert requests.get(f"{running.url}/healthz", timeout=5).status_code == 200
                assert not all(one.done() for one in asked)
                answers = [one.result() for one in asked]
        assert {status for status, _ in answers} <= {200, 503}
        assert max(took for _, took in answers) < 2 * seconds
    finally:
        assert running.stop() == 0


def timed(url: str, call: Any) -> tuple[int, float]:
    """The status of a call, and the seconds it took."""
    begun = time.monotonic()
    return requests.post(url, json=call, timeout=60).status_code, time.monotonic() - begun


# --- swollen bodies ------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_bomb_of_a_gigabyte_is_413_and_memory_stays_bounded(server: Server):
    packed = bomb()
    assert is_answered(server)
    before = resident(server)
    for _ in range(5):
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        response = requests.post(server.url + VIEW, data=packed, headers=headers, timeout=20)
        assert response.status_code == 413
    assert resident(server) - before < 6 * MAX_BODY
    assert is_answered(server)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_an_endless_chunked_body_is_413_and_memory_stays_bounded(server: Server):
    before = resident(server)

    def endless() -> Iterator[bytes]:
        for _ in range(1_000):
            yield bytes(1_000_000)

    # The server may answer and close while this side is still sending.
    with contextlib.suppress(requests.ConnectionError):
        assert requests.post(server.url + VIEW, data=endless(), timeout=20).status_code == 413
    assert resident(server) - before < 6 * MAX_BODY
    assert is_answered(server)


# --- bodies cut short ----------------------------------------------------------------------------

ENTRY = {"card": str(uuid.uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
SENT = {VIEW: BODY, f"{VIEW}/feedback": json.dumps({"feedback": [ENTRY]}).encode()}
LAST = b"0\r\n\r\n"


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def chunked(server: Server, path: str, body: bytes, *, leave: bool = False) -> bytes:
    """What a client hears that sends these chunks; one that leaves sends no more, but still listens."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nConnection: close\r\n"
    connection.sendall(head % path.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    if leave:
        connection.shutdown(socket.SHUT_WR)
    return answer(connection)


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize(
    ("end", "leave"),
    [
        (b"", True),
        (b"0\r\n", True),
        (b"5\r\n ", True),
        (b"no size\r\n", False),
        (b"0\r\nX-A: b\r\n\r\n", False),
    ],
    ids=["no last chunk", "half of it", "half a chunk", "no size", "trailers"],
)
def test_chunks_without_their_end_are_refused_though_the_json_is_whole(
    server: Server, path: str, end: bytes, leave: bool
):
    """Trailers too: the server does not tell us whether it met them or a broken connection."""
    said = chunked(server, path, chunk(SENT[path]) + end, leave=leave)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"last chunk" in said


@pytest.mark.parametrize("path", SENT)
def test_whole_chunks_are_answered(server: Server, path: str):
    whole = chunk(SENT[path])
    assert chunked(server, path, whole + LAST).startswith(b"HTTP/1.1 200 ")
    extended = whole.replace(b"\r\n", b";part=1\r\n", 1)
    assert chunked(server, path, extended + LAST).startswith(b"HTTP/1.1 200 ")


# --- what never reaches the application ----------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n" % (b"a" * 65_536), 414),
        (b"GET / HTTP/1.1\r\n%s\r\n" % b"".join(b"X-%d: a\r\n" % number for number in range(101)), 431),
    ],
    ids=["no HTTP", "no length", "long address", "many headers"],
)
def test_what_is_no_http_is_refused_by_the_server_itself_with_an_empty_body(
    server: Server, sent: bytes, status: int
):
    """As docs/ehr.md says; Granian lets nobody put a body there."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(sent)
    head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert body == b""


# --- shutdown ------------------------------------------------------------------------------------


def test_a_call_under_way_is_finished_after_sigterm():
    running = Server("--rules", str(RULEBOOKS), "--workers", "2")
    try:
        ready_when(running, lambda said: len(said["workers"]) == 2)
        held = opened(running, BODY[:100])
        assert is_answered(running)
        running.process.send_signal(signal.SIGTERM)
        refused(running)
        held.sendall(BODY[100:])
        said = answer(held)
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b'"cards":' in said
        assert running.process.wait(20) == 0
    finally:
        running.process.kill()


def refused(server: Server) -> None:
    """Wait until nobody listens any more."""
    for _ in range(TRIES):
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as probe:
                probe.settimeout(0.1)
                probe.recv(1)
        except ConnectionRefusedError:
            return
        except OSError:
            continue
    raise AssertionError("the server still listens")


# --- reload --------------------------------------------------------------------------------------


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULEBOOKS, tmp_path / "rules"))


def edit(rules: Path, seen: str, wanted: str) -> None:
    path = rules / "sample/cautions/heavy-patient.yaml"
    text = path.read_text(encoding="utf-8")
    assert seen in text
    path.write_text(text.replace(seen, wanted), encoding="utf-8")


def ready_when(server: Server, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What /readyz says once it is as wanted."""
    for _ in range(TRIES):
        said: dict[str, Any] = requests.get(f"{server.url}/readyz", timeout=10).json()
        if wanted(said):
            return said
        threading.Event().wait(0.05)  # another look soon
    raise AssertionError(f"never so: {said}")


def digests(said: dict[str, Any]) -> list[str]:
    return [worker["rulebooks"][0]["digest"] for worker in said["workers"]]


def test_sighup_exchanges_the_rules_of_every_worker(rules: Path):
    running = Server("--rules", str(rules), "--workers", "2")
    try:
        before = ready_when(running, lambda said: len(said["workers"]) == 2)
        pids = [worker["pid"] for worker in before["workers"]]
        (old,) = set(digests(before))
        edit(rules, '"Weight {weight}"', '"Heavy: {weight}"')
        running.process.send_signal(signal.SIGHUP)
        after = ready_when(running, lambda said: old not in digests(said))
        assert [worker["pid"] for worker in after["workers"]] == pids
        (new,) = set(digests(after))
        for _ in range(10):
            body = requests.post(running.url + VIEW, json=view_call(), timeout=10).json()
            assert body["extension"]["org.cds-service.decision"]["rulebook"]["digest"] == new
            assert "Heavy: 120" in [card["summary"] for card in body["cards"]]

        edit(rules, "kind: caution", "kind: cautoin")
        running.process.send_signal(signal.SIGHUP)
        failed = ready_when(running, lambda said: all("reload" in one for one in said["workers"]))
        assert failed["status"] == "ready"
        assert set(digests(failed)) == {new}
        assert "heavy-patient.yaml:5" in failed["reload"]["first"]
        assert is_answered(running)

        edit(rules, "kind: cautoin", "kind: caution")
        running.process.send_signal(signal.SIGHUP)
        ready_when(running, lambda said: not any("reload" in one for one in [said, *said["workers"]]))
        running.stop()
        assert running.process.stdout is not None
        log = running.process.stdout.read()
        assert "heavy-patient.yaml:5" in log
        assert new[:19] in log
        assert [line for line in log.splitlines() if not re.fullmatch(STAMPED, line)] == []
        assert {line.split()[2] for line in log.splitlines()} == {str(pid) for pid in pids}
    finally:
        running.process.kill()


def test_watched_rules_are_exchanged_when_their_files_change(rules: Path):
    running = Server("--rules", str(rules), CDS_WATCH="1")
    try:
        (old,) = digests(ready_when(running, lambda said: len(said["workers"]) == 1))
        edit(rules, '"Weight {weight}"', '"Heavy: {weight}"')
        ready_when(running, lambda said: old not in digests(said))
    finally:
        assert running.stop() == 0
