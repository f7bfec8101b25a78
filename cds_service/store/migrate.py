"""Bring the tables to the version of this program, once, however many processes start together.

The steps run in one transaction under a lock that every process takes first: SQLite's write lock, an advisory
lock in PostgreSQL. Who comes second finds the work done. Alembic remembers the version in the database, and
where that is the newest nobody waits for a lock.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Engine

from cds_service.store.turn import take_turn

_FOLDER = Path(__file__).with_name("migrations")
_ADVISORY = 0x6364_735F_7365_7276
"""The key of the lock in PostgreSQL: any number no other program locks in this database."""

_alone = Lock()
"""Alembic keeps its state in module variables: one run at a time in a process."""


def migrate(engine: Engine, *, downgrade: str = "") -> None:
    """Upgrade to the newest version, or downgrade to the one named (`base` removes everything).

    Raises SQLAlchemyError, and CommandError of Alembic if the database is of a newer program.
    """
    from alembic import command  # costs a tenth of a second, and most commands open no database
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    if not downgrade and version_of(engine) == newest:
        return
    with _alone, engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            take_turn(connection)
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY})")
        config.attributes["connection"] = connection
        if downgrade:
            command.downgrade(config, downgrade)
        else:
            command.upgrade(config, "head")


def version_of(engine: Engine) -> str | None:
    """The version of the tables in a database, None if there are none. Raises SQLAlchemyError."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
