"""SEC-15: the token that the specification prints, with the key it prints, at the time it was made for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.web.auth.clients import Client, Clients, load_clients
from cds_service.web.auth.keysource import KeySource
from cds_service.web.auth.verify import Refused, Verified, read_claimed, verify

from .conftest import Door
from .parties import Party, clients_file, encoded

EXAMPLES = Path(__file__).parents[4] / "shared/oracle/spec-examples/3.0-build"
NAMES = ("28-json-web-token-header", "29-json-web-token-payload", "30-json-web-key-set-public-key")
SIGNATURE = (
    "d1WfLjGRKlcWB94l9do4cM8REXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQ"
    "blEpaQrp11wx5p7oPFm2ETYgCicS84vXWEIYTdjooZdooCSDf2L8-i4awdoUwiEb"
)
THEN = datetime(2012, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not all((EXAMPLES / f"{name}.json").exists() for name in NAMES), reason="the examples are not here"
)


@pytest.fixture
def example() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Header, claims and key set."""
    header, claims, jwks = (json.loads((EXAMPLES / f"{name}.json").read_bytes()) for name in NAMES)
    return header, claims, jwks


@pytest.fixture
def check(example: Any, tmp_path: Path) -> Callable[[str, datetime], Verified]:
    """Verifies a token of the example's client, whose tokens may live for years."""
    _, claims, jwks = example
    entry = {
        "name": "example",
        "issuer": claims["iss"],
        "keys": {"jwks": jwks},
        "tenants": [claims["tenant"]],
    }
    clients = load_clients(clients_file(tmp_path, [entry]))
    patient: dict[str, Client] = {
        issuer: replace(client, max_lifetime=200_000_000) for issuer, client in clients.by_issuer.items()
    }
    clients = Clients(patient)
    find = KeySource(clients, lambda: 0.0).find
    return lambda token, now: verify(read_claimed(token, clients), find, audience=claims["aud"], now=now)


def compact(value: Any) -> str:
    return encoded(json.dumps(value, separators=(",", ":")).encode())


def test_sec_15_the_printed_token_is_verified_with_the_printed_key(example: Any, check: Any):
    header, claims, _ = example
    verified = check(f"{compact(header)}.{compact(claims)}.{SIGNATURE}", THEN)
    assert (verified.client.name, verified.jti, verified.tenant) == (
        "example",
        claims["jti"],
        claims["tenant"],
    )


def test_sec_15_today_it_is_long_expired(example: Any, check: Any):
    header, claims, _ = example
    with pytest.raises(Refused, match="exp passed"):
        check(f"{compact(header)}.{compact(claims)}.{SIGNATURE}", datetime(2026, 3, 1, tzinfo=UTC))


def test_sec_15_its_life_of_years_is_longer_than_any_client_may_have(
    example: Any, open_door: Callable[..., Door]
):
    """The example shows a shape, not a lifetime: within the bounds of the file it is refused."""
    header, claims, jwks = example
    entry = {"name": "example", "issuer": claims["iss"], "keys": {"jwks": jwks}, "max_lifetime": 86_400}
    door = open_door(entry, now=THEN, public_url="https://cds.example.org")
    line = door.refuses(f"{compact(header)}.{compact(claims)}.{SIGNATURE}", claims["aud"])
    assert "max_lifetime" in line


def test_sec_15_other_claims_under_the_printed_signature_are_refused(example: Any, check: Any):
    header, claims, _ = example
    with pytest.raises(Refused, match="signature"):
        check(f"{compact(header)}.{compact(claims | {'jti': 'other'})}.{SIGNATURE}", THEN)
    forger = Party(claims["iss"], header["kid"])
    with pytest.raises(Refused, match="signature"):
        check(forger.sign(header, claims), THEN)
