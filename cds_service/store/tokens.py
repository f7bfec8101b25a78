"""Which tokens were seen: each is good for one call, in every worker and after every restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

from sqlalchemy import delete

from cds_service.errors import StoreUnavailable
from cds_service.store.database import Database, insert_new
from cds_service.store.tables import seen_token

_PRUNE_EVERY = 1_000
_KEPT_AFTER = timedelta(hours=1)
"""Far longer than the clock skew that a verifier may allow."""


def _now() -> datetime:
    return datetime.now(UTC)


class SeenTokens:
    """The memory of tokens, shared by all processes on one database.

    It holds a digest of issuer and `jti`, never the token. Rows that expired over an hour ago are removed now
    and then. `clock` is the real time, also where the service's time is frozen.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._clock = database, clock
        self._calls = count()

    def first_time(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether this token was never seen before; from now on it was. Raises StoreUnavailable.

        `expires` is the token's own, with an offset. Of callers at the same moment exactly one hears True.
        """
        if next(self._calls) % _PRUNE_EVERY == 0:
            with suppress(StoreUnavailable):
                self.prune()
        row = {"digest": _digest(issuer, jti), "expires": expires}
        with self._database.begin() as connection:
            return insert_new(connection, seen_token, [row]) == 1

    def prune(self) -> None:
        """Forget tokens that expired over an hour ago. Raises StoreUnavailable."""
        before = self._clock() - _KEPT_AFTER
        with self._database.begin() as connection:
            connection.execute(delete(seen_token).where(seen_token.c.expires < before))


def _digest(issuer: str, jti: str) -> str:
    return sha256(f"{len(issuer)}:{issuer}{jti}".encode("utf-8", "surrogatepass")).hexdigest()
