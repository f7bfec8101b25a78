"""Who may call: the CDS_CLIENTS file, read and checked as a whole before anything is served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cds_service.errors import Problem, UsageError
from cds_service.facts.server.policy import FhirPolicy
from cds_service.rulebook.parsed import Parsed, parse
from cds_service.rulebook.yamlfile import DataPath, read_yaml
from cds_service.web.auth.clientfile import ClientsFile, ClientShape, Network
from cds_service.web.auth.keys import Key, UnusableKeyError, read_keys

_NOT_HTTPS = (
    "clients/not-https",
    "this address is not https, so what passes could be read and changed on the way",
    "write https://; http:// is for a FHIR server in one of its networks:, and for jku on this machine",
)


@dataclass(frozen=True, slots=True)
class KeyAddress:
    """The one address a client's keys are fetched from, and the private networks its host may be in."""

    url: str
    networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """One client that may call: how its tokens look, and what was agreed about its FHIR servers.

    `keys` are known, or where they are fetched. An empty `tenants` allows any tenant. `audiences` are
    accepted beside the address called. `max_lifetime` bounds `exp` - `iat`, in seconds.
    """

    name: str
    issuer: str
    keys: Mapping[str, Key] | KeyAddress
    algorithms: frozenset[str]
    tenants: frozenset[str]
    audiences: frozenset[str]
    max_lifetime: int
    fhir: FhirPolicy


@dataclass(frozen=True, slots=True)
class Clients:
    """Every client by its issuer; `open_discovery` lets GET /cds-services be called without a token."""

    by_issuer: Mapping[str, Client]
    open_discovery: bool = True


def load_clients(path: Path) -> Clients:
    """Read the file. Raises UsageError with every problem and its place."""
    parsed, problems = parse(read_yaml(path), ClientsFile)
    if parsed is None or problems:
        raise _refused(problems)
    folder = path.parent
    read = [_client(parsed, number, shape, folder) for number, shape in enumerate(parsed.model.clients)]
    problems = [problem for _, found in read for problem in found]
    clients = [client for client, _ in read]
    problems += [*_shared(parsed, clients)]
    if problems:
        raise _refused(problems)
    return Clients({client.issuer: client for client in clients}, parsed.model.discovery == "open")


def _refused(problems: list[Problem]) -> UsageError:
    lines = "\n".join(str(problem) for problem in sorted(problems))
    return UsageError(f"CDS_CLIENTS: the file of clients has problems, nothing is served:\n{lines}")


def _client(
    parsed: Parsed[ClientsFile], number: int, shape: ClientShape, folder: Path
) -> tuple[Client, list[Problem]]:
    at: DataPath = ("clients", number)
    keys, problems = _keys(parsed, at, shape, folder)
    problems += [parsed.problem(path, *_NOT_HTTPS) for path in _unsafe(at, shape)]
    fhir = shape.fhir
    policy = FhirPolicy(
        bases=fhir.bases,
        networks=fhir.networks,
        without_token=fhir.without_token,
        absent=frozenset(fhir.absent),
        subject=fhir.subject,
    )
    client = Client(
        shape.name,
        shape.issuer,
        keys,
        frozenset(shape.algorithms),
        frozenset(shape.tenants),
        frozenset(shape.audiences),
        shape.max_lifetime,
        policy,
    )
    return client, problems


def _unsafe(at: DataPath, shape: ClientShape) -> Iterator[DataPath]:
    """The addresses without TLS that are not allowed. Keys decide who is who, so they are held to more."""
    jku = shape.keys.jku
    if jku is not None and not jku.startswith("https:") and not _here(jku, shape.keys.networks):
        yield (*at, "keys", "jku")
    for number, base in enumerate(shape.fhir.bases):
        if not base.startswith("https:") and not shape.fhir.networks:
            yield (*at, "fhir", "bases", number)


def _here(url: str, networks: tuple[Network, ...]) -> bool:
    """Whether this is an address of this machine in one of the networks."""
    host = urlsplit(url).hostname or ""
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return False
    return address.is_loopback and any(address in network for network in networks)


def _keys(
    parsed: Parsed[ClientsFile], at: DataPath, shape: ClientShape, folder: Path
) -> tuple[Mapping[str, Key] | KeyAddress, list[Problem]]:
    jwks, jku = shape.keys.jwks, shape.keys.jku
    if (jwks is None) == (jku is None):
        seen = "nothing says where its keys are" if jwks is None else "its keys stand here and are fetched"
        hint = "write jwks: (a JWK Set, or the path of one) or jku: (its address), one of the two"
        return {}, [parsed.problem_at_key((*at, "keys"), "clients/keys", seen, hint)]
    if jku is not None:
        return KeyAddress(jku, shape.keys.networks), []
    keys, found = _given(jwks, folder)
    if keys and not any(key.fits(name) for key in keys.values() for name in shape.algorithms):
        found = (*found, "no key goes with any of the client's algorithms")
    elif not keys and not found:
        found = ("the set holds no key for signatures",)
    hint = "list public keys with kid, kty and their numbers, as the client publishes them"
    path = (*at, "keys", "jwks")
    return keys, [parsed.problem(path, "clients/keys", problem, hint) for problem in found]


def _given(jwks: str | dict[str, Any] | None, folder: Path) -> tuple[dict[str, Key], tuple[str, ...]]:
    try:
        held = json.loads((folder / jwks).read_bytes()) if isinstance(jwks, str) else jwks
        return read_keys(held)
    except OSError as error:
        return {}, (f"the file of keys cannot be read: {error.strerror}",)
    except UnusableKeyError as error:
        return {}, (str(error),)
    except (ValueError, RecursionError):
        return {}, ("the file of keys is not JSON",)


def _shared(parsed: Parsed[ClientsFile], clients: list[Client]) -> Iterator[Problem]:
    """What two clients may not share: whoever holds one's key could then speak as the other."""
    yield from _twice(parsed, clients, ("name",), lambda client: [client.name], "this name")
    yield from _twice(parsed, clients, ("issuer",), lambda client: [client.issuer], "this issuer")
    yield from _twice(parsed, clients, ("keys",), _identities, "a key, or the address of keys,")


def _identities(client: Client) -> list[object]:
    if isinstance(client.keys, KeyAddress):
        return [client.keys.url]
    return list({key.public.public_numbers() for key in client.keys.values()})


def _twice(
    parsed: Parsed[ClientsFile],
    clients: list[Client],
    under: DataPath,
    identities: Callable[[Client], list[Any]],
    what: str,
) -> Iterator[Problem]:
    owners: dict[object, str] = {}
    for number, client in enumerate(clients):
        for identity in identities(client):
            if identity in owners:
                yield parsed.problem(
                    ("clients", number, *under),
                    "clients/ambiguous",
                    f"{what} belongs to {owners[identity]} already, so a token could mean either",
                    "make one client of the two, or let each have its own",
                )
                break
            owners[identity] = client.name
