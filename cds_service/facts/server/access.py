"""Whether this call's FHIR server may be read at all, and under which base every URL has to stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from cds_service.facts.request import HookRequest
from cds_service.facts.server.policy import FhirPolicy, Network

_PORTS = {"http": 80, "https": 443}
NO_SERVER = "the call names no fhirServer"
NOT_AGREED = "fhirServer is not one that was agreed with this caller"
NO_TOKEN = "the call brings no access token, and reads without one were not agreed"
UNUSABLE_TOKEN = (
    "the access token of the call cannot be used: it must be of type Bearer, be made of the characters of "
    "one (letters, digits and -._~+/, then =) and nothing else, and not have run out"
)
OTHERS_TOKEN = "fhirAuthorization.subject is not the client id that was agreed for this service"
ADDRESS = "its address is neither public and reached by https, nor in a network that was agreed"
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
    if why_not(request, policy):
        return None
    base = request.fhir_server.rstrip("/")
    inside_only = not _listed(base, policy) or base.lower().startswith("http:")
    return Access(base, policy.networks, inside_only, request.access_token)


def why_not(request: HookRequest, policy: FhirPolicy) -> str:
    """Why nothing may be read for a call, in words that name no host; empty if it may.

    A token that is of no use is not left out: the server may show less without one than it would with it.
    """
    base = request.fhir_server.rstrip("/")
    if not base:
        return NO_SERVER
    if _origin(_split(base)) is None or "?" in base or "#" in base:
        return NOT_AGREED
    if not _listed(base, policy) and not policy.any_base:
        return NOT_AGREED
    if request.token_unusable:
        return UNUSABLE_TOKEN
    if not request.access_token:
        return "" if policy.without_token else NO_TOKEN
    return OTHERS_TOKEN if policy.subject and request.subject != policy.subject else ""


def _listed(base: str, policy: FhirPolicy) -> bool:
    return any(_same_base(base, one) for one in policy.bases)


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
