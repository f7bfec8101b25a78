"""How many bodies of feedback a database commits a second, each on disk before the next is sent.

    python -m benchmarks.commits [--seconds N] [--url URL] [--json | --markdown]

Without --url: SQLite in a temporary folder, as it is served (WAL, synchronous FULL) and, to compare, without
the sync on every commit (NORMAL), and PostgreSQL where the pgserver wheel is installed. Bodies hold one
entry, as most clients send them. Writers are processes, each with a connection of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from sqlalchemy import Engine, event, make_url

from benchmarks.figures import done, p95, progress, show, style_of
from cds_service.store.database import Database
from cds_service.store.feedback import Channel, Entry, FeedbackLog

WRITERS = (1, 4)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5, metavar="N", help="per database and writers [5]")
    parser.add_argument("--url", metavar="URL", help="a database of your own, whose feedback table grows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    args = parser.parse_args(argv)
    rows = list(_own(args.url, args.seconds) if args.url else _ours(args.seconds))
    done()
    show("Commits of feedback, one entry each", rows, style_of(args))


def _own(url: str, seconds: float) -> Iterator[dict[str, Any]]:
    for writers in WRITERS:
        yield measured(make_url(url).get_backend_name(), url, writers, seconds)


def _ours(seconds: float) -> Iterator[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        for level in ("FULL", "NORMAL"):
            url = f"sqlite:///{folder}/{level}.sqlite3"
            for writers in WRITERS:
                yield measured(f"SQLite, {level}", url, writers, seconds, level)
    if find_spec("pgserver") is not None:
        with _postgresql() as url:
            for writers in WRITERS:
                yield measured("PostgreSQL 16, socket", url, writers, seconds)


@contextmanager
def _postgresql() -> Iterator[str]:
    import pgserver

    server = pgserver.get_server(mkdtemp(prefix="cds-pg-"), cleanup_mode="delete")
    yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
    server.cleanup()


def measured(name: str, url: str, writers: int, seconds: float, synchronous: str = "FULL") -> dict[str, Any]:
    """One row: commits a second of all writers together, and how long one commit takes its writer."""
    progress(f"{name}, {writers} writers")
    Database(url).check()
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(writers) as pool:
        jobs = [(url, writer, seconds, synchronous) for writer in range(writers)]
        times = pool.starmap(write, jobs, chunksize=1)
    waits = [wait for one in times for wait in one]
    return {
        "database": name,
        "writers": writers,
        "commits a second": sum(len(one) / sum(one) for one in times),
        "p50 ms": median(waits) * 1000,
        "p95 ms": p95(waits) * 1000,
        "longest ms": max(waits) * 1000,
    }


def write(url: str, writer: int, seconds: float, synchronous: str) -> list[float]:
    """Keep bodies one after another for so many seconds; how long each took."""
    if synchronous != "FULL":
        event.listen(Engine, "connect", lambda made, _: made.execute(f"PRAGMA synchronous={synchronous}"))
    log = FeedbackLog(Database(url))
    log.keep([], Channel("c", service="s"), datetime.now(UTC))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        entry = Entry(f"{writer}-{begin}", "0" * 12, "overridden", datetime.now(UTC), comment="x" * 40)
        log.keep([entry], Channel("c", service="s"), datetime.now(UTC))
        times.append(time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    main()
