"""The body of a request: JSON, as it is or compressed by gzip, whole and within the limit."""

from __future__ import annotations

import logging
import re
import zlib
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.errors import RequestError

_LOG = logging.getLogger("cds_service")

MOST_MEMBERS = 100
"""A gzip stream may be made of several, each of which costs us time; real ones have one or a few."""

_GZIP = zlib.MAX_WBITS | 16
_GZIP_NAMES = ("gzip", "x-gzip")
_JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")
"""JSON, and what is JSON by its name (RFC 6839): application/fhir+json."""

_CHARSET = re.compile(r";\s*charset\s*=([^;]*)")
_CHARSETS = ("utf-8", "utf8")


def body_of(sent: Request, limit: int) -> bytes:
    """The bytes of JSON that a request holds.

    Raises RequestError: 415 for a type other than JSON in UTF-8 or an encoding other than gzip, 400 for a
    body that is cut short or no gzip, 408 if it did not arrive in time; and RequestEntityTooLarge (413) for
    more than `limit` bytes, on the way or unpacked.
    """
    refuse_media_type(sent.content_type)
    encoding = sent.headers.get("Content-Encoding", "").strip().lower()
    if encoding in _GZIP_NAMES:
        return inflate(read_body(sent, limit), limit)
    if encoding not in ("", "identity"):
        raise _wrong_type(
            "The Content-Encoding is not known here; send the body as it is, or compressed once by gzip."
        )
    return read_body(sent, limit)


def refuse_media_type(content_type: str | None) -> None:
    """Refuse a body that calls itself something else than JSON in UTF-8. Raises RequestError (415).

    One without a type claims nothing, and is read as JSON: nothing else can stand here.
    """
    seen = (content_type or "").strip().lower()
    if seen and not _JSON.fullmatch(seen.partition(";")[0].strip()):
        raise _wrong_type("The Content-Type is not JSON; send Content-Type: application/json.")
    if any(charset.strip().strip('"') not in _CHARSETS for charset in _CHARSET.findall(seen)):
        raise _wrong_type("The charset of the Content-Type is not UTF-8; send JSON in UTF-8, as JSON is.")


def read_body(sent: Request, limit: int) -> bytes:
    """The whole body, of known length or chunked. Raises RequestEntityTooLarge over `limit` bytes.

    Werkzeug's own reading returns the first `limit` bytes of a longer chunked body as if they were all.
    """
    length = sent.content_length
    if length is None and not sent.environ.get("wsgi.input_terminated"):
        return b""
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    body = _read(sent.environ["wsgi.input"], limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) < length:
        raise RequestError("The body is shorter than its Content-Length.", code="structure")
    return body


def inflate(packed: bytes, limit: int) -> bytes:
    """What a gzip stream holds. Unpacking stops at `limit` bytes, however much more there would be.

    Raises RequestEntityTooLarge over `limit` bytes, RequestError (400) for what is no whole gzip stream.
    """
    parts: list[bytes] = []
    room = limit + 1  # one byte too many shows that there are too many
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        try:
            parts.append(member.decompress(packed, room))
        except zlib.error:
            raise _not_gzip("is not gzip, or was damaged on the way") from None
        room -= len(parts[-1])
        if not room:
            _LOG.warning("413: a compressed body holds more than %d bytes", limit)
            raise RequestEntityTooLarge
        if not member.eof:
            raise _not_gzip("ends in the middle of its gzip stream")
        packed = member.unused_data
        if not packed:
            return b"".join(parts)
    raise _not_gzip(f"is made of more than {MOST_MEMBERS} gzip members")


def _wrong_type(message: str) -> RequestError:
    return RequestError(message, status=415, code="not-supported")


def _not_gzip(seen: str) -> RequestError:
    return RequestError(
        f"The body {seen}; send one whole gzip stream, or the body as it is without Content-Encoding.",
        code="structure",
    )


def _read(stream: IO[bytes], most: int) -> bytes:
    """Up to `most` bytes: a server may hand out less at a time than it was asked for."""
    first = stream.read(most)
    parts, missing = [first], most - len(first)
    while missing and parts[-1]:
        parts.append(stream.read(missing))
        missing -= len(parts[-1])
    return b"".join(parts) if len(parts) > 1 else first
