"""Which FHIR servers a caller may have us read, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class FhirPolicy:
    """What one caller agreed with us about its FHIR servers.

    `bases` are the base URLs that may be contacted, without a trailing slash; anything else never is, but
    for `any_base`, which lets a caller name any server inside `networks` and none outside. `networks` are the
    private or loopback networks a base may resolve to; a public address needs no entry. `without_token`
    allows reads where the call brings no access token. `absent` names resource types the EHR does not have:
    their keys count as searched and empty. `subject` is our client id at the EHR's authorization server; if
    set, a token that the call says was given to another is not used.
    """

    bases: tuple[str, ...] = ()
    any_base: bool = False
    networks: tuple[Network, ...] = ()
    without_token: bool = False
    absent: frozenset[str] = field(default_factory=frozenset)
    subject: str = ""
