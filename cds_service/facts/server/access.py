"""Whether this call's FHIR server may be read at all, and under which base every URL has to stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from cds_service.facts.request import HookRequest
from cds_service.facts.server.policy import FhirPolicy, Network

_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Access:
    """One FHIR server as this call may use it.

    `base` has no trailing slash. `token` goes into the Authorization header of reads under `base` and nowhere
    else; empty for none. `inside_only` means that the server must have an address in `networks`.
    """

    base: str
    networks: tuple[Network, ...] = ()
    inside_only: bool = False
    token: str = field(default="", repr=False)


def access_for(request: HookRequest, policy: FhirPolicy) -> Access | None:
    """What may be read for a call; None if its server is not agreed, or its token is missing or not ours."""
    base = request.fhir_server.rstrip("/")
    origin = _origin(_split(base))
    if origin is None or "?" in base or "#" in base:
        return None
    listed = any(_same_base(base, one) for one in policy.bases)
    if not listed and not policy.any_base:
        return None
    if not _token_is_ours(request, policy):
        return None
    inside_only = not listed or origin[0] == "http"
    return Access(base, policy.networks, inside_only, request.access_token)


def _token_is_ours(request: HookRequest, policy: FhirPolicy) -> bool:
    """Whether the token was given to us; without one, whether reads without one are agreed."""
    if not request.access_token:
        return policy.without_token
    return not policy.subject or request.subject == policy.subject


def under_base(base: str, url: str) -> str:
    """The URL made absolute, if it stays under the base: same origin, the base's path; else empty."""
    absolute = urljoin(f"{base}/", url)
    parts, root = _split(absolute), _split(base)
    if parts is None or root is None or _origin(parts) != _origin(root) or parts.fragment:
        return ""
    path, start = parts.path.rstrip("/"), root.path.rstrip("/")
    if (path != start and not path.startswith(f"{start}/")) or _climbs(parts.path):
        return ""
    return absolute


def _climbs(path: str) -> bool:
    """Whether a server could read another path out of it: `..`, `%2e%2e`, a backslash, an encoded slash."""
    plain = path.lower().replace("%2e", ".")
    return "\\" in plain or "%2f" in plain or "%5c" in plain or bool({".", ".."} & set(plain.split("/")))


def _same_base(one: str, other: str) -> bool:
    first, second = _split(one), _split(other)
    if first is None or second is None or _origin(first) is None:
        return False
    return _origin(first) == _origin(second) and first.path.rstrip("/") == second.path.rstrip("/")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (it is read here because it may raise)
    except ValueError:
        return None
    return parts if url.isascii() and url.isprintable() and " " not in url else None


def _origin(parts: SplitResult | None) -> Origin | None:
    """Scheme, host and port; None for a URL with a user in it, or of another scheme."""
    if parts is None or parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname.lower().rstrip("."), parts.port or _PORTS[parts.scheme]
