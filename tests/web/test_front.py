"""What the application is told of a call that came through Granian, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify, request

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.front import Front

from .answers import NOW, VIEW, view_call

LIMIT = 100_000


class Call:
    """A call as Granian hands it over: both its scope and its protocol. `pieces` None never come."""

    def __init__(self, method: str, path: str, headers: dict[str, str], *pieces: bytes | None) -> None:
        self.method, self.path, self.query_string = method, path, "a=1"
        self.http_version, self.scheme = "1.1", "http"
        self.server, self.client = "[::1]:5000", "[fe80::1]:40000"
        self.headers = {"host": "here"} | headers
        self._pieces = pieces
        self.read = 0
        self.answer: tuple[int, dict[str, str], bytes] = (0, {}, b"")

    async def __call__(self) -> bytes:
        return b"".join([piece async for piece in self])

    async def __aiter__(self) -> Any:
        for piece in self._pieces:
            if piece is None:
                await asyncio.Event().wait()
            assert piece is not None
            self.read += len(piece)
            yield piece

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answer = status, {name.lower(): value for name, value in headers}, body


def answered(app: Any, call: Call, seconds: float = 5.0) -> tuple[int, dict[str, str], bytes]:
    asyncio.run(Front(app, LIMIT, seconds).answer(call, call))  # type: ignore[arg-type]
    return call.answer


@pytest.fixture
def told() -> Flask:
    """Says what it was told."""
    app = Flask("told")

    @app.route("/<path:path>", methods=["GET", "POST"])
    def tell(path: str) -> Any:
        names = ("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "SERVER_PROTOCOL", "SCRIPT_NAME")
        return jsonify(
            path=path,
            query=request.query_string.decode(),
            headers=dict(request.headers),
            body=request.get_data(as_text=True),
            **{name: request.environ[name] for name in names},
        )

    return app


def test_the_application_hears_what_the_client_said(told: Flask):
    headers = {"content-type": "text/plain", "content-length": "5", "x-one": "1"}
    status, _, body = answered(told, Call("POST", "/a b/é", headers, b"he", b"llo"))
    said = json.loads(body)
    assert status == 200
    assert said["path"] == "a b/é"
    assert said["query"] == "a=1"
    assert said["body"] == "hello"
    assert said["headers"]["X-One"] == "1"
    assert said["headers"]["Content-Type"] == "text/plain"
    assert (said["SERVER_NAME"], said["SERVER_PORT"], said["REMOTE_ADDR"]) == ("::1", "5000", "fe80::1")
    assert said["SCRIPT_NAME"] == ""


def test_a_body_in_pieces_is_put_together(told: Flask):
    call = Call("POST", "/a", {"transfer-encoding": "chunked"}, b"he", b"ll", b"o", b"")
    assert json.loads(answered(told, call)[2])["body"] == "hello"


def test_both_ways_to_tell_the_length_at_once_are_read_as_pieces_and_bounded(told: Flask):
    """Whoever says both may want to slip a body past the limit."""
    headers = {"transfer-encoding": "chunked", "content-length": "5"}
    call = Call("POST", "/a", headers, *[bytes(10_000)] * 1_000)
    answered(told, call)
    assert call.read <= LIMIT + 10_000


@pytest.fixture(scope="module")
def product(sample_book: Rulebook) -> Iterator[Flask]:
    yield create_app(Settings(today=NOW, max_body=LIMIT), [sample_book])


def test_a_body_that_announces_too_much_is_refused_unread(product: Flask):
    call = Call("POST", VIEW, {"content-length": str(LIMIT + 1)}, bytes(LIMIT + 1))
    assert answered(product, call)[0] == 413
    assert call.read == 0


def test_a_body_in_pieces_is_refused_at_the_first_piece_too_many(product: Flask):
    call = Call("POST", VIEW, {"transfer-encoding": "chunked"}, *[bytes(10_000)] * 1_000)
    assert answered(product, call)[0] == 413
    assert call.read <= LIMIT + 10_000


@pytest.mark.parametrize("head", [{"content-length": "100"}, {"transfer-encoding": "chunked"}])
def test_a_body_that_does_not_come_is_408_and_the_connection_ends(
    product: Flask, head: dict[str, str], caplog: pytest.LogCaptureFixture
):
    status, headers, body = answered(product, Call("POST", VIEW, head, b"{", None), seconds=0.01)
    assert status == 408
    assert headers["connection"] == "close"
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert "408: a body did not arrive within 0.01 s" in caplog.messages


@pytest.mark.parametrize("path", [VIEW, f"{VIEW}/feedback"])
def test_a_body_in_pieces_that_is_cut_before_its_last_one_is_refused(product: Flask, path: str):
    """Granian then hands out an empty piece more than at the end of a whole body; the JSON is whole."""
    raw = json.dumps(view_call()).encode()
    headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
    status, answer, body = answered(product, Call("POST", path, headers, raw, b"", b""))
    (issue,) = json.loads(body)["issue"]
    assert (status, issue["code"], answer["connection"]) == (400, "structure", "close")
    assert "last chunk" in issue["details"]["text"]


def test_a_call_through_the_front_gets_its_cards(product: Flask):
    raw = json.dumps(view_call()).encode()
    call = Call("POST", VIEW, {"content-type": "application/json", "content-length": str(len(raw))}, raw)
    status, headers, body = answered(product, call)
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body)["cards"]
    assert "connection" not in headers


def test_calls_do_not_wait_for_each_other(told: Flask):
    """One client that says nothing, one that does."""
    front = Front(told, LIMIT, 5.0)

    async def both() -> Call:
        silent = Call("POST", "/a", {"content-length": "5"}, None)
        waiting = asyncio.create_task(front.answer(silent, silent))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        quick = Call("GET", "/b", {})
        await front.answer(quick, quick)  # type: ignore[arg-type]
        assert not waiting.done()
        waiting.cancel()
        return quick

    assert asyncio.run(both()).answer[0] == 200


def test_an_application_that_breaks_is_a_500_without_its_words(caplog: pytest.LogCaptureFixture):
    def broken(environ: Any, start_response: Any) -> Any:
        raise ValueError("marker")

    status, headers, body = answered(broken, Call("GET", "/", {}))
    assert (status, headers["content-type"]) == (500, "application/json")
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert "marker" not in caplog.text
    assert "ValueError" in caplog.text
