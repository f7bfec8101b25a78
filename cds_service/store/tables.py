"""The tables. The migrations make them; a test proves that the two agree on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, MetaData, String, Table, Text, TypeDecorator, text

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An instant in UTC, microseconds kept. SQLite stores no offset, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """What is stored: the instant in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """What was stored, with its offset."""
        if value is None:
            return None
        read: datetime = value
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


seen_token = Table(
    "seen_token",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of issuer and jti
    Column("expires", Instant, nullable=False, index=True),
)

feedback = Table(
    "feedback",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of what was said, so that it is kept once
    Column("service", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column(
        "tenant", Text, nullable=False, server_default=text("''")
    ),  # empty unless the list of clients names it
    Column("rule_prefix", String(12), nullable=False, index=True),  # empty if the card is not one of ours
    Column("card", String(128), nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("suggestions", JSON, nullable=False),
    Column("reason_system", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_display", Text, nullable=False),
    Column("comment", Text, nullable=False),  # free text of a clinician: may name the patient
    Column("outcome_time", Instant, nullable=False, index=True),
    Column("received", Instant, nullable=False),
)
