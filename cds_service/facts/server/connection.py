"""One pool of connections per FHIR server, and one exchange over it: bounded, and with nothing left behind.

What requests would do of itself is off: redirects, proxies and passwords of the environment, cookies. The
answer is read in pieces, so that a long one is dropped at its limit and not after it.
"""

from __future__ import annotations

import logging
import re
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from cds_service.facts.server.access import Access
from cds_service.facts.server.guard import Guard, GuardedConnection, GuardedTlsConnection, Resolve, look_up

ACCEPT = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
_PIECE = 65_536
_MOST_SERVERS = 64

for _library in ("urllib3", "requests", "charset_normalizer"):
    # Their lines hold URLs, with ids in them, and headers that cannot be parsed: not one is written.
    logging.getLogger(_library).setLevel(logging.CRITICAL + 1)


class TooLong(Exception):
    """The answer is longer than it may be."""


class Slow(Exception):
    """The server did not answer in the time of one attempt."""


class Unreachable(Exception):
    """No connection, or it broke before the answer was complete: another attempt may do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, its bytes if that is 200, the seconds it asks us to wait (-1: it does not say).

    Status 0 means that no answer came.
    """

    status: int
    body: bytes = b""
    wait: float = -1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one attempt may take, in seconds, and how many bytes may come."""

    connect: float
    read: float
    size: int


def system_trust() -> ssl.SSLContext:
    """Verifies certificates by the authorities of the operating system and those that come with requests."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class Server:
    """The pool of connections to one server, which is asked for `accept`; used by many threads at once."""

    def __init__(
        self, guard: Guard, *, width: int, accept: str = ACCEPT, trust: ssl.SSLContext | None = None
    ) -> None:
        self._accept = accept
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        adapter = _Adapter(guard, trust or system_trust(), pool_maxsize=width)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def exchange(self, url: str, token: str, patience: Patience) -> Reply:
        """GET a URL under the server's base. Raises AddressRefused, TooLong, Slow, Unreachable."""
        return self._send("GET", url, token, patience, None)

    def search(self, url: str, form: str, token: str, patience: Patience) -> Reply:
        """POST a search to `_search`; its query is the form. Raises as `exchange`."""
        return self._send("POST", url, token, patience, form)

    def _send(self, method: str, url: str, token: str, patience: Patience, form: str | None) -> Reply:
        try:
            response = self._session.request(
                method,
                url,
                headers=_headers(token, form, self._accept),
                data=form,
                allow_redirects=False,
                stream=True,
                timeout=(patience.connect, patience.read),
            )
            with response:
                return _reply(response, patience.size)
        except requests.ConnectTimeout:
            raise Unreachable from None
        except (requests.Timeout, TimeoutError):
            raise Slow from None
        except (requests.RequestException, HTTPError, OSError):
            raise Unreachable from None

    def close(self) -> None:
        """Close what is open."""
        self._session.close()


def _headers(token: str, form: str | None, accept: str) -> Mapping[str, str]:
    # No compression: what comes is what is counted.
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "cds-service"}
    if form is not None:
        headers["Content-Type"] = FORM
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _reply(response: requests.Response, limit: int) -> Reply:
    if response.status_code != requests.codes.ok:
        return Reply(response.status_code, wait=_seconds(response.headers.get("Retry-After", "")))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TooLong
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > limit:
            raise TooLong
        pieces.append(piece)
    return Reply(response.status_code, b"".join(pieces))


def _seconds(text: str) -> float:
    """A Retry-After in seconds; -1 for none, and for a date, which is never soon enough for us."""
    return float(text) if re.fullmatch(r"[0-9]{1,5}", text.strip()) else -1.0


class _Adapter(HTTPAdapter):
    """Connections that check the address they go to, and trust the system's certificates."""

    def __init__(self, guard: Guard, trust: ssl.SSLContext, *, pool_maxsize: int) -> None:
        self._guard, self._trust = guard, trust
        super().__init__(pool_connections=1, pool_maxsize=pool_maxsize)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of checked connections."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._trust)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _pool_classes(self._guard)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to do: the context verifies, and is not loaded anew for every connection."""


def _pool_classes(guard: Guard) -> dict[str, Any]:
    """The pool classes of one guard; urllib3 takes the connection's class from the pool's."""
    plain = type("Plain", (GuardedConnection,), {"guard": guard})
    tls = type("Tls", (GuardedTlsConnection,), {"guard": guard})
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


class Servers:
    """The servers of a process, made when they are first read; the longest unused of many is closed."""

    def __init__(self, *, width: int, resolve: Resolve = look_up) -> None:
        self._width, self._resolve = width, resolve
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[object, ...], Server] = OrderedDict()

    def of(self, access: Access) -> Server:
        """The server of an access; the same one for the same base under the same rules."""
        key = (access.base, access.networks, access.inside_only)
        with self._lock:
            server = self._known.get(key)
            if server is None:
                guard = Guard(access.networks, access.inside_only, self._resolve)
                server = self._known[key] = Server(guard, width=self._width, trust=self._trust_for(access))
            self._known.move_to_end(key)
            if len(self._known) > _MOST_SERVERS:
                self._known.popitem(last=False)[1].close()
            return server

    def _trust_for(self, access: Access) -> ssl.SSLContext:
        """What a server needs: reading all authorities takes long, and plain http needs none."""
        tls = access.base.lower().startswith("https:")
        return self._trust if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return system_trust()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            while self._known:
                self._known.popitem()[1].close()
