"""Calls from browsers: pages of the listed origins may call and read every answer, refusals too; no others.

A browser sends some calls without asking first and only keeps their answers from the page, so a call whose
`Origin` is not listed is refused: it could store feedback, or have a FHIR server read.

The token is a header, not a cookie, so credentials in the sense of browsers are never allowed. A preflight
carries no token and is answered before anybody looks for one.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request

from cds_service.errors import RequestError
from cds_service.web.discovery import PATH

MAX_AGE = 600
"""Seconds for which a browser may remember a preflight."""

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding",
    "Access-Control-Max-Age": str(MAX_AGE),
}
_READABLE = "ETag, Retry-After, WWW-Authenticate"


def register(app: Flask, origins: Sequence[str]) -> None:
    """Let the app answer OPTIONS everywhere, preflights among them, and let pages of `origins` read its
    answers under /cds-services.

    `origins` are written in lower case, as browsers do.
    """
    allowed = frozenset(origins)

    def preflight() -> Response | None:
        if request.method != "OPTIONS" or request.url_rule is None:
            return None
        response = Response(
            status=204, headers={"Allow": app.make_default_options_response().headers["Allow"]}
        )
        del response.headers["Content-Type"]
        return response

    def refuse_others() -> None:
        origin = request.headers.get("Origin")
        if request.method == "POST" and _is_ours() and origin is not None and origin not in allowed:
            raise RequestError(
                "Pages of this origin may not call; have it added to CDS_CORS_ORIGINS.",
                status=403,
                code="forbidden",
            )

    def tell_browsers(response: Response) -> Response:
        if not allowed or not _is_ours():
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin in allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            if request.method == "OPTIONS":
                response.headers.update(_ALLOWED)
            else:
                response.headers["Access-Control-Expose-Headers"] = _READABLE
        return response

    app.before_request(preflight)
    app.before_request(refuse_others)
    app.after_request(tell_browsers)


def _is_ours() -> bool:
    return request.path == PATH or request.path.startswith(f"{PATH}/")
