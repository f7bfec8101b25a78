"""Fetches a client's key set: from the one address that was configured, as little and as briefly as possible."""

from __future__ import annotations

import time
from contextlib import closing

import requests
from urllib3.exceptions import HTTPError

from cds_service.facts.server.guard import guarded_session
from cds_service.web.auth.clients import KeyAddress

MAX_BYTES = 256_000
_CONNECT, _READ, _WHOLE = 3, 3, 6  # seconds


class FetchError(Exception):
    """The key set could not be had; the message says why, and holds nothing of what came."""


def fetch(address: KeyAddress) -> bytes:
    """The bytes at the address. Raises FetchError; never follows a redirect, never reads on without end.

    The address the host's name leads to is checked when connecting: private networks only if listed.
    """
    try:
        with guarded_session(address.networks) as session:
            answer = session.get(
                address.url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=(_CONNECT, _READ),
                allow_redirects=False,
                stream=True,
            )
            with closing(answer):
                _refuse(answer)
                return _read(answer, time.monotonic() + _WHOLE)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise FetchError(f"{type(error).__name__}; its server cannot be reached or may not be") from error


def _refuse(answer: requests.Response) -> None:
    if answer.status_code != 200:
        hint = ", and redirects are not followed" if answer.is_redirect else ""
        raise FetchError(f"its server answered {answer.status_code}{hint}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("its server sent it compressed, though asked not to")


def _read(answer: requests.Response, last: float) -> bytes:
    body = bytearray()
    while part := answer.raw.read1(MAX_BYTES + 1 - len(body), decode_content=False):
        body += part
        if len(body) > MAX_BYTES:
            raise FetchError(f"it is larger than {MAX_BYTES} bytes")
        if time.monotonic() > last:
            raise FetchError(f"it did not come within {_WHOLE} seconds")
    return bytes(body)
