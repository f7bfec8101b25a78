"""The HTTP side of the test server: routes, media types, CORS, errors, and the faults it was told to have."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from cds_service.authoring.fhirserver.bundle import (
    capability_statement,
    cut_searchset,
    outcome,
    read_page_token,
    searchset,
    served_types,
    shown_name,
    unknown_text,
)
from cds_service.authoring.fhirserver.knobs import Knobs, setting
from cds_service.authoring.fhirserver.search import BadSearch, check_values, read_search, run_search
from cds_service.authoring.fhirserver.store import Store

BASE = "/fhir"
MEDIA_TYPES = ("application/fhir+json", "application/json", "application/json+fhir")
"""The last is what clients of the first FHIR versions ask for."""

_NO_TYPE = "this server has no such resource type; GET /metadata lists those it has"
_TEXTS = {
    404: "there is nothing at this address; GET /metadata says what there is",
    405: "this server only reads: GET Type/id, GET Type?…, POST Type/_search",
}
_CODES = {401: "login", 404: "not-found", 405: "not-supported", 410: "not-found", 406: "not-supported"}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Seen:
    """One request as it was answered: what was asked (`Condition`, `Condition/id`, `metadata`), by which
    method, with which parameters, whether with an Authorization header, the status, and the matches sent.
    """

    method: str
    kind: str
    number: str
    parameters: Pairs
    authorized: bool
    status: int
    entries: int

    def __str__(self) -> str:
        """Without any value: ids and dates say whose chart is read."""
        asked = (self.kind or "…") + ("/…" if self.number else "")
        names = "&".join(shown_name(name) for name, _ in self.parameters)
        sent = f", {self.entries} found" if self.entries >= 0 else ""
        return f"{self.method} {asked}{'?' + names if names else ''} {self.status}{sent}"


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, text: str, code: str = "", **headers: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code or _CODES.get(status, "invalid")
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def create_fhir_app(
    store: Store,
    knobs: Knobs | None = None,
    *,
    pause: Callable[[float], None] = time.sleep,
    seen: Callable[[Seen], None] | None = None,
) -> Flask:
    """The application: FHIR R4 under /fhir, with the faults of `knobs`.

    `pause` waits for so many seconds where the server is to be slow. `seen` is told of every request after it
    was answered.
    """
    app = Flask(__name__, static_folder=None, template_folder=None)
    Server(store, knobs or Knobs(), pause).register(app)
    app.before_request(_preflight)
    app.after_request(_manners)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_failure)
    if seen is not None:
        app.after_request(lambda response: _tell(seen, response))
    return app


@dataclass(frozen=True)
class Server:
    """The routes of one store under one set of knobs."""

    store: Store
    knobs: Knobs
    pause: Callable[[float], None]

    def register(self, app: Flask) -> None:
        """Add the routes."""
        rules: Sequence[tuple[str, Callable[..., Response], str]] = (
            ("/metadata", self.metadata, "GET"),
            ("/_page/<token>", self.page, "GET"),
            ("/_services/smart/Launch", self.launch, "POST"),
            ("/<kind>/_search", self.search_by_post, "POST"),
            ("/<kind>", self.search, "GET"),
            ("/<kind>/<number>", self.read, "GET"),
        )
        for path, view, method in rules:
            app.add_url_rule(
                BASE + path,
                view.__name__,
                view,
                methods=[method],
                strict_slashes=False,
                provide_automatic_options=False,
            )

    def metadata(self) -> Response:
        """The CapabilityStatement; needs no token."""
        g.kind = "metadata"
        return _answer(capability_statement(self.store, self.knobs, _base(), version("cds-service")))

    def launch(self) -> Response:
        """SMART App Launch is not here; a client then leaves its links as they are."""
        self._admit()
        raise Refusal(501, "this test server starts no SMART apps", "not-supported")

    def read(self, kind: str, number: str) -> Response:
        """One resource."""
        g.number = number
        self._begin(kind, ())
        resource = self.store.get(kind, number)
        if resource is None:
            raise Refusal(404, f"there is no {kind} with this id")
        meta = resource.get("meta", {})
        tag = f'W/"{meta.get("versionId", "1")}"'
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status=304, headers={"ETag": tag})
        response = _answer(resource)
        response.headers["ETag"] = tag
        return response

    def search(self, kind: str) -> Response:
        """A search by GET."""
        return self._search(kind, tuple(request.args.items(multi=True)))

    def search_by_post(self, kind: str) -> Response:
        """A search by POST: parameters in the form, further ones in the address."""
        if request.mimetype not in ("", "application/x-www-form-urlencoded"):
            raise Refusal(415, "send the parameters as application/x-www-form-urlencoded", "not-supported")
        return self._search(kind, (*request.args.items(multi=True), *request.form.items(multi=True)))

    def page(self, token: str) -> Response:
        """A further page."""
        page = read_page_token(token, self.store.digest)
        if page is None:
            raise Refusal(410, "this page is gone; search again and follow the links of that answer")
        return self._search(page.kind, page.query, page.offset)

    def _search(self, kind: str, pairs: Pairs, offset: int = 0) -> Response:
        self._begin(kind, pairs)
        base = _base()
        try:
            search = read_search(kind, pairs)
            check_values(search)
            matches = run_search(search, self.store, base)
        except BadSearch as error:
            raise Refusal(400, str(error)) from None
        if search.unknown and "handling=strict" in request.headers.get("Prefer", "").replace(" ", ""):
            raise Refusal(400, unknown_text(search), "not-supported")
        here = request.base_url if offset else f"{base}/{kind}" + (f"?{search.query}" if search.used else "")
        most = setting(self.knobs.truncate, kind, pairs)
        if most is not None:
            return _answer(cut_searchset(matches, base=base, here=here, most=most))
        return _answer(
            searchset(
                search,
                matches,
                base=base,
                here=here,
                offset=offset,
                knobs=self.knobs,
                digest=self.store.digest,
            )
        )

    def _begin(self, kind: str, pairs: Pairs) -> None:
        """What holds before any read or search: who asks, for what, and what is to go wrong."""
        self._admit()
        if kind not in served_types(self.knobs):
            raise Refusal(404, _NO_TYPE, "not-supported")
        g.kind, g.parameters = kind, pairs
        wait = setting(self.knobs.slow, kind, pairs)
        if wait:
            self.pause(wait / 1000)
        status = setting(self.knobs.fail, kind, pairs)
        if status is not None:
            raise Refusal(status, "this server was told to fail here", "exception")

    def _admit(self) -> None:
        if self.knobs.token and request.headers.get("Authorization", "") != f"Bearer {self.knobs.token}":
            raise Refusal(
                401, "send the bearer token this server was started with", WWW_Authenticate="Bearer"
            )


# --- manners -------------------------------------------------------------------------------------


def _base() -> str:
    """Our base URL as the client wrote it."""
    return request.host_url.rstrip("/") + BASE


def _answer(body: Any, status: int = 200) -> Response:
    g.body = body
    return Response(msgspec.json.encode(body), status, content_type=_media_type())


def _media_type() -> str:
    """The JSON media type the client prefers; FHIR's own if it does not say."""
    accepted = request.accept_mimetypes
    if not accepted or "_format" in request.args:
        return MEDIA_TYPES[0]
    found = accepted.best_match(MEDIA_TYPES)
    return found or MEDIA_TYPES[0]


def _preflight() -> Response | None:
    """Answer what a browser asks before a call to another origin."""
    if request.method != "OPTIONS":
        return None
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    return Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
            "Access-Control-Allow-Headers": wanted or "accept, authorization, content-type, prefer",
            "Access-Control-Max-Age": "600",
        },
    )


def _manners(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _refused(error: Refusal) -> Response:
    response = _answer(outcome("error", error.code, str(error)), error.status)
    response.headers.extend(error.headers)
    return response


def _http_failure(error: HTTPException) -> Response:
    status = error.code or 500
    text = _TEXTS.get(status, f"{error.name}.")
    response = _answer(outcome("error", _CODES.get(status, "exception"), text), status)
    kept = [pair for pair in error.get_headers() if pair[0].lower() == "allow"]
    response.headers.extend(kept)
    return response


def _tell(seen: Callable[[Seen], None], response: Response) -> Response:
    body = g.get("body", {})
    is_search = body.get("resourceType") == "Bundle"
    found = [one for one in body.get("entry", ()) if one["search"]["mode"] == "match"]
    seen(
        Seen(
            request.method,
            g.get("kind", ""),
            g.get("number", ""),
            g.get("parameters", ()),
            "Authorization" in request.headers,
            response.status_code,
            len(found) if is_search else -1,
        )
    )
    return response
