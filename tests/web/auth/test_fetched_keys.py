"""Keys fetched from the one address on the list (SEC-9, SEC-10), from a real server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.store.database import Database
from cds_service.store.tokens import SeenTokens
from cds_service.web.auth import fetch
from cds_service.web.auth.clients import load_clients
from cds_service.web.auth.gate import ClientGate
from cds_service.web.auth.keysource import FRESH, PAUSE, STALE, KeySource

from .conftest import Door
from .key_server import KeyServer, certify, serving
from .parties import CITY, NOW, PUBLIC, Party, client_of, clients_file

NEXT = Party(CITY.issuer, "city-2")
HERE = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with serving() as server:
        server.publish(CITY.jwk())
        yield server


class Time:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 5_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def door_for(tmp_path: Path, caplog: pytest.LogCaptureFixture, time: Time) -> Callable[..., Door]:
    """Makes a door for a client whose keys are fetched from an address."""

    def make(jku: str, networks: list[str] | None = None, **members: Any) -> Door:
        fetched = {"jku": jku, "networks": HERE if networks is None else networks}
        clients = load_clients(clients_file(tmp_path, [client_of(CITY, "city", keys=fetched, **members)]))
        seen = SeenTokens(Database(f"sqlite:///{tmp_path / 'tokens.sqlite3'}"), clock=lambda: NOW)
        source = KeySource(clients, time)
        return Door(ClientGate(clients, seen, source.find, public_url=PUBLIC, clock=lambda: NOW), caplog)

    return make


@pytest.fixture
def door(door_for: Callable[..., Door], keys: KeyServer) -> Door:
    return door_for(keys.jku)


def refuses_without_keys(door: Door, token: str) -> str:
    """The token is refused because keys could not be had; what the log says of the keys."""
    before = len(door.log.messages)
    with pytest.raises(Exception, match="valid token of a known client"):
        door.knock(token)
    cause, refusal = door.log.messages[before:]
    assert "kid is that of no key" in refusal
    assert "client city" in cause
    return cause


def test_keys_are_fetched_once_when_first_needed(door: Door, keys: KeyServer):
    assert keys.asked == []
    for _ in range(5):
        door.admits(CITY.token())
    assert keys.asked == ["/keys"]
    assert keys.accepted == ["application/json"]


def test_keys_are_fetched_over_tls_from_a_host_with_the_right_certificate(
    door_for: Callable[..., Door], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    certificate = certify(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as keys:
        keys.publish(CITY.jwk())
        door_for(keys.jku).admits(CITY.token())
        assert keys.asked == ["/keys"]


def test_keys_of_a_host_nobody_vouches_for_are_not_used(
    door_for: Callable[..., Door], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with serving(certify(tmp_path)) as keys:
        keys.publish(CITY.jwk())
        assert "cannot be reached" in refuses_without_keys(door_for(keys.jku), CITY.token())
    named = certify(tmp_path, ["other.example"])
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    with serving(named) as keys:
        keys.publish(CITY.jwk())
        refuses_without_keys(door_for(keys.jku), CITY.token())
        assert keys.asked == []


def test_sec_10_a_new_key_is_fetched_when_a_token_names_it(door: Door, keys: KeyServer, time: Time):
    door.admits(CITY.token())
    keys.publish(CITY.jwk(), NEXT.jwk())
    time.pass_(PAUSE)
    door.admits(NEXT.token())
    door.admits(CITY.token())
    assert len(keys.asked) == 2


def test_sec_10_unknown_keys_cause_one_fetch_a_minute(door: Door, keys: KeyServer, time: Time):
    door.admits(CITY.token())
    for number in range(20):
        door.refuses(CITY.token({"kid": f"unknown-{number}"}))
    assert len(keys.asked) == 1
    time.pass_(PAUSE)
    for number in range(20):
        door.refuses(CITY.token({"kid": f"unknown-{number}"}))
    assert len(keys.asked) == 2
    door.admits(CITY.token())
    assert len(keys.asked) == 2


def test_nothing_is_fetched_for_a_token_that_fails_an_earlier_check(door: Door, keys: KeyServer):
    for changes in (
        {"aud": "https://other.example"},
        {"exp": 1},
        {"iss": "https://other.example"},
        {"jti": ""},
    ):
        door.refuses(CITY.token(**changes))
    door.refuses(CITY.token({"alg": "ES256"}))
    door.refuses("a.b.c")
    assert keys.asked == []


def test_a_withdrawn_key_is_refused_once_the_set_is_no_longer_fresh(door: Door, keys: KeyServer, time: Time):
    door.admits(CITY.token())
    keys.publish(NEXT.jwk())
    time.pass_(FRESH - 1)
    door.admits(CITY.token())
    time.pass_(1)
    door.refuses(CITY.token())
    door.admits(NEXT.token())


def test_the_last_keys_serve_while_they_cannot_be_fetched_but_not_for_ever(
    door: Door, keys: KeyServer, time: Time
):
    door.admits(CITY.token())
    keys.status = 503
    time.pass_(FRESH)
    door.admits(CITY.token())
    assert "its server answered 503" in door.log.text
    time.pass_(STALE - FRESH - 1)
    door.admits(CITY.token())
    time.pass_(1)
    door.refuses(CITY.token())
    keys.status = 200
    time.pass_(PAUSE)
    door.admits(CITY.token())


def test_a_set_that_cannot_be_fetched_is_asked_for_once_a_minute(door: Door, keys: KeyServer, time: Time):
    keys.status = 500
    refuses_without_keys(door, CITY.token())
    for _ in range(5):
        door.refuses(CITY.token())
    assert len(keys.asked) == 1
    keys.status = 200
    time.pass_(PAUSE)
    door.admits(CITY.token())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_sec_10_a_redirect_is_not_followed(door: Door, keys: KeyServer, status: int):
    keys.status, keys.headers = status, {"Location": f"{keys.url}/elsewhere"}
    assert "redirects are not followed" in refuses_without_keys(door, CITY.token())
    assert keys.asked == ["/keys"]


def test_sec_10_a_set_that_is_too_large_is_dropped(door: Door, keys: KeyServer):
    keys.publish(CITY.jwk(x5c=["A" * 300_000]))
    assert "longer than 256000 bytes" in refuses_without_keys(door, CITY.token())


def test_sec_10_a_compressed_set_is_dropped(door: Door, keys: KeyServer):
    keys.headers["Content-Encoding"] = "gzip"
    assert "compressed" in refuses_without_keys(door, CITY.token())


def test_sec_10_a_set_that_drips_is_cut_off(door: Door, keys: KeyServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "_WHOLE", 0.2)
    keys.dripping, keys.body = True, b" " * 200_000
    assert "does not answer in time" in refuses_without_keys(door, CITY.token())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JWK Set"),
        (b'{"keys": {}}', "no JWK Set"),
        (b'{"keys": [' + b",".join([b"{}"] * 101) + b"]}", "more than 100 keys"),
    ],
)
def test_what_is_no_key_set_is_not_used(door: Door, keys: KeyServer, body: bytes, said: str):
    keys.body = body
    assert said in refuses_without_keys(door, CITY.token())


def test_a_key_that_cannot_be_used_leaves_the_others_usable(door: Door, keys: KeyServer):
    keys.publish({"kty": "oct", "kid": "shared", "k": "AAAA"}, CITY.jwk(), NEXT.jwk(use="enc"))
    door.admits(CITY.token())
    assert "key 1 " in door.log.text
    door.refuses(NEXT.token())


def test_a_published_private_key_is_not_used(door: Door, keys: KeyServer):
    keys.publish(CITY.jwk(d="AAAA"))
    assert "private members" in refuses_without_keys(door, CITY.token())


def test_sec_10_a_jku_in_the_header_is_never_fetched(door: Door, keys: KeyServer):
    with serving() as forger:
        forged = Party("https://forger.example", CITY.kid)
        forger.publish(forged.jwk())
        for jku in (forger.jku, f"{keys.url}/other", "file:///etc/passwd", f"{keys.jku}?x"):
            token = forged.sign(CITY.header(jku=jku), CITY.claims())
            assert "jku is not the address" in door.refuses(token)
        assert forger.asked == []
    assert keys.asked == []
    door.admits(CITY.token({"jku": keys.jku}))


def test_sec_10_a_private_address_is_not_connected_to_unless_listed(
    door_for: Callable[..., Door], keys: KeyServer
):
    port = keys.url.rpartition(":")[2]
    for url in (
        f"https://localhost:{port}/keys",
        f"https://127.0.0.1:{port}/keys",
        f"https://[::1]:{port}/keys",
    ):
        assert "no address that is public" in refuses_without_keys(door_for(url, []), CITY.token())
        assert "no address that is public" in refuses_without_keys(
            door_for(url, ["10.0.0.0/8"]), CITY.token()
        )
    assert keys.asked == []


def test_a_server_that_is_not_there_is_said_in_the_log(door_for: Callable[..., Door]):
    with serving() as gone:
        jku = gone.jku
    assert "cannot be reached" in refuses_without_keys(door_for(jku), CITY.token())
