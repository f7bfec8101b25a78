"""The shape of the CDS_CLIENTS file: what may stand in it, value by value."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.shape import SetId, Shape
from cds_service.web.auth.keys import Algorithm

Network = IPv4Network | IPv6Network
MAX_LIFETIME = 3_600
"""Seconds. The specification has clients make tokens for minutes; an hour is what it calls the most."""

_FORBIDDEN = re.compile(r"none|hs[0-9]*", re.IGNORECASE)


def _algorithm(value: object) -> object:
    if isinstance(value, str) and _FORBIDDEN.fullmatch(value):
        raise mistake(
            "unsafe_algorithm",
            f"{value} is never accepted: it needs no key, or one that the client would have to share with us",
            f"use one of {', '.join(get_args(Algorithm))}",
        )
    return value


def _network(value: object) -> Network:
    try:
        return ip_network(value) if isinstance(value, str) else ip_network("")
    except ValueError:
        raise mistake(
            "bad_network",
            f"{value!r} is not a network",
            "write an address or a network, such as 10.1.2.0/24; the bits after the mask are 0",
        ) from None


def _address(value: str) -> str:
    if not is_address(value):
        raise mistake(
            "bad_address",
            "this is not the address of a server",
            "write https://host/path, without user, password or #",
        )
    return value


def is_address(text: str) -> bool:
    """Whether this is an absolute http(s) URL with a host, and nothing in it that could mislead."""
    if not re.fullmatch(r"https?://[!-~]+", text) or re.search(r"[\\\"<>^`{|}#@]", text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _base(value: str) -> str:
    if "?" in value:
        raise mistake("bad_address", "a base address has no query", "write it up to the question mark")
    return value.rstrip("/")


def _issuer(value: str) -> str:
    if not value or not value.isprintable() or " " in value:
        raise mistake("bad_issuer", "an issuer is a URI", "write it exactly as the tokens' iss has it")
    return value


Switch = Annotated[bool, Field(strict=True)]
Words = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, AfterValidator(_address)]
NetworkText = Annotated[Any, PlainValidator(_network)]


class KeysShape(Shape):
    """Where the client's public keys come from: `jwks`, inline or a file beside this one, or `jku`.

    `networks` are private or loopback networks in which the host of `jku` may be.
    """

    jwks: Annotated[str | dict[str, Any] | None, Field(description="a JWK Set, or the path of one")] = None
    jku: Annotated[Address | None, Field(description="the one address it is fetched from")] = None
    networks: tuple[NetworkText, ...] = ()


class FhirShape(Shape):
    """The client's FHIR servers: see FhirPolicy for what each key means."""

    bases: tuple[Annotated[Address, AfterValidator(_base)], ...] = ()
    networks: tuple[NetworkText, ...] = ()
    without_token: Switch = False
    absent: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")], ...] = ()
    subject: str = ""


class ClientShape(Shape):
    """One client. `audiences` are accepted beside the address called; `max_lifetime` counts seconds."""

    name: Annotated[SetId, Field(description="our name for it, in logs")]
    issuer: Annotated[str, AfterValidator(_issuer), Field(description="the iss of its tokens, exactly")]
    keys: Annotated[KeysShape, Field(description="its public keys, jwks: or jku:")]
    algorithms: Annotated[
        tuple[Annotated[Algorithm, BeforeValidator(_algorithm)], ...], Field(min_length=1)
    ] = ("ES384", "RS384")
    tenants: tuple[Words, ...] = ()
    audiences: tuple[Annotated[Address, AfterValidator(lambda text: text.rstrip("/"))], ...] = ()
    max_lifetime: Annotated[int, Field(strict=True, ge=60, le=86_400)] = MAX_LIFETIME
    fhir: FhirShape = FhirShape()


class ClientsFile(Shape):
    """The whole file. `discovery` says whether GET /cds-services needs a token as calls do."""

    discovery: Literal["open", "token"] = "open"
    clients: Annotated[tuple[ClientShape, ...], Field(min_length=1, description="who may call")]
