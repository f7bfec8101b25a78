"""Whatever is changed in a valid token: it is refused with 401, and never a failure of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cds_service.errors import RequestError
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.web.auth.gate import gate_of
from cds_service.web.caller import Gate

from .conftest import request_to
from .parties import CITY, LAKE, NOW, PUBLIC, VIEW, client_of, clients_file, decoded, encoded

TOKENS = {party.alg: party.token(jti="never used up") for party in (CITY, LAKE)}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
many = limits(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder = tmp_path_factory.mktemp("mutations")
    path = clients_file(folder, [client_of(CITY, "city"), client_of(LAKE, "lake")])
    url = f"sqlite:///{folder / 'tokens.sqlite3'}"
    return gate_of(Settings(clients=str(path), public_url=PUBLIC), Database(url), lambda: NOW)


def assert_refused(gate: Gate, authorization: str) -> None:
    """Refused as every wrong token is; anything but a RequestError would be a 500."""
    with pytest.raises(RequestError) as refusal:
        gate.admit(request_to(VIEW, "POST", {"Authorization": authorization}))
    assert refusal.value.status == 401


def test_the_tokens_that_are_changed_below_are_valid(gate: Gate):
    for alg, party in (("ES384", CITY), ("RS384", LAKE)):
        token = party.token(jti=f"unchanged {alg}")
        gate.admit(request_to(VIEW, "POST", {"Authorization": f"Bearer {token}"}))


@many
@given(alg=st.sampled_from(sorted(TOKENS)), place=st.integers(0, 2_000), put=st.sampled_from(ALPHABET))
def test_one_character_changed(gate: Gate, alg: str, place: int, put: str):
    token = TOKENS[alg]
    place %= len(token)
    changed = token[:place] + put + token[place + 1 :]
    if changed != token:
        assert_refused(gate, f"Bearer {changed}")


@pytest.mark.parametrize("alg", sorted(TOKENS))
def test_every_other_last_character(gate: Gate, alg: str):
    """The last character of a signature may have bits that do not count: only one spelling is accepted."""
    token = TOKENS[alg]
    for put in ALPHABET.replace(token[-1], ""):
        assert_refused(gate, f"Bearer {token[:-1]}{put}")


@many
@given(
    alg=st.sampled_from(sorted(TOKENS)),
    start=st.integers(0, 2_000),
    length=st.integers(0, 40),
    put=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40),
)
def test_a_stretch_replaced(gate: Gate, alg: str, start: int, length: int, put: str):
    token = TOKENS[alg]
    start %= len(token)
    changed = token[:start] + put + token[start + length :]
    if changed.lstrip(" ") != token:  # more than one space may stand before a token
        assert_refused(gate, f"Bearer {changed}")


@many
@given(
    part=st.sampled_from([0, 1]),
    name=st.sampled_from(
        ["alg", "kid", "typ", "jku", "crit", "jwk", "iss", "aud", "exp", "iat", "nbf", "jti", "tenant"]
    ),
    value=JSON,
)
def test_a_member_replaced_under_the_old_signature(gate: Gate, part: int, name: str, value: Any):
    parts = TOKENS["ES384"].split(".")
    members = json.loads(decoded(parts[part]))
    parts[part] = encoded(json.dumps(members | {name: value}).encode())
    assert_refused(gate, "Bearer " + ".".join(parts))


@many
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "crit", "b64"]), JSON), claims=JSON
)
def test_any_header_and_claims_signed_with_a_good_key(gate: Gate, header: dict[str, Any], claims: Any):
    """A client may send nonsense, duly signed."""
    assert_refused(gate, "Bearer " + CITY.sign(CITY.header() | header, claims))


@many
@given(
    name=st.sampled_from(["iss", "aud", "exp", "iat", "jti"]),
    value=JSON.filter(
        lambda value: not (isinstance(value, str) and value.isprintable() and 0 < len(value) < 256)
    ),
)
def test_a_nonsensical_claim_signed_with_a_good_key(gate: Gate, name: str, value: Any):
    assert_refused(gate, "Bearer " + CITY.token(**{name: value}))


@many
@given(authorization=st.text(st.characters(codec="latin-1", exclude_characters="\r\n")))
def test_any_authorization_header(gate: Gate, authorization: str):
    assert_refused(gate, authorization)


@many
@given(parts=st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_three_parts(gate: Gate, parts: list[bytes]):
    assert_refused(gate, "Bearer " + ".".join(encoded(part) for part in parts))
