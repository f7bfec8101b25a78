"""Checks one token, in the order that costs us least and tells an attacker nothing (cds-hooks.md, SEC-11).

Header, issuer, audience, times, tenant, then the signature with that issuer's own key. The time is an
argument. Whether the token was used before is asked by the gate, last: only a verified token is used up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from jwt import PyJWS, PyJWTError
from jwt.utils import base64url_decode

from cds_service.web.auth.clients import Client, Clients, KeyAddress
from cds_service.web.auth.keys import KINDS, MAX_KID, Key

FindKey = Callable[[Client, str], Key | None]

LEEWAY = 60
"""Seconds by which a client's clock may differ from ours."""

MAX_TOKEN = 8_192
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}")
_LAST_SECOND = 253_402_300_799  # of the year 9999, the last a datetime can tell
_MAX_TEXT = 255
_jws = PyJWS(algorithms=list(KINDS))


class Claims(msgspec.Struct, frozen=True):
    """The claims of a token (specification 2.0.1, "Trusting CDS Clients"); others are passed over."""

    iss: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    jti: str
    nbf: int | float = 0
    tenant: str = ""


class _Named(msgspec.Struct, frozen=True):
    """The one claim that a log may name of a token nobody could read further."""

    jti: str = ""


_decode = msgspec.json.Decoder(Claims).decode
_decode_named = msgspec.json.Decoder(_Named).decode


class Refused(Exception):
    """The token is not accepted; the reason is for our log and holds nothing the caller wrote."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A token whose issuer is on the list. Nothing in it is proven yet."""

    token: str
    client: Client
    algorithm: str
    kid: str
    jku: str
    claims: Claims

    def about(self) -> str:
        """What a log may say of it: client, tenant if listed, jti if it is a plain id."""
        said = [f"client={self.client.name}"]
        if self.claims.tenant in self.client.tenants:
            said.append(f"tenant={self.claims.tenant!r}")
        if jti := _plain(self.claims.jti):
            said.append(jti)
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that its client signed, for this address and this time; it must be remembered `until` then."""

    client: Client
    tenant: str
    jti: str
    until: datetime
    about: str


def token_of(authorization: list[str]) -> str:
    """The token of the Authorization header. Raises Refused unless it is one bearer token."""
    if len(authorization) != 1:
        raise Refused("no Authorization header" if not authorization else "several Authorization headers")
    scheme, _, spaced = authorization[0].partition(" ")
    token = spaced.lstrip(" ")  # RFC 6750 2.1: one space or more
    if scheme.lower() != "bearer":
        raise Refused("the Authorization header holds no bearer token")
    if len(token) > MAX_TOKEN:
        raise Refused(f"the token is longer than {MAX_TOKEN} characters")
    if not _TOKEN.fullmatch(token):
        raise Refused("the bearer token is no signed JWT: three parts of base64url, parted by dots")
    return token


def jti_in(token: str) -> str:
    """What a log may say of a token that is not of a listed client, or cannot be read: its jti, if plain.

    Nothing of it is proven; whoever asks why a token was refused finds the line by it.
    """
    try:
        return _plain(_decode_named(base64url_decode(token.split(".")[1])).jti)
    except (IndexError, ValueError, msgspec.DecodeError, RecursionError):
        return ""


def _plain(jti: str) -> str:
    return f"jti={jti}" if _PLAIN_ID.fullmatch(jti) else ""


def read_claimed(token: str, clients: Clients) -> Claimed:
    """Header and claims as the token says, and the client it says it is of. Raises Refused."""
    try:
        parts = _jws.decode_complete(token, options={"verify_signature": False})
    except PyJWTError:
        raise Refused(
            "a part is no base64url, or the header no JSON, or its kid or crit is malformed"
        ) from None
    _once(base64url_decode(token.partition(".")[0]), "header")
    header = parts["header"]
    algorithm, kid = _header(header)
    try:
        claims = _decode(parts["payload"])
    except msgspec.ValidationError as error:
        raise Refused(f"a claim is missing or of the wrong type: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("the claims are no JSON") from None
    _once(parts["payload"], "claims")
    jku = header.get("jku")
    client = _client(claims.iss, clients)
    return Claimed(token, client, algorithm, kid, jku if isinstance(jku, str) else "", claims)


def verify(claimed: Claimed, find_key: FindKey, *, audience: str, now: datetime) -> Verified:
    """Prove what a token claims. `audience` is the public address called. Raises Refused, or
    KeysUnavailable where the client's keys could not be fetched.
    """
    client, claims = claimed.client, claimed.claims
    _audience(claims.aud, {audience, *client.audiences})
    _times(claims, client.max_lifetime, now.timestamp())
    _names(claims, client)
    _signature(claimed, find_key)
    until = datetime.fromtimestamp(claims.exp + LEEWAY, UTC)
    return Verified(client, claims.tenant, claims.jti, until, claimed.about())


def _once(text: bytes, part: str) -> None:
    """Refuse a part in which a member stands twice, at any depth: readers disagree on which one counts, and
    whoever checks a token before us may have read the other.
    """
    try:
        json.loads(text, object_pairs_hook=partial(_members_once, part))
    except (ValueError, RecursionError):
        raise Refused(f"a member of the {part} cannot be read") from None


def _members_once(part: str, pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise Refused(f"a member of the {part} stands there twice")


def _header(header: dict[str, object]) -> tuple[str, str]:
    """Algorithm and key id. Keys that a header brings along (jwk, x5c, x5u) are never looked at."""
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in KINDS:
        raise Refused("alg is missing, none, symmetric or unknown")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise Refused("kid is missing, or too long")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise Refused("typ is not JWT")
    if "crit" in header:
        raise Refused("crit asks for an extension, and none is known here")
    return algorithm, kid


def _client(issuer: str, clients: Clients) -> Client:
    client = clients.by_issuer.get(issuer)
    if client is not None:
        return client
    for known in clients.by_issuer.values():
        if issuer.rstrip("/").lower() == known.issuer.rstrip("/").lower():
            raise Refused(
                f"iss is on no list; it differs from that of {known.name} only in case or a slash at the end"
            )
    raise Refused("iss is on no list")


def _audience(claimed: str | list[str], accepted: set[str]) -> None:
    named = [claimed] if isinstance(claimed, str) else claimed
    if accepted.isdisjoint(named):
        hint = ""
        if not accepted.isdisjoint(one.rstrip("/") for one in named):
            hint = "; it has a slash at the end"
        raise Refused(f"aud is not the address that was called, as CDS_PUBLIC_URL tells it{hint}")


def _times(claims: Claims, most: int, now: float) -> None:
    for name, second in (("exp", claims.exp), ("iat", claims.iat), ("nbf", claims.nbf)):
        if not 0 <= second < _LAST_SECOND - LEEWAY:
            raise Refused(f"{name} is not a time in seconds since 1970")
    if claims.exp + LEEWAY <= now:
        raise Refused(f"exp passed {round(now - claims.exp)} s ago")
    if claims.iat - LEEWAY > now:
        raise Refused(f"iat is {round(claims.iat - now)} s in the future")
    if claims.nbf - LEEWAY > now:
        raise Refused(f"nbf is {round(claims.nbf - now)} s in the future")
    if not 0 < claims.exp - claims.iat <= most:
        raise Refused(f"exp is not after iat, or by more than the {most} s of max_lifetime")


def _names(claims: Claims, client: Client) -> None:
    if client.tenants and claims.tenant not in client.tenants:
        raise Refused("tenant is not among those of the client")
    for name, text, least in (("jti", claims.jti, 1), ("tenant", claims.tenant, 0)):
        if not least <= len(text) <= _MAX_TEXT or not text.isprintable():
            raise Refused(f"{name} is empty, too long or unprintable")


def _signature(claimed: Claimed, find_key: FindKey) -> None:
    client = claimed.client
    if claimed.algorithm not in client.algorithms:
        raise Refused(f"alg {claimed.algorithm} is not among those of the client")
    if isinstance(client.keys, KeyAddress) and claimed.jku not in ("", client.keys.url):
        raise Refused("jku is not the address of keys that is on the list; it was not fetched")
    key = find_key(client, claimed.kid)
    if key is None:
        raise Refused("kid is that of no key of the client")
    if not key.fits(claimed.algorithm):
        raise Refused(f"alg {claimed.algorithm} does not go with the kind or alg of that key")
    try:
        _jws.decode_complete(claimed.token, key.public, algorithms=[claimed.algorithm])
    except PyJWTError:
        raise Refused("the signature is not that of the client's key") from None
