"""One database per process, opened when first needed: SQLite in a file, or PostgreSQL.

Nothing is connected before the first use, so a process may fork or be spawned before it, and a service whose
database is down starts all the same. What was committed survives a kill and a loss of power: SQLite syncs its
log on every commit, PostgreSQL does so by default.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from cds_service.errors import StoreUnavailable, UsageError
from cds_service.store.migrate import migrate
from cds_service.store.tables import feedback, seen_token
from cds_service.store.turn import BUSY_MS, take_turn

_POSTGRESQL: Mapping[str, Any] = {
    "connect_timeout": 2,  # seconds, the least that libpq can wait
    "tcp_user_timeout": 5_000,  # a cable that was pulled is noticed
    "options": "-c statement_timeout=5000 -c timezone=UTC",
    "application_name": "cds-service",
}

_TRIED = "tried"
"""The digest of no token: the row that shows that rows can be written."""


class Database:
    """The tables behind a URL of SQLAlchemy. Threads and forked children may share one object.

    Raises UsageError if the URL names nothing that can be used. `clock` counts seconds.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine_of(url)
        self._clock = clock
        self._lock = Lock()
        self._ready_in = 0  # the process in which the tables were found or made
        self._not_before = 0.0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back if anything fails in it.

        Raises StoreUnavailable, after which nothing of the block is kept. The one exception is a connection
        lost during the commit itself: whoever tries again must find the same result, kept or not.
        """
        with self._connected() as connection:
            try:
                with connection.begin():
                    if connection.dialect.name == "sqlite":
                        take_turn(connection)
                    yield connection
            except SQLAlchemyError as error:
                raise _unavailable() from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with, which holds up no writer. Raises StoreUnavailable."""
        with self._connected() as connection:
            try:
                yield connection
            except SQLAlchemyError as error:
                raise _unavailable() from error

    @property
    def absent(self) -> bool:
        """Whether it is a file that does not exist yet; the first use would make it."""
        return self._engine.dialect.name == "sqlite" and not Path(str(self._engine.url.database)).exists()

    def check(self) -> None:
        """Open the database, make or update its tables, and read from them. Raises StoreUnavailable."""
        with self.read() as connection:
            connection.execute(select(feedback.c.digest).limit(1))

    def check_writing(self) -> None:
        """Write and commit: a full disk, a lock and a read-only database let reading pass.

        Raises StoreUnavailable.
        """
        with self.begin() as connection:
            connection.execute(delete(seen_token).where(seen_token.c.digest == _TRIED))
            insert_new(connection, seen_token, [{"digest": _TRIED, "expires": datetime.now(UTC)}])

    def close(self) -> None:
        """Give every connection back; the next use opens the database anew."""
        self._engine.dispose()
        self._ready_in = 0

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        # A server that swallows packets would hold a worker for seconds, again and again.
        if self._clock() < self._not_before:
            raise _unavailable()
        try:
            self._open()
            connection = self._engine.connect()
        except _failures() as error:
            self._not_before = self._clock() + StoreUnavailable.retry_seconds
            raise _unavailable() from error
        with connection:
            yield connection

    def _open(self) -> None:
        if self._ready_in == os.getpid():
            return
        with self._lock:
            if self._ready_in == os.getpid():
                return
            self._engine.dispose(close=False)  # connections of the parent are the parent's
            if self._engine.dialect.name == "sqlite":
                make_file(self._engine)
            migrate(self._engine)
            self._ready_in = os.getpid()


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose primary key is not there yet; how many those were.

    Rows are inserted in the order of their keys: two transactions never wait for each other.
    """
    if not rows:
        return 0
    (key,) = table.primary_key.columns
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    ordered = sorted(rows, key=lambda row: str(row[key.name]))
    return connection.execute(statement, ordered).rowcount


def engine_of(url: str) -> Engine:
    """The engine of a URL, not yet connected. Raises UsageError, which never repeats the URL: it may hold
    a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _wrong_url() from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return _postgresql(parsed)
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:") and not parsed.query:
        return _sqlite(parsed)
    raise _wrong_url()


def make_file(engine: Engine) -> None:
    """Make the file, for the owner's eyes only, and its folder; switch its log to WAL, which lasts.

    One process at a time: the switch does not wait for others as other statements do. Raises OSError.
    """
    path = Path(str(engine.url.database))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            os.fsync(folder)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        os.close(folder)


def _sqlite(url: URL) -> Engine:
    made = create_engine(
        url.set(drivername="sqlite"), connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True
    )

    @event.listens_for(made, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")  # WAL alone may lose the last commits with the power

    return made


def _postgresql(url: URL) -> Engine:
    ours = {name: value for name, value in _POSTGRESQL.items() if name not in url.query}
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=ours,
            pool_pre_ping=True,
            pool_timeout=BUSY_MS / 1000,
            hide_parameters=True,
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise UsageError(
            "CDS_DATABASE_URL: PostgreSQL needs the package psycopg; "
            "try pip install 'cds-service[postgresql]'."
        ) from None


def _failures() -> tuple[type[Exception], ...]:
    from alembic.util import CommandError

    return (SQLAlchemyError, OSError, CommandError)


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable(
        "The database cannot be used now, and nothing was kept; "
        f"try again in {StoreUnavailable.retry_seconds} seconds."
    )


def _wrong_url() -> UsageError:
    return UsageError(
        "CDS_DATABASE_URL: expected the URL of a SQLite file or of a PostgreSQL database; try "
        "sqlite:///var/cds.sqlite3 or postgresql://user@host/name."
    )
