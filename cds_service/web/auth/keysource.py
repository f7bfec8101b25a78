"""Finds a client's key by its id, fetching the client's key set where it is published instead of given."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from threading import Lock

from cds_service.web.auth.clients import Client, Clients, KeyAddress
from cds_service.web.auth.fetch import FetchError, fetch
from cds_service.web.auth.keys import Key, UnusableKeyError, read_keys

Fetch = Callable[[KeyAddress], bytes]

FRESH = 600
"""Seconds after which a fetched set is fetched again: so long a withdrawn key may still be accepted."""

PAUSE = 60
"""Seconds between two fetches of one set, whatever tokens ask for."""

STALE = 6 * 3_600
"""Seconds for which the last set serves while it cannot be fetched again."""

_LOG = logging.getLogger("cds_service.auth")


class FetchedKeys:
    """The keys of one client, as published at its address. `clock` counts seconds and never goes back.

    A set is fetched when a token first needs it, when it is no longer fresh, and once for a key id it does
    not have; never more often than PAUSE allows. If that fails the last set serves on, until it is STALE.
    """

    def __init__(
        self, client: str, address: KeyAddress, clock: Callable[[], float], fetch: Fetch = fetch
    ) -> None:
        self._client, self._address, self._clock, self._fetch = client, address, clock, fetch
        self._keys: dict[str, Key] = {}
        self._fetched = self._tried = float("-inf")
        self._lock = Lock()

    def find(self, kid: str) -> Key | None:
        """The key with this id, or None if the client publishes none, or nothing fresh enough is known."""
        with self._lock:
            now = self._clock()
            if (kid not in self._keys or now - self._fetched >= FRESH) and now - self._tried >= PAUSE:
                self._tried = now
                self._refresh()
            return self._keys.get(kid) if self._clock() - self._fetched < STALE else None

    def _refresh(self) -> None:
        try:
            self._keys, problems = read_keys(json.loads(self._fetch(self._address)))
        except (FetchError, UnusableKeyError) as error:
            _LOG.warning("the keys of client %s could not be fetched: %s", self._client, error)
        except (ValueError, RecursionError):
            _LOG.warning("the keys of client %s could not be fetched: this is no JSON", self._client)
        else:
            self._fetched = self._clock()
            for problem in problems:
                _LOG.warning("of the keys of client %s, %s; it is not used", self._client, problem)


class KeySource:
    """The keys of every client, as one process knows them."""

    def __init__(self, clients: Clients, clock: Callable[[], float], fetch: Fetch = fetch) -> None:
        self._fetched = {
            client.issuer: FetchedKeys(client.name, client.keys, clock, fetch)
            for client in clients.by_issuer.values()
            if isinstance(client.keys, KeyAddress)
        }

    def find(self, client: Client, kid: str) -> Key | None:
        """The client's key with this id, or None."""
        if isinstance(client.keys, KeyAddress):
            return self._fetched[client.issuer].find(kid)
        return client.keys.get(kid)
