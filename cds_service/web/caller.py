"""Who is calling, as far as the rest of the service needs to know; and the gate that finds out."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Protocol

from flask import Request

from cds_service.facts.server.policy import FhirPolicy

_THIS_MACHINE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that was let in: its name in the list of clients, its tenant, its FHIR servers.

    `listed` means that the list of clients names the tenant; otherwise it is what the client said.
    """

    name: str
    tenant: str = ""
    fhir: FhirPolicy = field(default_factory=FhirPolicy)
    listed: bool = False


class Gate(Protocol):
    """Decides who may come in."""

    def admit(self, request: Request) -> Caller:
        """The caller of a request. Raises RequestError (401) without saying why, ServiceUnavailable (503)."""
        ...

    def admit_to_discovery(self, request: Request) -> None:
        """Let a GET of the list of services in. Raises as `admit` does."""
        ...


class OpenGate:
    """Lets everybody in: the service listens on this machine only (DESIGN 4.14)."""

    def admit(self, request: Request) -> Caller:  # noqa: ARG002
        """A caller without a name; FHIR servers on this machine may be read, with or without a token."""
        return Caller("local", fhir=FhirPolicy(any_base=True, networks=_THIS_MACHINE, without_token=True))

    def admit_to_discovery(self, request: Request) -> None:
        """Nothing is asked."""
