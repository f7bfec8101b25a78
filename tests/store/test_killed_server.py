"""A real `cds serve`, killed under load or with a full disk: what was acknowledged is there."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.store.database import Database
from tests.web.answers import NOW, RULEBOOKS, VIEW, view_call
from tests.web.test_serve import Server

from .entries import cards

_SIZE = 3
_ENOUGH = 60
"""Bodies acknowledged before the kill."""


def start(url: str, **options: Any) -> Server:
    """A server in a process group of its own, so that it can be killed with all its workers."""
    arguments = ("--rules", str(RULEBOOKS), "--today", NOW.date().isoformat(), "--workers", "2")
    return Server(*arguments, options={"start_new_session": True} | options, CDS_DATABASE_URL=url)


def body(number: int, comment: str = "") -> dict[str, Any]:
    """Body `number`, of three entries on cards of its own."""
    why = {"overrideReason": {"userComment": comment}} if comment else {}
    plain = {"outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"} | why
    return {"feedback": [plain | {"card": f"{number}-{entry}"} for entry in range(_SIZE)]}


def post(server: Server, number: int, comment: str = "") -> requests.Response:
    return requests.post(f"{server.url}{VIEW}/feedback", json=body(number, comment), timeout=30)


class Load:
    """Clients that post bodies side by side until the server is gone."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.numbers = count()
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        while True:
            number = next(self.numbers)
            try:
                response = post(self.server, number)
            except requests.RequestException:
                return
            (self.acknowledged if response.status_code == 200 else self.refused).append(number)
            if len(self.acknowledged) >= _ENOUGH:
                self.enough.set()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(60)


def bodies(url: str) -> Counter[int]:
    """How many entries of each body are kept."""
    return Counter(int(card.partition("-")[0]) for card in cards(Database(url)))


def test_a_server_killed_under_load_kept_every_entry_it_acknowledged_and_no_half_body(url: str):
    server = start(url)
    load = Load(server)
    assert load.enough.wait(60)
    os.killpg(server.process.pid, signal.SIGKILL)
    load.wait()
    server.process.wait(20)

    again = start(url)
    try:
        assert "degraded" not in requests.get(f"{again.url}/readyz", timeout=10).json()
        kept = bodies(url)
        assert load.refused == []
        assert set(load.acknowledged) <= set(kept)
        assert set(kept.values()) == {_SIZE}
        # A caller that heard nothing sends all of it again: nothing is there twice.
        last = next(load.numbers)
        assert all(post(again, number).status_code == 200 for number in range(last))
        assert bodies(url) == dict.fromkeys(range(last), _SIZE)
    finally:
        again.stop()


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))


def test_a_full_disk_refuses_feedback_with_503_and_hook_calls_go_on(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/cds.sqlite3"
    server = start(url, preexec_fn=_small_files)
    try:
        acknowledged = 0
        while (response := post(server, acknowledged, "x" * 4_000)).status_code == 200:
            acknowledged += 1
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert response.json()["issue"][0]["code"] == "transient"
        assert requests.post(server.url + VIEW, json=view_call(), timeout=10).json()["cards"]
        assert bodies(url) == dict.fromkeys(range(acknowledged), _SIZE)
    finally:
        server.stop()


def test_a_server_starts_without_its_database_and_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    server = start(f"sqlite:///{tmp_path}/file/cds.sqlite3")
    try:
        assert "feedback is refused with 503" in " ".join(server.message.split())
        assert requests.get(f"{server.url}/readyz", timeout=10).json()["degraded"]
        assert requests.post(server.url + VIEW, json=view_call(), timeout=10).status_code == 200
        assert post(server, 0).status_code == 503
    finally:
        server.stop()


@pytest.mark.parametrize("url", ["sqlite://", "mysql://zq7@host/x"])
def test_a_server_does_not_start_with_a_database_it_cannot_know(url: str):
    with pytest.raises(AssertionError, match="CDS_DATABASE_URL: expected"):
        start(url)
