"""Feedback on cards, kept for good: committed before it is acknowledged, each thing said kept once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import case, select

from cds_service.store.database import Database, insert_new
from cds_service.store.tables import feedback

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a clinician did with one card.

    `card` is its uuid as it was sent, `rule_prefix` the 12 hexadecimal digits its rule version begins with,
    empty if the card cannot be ours. `outcome` is `accepted` or `overridden`, `suggestions` are the uuids of
    those accepted, `reason_*` the Coding chosen when overriding (any part may be empty), `comment` free text,
    which may name the patient. `outcome_time` is when it happened, with an offset.
    """

    card: str
    rule_prefix: str
    outcome: str
    outcome_time: datetime
    suggestions: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    reason_display: str = ""
    comment: str = ""


class Channel(NamedTuple):
    """By which way a card goes out and feedback comes in: what one client says of a card says nothing about
    the same id elsewhere.

    `tenant` is empty unless the list of clients names it.
    """

    client: str = ""
    tenant: str = ""
    service: str = ""


class Said(NamedTuple):
    """An entry, and by which way it came."""

    channel: Channel
    entry: Entry


class FeedbackLog:
    """All feedback ever acknowledged, in one table that only grows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, entries: Sequence[Entry], channel: Channel, received: datetime) -> None:
        """Keep all entries or, if anything fails, none. When this returns they are on disk.

        What was already said by this way is not kept again; a later or different outcome of the same card is.
        Raises StoreUnavailable; trying again is always safe.
        """
        rows = [_row(entry, channel) | {"received": received} for entry in entries]
        with self._database.begin() as connection:
            insert_new(connection, feedback, rows)

    def said(self) -> Iterator[Said]:
        """Everything kept, the earliest outcome first. Raises StoreUnavailable.

        Nothing happens after it was told: an outcome dated ahead counts as of when it was received.
        """
        names = [field.name for field in fields(Entry)]
        ahead = feedback.c.outcome_time > feedback.c.received
        statement = select(*(feedback.c[name] for name in (*Channel._fields, *names))).order_by(
            case((ahead, feedback.c.received), else_=feedback.c.outcome_time),
            feedback.c.received,
            feedback.c.digest,
        )
        with self._database.read() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # nobody waits for a report
            result = connection.execution_options(yield_per=_AT_ONCE).execute(statement)
            for row in result.mappings():
                told = {name: row[name] for name in names} | {"suggestions": tuple(row["suggestions"])}
                yield Said(Channel(*(row[name] for name in Channel._fields)), Entry(**told))


def _row(entry: Entry, channel: Channel) -> dict[str, Any]:
    """The columns of an entry; the digest covers everything that was said and who said it."""
    said = {
        "service": channel.service,
        "client": channel.client,
        "card": entry.card,
        "outcome": entry.outcome,
        "suggestions": sorted(set(entry.suggestions)),
        "reason_system": entry.reason_system,
        "reason_code": entry.reason_code,
        "reason_display": entry.reason_display,
        "comment": entry.comment,
    }
    told = [*said.values(), entry.outcome_time.astimezone(UTC).isoformat()]
    if channel.tenant:  # without one the digest is that of the version before, which knew no tenants
        told.append(channel.tenant)
    return said | {
        "digest": sha256(json.dumps(told).encode()).hexdigest(),
        "tenant": channel.tenant,
        "rule_prefix": entry.rule_prefix,
        "outcome_time": entry.outcome_time,
    }
