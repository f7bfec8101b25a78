"""Starts and stops the servers under measurement, and times one request on an open connection."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import perf_counter_ns

from benchmarks.bodies import NOW, ROOT, SERVICE

_LONGEST_START, _LONGEST_STOP = 60, 10  # seconds
_HEADERS = {"Content-Type": "application/json"}


class Caller:
    """One kept connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, body: bytes) -> bytes:
        """The answer to one hook call. Raises RuntimeError unless it is 200."""
        self._connection.request("POST", f"/cds-services/{SERVICE}", body, _HEADERS)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(
                f"the server answered {response.status}: {answer[:300].decode(errors='replace')}"
            )
        return answer

    def timed(self, body: bytes) -> float:
        """Milliseconds from the first byte sent to the last byte read."""
        before = perf_counter_ns()
        self.call(body)
        return (perf_counter_ns() - before) / 1e6

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def product(engine: str) -> Iterator[Caller]:
    """The shipped rules under `cds serve` with one worker."""
    port = free_port()
    command = [sys.executable, "-m", "cds_service.authoring.cli", "serve", "--workers", "1"]
    options = {"port": str(port), "engine": engine, "rules": str(ROOT / "rules"), "today": NOW.isoformat()}
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    with _running([*command, *flags], port) as caller:
        yield caller


@contextmanager
def floor(answer: Path) -> Iterator[Caller]:
    """The floor, answering the bytes of a file."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.floor", str(port), str(answer)], port) as caller:
        yield caller


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> Mapping[str, str]:
    """The environment without settings of the shell that would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}


@contextmanager
def _running(command: list[str], port: int) -> Iterator[Caller]:
    with running(command, port):
        caller = Caller(port)
        yield caller
        caller.close()


@contextmanager
def running(command: list[str], port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens at the port, until the block ends; `settings` are added to its environment."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**clean_environment(), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _wait(process, port)
        yield process
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise RuntimeError(f"the server did not start: {said.strip()}")
        probe = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            probe.request("GET", "/readyz")
            probe.getresponse().read()
            return
        except (OSError, HTTPException):
            time.sleep(0.05)
        finally:
            probe.close()
    raise RuntimeError(f"the server did not listen within {_LONGEST_START} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_LONGEST_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stderr:
        process.stderr.close()
