"""What goes wrong with disks and servers: an error that says try again, nothing half-written, recovery."""

from __future__ import annotations

import resource
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

from cds_service.errors import StoreUnavailable
from cds_service.store.database import Database
from cds_service.store.feedback import Entry, FeedbackLog

from .conftest import address, crash, fresh_database, remove, start_postgresql
from .entries import Wall, body, cards, keep

_ON_A_SMALL_DISK = """
import resource, sys
from cds_service.errors import StoreUnavailable
from cds_service.store.database import Database
from cds_service.store.feedback import FeedbackLog
from tests.store.entries import body, keep

log = FeedbackLog(Database(sys.argv[1]))
keep(log, body(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
number = 1
try:
    while True:
        keep(log, body(number, comment="x" * 4_000))
        number += 1
except StoreUnavailable:
    print(number)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keep(log, body(number, comment="x" * 4_000))
"""


@contextmanager
def at_the_insert(act: Callable[[], None]) -> Iterator[None]:
    """Do something once, when the rows were sent and before they are committed."""
    acted: list[bool] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO feedback") and not acted:
            acted.append(True)
            act()

    event.listen(Engine, "after_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", listen)
    assert acted


def test_a_full_disk_keeps_what_was_acknowledged_and_nothing_of_the_rest(tmp_path: Path):
    """The kernel refuses to let any file of the process grow beyond a size; later it does not."""
    url = f"sqlite:///{tmp_path}/cds.sqlite3"
    told = subprocess.run(
        [sys.executable, "-c", _ON_A_SMALL_DISK, url], capture_output=True, text=True, timeout=120, check=True
    )
    refused = int(told.stdout)
    assert refused > 2
    expected = [one.card for number in range(refused + 1) for one in body(number)]
    assert sorted(cards(Database(url))) == expected
    with sqlite3.connect(tmp_path / "cds.sqlite3") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_that_another_program_locks_is_unavailable_and_then_works(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/cds.sqlite3")
    log = FeedbackLog(database)
    keep(log, body(0))
    other = sqlite3.connect(tmp_path / "cds.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        keep(log, body(1))
    assert len(cards(database)) == 3
    other.execute("ROLLBACK")
    keep(log, body(1))
    assert len(cards(database)) == 6


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path):
    (tmp_path / "cds.sqlite3").write_text("no database at all, " * 100)
    with pytest.raises(StoreUnavailable):
        keep(FeedbackLog(Database(f"sqlite:///{tmp_path}/cds.sqlite3")), body(0))


def test_an_error_names_neither_data_nor_password(postgresql: Any):
    url = address(postgresql, "nowhere").replace("postgres:@", "postgres:zq7secret@")
    with pytest.raises(StoreUnavailable) as caught:
        keep(FeedbackLog(Database(url)), body(0, comment="zq7comment"))
    assert "zq7" not in str(caught.value)
    assert "zq7comment" not in str(caught.value.__cause__)


def test_connections_that_the_server_closed_meanwhile_are_replaced_unnoticed(postgresql: Any):
    url = fresh_database(postgresql)
    database = Database(url)
    keep(FeedbackLog(database), body(0))
    _close_all(url)
    keep(FeedbackLog(database), body(1))
    assert len(cards(database)) == 6


def test_a_connection_lost_before_the_commit_keeps_nothing(postgresql: Any):
    url = fresh_database(postgresql)
    database = Database(url)
    log = FeedbackLog(database)
    keep(log, body(0))
    with at_the_insert(lambda: _close_all(url)), pytest.raises(StoreUnavailable):
        keep(log, body(1))
    assert len(cards(database)) == 3
    keep(log, body(1))
    assert len(cards(database)) == 6


def test_a_server_that_only_reads_is_unavailable(postgresql: Any):
    """So is the standby that a failover address may lead to."""
    url = fresh_database(postgresql)
    Database(url).check()
    _administer(url, "ALTER ROLE postgres SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreUnavailable):
            keep(FeedbackLog(Database(url)), body(0))
    finally:
        _administer(url, "SET transaction_read_only = off; ALTER ROLE postgres RESET ALL")


def _close_all(url: str) -> None:
    _administer(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'",
    )


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def small_files() -> Iterator[None]:
    """What is started meanwhile can let no file grow beyond a size that PostgreSQL's own log just fits in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (17_000_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_server() -> Iterator[Any]:
    """A server whose disk is soon full, until it is started again."""
    with small_files():
        server = start_postgresql()
    yield server
    remove(server)


def bulky(number: int) -> list[Entry]:
    """Body `number`, of 2 MB that cannot be compressed."""
    return [replace(one, comment=secrets.token_hex(2_000)) for one in body(number, 500)]


def test_a_full_disk_of_postgresql_keeps_what_was_acknowledged_and_nothing_of_the_rest(small_server: Any):
    database = Database(address(small_server))
    log, acknowledged = FeedbackLog(database), []
    with pytest.raises(StoreUnavailable):
        for number in range(50):
            keep(log, bulky(number))
            acknowledged += body(number, 500)
    assert len(acknowledged) > 500
    assert sorted(cards(database)) == [one.card for one in acknowledged]
    crash(small_server)
    small_server.ensure_postgres_running()
    keep(log, bulky(99))
    assert sorted(cards(database)) == [one.card for one in (*acknowledged, *body(99, 500))]


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server that a test may crash."""
    server = start_postgresql()
    yield server
    remove(server)


def test_a_server_that_crashes_midway_loses_nothing_acknowledged_and_comes_back(own_server: Any):
    wall = Wall()
    database = Database(address(own_server), clock=wall)
    log = FeedbackLog(database)
    keep(log, body(0))
    with at_the_insert(lambda: crash(own_server)), pytest.raises(StoreUnavailable):
        keep(log, body(1))
    with pytest.raises(StoreUnavailable):  # nobody listens now
        keep(log, body(1))
    own_server.ensure_postgres_running()
    wall.seconds += StoreUnavailable.retry_seconds
    assert len(cards(database)) == 3
    keep(log, body(1))
    assert len(cards(database)) == 6
