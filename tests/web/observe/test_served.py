"""`cds serve` with two workers: one log, one set of counters, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cds_service.web.observe.workers import SHARED, shared_counters

from ..answers import NOW, RULEBOOKS, VIEW, view_call
from ..test_serve import Server, run
from .conftest import samples

_CALLS = 40


def start(**env: str) -> Server:
    arguments = ("--rules", str(RULEBOOKS), "--today", NOW.date().isoformat(), "--workers", "2")
    return Server(*arguments, options={"start_new_session": True}, **env)


def folder_of(server: Server) -> Path:
    """The folder of the shared counters, as a worker's environment names it."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for child in children:
        maps = Path(f"/proc/{child}/maps").read_text()
        found = re.search(r"(/\S*cds-metrics-[^/]+)/counter_\d+\.db", maps)
        if found:
            return Path(found[1])
    raise AssertionError("no worker has its counters in a shared folder")


def call(server: Server) -> requests.Response:
    return requests.post(server.url + VIEW, json=view_call(), timeout=20)


def scrape(server: Server) -> dict[str, float]:
    return samples(requests.get(f"{server.url}/metrics", timeout=20).text)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start(CDS_DECISION_LOG=str(tmp_path / "var" / "decisions.jsonl"))
    yield running
    running.stop()


def test_every_scrape_counts_the_calls_of_both_workers_and_the_log_has_all_of_them(
    server: Server, tmp_path: Path
):
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: call(server), range(_CALLS)))
    assert {answer.status_code for answer in answers} == {200}
    lines = [json.loads(line) for line in (tmp_path / "var" / "decisions.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines] == [200] * _CALLS
    assert len({line["patient"] for line in lines}) == 1
    labels = 'endpoint="call",service="sample-patient-view",status="200"'
    for _ in range(6):
        found = scrape(server)
        assert found[f"cds_requests_total{{{labels}}}"] == _CALLS
        assert found['cds_call_seconds_count{service="sample-patient-view"}'] == _CALLS
        (workers,) = [n for name, n in found.items() if name.startswith("cds_rulebook_info")]
        assert workers == 2


def test_the_folder_of_the_counters_is_private_and_goes_with_the_server(server: Server):
    folder = folder_of(server)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert server.stop() == 0
    assert not folder.exists()


def test_the_counters_of_a_killed_server_are_removed_by_the_next_and_not_counted():
    killed = start()
    call(killed)
    folder = folder_of(killed)
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait(20)
    assert folder.exists()
    again = start()
    try:
        assert not folder.exists()
        assert folder_of(again).exists()
        assert not any(name.startswith("cds_verdicts") for name in scrape(again))
    finally:
        again.stop()


def test_a_running_server_keeps_its_counters_when_another_starts(server: Server):
    call(server)
    other = start()
    try:
        call(other)
        for each in (server, other):
            labels = 'endpoint="call",service="sample-patient-view",status="200"'
            assert scrape(each)[f"cds_requests_total{{{labels}}}"] == 1
    finally:
        other.stop()
    assert folder_of(server).exists()


def test_a_folder_the_operator_names_is_kept_and_emptied_of_old_counters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "counter_1.db").write_bytes(b"old")
    (tmp_path / "mine.txt").write_text("kept")
    monkeypatch.setenv(SHARED, str(tmp_path))
    with shared_counters() as folder:
        assert folder == tmp_path
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert tmp_path.exists()


def test_what_a_dead_worker_counted_stays_and_what_it_served_does_not(tmp_path: Path):
    """Under a server that starts another worker in the place of one that died."""
    script = (
        "import os, sys; from cds_service.web.observe.metrics import Metrics; m = Metrics();"
        "from cds_service.rulebook.load import load_rulebook; from pathlib import Path;"
        f"m.serving([load_rulebook(Path({str(RULEBOOKS / 'sample')!r}))]); m.answered('call', 's', 200);"
        "sys.stdout.buffer.write(m.scrape())"
    )
    first, second = (_python(script, tmp_path) for _ in range(2))
    assert [_value(text, "cds_requests_total") for text in (first, second)] == [1, 2]
    assert [_value(text, "cds_rulebook_info") for text in (first, second)] == [1, 1]


def _python(script: str, folder: Path) -> str:
    env = os.environ | {SHARED: str(folder)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    return done.stdout


def _value(text: str, name: str) -> float:
    (value,) = [number for found, number in samples(text).items() if found.startswith(name)]
    return value


def test_lines_go_to_standard_output_where_that_is_asked_for():
    running = start(CDS_DECISION_LOG="-")
    for _ in range(4):
        call(running)
    running.stop()
    assert running.process.stdout is not None
    lines = [json.loads(line) for line in running.process.stdout if line.startswith("{")]
    assert [line["status"] for line in lines] == [200] * 4
    assert not any("patient" in line for line in lines)


def test_a_log_that_cannot_be_opened_is_wrong_use_with_a_way_out(tmp_path: Path):
    code, text = run("--rules", str(RULEBOOKS), CDS_DECISION_LOG=str(tmp_path))
    assert code == 2
    assert "CDS_DECISION_LOG" in text
    assert "var/decisions.jsonl" in " ".join(text.split())
