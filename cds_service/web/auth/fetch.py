"""Fetches a client's key set from the one address that was configured: little, and briefly."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from cds_service.facts.server.connection import Patience, Reply, Server, Slow, TooLong, Unreachable
from cds_service.facts.server.guard import AddressRefused, Guard, TimeIsOver, Watch
from cds_service.web.auth.clients import KeyAddress

MAX_BYTES = 256_000
_ATTEMPT = Patience(connect=3.0, read=3.0, size=MAX_BYTES)
_WHOLE = 6.0  # seconds; a server that sends a byte now and then never runs into the limit of a single read


class FetchError(Exception):
    """The key set could not be had; the message says why, and holds nothing of what came."""


def fetch(address: KeyAddress) -> bytes:
    """The bytes at the address. Raises FetchError. Redirects are not followed, nothing is tried twice.

    The address the host's name leads to is checked when connecting: private networks only if listed.
    """
    inside_only = urlsplit(address.url).scheme == "http"
    server = Server(Guard(address.networks, inside_only), width=1, accept="application/json")
    try:
        reply = _exchange(server, address.url)
    except AddressRefused:
        raise FetchError("its host has no address that is public or in a network listed for it") from None
    except TooLong:
        raise FetchError(f"the answer is longer than {MAX_BYTES} bytes, or compressed") from None
    except (Slow, Unreachable, TimeIsOver):
        raise FetchError("its server cannot be reached, or does not answer in time") from None
    finally:
        server.close()
    if reply.status != 200:
        hint = ", and redirects are not followed" if 300 <= reply.status < 400 else ""
        raise FetchError(f"its server answered {reply.status}{hint}")
    return reply.body


def _exchange(server: Server, url: str) -> Reply:
    watch = Watch()
    ending = threading.Timer(_WHOLE, watch.end)
    ending.daemon = True
    ending.start()
    try:
        with watch.here():
            return server.exchange(url, "", _ATTEMPT)
    finally:
        ending.cancel()
