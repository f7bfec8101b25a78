"""The CDS_CLIENTS file: what is accepted, and how every mistake is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import UsageError
from cds_service.web.auth.clients import Client, Clients, KeyAddress, load_clients
from cds_service.web.auth.keys import read_keys

from .parties import CITY, LAKE, Party, client_of, clients_file, private_key, public_jwk

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs/clients.example.yaml"


def problems(path: Path) -> str:
    """What is said of a file with problems, after its first line."""
    with pytest.raises(UsageError) as refusal:
        load_clients(path)
    first, _, rest = str(refusal.value).partition("\n")
    assert first == "CDS_CLIENTS: the file of clients has problems, nothing is served:"
    assert rest
    return rest


def problem_of(tmp_path: Path, *clients: dict[str, Any], **members: Any) -> str:
    """The one problem of a file, which says where."""
    said = problems(clients_file(tmp_path, list(clients), **members))
    assert said.count("\n") == 0, said
    assert re.match(rf"{re.escape(str(tmp_path))}/clients\.yaml:\d+:\d+: ", said)
    return said


def the_client(clients: Clients) -> Client:
    (client,) = clients.by_issuer.values()
    return client


def test_the_shipped_example_loads():
    clients = load_clients(EXAMPLE)
    names = {client.name for client in clients.by_issuer.values()}
    assert names == {"city-hospital", "lake-clinic"}
    assert clients.open_discovery
    assert any(isinstance(client.keys, KeyAddress) for client in clients.by_issuer.values())


def test_what_is_not_said_is_the_safe_choice(tmp_path: Path):
    client = the_client(load_clients(clients_file(tmp_path, [client_of(CITY, "city")])))
    assert client.algorithms == {"ES384", "RS384"}
    assert client.max_lifetime == 3_600
    assert client.tenants == client.audiences == frozenset()
    assert client.fhir.bases == client.fhir.networks == ()
    assert not client.fhir.without_token


def test_keys_may_stand_in_a_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/city.json").write_text(json.dumps({"keys": [CITY.jwk()]}))
    monkeypatch.chdir("/")
    entry = client_of(CITY, "city", keys={"jwks": "keys/city.json"})
    client = the_client(load_clients(clients_file(tmp_path, [entry])))
    assert set(client.keys) == {"city-1"}


@pytest.mark.parametrize("content", [None, b"", b"{", b"[" * 100_000, b"\xff"])
def test_a_file_of_keys_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "city.json").write_bytes(content)
    said = problem_of(tmp_path, client_of(CITY, "city", keys={"jwks": "city.json"}))
    assert "the file of keys" in said


@pytest.mark.parametrize("name", ["none", "None", "HS256", "HS384", "hs512", "HS999"])
def test_sec_7_algorithms_without_a_key_of_the_clients_own_cannot_be_configured(tmp_path: Path, name: str):
    assert f"{name} is never accepted" in problem_of(
        tmp_path, client_of(CITY, "city", algorithms=[name, "ES384"])
    )


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"algorithms": ["ES385"]}, "did you mean 'ES384'?"),
        ({"algorithms": []}, "algorithms has no entries"),
        ({"isuer": "x"}, "did you mean 'issuer'?"),
        ({"name": "City Hospital"}, "an id is lower-case words"),
        ({"issuer": "https://a b"}, "an issuer is a URI"),
        ({"max_lifetime": 30}, "at least 60"),
        ({"max_lifetime": 90_000}, "max_lifetime cannot be"),
        ({"max_lifetime": "300"}, "max_lifetime"),
        ({"tenants": "east"}, "tenants is a list"),
        ({"keys": {}}, "nothing says where its keys are"),
        ({"keys": {"jku": "https://a.example/k", "jwks": "k.json"}}, "its keys stand here and are fetched"),
        ({"keys": {"jku": "http://keys.example/k"}}, "this address is not https"),
        ({"keys": {"jku": "http://127.0.0.1/k"}}, "this address is not https"),
        (
            {"keys": {"jku": "http://keys.example/k", "networks": ["127.0.0.0/8"]}},
            "this address is not https",
        ),
        ({"keys": {"jku": "http://127.0.0.1/k", "networks": ["10.0.0.0/8"]}}, "this address is not https"),
        ({"keys": {"jku": "http://10.1.1.1/k", "networks": ["10.0.0.0/8"]}}, "this address is not https"),
        ({"keys": {"jku": "file:///etc/passwd"}}, "not the address of a server"),
        ({"keys": {"jku": "https://user:secret@keys.example/k"}}, "not the address of a server"),
        ({"keys": {"jku": "https:///k"}}, "not the address of a server"),
        ({"keys": {"jku": "https://keys.example:x/k"}}, "not the address of a server"),
        ({"keys": {"jwks": {"keys": []}}}, "the set holds no key for signatures"),
        ({"keys": {"jwks": {"key": []}}}, "this is no JWK Set"),
        ({"fhir": {"bases": ["http://fhir.example/r4"]}}, "this address is not https"),
        ({"fhir": {"bases": ["https://fhir.example/r4?x=1"]}}, "a base address has no query"),
        ({"fhir": {"networks": ["10.0.0.1/8"]}}, "is not a network"),
        ({"fhir": {"networks": ["fhir.example"]}}, "is not a network"),
        ({"fhir": {"without_token": "yes"}}, "without_token is true or false"),
        ({"fhir": {"absent": ["medications"]}}, "not well formed"),
        ({"audiences": ["cds"]}, "not the address of a server"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, members: dict[str, Any], said: str):
    told = problem_of(tmp_path, client_of(CITY, "city") | members)
    assert said in told
    assert "secret" not in told


def test_every_mistake_is_told_at_once(tmp_path: Path):
    one = client_of(CITY, "city", keys={"jku": "http://keys.example/k"})
    two = client_of(LAKE, "lake", keys={"jwks": "none.json"}, fhir={"bases": ["http://fhir.example"]})
    assert len(problems(clients_file(tmp_path, [one, two])).splitlines()) == 3


def test_a_file_that_is_not_there_or_empty_is_told(tmp_path: Path):
    assert "cannot be read" in problems(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("")
    assert "empty" in problems(tmp_path / "empty.yaml")
    assert "clients has no entries" in problem_of(tmp_path)
    assert "discovery is one of open, token" in problem_of(
        tmp_path, client_of(CITY, "city"), discovery="closed"
    )


def test_plain_http_is_for_this_machine_and_listed_networks(tmp_path: Path):
    here = {"jku": "http://localhost:8090/keys", "networks": ["127.0.0.0/8"]}
    fhir = {"bases": ["http://fhir:8080/r4"], "networks": ["172.16.0.0/12"]}
    client = the_client(load_clients(clients_file(tmp_path, [client_of(CITY, "city", keys=here, fhir=fhir)])))
    assert client.fhir.bases == ("http://fhir:8080/r4",)


# --- no two clients that could be taken for one another ------------------------------------------


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (client_of(LAKE, "city"), "this name belongs to city"),
        (client_of(LAKE, "lake") | {"issuer": CITY.issuer}, "this issuer belongs to city"),
        (client_of(CITY, "lake") | {"issuer": LAKE.issuer}, "a key, or the address of keys, belongs to city"),
    ],
)
def test_sec_11_two_clients_share_no_name_issuer_or_key(tmp_path: Path, second: dict[str, Any], said: str):
    assert said in problem_of(tmp_path, client_of(CITY, "city"), second)


def test_sec_11_two_clients_share_no_address_of_keys(tmp_path: Path):
    fetched = {"jku": "https://keys.example/k"}
    told = problem_of(tmp_path, client_of(CITY, "city", keys=fetched), client_of(LAKE, "lake", keys=fetched))
    assert "the address of keys, belongs to city" in told


# --- keys ---------------------------------------------------------------------------------------


SMALL = public_jwk(private_key("small", "1024"), kid="small")


@pytest.mark.parametrize(
    ("jwk", "said"),
    [
        (CITY.jwk(kid=...), "has no kid"),
        (CITY.jwk(kid=7), "has no kid"),
        (CITY.jwk(d="AAAA"), "private members"),
        (CITY.jwk(alg="RS384"), "an alg that does not go with"),
        (CITY.jwk(alg="none"), "an alg that does not go with"),
        (CITY.jwk(crv="P-256", alg=...), "cannot be read"),
        (CITY.jwk(x=...), "cannot be read"),
        (CITY.jwk(y="AAAA"), "cannot be read"),
        (CITY.jwk(crv="secp256k1"), "neither RSA nor EC"),
        (CITY.jwk(kty=...), "neither RSA nor EC"),
        (CITY.jwk(key_ops=["sign"]), "not for signatures"),
        (CITY.jwk(use="tls"), "not for signatures"),
        ({"kty": "oct", "k": "AAAA", "kid": "a"}, "neither RSA nor EC"),
        ({"kty": "oct", "kid": "a"}, "neither RSA nor EC"),
        (LAKE.jwk(n="AQAB"), "cannot be read"),
        (SMALL, "is an RSA key of fewer than 2048 bits"),
        ("text", "is no mapping"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(tmp_path: Path, jwk: Any, said: str):
    keys, told = read_keys({"keys": [jwk]})
    assert keys == {}
    assert said in told[0]
    assert said in problem_of(tmp_path, client_of(CITY, "city", keys={"jwks": {"keys": [jwk]}}))


def test_keys_that_share_an_id_are_not_used():
    other = Party("https://x.example", CITY.kid)
    keys, told = read_keys({"keys": [CITY.jwk(), LAKE.jwk(), other.jwk()]})
    assert set(keys) == {LAKE.kid}
    assert told == ("key 3 has the kid of an earlier, other one",)


def test_a_key_listed_twice_is_one_key():
    keys, told = read_keys({"keys": [CITY.jwk(), CITY.jwk()]})
    assert (set(keys), told) == ({CITY.kid}, ())


def test_keys_for_encryption_are_passed_over():
    keys, told = read_keys({"keys": [CITY.jwk(use="enc"), LAKE.jwk(use=...)]})
    assert (set(keys), told) == ({LAKE.kid}, ())


def test_keys_that_go_with_none_of_the_clients_algorithms_are_told(tmp_path: Path):
    told = problem_of(tmp_path, client_of(CITY, "city", algorithms=["RS384"]))
    assert "no key goes with any of the client's algorithms" in told
