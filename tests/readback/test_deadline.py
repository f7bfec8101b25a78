"""One deadline for all reads of a call, which run side by side and are tried again while time remains."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fixture_server import Clock
from scripted_server import HERE, Handler, Scripted, answer, bundle, call, hang_up, ids, scripted

from cds_service.facts.server.reads import FhirReader
from cds_service.facts.server.search import Limits
from cds_service.facts.server.source import Answer, Query

CONDITIONS = "Condition?patient=p1"
QUICK = Limits(pause=0.001)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(clock: Clock) -> Iterator[FhirReader]:
    made = FhirReader(10_000, clock=clock, limits=QUICK)
    yield made
    made.close()


def read(reader: FhirReader, server: Scripted, *urls: str) -> list[Answer]:
    queries = {url: Query(url) for url in urls or (CONDITIONS,)}
    return list(reader.begin(HERE).read(call(server.base), queries).values())


def test_reads_run_side_by_side(server: Scripted, reader: FhirReader) -> None:
    """The server answers none before all have come in."""
    together = threading.Barrier(12)

    def act(handler: Handler) -> None:
        together.wait(timeout=30)
        answer(bundle("c1"))(handler)

    urls = [f"Condition?patient=p1&code={number}" for number in range(12)]
    for url in urls:
        server.on(url, act)
    assert [found.ended for found in read(reader, server, *urls)] == [""] * 12


def test_the_call_does_not_wait_for_a_server_that_does_not_answer(server: Scripted) -> None:
    """With the real clock. The answer is there while the server still holds its own back."""
    release, cut_off = threading.Event(), threading.Event()

    def hold(handler: Handler) -> None:
        release.wait(timeout=30)
        try:
            answer(bundle("late"))(handler)
            assert handler.connection.recv(1) == b""
        finally:
            cut_off.set()

    server.on(CONDITIONS, hold)
    server.on("Observation?patient=p1", answer(bundle("o1")))
    reader = FhirReader(300)
    try:
        late, found = read(reader, server, CONDITIONS, "Observation?patient=p1")
        assert not release.is_set()
        assert (late.raw, late.ended) == (None, "deadline")
        assert ids(found.raw) == ["o1"]
        release.set()
        assert cut_off.wait(timeout=30), "the connection of a late read stays open"
    finally:
        release.set()
        reader.close()


@pytest.mark.parametrize("kept", ["keep-alive", "close"])
def test_an_answer_in_drops_does_not_hold_up_the_call(server: Scripted, kept: str) -> None:
    """Each byte comes well within the time a single byte may take."""
    stop = threading.Event()

    def drip(handler: Handler) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nConnection: {kept}\r\n\r\n"
        handler.wfile.write(head.encode())
        while not stop.wait(0.01):
            try:
                handler.wfile.write(b" ")
            except OSError:
                stop.set()

    server.on(CONDITIONS, drip)
    reader = FhirReader(300)
    try:
        (late,) = read(reader, server)
        assert (late.raw, late.ended) == (None, "deadline")
        assert stop.wait(timeout=30), "nobody hung up on the server"
    finally:
        stop.set()
        reader.close()


def test_what_comes_after_the_deadline_is_dropped(server: Scripted, reader: FhirReader, clock: Clock) -> None:
    def late(handler: Handler) -> None:
        clock.pass_by(9.5)
        answer(bundle("c1"))(handler)

    server.on(CONDITIONS, late)
    assert read(reader, server)[0][:2] == (None, "deadline")


def test_pages_that_came_before_the_deadline_are_kept(
    server: Scripted, reader: FhirReader, clock: Clock
) -> None:
    def late(handler: Handler) -> None:
        clock.pass_by(20)
        answer(bundle("c2"))(handler)

    server.on(CONDITIONS, answer(bundle("c1", following="Condition?page=2")))
    server.on("Condition?page=2", late)
    (found,) = read(reader, server)
    assert (found.ended, ids(found.raw)) == ("truncated", ["c1"])


def test_all_reads_of_a_call_have_one_deadline(server: Scripted, reader: FhirReader, clock: Clock) -> None:
    server.on(CONDITIONS, answer(bundle("c1")))
    reading = reader.begin(HERE)
    assert reading.read(call(server.base), {"c": Query(CONDITIONS)})["c"].ended == ""
    clock.pass_by(20)
    assert reading.read(call(server.base), {"c": Query(CONDITIONS)})["c"].ended == "deadline"
    assert len(server.asked) == 1


def test_time_that_passed_before_the_reads_counts(server: Scripted, reader: FhirReader, clock: Clock) -> None:
    server.on(CONDITIONS, answer(bundle("c1")))
    since = clock()
    clock.pass_by(8.5)
    queries = {"c": Query(CONDITIONS)}
    assert reader.begin(HERE, since).read(call(server.base), queries)["c"].ended == ""
    clock.pass_by(1)
    assert reader.begin(HERE, since).read(call(server.base), queries)["c"].ended == "deadline"
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_fault_is_tried_again(server: Scripted, reader: FhirReader, status: int) -> None:
    server.on(CONDITIONS, answer(b"", status), answer(b"", status), answer(bundle("c1")))
    assert ids(read(reader, server)[0].raw) == ["c1"]
    assert len(server.asked) == 3


def test_a_broken_connection_is_tried_again(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, hang_up, answer(bundle("c1")))
    assert ids(read(reader, server)[0].raw) == ["c1"]


def test_no_more_than_three_attempts_are_made(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(b"", 503))
    assert read(reader, server)[0][:2] == (None, "failed")
    assert len(server.asked) == 3


def test_a_server_that_is_busy_is_asked_again_when_it_says_so(server: Scripted, reader: FhirReader) -> None:
    server.on(CONDITIONS, answer(b"", 429, Retry_After="0"), answer(bundle("c1")))
    assert ids(read(reader, server)[0].raw) == ["c1"]


@pytest.mark.parametrize("after", ["60", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", ""])
def test_a_server_that_is_busy_for_long_is_left_alone(
    server: Scripted, reader: FhirReader, after: str
) -> None:
    server.on(CONDITIONS, answer(b"", 429, Retry_After=after))
    assert read(reader, server)[0][:2] == (None, "failed")
    assert len(server.asked) == 1


def test_nothing_is_tried_again_when_time_is_over(server: Scripted, reader: FhirReader, clock: Clock) -> None:
    def late(handler: Handler) -> None:
        clock.pass_by(20)
        answer(b"", 503)(handler)

    server.on(CONDITIONS, late)
    assert read(reader, server)[0][:2] == (None, "deadline")
    assert len(server.asked) == 1


def test_reads_that_find_no_free_thread_in_time_are_late(server: Scripted) -> None:
    release = threading.Event()

    def hold(handler: Handler) -> None:
        release.wait(timeout=30)
        answer(bundle("c1"))(handler)

    urls = [f"Condition?patient=p1&code={number}" for number in range(3)]
    for url in urls:
        server.on(url, hold)
    reader = FhirReader(300, limits=Limits(threads=1))
    try:
        assert [found.ended for found in read(reader, server, *urls)] == ["deadline"] * 3
        assert len(server.asked) == 1
    finally:
        release.set()
        reader.close()
