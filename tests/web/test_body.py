"""Compressed bodies: read if they are whole gzip within the limit, refused in clear words if not."""

from __future__ import annotations

import contextlib
import gzip
import json
import tracemalloc
import zlib
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import TestResponse

from cds_service.errors import RequestError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import MAX_BODY, Settings
from cds_service.web.app import create_app
from cds_service.web.body import MOST_MEMBERS, inflate

from .answers import NOW, VIEW, assert_cards, assert_outcome, view_call

PLAIN = json.dumps(view_call()).encode()
PACKED = gzip.compress(PLAIN)
BOMB_SIZE = 1_000_000_000


@cache
def bomb(size: int = BOMB_SIZE) -> bytes:
    """Zeros, so many that nobody would want to hold them unpacked; a thousandth of that packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1_000_000)
    return b"".join(packer.compress(zeros) for _ in range(size // len(zeros))) + packer.flush()


def post(client: FlaskClient, body: bytes, encoding: str = "gzip", **options: Any) -> TestResponse:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    return client.post(VIEW, data=body, headers=headers, **options)


@pytest.fixture(scope="module")
def small(sample_book: Rulebook) -> FlaskClient:
    """A service that takes bodies just as long as the sample call."""
    return create_app(Settings(today=NOW, max_body=len(PLAIN)), [sample_book]).test_client()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_a_compressed_call_gets_the_same_answer_as_a_plain_one(client: FlaskClient, encoding: str):
    assert assert_cards(post(client, PACKED, encoding)) == assert_cards(client.post(VIEW, json=view_call()))


def test_compressed_feedback_is_read(client: FlaskClient):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    issue = assert_outcome(client.post(f"{VIEW}/feedback", data=gzip.compress(b"{}"), headers=headers), 400)
    assert "feedback is missing" in issue["details"]["text"]


def test_identity_is_no_compression(client: FlaskClient):
    assert_cards(post(client, PLAIN, "identity"))


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "gzip, identity", "zip"])
def test_any_other_encoding_is_refused_with_the_one_that_is_read(client: FlaskClient, encoding: str):
    issue = assert_outcome(post(client, PACKED, encoding), 415)
    assert "gzip" in issue["details"]["text"]


def test_members_one_after_the_other_are_one_body(client: FlaskClient):
    parts = [PLAIN[at : at + 200] for at in range(0, len(PLAIN), 200)]
    assert_cards(post(client, b"".join(map(gzip.compress, parts))))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PLAIN, "no gzip"),
        (zlib.compress(PLAIN), "not gzip"),
        (PACKED[:-9], "middle"),
        (PACKED[:12], "middle"),
        (PACKED[:-8] + bytes(8), "damaged"),
        (PACKED + b"more", "not gzip"),
        (PACKED + PACKED[:20], "middle"),
        (gzip.compress(b"") * (MOST_MEMBERS + 1), "members"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(PACKED), "UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",  # compressed bytes hold the time
)
def test_what_is_no_whole_gzip_of_json_is_refused_with_the_reason(
    client: FlaskClient, body: bytes, said: str
):
    issue = assert_outcome(post(client, body), 400)
    assert said.removeprefix("no ") in issue["details"]["text"]


def test_an_empty_body_is_no_gzip(client: FlaskClient):
    assert_outcome(post(client, b""), 400)


def test_the_limit_counts_what_is_unpacked(small: FlaskClient):
    assert_cards(post(small, PACKED))
    assert_outcome(post(small, gzip.compress(PLAIN + b" ")), 413)
    assert_outcome(post(small, PACKED + gzip.compress(b" ")), 413)


def test_the_limit_counts_what_is_sent_too(small: FlaskClient):
    stored = gzip.compress(PLAIN, 0)
    assert len(stored) > len(PLAIN)
    assert_outcome(post(small, stored), 413)


def test_a_bomb_of_a_gigabyte_is_refused_in_the_memory_of_the_limit(client: FlaskClient):
    assert len(bomb()) < 1_100_000
    tracemalloc.start()
    try:
        assert_outcome(post(client, bomb()), 413)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY
    finally:
        tracemalloc.stop()


def test_a_bomb_in_members_is_refused_and_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture):
    assert_outcome(post(client, bomb(1_000_000) * 90), 413)
    assert caplog.messages == [f"413: a compressed body holds more than {MAX_BODY} bytes"]


@given(st.binary(max_size=400), st.integers(1, 400))
def test_unpacking_gives_what_was_packed_or_says_that_it_is_too_long(data: bytes, limit: int):
    if len(data) <= limit:
        assert inflate(gzip.compress(data), limit) == data
    else:
        with pytest.raises(RequestEntityTooLarge):
            inflate(gzip.compress(data), limit)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_a_damaged_stream_is_refused_or_harmless(data: bytes, at: int, byte: int):
    packed = bytearray(gzip.compress(data))
    packed[at % len(packed)] = byte
    with contextlib.suppress(RequestError, RequestEntityTooLarge):
        assert inflate(bytes(packed), 1_000) == data
