"""Keys fetched from the one address on the list (SEC-9, SEC-10), from a real server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import KeysUnavailable, RequestError
from cds_service.store.database import Database
from cds_service.store.tokens import SeenTokens
from cds_service.web.auth import fetch
from cds_service.web.auth.clients import load_clients
from cds_service.web.auth.gate import ClientGate
from cds_service.web.auth.keysource import FRESH, PAUSE, RETRY, STALE, KeySource

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


def cannot_check(door: Door, token: str) -> str:
    """Nobody could look at the token, which is 503 and no 401; what the log says of the keys."""
    cause, _ = cannot_check_at_all(door, token)
    assert "client city" in cause
    return cause


def cannot_check_at_all(door: Door, token: str) -> list[str]:
    """The lines of the log about a token that nobody could look at; the last is about the call."""
    before = len(door.log.messages)
    with pytest.raises(KeysUnavailable) as unavailable:
        door.knock(token)
    assert (
        str(unavailable.value) == "The call cannot be let in now; try again in 5 seconds, with a new token."
    )
    lines = door.log.messages[before:]
    assert "503: the keys of the client could not be fetched" in lines[-1]
    assert "client=city" in lines[-1]
    assert not any("kid" in line for line in lines)
    return lines


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
        assert "cannot be reached" in cannot_check(door_for(keys.jku), CITY.token())
    named = certify(tmp_path, ["other.example"])
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    with serving(named) as keys:
        keys.publish(CITY.jwk())
        cannot_check(door_for(keys.jku), CITY.token())
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
    cannot_check_at_all(door, CITY.token())
    keys.status = 200
    time.pass_(RETRY)
    door.admits(CITY.token())


def test_a_failed_fetch_shuts_a_client_out_for_seconds_only(door: Door, keys: KeyServer, time: Time):
    keys.status = 500
    cannot_check(door, CITY.token())
    for _ in range(5):
        assert len(cannot_check_at_all(door, CITY.token())) == 1
    assert len(keys.asked) == 1
    keys.status = 200
    time.pass_(RETRY - 1)
    cannot_check_at_all(door, CITY.token())
    time.pass_(1)
    door.admits(CITY.token())
    assert len(keys.asked) == 2


def test_the_wait_counts_from_the_end_of_an_attempt_that_took_long(door: Door, keys: KeyServer, time: Time):
    """Otherwise calls that waited for it would each try anew, one after the other."""
    keys.status = 500
    keys.when_asked = lambda: time.pass_(RETRY + 1)
    cannot_check(door, CITY.token())
    cannot_check_at_all(door, CITY.token())
    assert len(keys.asked) == 1


def test_a_key_we_hold_serves_on_while_a_new_one_cannot_be_fetched(door: Door, keys: KeyServer, time: Time):
    door.admits(CITY.token())
    keys.status = 503
    time.pass_(PAUSE)
    cannot_check(door, NEXT.token())
    door.admits(CITY.token())
    keys.publish(CITY.jwk(), NEXT.jwk())
    time.pass_(RETRY)
    door.admits(NEXT.token())


def test_while_keys_we_hold_serve_their_server_is_asked_once_a_minute(
    door: Door, keys: KeyServer, time: Time
):
    """Each attempt may cost its caller seconds, and nobody is shut out meanwhile."""
    door.admits(CITY.token())
    keys.status = 503
    time.pass_(FRESH)
    for _ in range(3):
        door.admits(CITY.token())
        time.pass_(RETRY)
    assert len(keys.asked) == 2
    time.pass_(PAUSE)
    door.admits(CITY.token())
    assert len(keys.asked) == 3


def test_nobody_waits_behind_a_fetch_but_who_needs_it(door: Door, keys: KeyServer, time: Time):
    """A slow server of keys holds up one call; others go by the keys we hold, or hear 503 at once."""
    door.admits(CITY.token())
    keys.status = 503
    time.pass_(PAUSE)
    cannot_check(door, NEXT.token())
    time.pass_(RETRY)

    def others() -> None:
        door.admits(CITY.token())
        cannot_check_at_all(door, NEXT.token())

    during: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        def ask() -> None:
            during.append(pool.submit(others))
            during[0].exception(timeout=20)

        keys.when_asked = ask
        with pytest.raises(KeysUnavailable):
            door.knock(NEXT.token())
    assert during[0].exception() is None
    assert len(keys.asked) == 3


def test_a_key_the_client_does_not_publish_is_401_once_its_set_was_read(
    door: Door, keys: KeyServer, time: Time
):
    keys.status = 500
    cannot_check(door, NEXT.token())
    keys.status = 200
    time.pass_(RETRY)
    assert "kid is that of no key" in door.refuses(NEXT.token())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_sec_10_a_redirect_is_not_followed(door: Door, keys: KeyServer, status: int):
    keys.status, keys.headers = status, {"Location": f"{keys.url}/elsewhere"}
    assert "redirects are not followed" in cannot_check(door, CITY.token())
    assert keys.asked == ["/keys"]


def test_sec_10_a_set_that_is_too_large_is_dropped(door: Door, keys: KeyServer):
    keys.publish(CITY.jwk(x5c=["A" * 300_000]))
    assert "longer than 256000 bytes" in cannot_check(door, CITY.token())


def test_sec_10_a_compressed_set_is_dropped(door: Door, keys: KeyServer):
    keys.headers["Content-Encoding"] = "gzip"
    assert "compressed" in cannot_check(door, CITY.token())


def test_sec_10_a_set_that_drips_is_cut_off(door: Door, keys: KeyServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "_WHOLE", 0.2)
    keys.dripping, keys.body = True, b" " * 200_000
    assert "does not answer in time" in cannot_check(door, CITY.token())


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
    assert said in cannot_check(door, CITY.token())


def test_a_key_that_cannot_be_used_leaves_the_others_usable(door: Door, keys: KeyServer):
    keys.publish({"kty": "oct", "kid": "shared", "k": "AAAA"}, CITY.jwk(), NEXT.jwk(use="enc"))
    door.admits(CITY.token())
    assert "key 1 " in door.log.text
    door.refuses(NEXT.token())


def test_a_published_private_key_is_not_used(door: Door, keys: KeyServer):
    keys.publish(CITY.jwk(d="AAAA"))
    before = len(door.log.messages)
    with pytest.raises(RequestError, match="valid token"):
        door.knock(CITY.token())
    cause, refusal = door.log.messages[before:]
    assert "private members" in cause
    assert "kid is that of no key" in refusal


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
        assert "no address that is public" in cannot_check(door_for(url, []), CITY.token())
        assert "no address that is public" in cannot_check(door_for(url, ["10.0.0.0/8"]), CITY.token())
    assert keys.asked == []


def test_a_server_that_is_not_there_is_said_in_the_log(door_for: Callable[..., Door]):
    with serving() as gone:
        jku = gone.jku
    assert "cannot be reached" in cannot_check(door_for(jku), CITY.token())
