"""Finds a client's key by its id, fetching the client's key set where it is published instead of given."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock

from cds_service.errors import KeysUnavailable
from cds_service.web.auth.clients import Client, Clients, KeyAddress
from cds_service.web.auth.fetch import FetchError, fetch
from cds_service.web.auth.keys import Key, UnusableKeyError, read_keys

Fetch = Callable[[KeyAddress], bytes]

FRESH = 600
"""Seconds after which a fetched set is fetched again: so long a withdrawn key may still be accepted."""

PAUSE = 60
"""Seconds between two fetches of one set, whatever tokens ask for."""

RETRY = KeysUnavailable.retry_seconds
"""Seconds after a fetch that failed in which a key we do not hold is not asked for again."""

STALE = 6 * 3_600
"""Seconds for which the last set serves while it cannot be fetched again."""

_LOG = logging.getLogger("cds_service.auth")


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of a set. `read` is when it was last read, `asked` when the last attempt ended."""

    keys: Mapping[str, Key]
    read: float
    asked: float

    @property
    def failed(self) -> bool:
        """Whether the last attempt failed."""
        return self.asked > self.read


_NOTHING = _Held({}, float("-inf"), float("-inf"))


class FetchedKeys:
    """The keys of one client, as published at its address. `clock` counts seconds and never goes back.

    A set is fetched when a token first needs it, when it is no longer fresh, and once for a key id it does
    not have; never more often than PAUSE allows. If that fails the last set serves on, until it is STALE; who
    needs a key that is not in it is told to come again, and RETRY later it is fetched once more.

    One call fetches, and others do not wait for it if they have a key, or if the last attempt failed: a
    server of keys that is slow to fail would hold up every thread.
    """

    def __init__(
        self, client: str, address: KeyAddress, clock: Callable[[], float], fetch: Fetch = fetch
    ) -> None:
        self._client, self._address, self._clock, self._fetch = client, address, clock, fetch
        self._held = _NOTHING
        self._lock = Lock()

    def find(self, kid: str) -> Key | None:
        """The key with this id, None if the client publishes none. Raises KeysUnavailable if nobody can say
        whether it does, since its set could not be fetched.
        """
        waits = self._usable(kid) is None and not self._held.failed
        if self._due(kid) and self._lock.acquire(blocking=waits):
            try:
                if self._due(kid):  # not done meanwhile
                    self._held = self._refreshed(self._held)
            finally:
                self._lock.release()
        key = self._usable(kid)
        if key is None and self._held.failed:
            raise KeysUnavailable
        return key

    def _usable(self, kid: str) -> Key | None:
        held = self._held
        return held.keys.get(kid) if self._clock() - held.read < STALE else None

    def _due(self, kid: str) -> bool:
        held, key, now = self._held, self._usable(kid), self._clock()
        wanted = key is None or now - held.read >= FRESH
        return wanted and now - held.asked >= (RETRY if key is None and held.failed else PAUSE)

    def _refreshed(self, held: _Held) -> _Held:
        """What is known after another attempt. The time of its end counts: it may have taken long."""
        try:
            keys, problems = read_keys(json.loads(self._fetch(self._address)))
        except (FetchError, UnusableKeyError) as error:
            _LOG.warning("the keys of client %s could not be fetched: %s", self._client, error)
        except (ValueError, RecursionError):
            _LOG.warning("the keys of client %s could not be fetched: this is no JSON", self._client)
        else:
            for problem in problems:
                _LOG.warning("of the keys of client %s, %s; it is not used", self._client, problem)
            now = self._clock()
            return _Held(keys, now, now)
        return replace(held, asked=self._clock())


class KeySource:
    """The keys of every client, as one process knows them."""

    def __init__(self, clients: Clients, clock: Callable[[], float], fetch: Fetch = fetch) -> None:
        self._fetched = {
            client.issuer: FetchedKeys(client.name, client.keys, clock, fetch)
            for client in clients.by_issuer.values()
            if isinstance(client.keys, KeyAddress)
        }

    def find(self, client: Client, kid: str) -> Key | None:
        """The client's key with this id, or None. Raises KeysUnavailable."""
        if isinstance(client.keys, KeyAddress):
            return self._fetched[client.issuer].find(kid)
        return client.keys.get(kid)
