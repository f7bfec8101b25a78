"""Public keys of clients, as in a JWK Set (RFC 7517), and which algorithms each may be used with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]

_RSA = "RSA"
KINDS: Mapping[str, str] = {
    "ES256": "EC P-256",
    "ES384": "EC P-384",
    "ES512": "EC P-521",
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
}
"""The kind of key an algorithm needs. Symmetric algorithms and `none` are not among them, on purpose."""

_FIRST = {kind: name for name, kind in reversed(list(KINDS.items()))}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LEAST_BITS = 2048
MAX_KEYS = 100
MAX_KID = 256


class UnusableKeyError(ValueError):
    """A key, or a whole set, cannot be used; the message says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: its id, its kind (`EC P-384`, `RSA`), and the one algorithm it is for, if it says so."""

    kid: str
    kind: str
    algorithm: str
    public: EllipticCurvePublicKey | RSAPublicKey

    def fits(self, algorithm: str) -> bool:
        """Whether a token signed with this algorithm may be checked with this key."""
        return KINDS.get(algorithm) == self.kind and self.algorithm in ("", algorithm)


def read_keys(jwks: object) -> tuple[dict[str, Key], tuple[str, ...]]:
    """The usable keys of a JWK Set by their id, and why the others are not.

    Keys for encryption are passed over. Of different keys that share an id none is used. Raises
    UnusableKeyError if this is no JWK Set at all.
    """
    members = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(members, (list, tuple)):
        raise UnusableKeyError("this is no JWK Set: a mapping with a list of keys was expected")
    if len(members) > MAX_KEYS:
        raise UnusableKeyError(f"the set has more than {MAX_KEYS} keys")
    keys: dict[str, Key] = {}
    problems: list[str] = []
    twice: set[str] = set()
    for number, jwk in enumerate(members, 1):
        if isinstance(jwk, Mapping) and jwk.get("use", "sig") == "enc":
            continue
        try:
            key = read_key(jwk)
        except UnusableKeyError as error:
            problems.append(f"key {number} {error}")
            continue
        if key.kid in keys and not _same(key, keys[key.kid]):
            twice.add(key.kid)
            problems.append(f"key {number} has the kid of an earlier, other one")
        keys[key.kid] = key
    return {kid: key for kid, key in keys.items() if kid not in twice}, tuple(problems)


def read_key(jwk: object) -> Key:
    """One public key. Raises UnusableKeyError, whose message goes on from "the key …"."""
    if not isinstance(jwk, Mapping):
        raise UnusableKeyError("is no mapping")
    kid, algorithm, kind = jwk.get("kid"), jwk.get("alg", ""), kind_of(jwk)
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise UnusableKeyError("has no kid; every key needs one, which tokens name")
    if not _PRIVATE.isdisjoint(jwk):
        raise UnusableKeyError("holds private members; take it out of use, and list its public half only")
    if algorithm and KINDS.get(str(algorithm)) != kind:
        raise UnusableKeyError("has an alg that does not go with its kty and crv")
    if jwk.get("use", "sig") != "sig" or not _verifies(jwk.get("key_ops", ("verify",))):
        raise UnusableKeyError("is not for signatures, by its use or key_ops")
    return Key(kid, kind, str(algorithm), _public(dict(jwk), _FIRST[kind]))


def kind_of(jwk: Mapping[Any, Any]) -> str:
    """The kind of a key by its kty and crv. Raises UnusableKeyError for kinds no algorithm of ours uses."""
    kind = f"EC {jwk.get('crv')}" if jwk.get("kty") == "EC" else jwk.get("kty")
    if kind not in KINDS.values():
        raise UnusableKeyError("is neither RSA nor EC with the curve P-256, P-384 or P-521")
    return str(kind)


def _same(one: Key, other: Key) -> bool:
    return one.algorithm == other.algorithm and one.public.public_numbers() == other.public.public_numbers()


def _verifies(operations: object) -> bool:
    return isinstance(operations, (list, tuple)) and "verify" in operations


def _public(jwk: dict[str, Any], algorithm: str) -> EllipticCurvePublicKey | RSAPublicKey:
    try:
        public = PyJWK(jwk, algorithm).key
    except (PyJWTError, ValueError, TypeError):
        raise UnusableKeyError("cannot be read: its numbers are missing or wrong") from None
    if not isinstance(public, (EllipticCurvePublicKey, RSAPublicKey)):
        raise UnusableKeyError("is no public key")
    if isinstance(public, RSAPublicKey) and public.key_size < _LEAST_BITS:
        raise UnusableKeyError(f"is an RSA key of fewer than {_LEAST_BITS} bits")
    return public
