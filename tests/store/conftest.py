"""A fresh database for every test, of both kinds: SQLite in a file, and a real PostgreSQL from its wheel."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from cds_service.store.database import Database


def start_postgresql() -> Any:
    """A PostgreSQL server of its own; skips where the wheel does not exist (Python 3.13 and newer)."""
    pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL as a wheel, is not installed")
    folder = tempfile.mkdtemp(prefix="cds-pg-")  # short: the path of a socket has about 100 characters
    return pgserver.get_server(folder, cleanup_mode="stop")


def crash(server: Any) -> None:
    """Stop a server as a loss of power would."""
    from pgserver import pg_ctl

    pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)


def remove(server: Any) -> None:
    """Stop a server whose data nobody needs any more."""
    crash(server)
    server.cleanup()
    shutil.rmtree(server.pgdata, ignore_errors=True)


def address(server: Any, name: str = "postgres") -> str:
    """The URL of a database on the server's Unix socket."""
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    server = start_postgresql()
    yield server
    remove(server)


def fresh_database(server: Any) -> str:
    """The URL of the server's database, emptied: to make a new one for every test takes seconds."""
    engine = create_engine(address(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    return address(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/made/cds.sqlite3"
    return fresh_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()
