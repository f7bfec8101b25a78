"""What the operator decided, read once from the environment, every value checked, then frozen.

The names are stable (DESIGN section 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cds_service.errors import UsageError, nearest

EngineName = Literal["durable", "direct"]
Network = IPv4Network | IPv6Network
T = TypeVar("T")

NAMES = (
    "CDS_HOST",
    "CDS_PORT",
    "CDS_WORKERS",
    "CDS_RULES",
    "CDS_ENGINE",
    "CDS_TODAY",
    "CDS_TIMEZONE",
    "CDS_CLIENTS",
    "CDS_DATABASE_URL",
    "CDS_DECISION_LOG",
    "CDS_PUBLIC_URL",
    "CDS_REQUIRE_APPROVAL",
    "CDS_DEADLINE_MS",
    "CDS_MAX_BODY",
    "CDS_CORS_ORIGINS",
    "CDS_TRUSTED_PROXIES",
    "CDS_RUNTIME_DIR",
    "CDS_WATCH",
    "CDS_CAPTURE",
)
MEANINGS: Mapping[str, str] = {
    "CDS_HOST": "the address to listen on; another one than this machine's needs `CDS_CLIENTS`",
    "CDS_PORT": "the port to listen on",
    "CDS_WORKERS": "how many processes answer",
    "CDS_RULES": "the folder of the rulebooks, or one rulebook",
    "CDS_ENGINE": "`durable` or `direct`; durable where it can be imported",
    "CDS_TODAY": "freezes time at a date (noon) or an instant, on this machine only",
    "CDS_TIMEZONE": "the IANA time zone in which a day begins",
    "CDS_CLIENTS": "the file of those who may call; without it only this machine may",
    "CDS_DATABASE_URL": "where feedback and used tokens are kept",
    "CDS_DECISION_LOG": "the file of decisions, `-` for standard output; nothing is logged without it",
    "CDS_PUBLIC_URL": "the base URL as clients write it; the address of the request without it",
    "CDS_REQUIRE_APPROVAL": "1 refuses to serve rules that no clinician approved",
    "CDS_DEADLINE_MS": "how long one call may take, reads of the FHIR server included",
    "CDS_MAX_BODY": "the longest body that is read, in bytes, `k` or `MB`",
    "CDS_CORS_ORIGINS": "web origins that may call from a browser, parted by commas",
    "CDS_TRUSTED_PROXIES": "networks whose X-Forwarded headers count, parted by commas",
    "CDS_CAPTURE": "1 keeps every call, patient data included, beside the file of decisions for `cds replay`",
    "CDS_WATCH": "1 reads the rules again when their files change",
    "CDS_RUNTIME_DIR": "the folder that the workers of one server share, one per server; made at start",
}
"""What each setting decides, for the reference."""
ENGINES: tuple[EngineName, ...] = ("durable", "direct")
MAX_BODY = 10_000_000
DEADLINE_MS = 2_000
DATABASE_URL = "sqlite:///var/cds.sqlite3"
"""Beside the process, made on first use; name a PostgreSQL for several machines."""
MAX_WORKERS = 256
_SIZES = {"": 1, "k": 1_000, "m": 1_000_000}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9a-fA-F:]+\](:[0-9]{1,5})?")
_PUBLIC = re.compile(rf"({_ORIGIN.pattern})(/[A-Za-z0-9._~\-]+)*")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one process.

    `engine` None means the default of this Python. `today` is the instant at which time is frozen,
    None for the real clock. `max_body` counts bytes. `clients` is the file of allowed clients, empty for
    none. `database_url` is SQLAlchemy's. `decision_log` is a file, `-` for standard output, empty for none.
    `public_url` is the base URL as clients write it, without a trailing slash, empty for the address of the
    request. `deadline_ms` bounds one call, reads of the FHIR server included. `cors_origins` are the web
    origins that may call from a browser, `trusted_proxies` the networks whose X-Forwarded headers count.
    `runtime_dir` is a folder that the workers of one server share, empty for none (`cds serve` makes one).
    `watch` reloads the rules when their files change. `capture` keeps every call, patient data included,
    beside the decision log.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    rules: Path = Path("rules")
    engine: EngineName | None = None
    today: datetime | None = None
    timezone: tzinfo = UTC
    require_approval: bool = False
    max_body: int = MAX_BODY
    clients: str = ""
    database_url: str = DATABASE_URL
    decision_log: str = ""
    public_url: str = ""
    deadline_ms: int = DEADLINE_MS
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    runtime_dir: str = ""
    watch: bool = False
    capture: bool = False

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read and check every CDS_ value; an empty value counts as unset. Raises UsageError."""
        _refuse_unknown(env)
        given = {name: env[name].strip() for name in NAMES if env.get(name, "").strip()}

        def read(name: str, parse: Callable[[str, str], T], default: T) -> T:
            return parse(name, given[name]) if name in given else default

        utc: tzinfo = UTC
        zone = read("CDS_TIMEZONE", _zone, utc)
        settings = cls(
            host=given.get("CDS_HOST", "127.0.0.1"),
            port=read("CDS_PORT", _port, 5000),
            workers=read("CDS_WORKERS", _workers, 1),
            rules=Path(given.get("CDS_RULES", "rules")),
            engine=read("CDS_ENGINE", _engine, None),
            today=read("CDS_TODAY", lambda name, text: frozen_instant(name, text, zone), None),
            timezone=zone,
            require_approval=read("CDS_REQUIRE_APPROVAL", _switch, False),
            max_body=read("CDS_MAX_BODY", _size, MAX_BODY),
            clients=given.get("CDS_CLIENTS", ""),
            database_url=given.get("CDS_DATABASE_URL", DATABASE_URL),
            decision_log=given.get("CDS_DECISION_LOG", ""),
            public_url=read("CDS_PUBLIC_URL", _public_url, ""),
            deadline_ms=read("CDS_DEADLINE_MS", _deadline, DEADLINE_MS),
            cors_origins=read("CDS_CORS_ORIGINS", _origins, ()),
            trusted_proxies=read("CDS_TRUSTED_PROXIES", _networks, ()),
            runtime_dir=given.get("CDS_RUNTIME_DIR", ""),
            watch=read("CDS_WATCH", _switch, False),
            capture=read("CDS_CAPTURE", _switch, False),
        )
        _refuse_exposure(settings)
        _refuse_lost_captures(settings)
        return settings

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether the address names this machine only; any name but localhost may be reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def frozen_instant(name: str, text: str, zone: tzinfo) -> datetime:
    """An instant with its offset, or noon of a date in the service's zone. Raises UsageError."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), time(12), zone)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(name, text, "a date or an instant", "2026-07-01 or 2026-07-01T09:30:00Z") from None
    if instant.tzinfo is None:
        raise _wrong(name, text, "an instant with its offset", f"{text}Z, or only the date {text[:10]}")
    return instant


def _refuse_unknown(env: Mapping[str, str]) -> None:
    for name in sorted(env):
        if name.startswith("CDS_") and name not in NAMES:
            close = get_close_matches(name, NAMES, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else "known: " + ", ".join(NAMES)
            raise UsageError(f"{name}: no setting has this name; {hint} Otherwise unset it.")


def _refuse_exposure(settings: Settings) -> None:
    if settings.loopback:
        return
    reachable = f"CDS_HOST: {settings.host!r} can be reached from other machines"
    if settings.today is not None:
        raise UsageError(
            f"{reachable}, and CDS_TODAY freezes time, which is for this machine only; "
            "try unset CDS_TODAY, or CDS_HOST=127.0.0.1."
        )
    if not settings.clients:
        raise UsageError(
            f"{reachable}, and CDS_CLIENTS does not say who may call; "
            "try CDS_HOST=127.0.0.1, or name the file of allowed clients in CDS_CLIENTS."
        )


def _refuse_lost_captures(settings: Settings) -> None:
    if settings.capture and settings.decision_log in ("", "-"):
        raise UsageError(
            "CDS_CAPTURE: calls are kept beside the file that CDS_DECISION_LOG names, and it names none; "
            "try CDS_DECISION_LOG=var/decisions.jsonl, or unset CDS_CAPTURE."
        )


def _wrong(name: str, seen: str, expected: str, example: str) -> UsageError:
    return UsageError(f"{name}: seen {seen!r}, expected {expected}; try {example}.")


def _whole(name: str, text: str, lowest: int, highest: int, example: str) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not lowest <= number <= highest:
        raise _wrong(name, text, f"a whole number from {lowest} to {highest}", example)
    return number


def _port(name: str, text: str) -> int:
    return _whole(name, text, 1, 65_535, "5000")


def _workers(name: str, text: str) -> int:
    return _whole(name, text, 1, MAX_WORKERS, "the number of processors")


def _engine(name: str, text: str) -> EngineName | None:
    if text not in ENGINES:
        hint = nearest(text, ENGINES)
        raise UsageError(f"{name}: seen {text!r}, expected durable or direct; {hint}")
    return text


def _switch(name: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise _wrong(name, text, "1 or 0", "1 to switch it on, 0 to leave it off")


def _size(name: str, text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,9})\s*([km]?)b?", text.lower())
    size = int(parts[1]) * _SIZES[parts[2]] if parts else 0
    if not 1 <= size <= 1_000_000_000:
        raise _wrong(name, text, "a number of bytes from 1 to 1000 MB", "10000000 or 10MB")
    return size


def _deadline(name: str, text: str) -> int:
    return _whole(name, text, 50, 60_000, f"{DEADLINE_MS}, in milliseconds")


def _public_url(name: str, text: str) -> str:
    url = text.rstrip("/")
    if _PUBLIC.fullmatch(url) is None:
        raise _wrong(name, text, "the base URL at which clients reach the service", "https://cds.example.org")
    if url.endswith("/cds-services"):
        raise _wrong(
            name, text, "the base URL, below which /cds-services is", url.removesuffix("/cds-services")
        )
    return url


def _origins(name: str, text: str) -> tuple[str, ...]:
    origins = tuple(part.rstrip("/").lower() for part in re.split(r"[\s,]+", text) if part)
    for origin in origins:
        if _ORIGIN.fullmatch(origin) is None:
            raise _wrong(name, origin, "web origins, parted by commas", "https://ehr.example.org")
    return origins


def _networks(name: str, text: str) -> tuple[Network, ...]:
    parts = [part for part in re.split(r"[\s,]+", text) if part]
    try:
        return tuple(ip_network(part) for part in parts)
    except ValueError:
        raise _wrong(name, text, "addresses or networks, parted by commas", "10.0.0.5, 10.1.0.0/16") from None


def _zone(name: str, text: str) -> tzinfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = get_close_matches(text, sorted(available_timezones()), n=1, cutoff=0.6)
        raise _wrong(name, text, "an IANA time zone", close[0] if close else "Europe/Berlin") from None
