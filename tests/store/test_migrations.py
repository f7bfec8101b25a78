"""The steps of Alembic lead to the tables of the code, and back."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from cds_service.store.database import Database
from cds_service.store.feedback import Channel, FeedbackLog
from cds_service.store.migrate import migrate
from cds_service.store.tables import metadata

from .entries import SERVICE, body, cards, keep, rows


def _differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))


def test_the_steps_make_exactly_the_tables_of_the_code(database: Database, url: str):
    database.check()
    assert _differences(create_engine(url)) == []


def test_a_table_that_the_steps_forgot_would_be_seen(database: Database, url: str):
    database.check()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_feedback_card")
        connection.exec_driver_sql("ALTER TABLE feedback DROP COLUMN comment")
    assert len(_differences(engine)) == 2


def test_the_steps_lead_back_to_nothing_and_up_again(database: Database, url: str):
    database.check()
    engine = create_engine(url)
    migrate(engine, downgrade="base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate(engine)
    assert _differences(engine) == []


def test_opening_again_keeps_what_is_there(database: Database, url: str):
    keep(FeedbackLog(database), body(0))
    again = Database(url)
    again.check()
    assert len(cards(again)) == 3


def test_a_process_of_the_version_before_tenants_still_keeps_feedback(database: Database, url: str):
    """It runs on beside the new one for a while, and names no tenant."""
    keep(FeedbackLog(database), body(0))
    engine = create_engine(url)
    with engine.begin() as connection:
        known = metadata.tables["feedback"].columns
        columns = ", ".join(column.name for column in known if column.name != "tenant")
        connection.exec_driver_sql(
            f"INSERT INTO feedback ({columns})"
            f" SELECT {columns.replace('digest', 'upper(digest)')} FROM feedback"
        )
    assert {said.channel for said in FeedbackLog(database).said()} == {Channel("local", "", SERVICE)}
    assert len(cards(database)) == 6


def test_feedback_kept_before_tenants_is_found_after_and_not_kept_again(url: str):
    database = Database(url)
    keep(FeedbackLog(database), body(0))
    before = rows(database)
    migrate(create_engine(url), downgrade="0001")
    again = Database(url)
    keep(FeedbackLog(again), body(0))
    assert rows(again) == before
