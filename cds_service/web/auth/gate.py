"""The gate of a service that others can reach: one valid token per call, each good for one call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from flask import Request

from cds_service.errors import KeysUnavailable, RequestError, StoreUnavailable
from cds_service.settings import Settings, is_loopback
from cds_service.store.database import Database
from cds_service.store.tokens import SeenTokens
from cds_service.web.auth.clients import Clients, load_clients
from cds_service.web.auth.keysource import KeySource
from cds_service.web.auth.verify import (
    Claimed,
    FindKey,
    Refused,
    Verified,
    jti_in,
    read_claimed,
    token_of,
    verify,
)
from cds_service.web.caller import Caller, Gate, OpenGate

_LOG = logging.getLogger("cds_service.auth")


class Seen(Protocol):
    """Remembers which tokens were used."""

    def first_time(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether nobody asked about this token before. Raises StoreUnavailable."""
        ...


class ClientGate:
    """Admits the clients on the list. `public_url` is our base URL as clients write it, `clock` real time.

    Without a `public_url` only calls to a loopback address are admitted: another service that got a
    token of its own could otherwise pass it on to us under its own Host.
    """

    def __init__(
        self,
        clients: Clients,
        seen: Seen,
        find_key: FindKey,
        *,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients, self._seen, self._find_key = clients, seen, find_key
        self._public_url, self._clock = public_url, clock

    def admit(self, request: Request) -> Caller:
        """The client that calls; its token is used up.

        Raises RequestError (401), and ServiceUnavailable (503) where nobody could check the token.
        """
        verified = self._verified(request)
        client = verified.client
        try:
            first = self._seen.first_time(client.issuer, verified.jti, verified.until)
        except StoreUnavailable:
            _LOG.error("503: without a database tokens cannot be remembered (%s)", verified.about)
            raise
        if not first:
            raise _refused("the token was used before", verified.about)
        listed = verified.tenant in client.tenants
        return Caller(client.name, verified.tenant, client.fhir, listed)

    def admit_to_discovery(self, request: Request) -> None:
        """Let a GET of the list of services in. Where that needs no token, one that comes must be valid all
        the same: trust is first tried here, and a wrong token that passes would say it works.
        """
        if not self._clients.open_discovery:
            self.admit(request)
        elif request.headers.getlist("Authorization"):
            self._verified(request)

    def _verified(self, request: Request) -> Verified:
        claimed: Claimed | None = None
        token = ""
        try:
            token = token_of(request.headers.getlist("Authorization"))
            audience = self._address(request)
            claimed = read_claimed(token, self._clients)
            return verify(claimed, self._find_key, audience=audience, now=self._clock())
        except Refused as refused:
            raise _refused(str(refused), claimed.about() if claimed else jti_in(token)) from None
        except KeysUnavailable:
            _LOG.warning(
                "503: the keys of the client could not be fetched, so its token was not checked (%s)",
                claimed.about() if claimed else "",
            )
            raise

    def _address(self, request: Request) -> str:
        """The public address of the endpoint called. Raises Refused."""
        if self._public_url:
            return (self._public_url + request.path).rstrip("/")
        called = request.base_url
        if not is_loopback(urlsplit(called).hostname or ""):
            raise Refused(
                "CDS_PUBLIC_URL is not set, so only calls to this machine's own address can be checked"
            )
        return called.rstrip("/")


def gate_of(settings: Settings, database: Database, clock: Callable[[], datetime] | None = None) -> Gate:
    """The gate these settings ask for. Raises UsageError if the file of clients has problems.

    `database` remembers which tokens were used. `clock` tells the real time; a service whose time is frozen
    for trying out still checks tokens by it.
    """
    if not settings.clients:
        return OpenGate()
    clients = load_clients(Path(settings.clients))
    real = clock or (lambda: datetime.now(UTC))
    return ClientGate(
        clients,
        SeenTokens(database, clock=real),
        KeySource(clients, time.monotonic).find,
        public_url=settings.public_url,
        clock=real,
    )


def _refused(reason: str, about: str) -> RequestError:
    _LOG.warning("401: %s%s", reason, f" ({about})" if about else "")
    return RequestError("This call needs a valid token of a known client.", status=401, code="login")
