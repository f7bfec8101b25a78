"""Entries of feedback, bodies of them, and what a database holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from cds_service.store.database import Database
from cds_service.store.feedback import Channel, Entry, FeedbackLog
from cds_service.store.tables import feedback

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = "sample-patient-view"


class Wall:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def entry(number: int, **members: Any) -> Entry:
    """The overriding of card `number`."""
    card = f"{number:08x}-0000-8000-8000-000000000000"
    plain = {"card": card, "rule_prefix": f"{number:08x}0000", "outcome": "overridden", "outcome_time": NOW}
    return Entry(**plain | members)


def body(number: int, size: int = 3, **members: Any) -> list[Entry]:
    """Body `number`: so many entries on cards of its own, at instants of their own."""
    first = number * size
    return [entry(first + one, outcome_time=NOW + timedelta(seconds=one), **members) for one in range(size)]


def keep(log: FeedbackLog, entries: Iterable[Entry], service: str = SERVICE) -> None:
    log.keep(list(entries), Channel("local", service=service), NOW)


def rows(database: Database, service: str = SERVICE) -> set[tuple[Any, ...]]:
    """What is kept for a service, each row as a tuple; the suggestions as text, since lists do not hash."""
    with database.read() as connection:
        found = connection.execute(select(feedback).where(feedback.c.service == service)).all()
    kept = {(*(str(value) for value in row),) for row in found}
    assert len(kept) == len(found)
    return kept


def cards(database: Database) -> list[str]:
    return [said.entry.card for said in FeedbackLog(database).said()]
