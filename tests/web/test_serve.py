"""`cds serve`: the command, and a real server on a free port of this machine."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from cds_service.errors import UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.serve import base_url, example_call, refuse_taken_port, serve, start_message

from .answers import MARK, NOW, RULEBOOKS, SELECT, VIEW, mixed, select_call, view_call

COMMAND = [sys.executable, "-c", "from cds_service.web.serve import serve; serve()"]
TOO_LARGE = 10_000_001


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*arguments: str, **env: str) -> tuple[int, str]:
    """The exit code and what was said; on a port of its own, whoever holds the usual one."""
    result = CliRunner(env={"CDS_PORT": str(free_port()), **env}).invoke(serve, list(arguments))
    return result.exit_code, result.output


class Server:
    """A running `cds serve`, its start message read; its database is new unless `env` names one."""

    def __init__(self, *arguments: str, options: Mapping[str, Any] | None = None, **env: str) -> None:
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
        database = f"sqlite:///{self.folder.name}/cds.sqlite3"
        self.process = subprocess.Popen(
            [*COMMAND, "--port", str(self.port), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=plain | {"PYTHONUNBUFFERED": "1", "CDS_DATABASE_URL": database} | env,
            **options or {},
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.message = self._message()

    def _message(self) -> str:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return "".join(lines)
        raise AssertionError("the server ended: " + "".join(lines))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server("--rules", str(RULEBOOKS), "--today", NOW.date().isoformat(), "--workers", "2")
    yield running
    assert running.stop() == 0


# --- the command ---------------------------------------------------------------------------------


def test_the_help_teaches():
    code, text = run("--help")
    assert code == 0
    for taught in ("/cds-services", "--today", "--engine", "CDS_MAX_BODY", "CDS_CLIENTS", "curl", "wsgi:app"):
        assert taught in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "http"], "CDS_PORT: seen 'http'"),
        (["--engine", "durabel"], "did you mean 'durable'?"),
        (["--today", "tomorrow"], "CDS_TODAY"),
        (["--host", "0.0.0.0"], "CDS_CLIENTS"),
        (["--rules", "no-such-folder"], "no-such-folder"),
        (["--hots", "x"], "--host"),
    ],
)
def test_wrong_use_is_exit_2_with_a_way_out(arguments: list[str], said: str):
    code, text = run(*arguments)
    assert code == 2
    assert said in text


def test_a_wrong_environment_is_exit_2():
    code, text = run(CDS_PROT="1")
    assert code == 2
    assert "did you mean CDS_PORT?" in text


def test_rules_with_problems_are_listed_with_exit_1(tmp_path: Path):
    shutil.copytree(RULEBOOKS, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "sample" / "rulebook.yaml").open("a") as file:
        file.write("nonsense: 1\n")
    code, text = run("--rules", str(tmp_path))
    assert code == 1
    assert "rulebook.yaml" in text
    assert "nonsense" in text


def test_an_active_rule_left_to_be_written_is_not_served(tmp_path: Path):
    shutil.copytree(RULEBOOKS, tmp_path, dirs_exist_ok=True)
    path = next((tmp_path / "sample").rglob("heavy-patient.yaml"))
    path.write_text(path.read_text().replace("purpose: ", "purpose: TODO ", 1))
    code, text = run("--rules", str(tmp_path))
    assert code == 1
    assert "heavy-patient.yaml:" in text and "TODO was left here" in text


def test_unapproved_rules_are_refused_where_approval_is_required():
    code, text = run("--rules", str(RULEBOOKS), CDS_REQUIRE_APPROVAL="1")
    assert code == 1
    assert "heavy-patient" in text


def test_a_port_in_use_is_named_with_another_to_try():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, text = run("--rules", str(RULEBOOKS), "--port", str(port))
    assert code == 2
    assert f"port {port} is in use; try --port {port + 1}" in " ".join(text.split())


def test_a_free_port_is_left_free():
    settings = Settings(port=free_port())
    refuse_taken_port(settings)
    refuse_taken_port(settings)


def test_the_message_names_rules_time_and_an_example(sample_book: Rulebook, tmp_path: Path):
    (tmp_path / "b.order-select.json").write_text("{}")
    (tmp_path / "a.order-select.json").write_text("{}")
    text = start_message(Settings(today=NOW, port=5001), [sample_book], "direct")
    assert "http://127.0.0.1:5001/cds-services" in text
    assert f"sample 1.2.0 ({sample_book.digest[:19]})" in text
    assert "time is frozen at 2026-03-01T12:00:00+00:00" in text
    plain = start_message(Settings(), [sample_book], "direct")
    assert "frozen" not in plain
    assert "-d @" not in plain
    example = example_call("http://x", [sample_book], tmp_path)
    assert "/sample-order-select" in example
    assert str(tmp_path / "a.order-select.json") in example
    assert example_call("http://x", [sample_book], tmp_path / "none") == "curl -s http://x/cds-services"


def test_an_ipv6_address_is_written_in_brackets():
    assert base_url(Settings(host="::1")) == "http://[::1]:5000"
    assert base_url(Settings(host="localhost", port=80)) == "http://localhost:80"


# --- the server ----------------------------------------------------------------------------------


def test_the_start_message_comes_from_the_running_server(server: Server):
    assert f"Serving CDS Hooks at {server.url}/cds-services" in server.message
    assert "time is frozen at 2026-03-01T12:00:00+00:00" in server.message


def test_discovery_and_health_answer(server: Server):
    assert requests.get(f"{server.url}/healthz", timeout=10).json() == {"status": "alive"}
    assert requests.get(f"{server.url}/readyz", timeout=10).json()["status"] == "ready"
    first = requests.get(f"{server.url}/cds-services", timeout=10)
    assert len(first.json()["services"]) == 2
    known = requests.get(
        f"{server.url}/cds-services", headers={"If-None-Match": first.headers["ETag"]}, timeout=10
    )
    assert (known.status_code, known.content) == (304, b"")


def test_every_worker_has_the_same_tag(server: Server):
    tags = {requests.get(f"{server.url}/cds-services", timeout=10).headers["ETag"] for _ in range(12)}
    assert len(tags) == 1


def test_hook_calls_get_their_cards(server: Server):
    for path, call in ((VIEW, view_call()), (SELECT, mixed(select_call()))):
        response = requests.post(server.url + path, json=call, timeout=10)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["cards"]
        assert MARK not in response.text


def test_many_calls_on_one_connection_are_answered_alike(server: Server):
    with requests.Session() as session:
        answers = {session.post(server.url + VIEW, json=view_call(), timeout=10).text for _ in range(20)}
    assert len(answers) == 1


def test_refusals_are_outcomes(server: Server):
    for path, body, status in (
        (VIEW, b"{", 400),
        (VIEW, json.dumps(select_call()).encode(), 400),
        ("/cds-services/none", b"{}", 404),
        ("/nothing", b"{}", 404),
        ("/healthz", b"{}", 405),
    ):
        response = requests.post(
            server.url + path, data=body, headers={"Content-Type": "application/json"}, timeout=10
        )
        assert response.status_code == status
        assert response.json()["resourceType"] == "OperationOutcome"


def test_a_chunked_body_is_read(server: Server):
    raw = json.dumps(view_call()).encode()
    chunks = (raw[at : at + 100] for at in range(0, len(raw), 100))
    response = requests.post(
        server.url + VIEW, data=chunks, headers={"Content-Type": "application/json"}, timeout=10
    )
    assert response.status_code == 200


def test_a_chunked_body_over_the_limit_is_413(server: Server):
    piece = b"x" * 100_000
    response = requests.post(server.url + VIEW, data=(piece for _ in range(101)), timeout=20)
    assert response.status_code == 413
    assert response.json()["issue"][0]["code"] == "too-long"


def test_a_declared_length_over_the_limit_is_413_before_the_body_is_sent(server: Server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("POST", VIEW)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(50_000_000))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["resourceType"] == "OperationOutcome"
    connection.close()


def test_a_body_over_the_limit_is_413_when_it_is_sent_whole(server: Server):
    response = requests.post(server.url + VIEW, data=b"x" * TOO_LARGE, timeout=20)
    assert response.status_code == 413


def test_the_example_of_the_start_message_returns_a_card():
    """The README's promise: the shipped rules, the shipped example, one command."""
    running = Server("--today", "2026-03-01")
    try:
        (command,) = re.findall(r"^\s*(curl -s .*)$", running.message, re.MULTILINE)
        words = shlex.split(command)
        url, body = words[2], Path(words[-1].removeprefix("@"))
        assert words[3:6] == ["-H", "Content-Type: application/json", "-d"]
        response = requests.post(
            url, data=body.read_bytes(), headers={"Content-Type": "application/json"}, timeout=20
        )
        assert response.status_code == 200, response.text
        assert response.json()["cards"]
    finally:
        running.stop()


def test_a_port_shared_by_a_running_server_is_refused() -> None:
    with socket.socket() as listener:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match="is in use"):
            refuse_taken_port(Settings(host="127.0.0.1", port=port))
        with pytest.raises(UsageError, match="is in use"):
            refuse_taken_port(Settings(host="0.0.0.0", port=port))
    refuse_taken_port(Settings(host="127.0.0.1", port=port))
