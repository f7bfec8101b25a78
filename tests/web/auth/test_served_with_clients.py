"""`cds serve` with CDS_CLIENTS: a real server, two workers, restarted (SEC-3, SEC-12, SEC-14)."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from ..answers import RULEBOOKS, view_call
from ..answers import VIEW as PATH
from ..test_serve import Server, run
from .parties import CITY, LAKE, PUBLIC, client_of, clients_file

VIEW = f"{PUBLIC}{PATH}"


def fresh(**changes: object) -> str:
    """A token for now: the server goes by the real clock."""
    second = int(time.time())
    return CITY.token(**({"iat": second, "exp": second + 300} | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    clients_file(made, [client_of(CITY, "city"), client_of(LAKE, "lake")])
    return made


def environment(folder: Path) -> dict[str, str]:
    return {
        "CDS_CLIENTS": str(folder / "clients.yaml"),
        "CDS_DATABASE_URL": f"sqlite:///{folder / 'cds.sqlite3'}",
        "CDS_PUBLIC_URL": PUBLIC,
    }


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    running = Server("--rules", str(RULEBOOKS), "--workers", "2", **environment(folder))
    yield running
    running.stop()


def call(server: Server, token: str | None) -> requests.Response:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(server.url + PATH, json=view_call(), headers=sent, timeout=20)


def test_the_start_message_counts_the_clients_and_shows_a_call_that_is_answered(server: Server):
    assert "2 clients may call, each call with its own token" in server.message
    assert f"curl -s {server.url}/cds-services\n" in server.message
    assert CITY.issuer not in server.message


def test_sec_12_of_many_calls_at_once_with_one_token_one_is_answered(server: Server):
    """The calls come over connections of their own, so that both workers get some."""
    token = fresh()
    with ThreadPoolExecutor(8) as callers:
        statuses = list(callers.map(lambda _: call(server, token).status_code, range(24)))
    assert sorted(statuses) == [200] + [401] * 23


def kill(running: Server) -> None:
    """End a server and its workers as a loss of power would."""
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait(20)


@pytest.mark.parametrize("end", [Server.stop, kill])
def test_sec_12_a_token_used_before_a_restart_is_refused_after_it(
    folder: Path, end: Callable[[Server], None]
):
    token, other = fresh(), fresh()
    for expected in (200, 401):
        alone = {"start_new_session": True}
        running = Server("--rules", str(RULEBOOKS), options=alone, **environment(folder))
        try:
            assert call(running, token).status_code == expected
            assert call(running, other).status_code == expected
        finally:
            end(running)


def test_sec_3_what_is_not_one_bearer_token_is_401(server: Server):
    refused = call(server, None)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json()["resourceType"] == "OperationOutcome"
    for token in ("a.b.c", fresh(exp=1), fresh(aud=f"{server.url}{PATH}"), "x" * 9_000):
        assert call(server, token).status_code == 401


def test_sec_3_two_authorization_headers_are_401(server: Server):
    for headers in (["{}", "{}"], ["Basic YTpi", "{}"], ["{}", "Basic YTpi"]):
        token = f"Bearer {fresh()}"
        body = json.dumps(view_call()).encode()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", PATH)
        for header in headers:
            connection.putheader("Authorization", header.replace("{}", token))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        assert connection.getresponse().status == 401
        connection.close()


def test_sec_14_the_servers_output_says_why_and_holds_no_token(folder: Path):
    running = Server("--rules", str(RULEBOOKS), **environment(folder))
    used, late = fresh(jti="used-twice"), fresh(exp=1_000, iat=900, jti="too-late")
    for token in (used, used, late):
        call(running, token)
    running.stop()
    assert running.process.stdout is not None
    said = running.process.stdout.read()
    assert "401: the token was used before (client=city jti=used-twice)" in said
    assert "exp passed" in said
    for token in (used, late):
        assert not any(part[:24] in said for part in token.split("."))


# --- what keeps it from starting ----------------------------------------------------------------


def test_others_cannot_reach_it_before_clients_and_a_public_address_are_set(folder: Path):
    arguments = ("--rules", str(RULEBOOKS), "--host", "0.0.0.0")
    unlisted = {name: text for name, text in environment(folder).items() if name != "CDS_CLIENTS"}
    code, text = run(*arguments, **unlisted)
    assert code == 2
    assert "CDS_CLIENTS does not say who may call" in " ".join(text.split())
    nameless = {name: text for name, text in environment(folder).items() if name != "CDS_PUBLIC_URL"}
    code, text = run(*arguments, **nameless)
    assert code == 2
    assert "CDS_PUBLIC_URL" in text


def test_it_listens_for_others_with_clients_and_a_public_address(folder: Path):
    running = Server("--rules", str(RULEBOOKS), "--host", "0.0.0.0", **environment(folder))
    try:
        assert call(running, fresh()).status_code == 200
        assert call(running, None).status_code == 401
    finally:
        running.stop()


def test_a_file_of_clients_with_mistakes_is_exit_2_with_their_places(tmp_path: Path):
    path = clients_file(tmp_path, [client_of(CITY, "city", algorithms=["none"])])
    code, text = run("--rules", str(RULEBOOKS), CDS_CLIENTS=str(path))
    assert code == 2
    flat = " ".join(text.split())
    assert "none is never accepted" in flat
    assert "clients.yaml:" in flat
    code, text = run("--rules", str(RULEBOOKS), CDS_CLIENTS=str(tmp_path / "nothing.yaml"))
    assert code == 2
    assert "cannot be read" in " ".join(text.split())
