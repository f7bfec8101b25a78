"""EHRs that sign tokens, honest and not; keys are made once, for making them is slow."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PUBLIC = "https://cds.example.org"
DISCOVERY = f"{PUBLIC}/cds-services"
VIEW = f"{DISCOVERY}/sample-patient-view"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}


@cache
def private_key(name: str, kind: str) -> EllipticCurvePrivateKey | RSAPrivateKey:
    """The private key called `name`; `kind` is a curve or the bits of an RSA key."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    return rsa.generate_private_key(65537, int(kind))


def public_jwk(key: EllipticCurvePrivateKey | RSAPrivateKey, **members: Any) -> dict[str, Any]:
    kind = ECAlgorithm if isinstance(key, EllipticCurvePrivateKey) else RSAAlgorithm
    return dict(kind.to_jwk(key.public_key(), as_dict=True)) | members  # type: ignore[arg-type]


@dataclass(frozen=True)
class Party:
    """Somebody with a key: `kid` names it, `kind` is its curve or its bits, `alg` what it signs with."""

    issuer: str
    kid: str
    alg: str = "ES384"
    kind: str = "P-384"

    @property
    def key(self) -> EllipticCurvePrivateKey | RSAPrivateKey:
        return private_key(f"{self.issuer} {self.kid}", self.kind)

    def jwk(self, **members: Any) -> dict[str, Any]:
        """The public key as the party publishes it; `...` leaves a member out."""
        made = public_jwk(self.key, kid=self.kid, alg=self.alg, use="sig") | members
        return {name: value for name, value in made.items() if value is not ...}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims as they should be, changed; `...` leaves one out."""
        second = int(NOW.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": VIEW,
            "iat": second,
            "exp": second + 300,
            "jti": str(uuid.uuid4()),
        }
        return {name: value for name, value in (claims | changes).items() if value is not ...}

    def header(self, **changes: Any) -> dict[str, Any]:
        """A header as it should be, changed; `...` leaves a member out."""
        header = {"alg": self.alg, "typ": "JWT", "kid": self.kid}
        return {name: value for name, value in (header | changes).items() if value is not ...}

    def token(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with the party's key, whatever its header says."""
        return self.sign(self.header(**(header or {})), self.claims(**changes))

    def sign(self, header: Mapping[str, Any], claims: Any) -> str:
        return signed(header, claims, lambda text: jwt.get_algorithm_by_name(self.alg).sign(text, self.key))


def signed(header: Mapping[str, Any], claims: Any, sign: Any) -> str:
    """A token made by hand, so that it may be as wrong as it likes."""
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{text}.{encoded(sign(text.encode()))}"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


CITY = Party("https://ehr.city.example", "city-1")
LAKE = Party("https://ehr.lake.example/", "lake-1", "RS384", "2048")
STRANGER = Party("https://stranger.example", "stranger-1")


def clients_file(folder: Path, clients: list[dict[str, Any]], **members: Any) -> Path:
    """A CDS_CLIENTS file; JSON is YAML."""
    path = folder / "clients.yaml"
    path.write_text(json.dumps({"clients": clients} | members, indent=2))
    return path


def client_of(party: Party, name: str, **members: Any) -> dict[str, Any]:
    """An entry of the file, its keys inline unless given."""
    return {"name": name, "issuer": party.issuer, "keys": {"jwks": {"keys": [party.jwk()]}}} | members
