"""Where a connection may go: looked up, checked and connected to in one step, so that no name can change.

The check is made on the address that is really connected to. A name that resolves to a private address after
its first look-up, or a base URL that names one, ends here whatever the list of bases says.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, ClassVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from cds_service.facts.server.policy import Network

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text. Raises OSError."""

_TRANSLATED = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
_UNICAST = ip_network("2000::/3")  # RFC 4291: all that is public in IPv6; elsewhere an IPv4 address may hide


class AddressRefused(Exception):
    """The host has no address that may be contacted; the message names neither."""


class TimeIsOver(Exception):
    """The call this read was for has been answered."""


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver, each once, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True)
class Guard:
    """The addresses one server may have.

    `networks` are allowed whatever they are; any other address must be public, and with `inside_only` (a
    server nobody listed, or plain http) no other is allowed.
    """

    networks: tuple[Network, ...] = ()
    inside_only: bool = False
    resolve: Resolve = look_up

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The allowed addresses of a host. Raises AddressRefused if it has none, OSError if none is known."""
        allowed = tuple(found for found in self.resolve(host, port) if self.allows(found))
        if not allowed:
            raise AddressRefused("the FHIR server's address is neither public nor in an allowed network")
        return allowed

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to."""
        try:
            found = _really(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if any(found in network for network in self.networks):
            return True
        return not self.inside_only and _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody may be behind an address; what Python knows of ranges differs between its versions."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _really(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address is only another spelling of, or a tunnel to."""
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


class Watch:
    """The connections that one call is using, so that they can be cut off when its time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[int, HTTPConnection] = {}
        self._sockets: dict[int, socket.socket] = {}
        self.over = threading.Event()

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """What this thread connects to inside is watched."""
        before = _WATCH.set(self)
        try:
            yield
        finally:
            _WATCH.reset(before)
            with self._lock:
                self._used.pop(threading.get_ident(), None)
                self._sockets.pop(threading.get_ident(), None)

    def use(self, connection: HTTPConnection) -> None:
        """Watch a connection of this thread. Raises TimeIsOver."""
        with self._lock:
            if self.over.is_set():
                raise TimeIsOver
            thread = threading.get_ident()
            self._used[thread] = connection
            self._sockets.pop(thread, None)  # an earlier connection's: another call may have it by now
            if isinstance(connection.sock, socket.socket):
                # A connection lets go of it before the body, where the server will close.
                self._sockets[thread] = connection.sock

    def end(self) -> None:
        """Cut off everything that is still under way; threads that wait for an answer wake up."""
        with self._lock:
            self.over.set()
            for thread, connection in self._used.items():
                _cut(connection.sock or self._sockets.get(thread))


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def _cut(sock: object) -> None:
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS state from under the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class GuardedConnection(HTTPConnection):
    """A connection to an address that was checked; the Host header stays the name."""

    guard: ClassVar[Guard] = Guard()

    def connect(self) -> None:
        """Connect, watched."""
        self._watched()
        super().connect()
        self._watched()

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request, watched: the connection may be one kept from before."""
        self._watched()
        super().putrequest(*args, **kwargs)

    def _watched(self) -> None:
        watch = _WATCH.get()
        if watch is not None:
            watch.use(self)

    def _new_conn(self) -> socket.socket:
        try:
            addresses = self.guard.addresses(self._dns_host, self.port)
        except OSError as error:
            raise NameResolutionError("the FHIR server", self, socket.gaierror(error.errno or 0)) from None
        self._watched()  # looking up a name cannot be cut off: time may be over by now
        for address in addresses:
            with contextlib.suppress(OSError):
                place = (address, self.port)
                return create_connection(place, self.timeout, socket_options=self.socket_options)
        raise NewConnectionError(self, "no address of the FHIR server answers")


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same over TLS: the certificate must be the name's, not the address's."""
