"""A prefetch template becomes the URL of our own read, with ids that cannot be anything but ids."""

from __future__ import annotations

import re
from urllib.parse import quote

from cds_service.facts.request import HookRequest

_TOKEN = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9\-.]{1,64}")  # FHIR R4 "id", but for those that are dots alone
LONGEST = 2000
"""A longer URL is sent as a POST to `_search`: servers and proxies cut off query strings, often at 2,048."""


def url_of(template: str, request: HookRequest) -> str:
    """The relative URL of a template for this call; empty if one of its tokens has no value that is an id."""
    values = {"context.patientId": request.patient_id, "context.encounterId": request.encounter_id}
    tokens = [values.get(name, "") for name in _TOKEN.findall(template)]
    if not all(_ID.fullmatch(value) for value in tokens):
        return ""
    filled = _TOKEN.sub(lambda token: values[token[1]], template)
    path, _, search = filled.partition("?")
    if not search:
        return path
    pairs = (part.partition("=") for part in search.split("&"))
    return f"{path}?" + "&".join(f"{name}={quote(value, safe=',:/')}" for name, _, value in pairs)


def is_id(text: str) -> bool:
    """Whether a text is a FHIR id that may stand in a path."""
    return _ID.fullmatch(text) is not None
