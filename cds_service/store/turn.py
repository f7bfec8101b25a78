"""Whose turn it is to write to SQLite: many processes ask, one writes, and none is left waiting for ever.

SQLite's own waiting pauses longer and longer, up to a tenth of a second between two looks. Processes that
write without a pause then keep another out for seconds (measured: docs/decisions/0012). Asked anew every few
milliseconds, everybody soon has a turn.
"""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

BUSY_MS = 2_000
"""How long a process waits for its turn, or for anything else that SQLite locks."""

_LOOK_MS = 10
"""In so long SQLite looks four times."""


def take_turn(connection: Connection) -> None:
    """Begin SQLite's transaction as its writer. Raises OperationalError if it is locked for too long."""
    end = time.monotonic() + BUSY_MS / 1000
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOOK_MS}")
    try:
        while not _begun(connection, last=time.monotonic() > end):
            pass
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")


def _begun(connection: Connection, *, last: bool) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if last or not _busy(error):
            raise
        return False
    return True


def _busy(error: OperationalError) -> bool:
    cause = error.orig
    return isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
