"""Opening a database: what a URL may be, who may read the file, and many processes at once."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from cds_service.errors import StoreUnavailable, UsageError
from cds_service.store.database import Database
from cds_service.store.feedback import FeedbackLog

from .conftest import fresh_database
from .entries import Wall, body, cards, keep


def _open(url: str, number: int) -> None:
    keep(FeedbackLog(Database(url)), body(number))


def _fork_and_keep(database: Database, number: int) -> None:
    keep(FeedbackLog(database), body(number))


def _run(context: Any, *jobs: tuple[Any, tuple[Any, ...]]) -> None:
    processes = [context.Process(target=target, args=args) for target, args in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(jobs)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://root:zq7secret@host/name",
        "oracle://root:zq7secret@host/name",
    ],
)
def test_a_url_that_names_no_lasting_database_is_refused_without_repeating_it(url: str):
    with pytest.raises(UsageError, match="sqlite:///var/cds") as caught:
        Database(url)
    assert "zq7secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_way_to_write_postgresql_is_understood(scheme: str):
    Database(f"{scheme}://user@host/name")


def test_nothing_is_opened_before_the_first_use(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/made/cds.sqlite3")
    assert not (tmp_path / "made").exists()
    database.check()
    assert (tmp_path / "made" / "cds.sqlite3").exists()


def test_only_the_owner_can_read_the_file_and_its_log(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/made/cds.sqlite3")
    keep(FeedbackLog(database), body(0))
    files = sorted((tmp_path / "made").iterdir())
    assert [path.name for path in files] == ["cds.sqlite3", "cds.sqlite3-shm", "cds.sqlite3-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_sqlite_syncs_its_log_on_every_commit(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/cds.sqlite3")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_postgresql_gives_up_a_statement_that_takes_too_long(postgresql: Any):
    with Database(fresh_database(postgresql)).read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "5s"
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_many_processes_may_open_an_empty_database_at_once(url: str):
    _run(multiprocessing.get_context("spawn"), *[(_open, (url, number)) for number in range(6)])
    assert len(cards(Database(url))) == 18


def test_a_forked_child_has_connections_of_its_own(database: Database):
    keep(FeedbackLog(database), body(0))
    fork = multiprocessing.get_context("fork")
    _run(fork, *[(_fork_and_keep, (database, number)) for number in (1, 2, 3)])
    keep(FeedbackLog(database), body(4))
    assert len(cards(database)) == 15


def test_a_database_of_a_newer_program_is_left_alone(url: str):
    Database(url).check()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(StoreUnavailable):
        Database(url).check()


def test_after_a_failed_connection_the_database_is_left_alone_for_a_while(tmp_path: Path):
    wall, blocked = Wall(), tmp_path / "made"
    blocked.write_text("in the way of the folder")
    database = Database(f"sqlite:///{blocked}/cds.sqlite3", clock=wall)
    with pytest.raises(StoreUnavailable):
        database.check()
    blocked.unlink()
    wall.seconds = 4.9
    with pytest.raises(StoreUnavailable):
        database.check()
    wall.seconds = 5.0
    database.check()
