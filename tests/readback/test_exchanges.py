"""What goes to the FHIR server and what does not: token, redirects, other origins, cookies, connections."""

from __future__ import annotations

import gc
import gzip
import json
import logging
from collections.abc import Iterator

import pytest
from scripted_server import HERE, TOKEN, Handler, Scripted, answer, bundle, call, ids, scripted

from cds_service.facts.request import HookRequest
from cds_service.facts.server.access import Access, access_for
from cds_service.facts.server.reads import FhirReader
from cds_service.facts.server.search import Limits
from cds_service.facts.server.source import Answer, Query

CONDITIONS = "Condition?patient=p1"


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture
def reader() -> Iterator[FhirReader]:
    made = FhirReader(20_000, limits=Limits(pages=4, size=20_000, pause=0.001))
    yield made
    made.close()


def read(reader: FhirReader, server: Scripted, url: str = CONDITIONS) -> Answer:
    return reader.begin(HERE).read(call(server.base), {"conditions": Query(url)})["conditions"]


def test_the_token_and_what_is_accepted_stand_in_the_headers(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1")))
    assert ids(read(reader, server).raw) == ["c1"]
    (asked,) = server.asked
    assert asked.method == "GET"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Accept"] == "application/fhir+json"
    assert TOKEN not in asked.path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Scripted, other: Scripted, reader: FhirReader, status: int) -> None:
    for target in (f"{other.base}/{CONDITIONS}", f"{server.base}/elsewhere"):
        server.on(CONDITIONS, answer(b"", status, Location=target))
        assert read(reader, server)[:2] == (None, "failed")
    assert other.asked == []
    assert set(server.paths()) == {CONDITIONS}


def test_a_next_link_to_another_origin_is_not_followed(
    server: Scripted, other: Scripted, reader: FhirReader
) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following=f"{other.base}/{CONDITIONS}&page=2")))
    found = read(reader, server)
    assert found.ended == "truncated"
    assert ids(found.raw) == ["c1"]
    assert b'"next"' in bytes(found.raw or b"")
    assert other.asked == []


@pytest.mark.parametrize(
    "following",
    ["/admin", "../admin", "%2e%2e/admin", "x/..%2f..%2fadmin", "/fhirs/Condition", "//[::1]/fhir/"],
)
def test_a_next_link_outside_the_base_is_not_followed(
    server: Scripted, reader: FhirReader, following: str
) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following=following)))
    assert read(reader, server).ended == "truncated"
    assert server.paths() == [CONDITIONS]


def test_a_next_link_under_the_base_is_followed(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following=f"{server.base}?_getpages=7")))
    server.acts["/fhir?_getpages=7"] = [answer(bundle("c2", following="Condition?page=3"))]
    server.on("Condition?page=3", answer(bundle("c3", total=3)))
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("", ["c1", "c2", "c3"])
    assert all(asked.headers["Authorization"] == f"Bearer {TOKEN}" for asked in server.asked)


@pytest.mark.parametrize(
    "link",
    [
        {"relation": "next"},
        {"relation": "next", "url": ""},
        {"relation": "next", "url": None},
        {"relation": "Next"},
    ],
)
def test_a_next_link_that_leads_nowhere_says_that_there_is_more(
    server: Scripted, reader: FhirReader, link: dict[str, str | None]
) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following="Condition?page=2")))
    server.on("Condition?page=2", answer(bundle("c2", link=[link])))
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("truncated", ["c1", "c2"])
    assert b'"next"' in bytes(found.raw or b"")


def test_the_relation_of_a_link_has_no_case(server: Scripted, reader: FhirReader) -> None:
    nowhere, onward = {"relation": "next"}, {"relation": "Next", "url": "Condition?page=2"}
    server.on(CONDITIONS, answer(bundle("c1", link=[{"relation": "self", "url": "x"}, nowhere, onward])))
    server.on("Condition?page=2", answer(bundle("c2")))
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("", ["c1", "c2"])


def test_a_search_that_runs_in_a_circle_is_cut_short(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following="Condition?page=2")))
    server.on("Condition?page=2", answer(bundle("c2", following=CONDITIONS)))
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("truncated", ["c1", "c2"])
    assert len(server.asked) == 2


def test_a_search_without_end_is_cut_short(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c0", following="Condition?page=1")))
    for page in range(1, 9):
        server.on(
            f"Condition?page={page}", answer(bundle(f"c{page}", following=f"Condition?page={page + 1}"))
        )
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("truncated", ["c0", "c1", "c2", "c3"])


def test_a_long_answer_is_dropped(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1", text="x" * 30_000)))
    assert read(reader, server)[:2] == (None, "failed")


def test_what_came_before_a_long_page_is_kept(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1", following="Condition?page=2", text="x" * 15_000)))
    server.on("Condition?page=2", answer(bundle("c2", text="x" * 15_000)))
    found = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("truncated", ["c1"])


def test_a_compressed_answer_is_not_unpacked(server: Scripted, reader: FhirReader) -> None:
    """None was asked for, so one that comes may be a bomb."""
    server.on(CONDITIONS, answer(gzip.compress(b" " * 1_000_000), Content_Encoding="gzip"))
    assert read(reader, server)[:2] == (None, "failed")
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 410, 500])
def test_a_status_that_is_no_success_is_a_failure_and_not_tried_again(
    server: Scripted, reader: FhirReader, status: int
) -> None:
    server.on(CONDITIONS, answer(bundle("c1"), status))
    assert read(reader, server)[:2] == (None, "failed")
    assert len(server.asked) == 1


def test_connections_are_kept_between_calls(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1")))
    for _ in range(5):
        read(reader, server)
    assert len({asked.peer for asked in server.asked}) == 1


def test_no_cookie_of_one_call_comes_with_the_next(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1"), Set_Cookie="session=of-another-patient; Path=/"))
    read(reader, server)
    read(reader, server)
    assert "Cookie" not in server.asked[1].headers


def test_proxies_and_passwords_of_the_environment_are_ignored(
    server: Scripted,
    other: Scripted,
    reader: FhirReader,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    passwords = tmp_path_factory.mktemp("home") / "netrc"
    passwords.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(passwords))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.base.removesuffix("/fhir"))
    server.on(CONDITIONS, answer(bundle("c1")))
    untold = call(server.base, access_token="")
    assert ids(reader.begin(HERE).read(untold, {"c": Query(CONDITIONS)})["c"].raw) == ["c1"]
    assert "Authorization" not in server.asked[0].headers
    assert other.asked == []


def test_a_long_search_is_posted_once(server: Scripted, reader: FhirReader) -> None:
    codes = ",".join(f"http://loinc.org%7C{number}-0" for number in range(200))
    server.on("Observation/_search", answer(b"", 503), answer(bundle("o1")))
    assert read(reader, server, f"Observation?patient=p1&code={codes}")[:2] == (None, "failed")
    assert ids(read(reader, server, f"Observation?patient=p1&code={codes}").raw) == ["o1"]
    assert [asked.method for asked in server.asked] == ["POST", "POST"]
    assert server.asked[0].body == f"patient=p1&code={codes}"
    assert server.asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_nothing_of_a_call_is_kept_after_it(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(bundle("c1")))
    read(reader, server)
    gc.collect()
    assert [held for held in gc.get_objects() if isinstance(held, Access | HookRequest)] == []


@pytest.mark.parametrize("line", [b"no colon in it", b" folded: from nothing", b"Na me: x"])
def test_what_a_server_sends_as_headers_is_in_no_log(
    server: Scripted, reader: FhirReader, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    """The HTTP library would write the URL, the header and a traceback of a header it cannot parse."""

    def act(handler: Handler) -> None:
        body = json.dumps(bundle("c1")).encode()
        told = (line, b"X-Echo: " + TOKEN.encode(), b"Content-Length: %d" % len(body), b"Connection: close")
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(told) + b"\r\n\r\n" + body)
        handler.close_connection = True

    caplog.set_level(logging.DEBUG)
    server.on(CONDITIONS, act)
    read(reader, server)
    assert server.paths()[0] == CONDITIONS
    assert caplog.text == ""


def test_a_token_is_not_shown_by_what_holds_it() -> None:
    request = call("http://127.0.0.1/fhir")
    assert TOKEN not in repr(request) + repr(access_for(request, HERE))
