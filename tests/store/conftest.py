"""A fresh database for every test, of both kinds: SQLite in a file, and a real PostgreSQL from its wheel."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from cds_service.store.database import Database

_numbers = count()


def start_postgresql(folder: Path) -> Any:
    """A PostgreSQL server in a folder; skips where the wheel does not exist (Python 3.13 and newer)."""
    pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL as a wheel, is not installed")
    return pgserver.get_server(folder, cleanup_mode="stop")


def address(server: Any, name: str = "postgres") -> str:
    """The URL of a database on the server's Unix socket."""
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))  # short: the path of a socket has about 100 characters
    server = start_postgresql(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def fresh_database(server: Any) -> str:
    """The URL of a new, empty database on the server."""
    name = f"store_{next(_numbers)}"
    engine = create_engine(address(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return address(server, name)


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
