"""Behind a proxy: its X-Forwarded headers count if it is on the list, and a base path is taken off.

A proxy may hand on `/base/cds-services` as it came or without `/base`; both are answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from cds_service.settings import Network, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def behind_proxies(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    """The application as it has to be behind the proxies of these settings."""
    base, trusted = urlsplit(settings.public_url).path, settings.trusted_proxies
    inner = below(app, base) if base or trusted else app
    if not trusted:
        return inner
    believing = ProxyFix(inner, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = believing if is_trusted(environ.get("REMOTE_ADDR", ""), trusted) else inner
        return chosen(environ, start_response)

    return answer


def below(app: WSGIApplication, base: str) -> WSGIApplication:
    """The application, answering also below the path `base`, and below the one that the proxy names."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for prefix in (base, environ.get("SCRIPT_NAME", "").rstrip("/")):
            if prefix and path.startswith(f"{prefix}/"):
                environ = environ | {"SCRIPT_NAME": prefix, "PATH_INFO": path.removeprefix(prefix)}
                break
        return app(environ, start_response)

    return answer


def is_trusted(peer: str, networks: Iterable[Network]) -> bool:
    """Whether the address that connected to us is in one of the networks; a name or a socket never is."""
    try:
        address = ip_address(peer.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in networks)
