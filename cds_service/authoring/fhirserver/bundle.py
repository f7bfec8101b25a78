"""What the test server answers with: searchset Bundles in pages, OperationOutcomes, what it can do."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.parameters import PARAMETERS
from cds_service.authoring.fhirserver.search import Search
from cds_service.authoring.fhirserver.store import Store

Json = Mapping[str, Any]

_WRITTEN = "2026-11-25"
_UNKNOWN = "not supported, so left out of account: {}; ask with Prefer: handling=strict to have it refused"


def outcome(severity: str, code: str, text: str) -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


# --- pages ---------------------------------------------------------------------------------------


class Page(NamedTuple):
    """Where a further page begins, and in the answer to which search."""

    digest: str
    kind: str
    query: tuple[tuple[str, str], ...]
    offset: int


def page_token(page: Page) -> str:
    """A page as one opaque word of a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(page)).rstrip(b"=").decode()


def read_page_token(token: str, digest: str) -> Page | None:
    """The page of a word; None if it was not made for this content."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        page = msgspec.json.decode(raw, type=Page)
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError):
        return None
    return page if page.digest == digest and page.kind in PARAMETERS and page.offset > 0 else None


def page_size(search: Search, cap: int) -> int:
    """How many entries a page of this search has."""
    return cap if search.count is None else min(search.count, cap)


def searchset(
    search: Search, matches: Sequence[Json], *, base: str, here: str, offset: int, knobs: Knobs, digest: str
) -> dict[str, Any]:
    """One page of the answer to a search; `here` is its own address. An empty page has no `entry`."""
    end = offset + page_size(search, knobs.page)
    links = [{"relation": "self", "url": here}]
    if offset < end < len(matches):
        token = page_token(Page(digest, search.kind, search.used, end))
        links.append({"relation": "next", "url": f"{base}/_page/{token}"})
    entries = [_entry(one, base) for one in matches[offset:end]]
    if search.unknown and not offset:
        entries.append(_remark(search))
    return _bundle(len(matches), links, entries)


def cut_searchset(matches: Sequence[Json], *, base: str, here: str, most: int) -> dict[str, Any]:
    """The answer of a server that loses data: `most` entries, no further page, and a total above that."""
    kept = matches[:most]
    total = max(len(matches), len(kept) + 1)
    return _bundle(total, [{"relation": "self", "url": here}], [_entry(one, base) for one in kept])


def _bundle(total: int, links: list[dict[str, str]], entries: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    return body | ({"entry": entries} if entries else {})


def _entry(resource: Json, base: str) -> dict[str, Any]:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": "match"}}


def _remark(search: Search) -> dict[str, Any]:
    text = _UNKNOWN.format(", ".join(sorted(shown_name(name) for name in search.unknown)))
    return {"resource": outcome("warning", "not-supported", text), "search": {"mode": "outcome"}}


def shown_name(name: str) -> str:
    """A parameter's name if it could be one: no value of a request is repeated."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return name if plain.isascii() and plain.isalpha() and len(name) <= 30 else "(odd)"


def unknown_text(search: Search) -> str:
    """Why a strict search is refused."""
    names = ", ".join(sorted(shown_name(name) for name in search.unknown))
    known = ", ".join(sorted(PARAMETERS[search.kind]))
    return f"not supported for {search.kind}: {names}; supported: {known}, _count, _sort"


# --- what the server can do ----------------------------------------------------------------------


def capability_statement(store: Store, knobs: Knobs, base: str, version: str) -> dict[str, Any]:
    """What this server supports, and no more."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _WRITTEN,
        "kind": "instance",
        "software": {"name": "cds fhir-server", "version": version},
        "implementation": {
            "description": f"Example charts of {len(store.patients)} made-up patients, for tests; read-only",
            "url": base,
        },
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Reads, and searches by GET or POST. Sorts by _id or any date parameter.",
                "security": {"cors": True},
                "resource": [_resource(kind) for kind in served_types(knobs)],
            }
        ],
    }


def served_types(knobs: Knobs) -> Iterable[str]:
    """The resource types that exist on this server."""
    return [kind for kind in PARAMETERS if kind not in knobs.drop]


def _resource(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": [{"name": one.name, "type": one.kind} for one in PARAMETERS[kind].values()],
    }
