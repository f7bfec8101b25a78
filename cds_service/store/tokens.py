"""Which tokens were seen: each is good for one call, in every worker and after every restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

from sqlalchemy import delete, select

from cds_service.errors import StoreUnavailable
from cds_service.store.database import Database, insert_new
from cds_service.store.tables import seen_token

PRUNE_AFTER = timedelta(minutes=10)
"""So long after it last removed expired rows a process does so again, however seldom it is called."""

PRUNED_AT_ONCE = 5_000
"""Rows that one call removes at most: it waits for them."""

_PRUNE_EVERY = 1_000
_KEPT_AFTER = timedelta(hours=1)
"""Far longer than the clock skew that a verifier may allow."""


class SeenTokens:
    """The memory of tokens, shared by all processes on one database.

    It holds a digest of issuer and `jti`, never the token. Rows that expired over an hour ago are removed by
    the first call, after PRUNE_AFTER, after a thousand calls, and by the next call if some were left. `clock`
    is the real time, also where the service's time is frozen.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._clock = database, clock
        self._calls = count()
        self._prune_at = datetime.min.replace(tzinfo=UTC)

    def first_time(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether this token was never seen before; from now on it was. Raises StoreUnavailable.

        `expires` is the token's own, with an offset. Of callers at the same moment exactly one hears True.
        """
        if next(self._calls) % _PRUNE_EVERY == 0 or self._clock() >= self._prune_at:
            with suppress(StoreUnavailable):
                self.prune()
        row = {"digest": _digest(issuer, jti), "expires": expires}
        with self._database.begin() as connection:
            return insert_new(connection, seen_token, [row]) == 1

    def prune(self) -> None:
        """Forget tokens that expired over an hour ago, PRUNED_AT_ONCE at most. Raises StoreUnavailable."""
        now = self._clock()
        self._prune_at = now + PRUNE_AFTER  # also if it fails: the call itself comes first
        # Rows that another process is removing are passed over: nobody waits for anybody.
        some = (
            select(seen_token.c.digest)
            .where(seen_token.c.expires < now - _KEPT_AFTER)
            .limit(PRUNED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        with self._database.begin() as connection:
            removed = connection.execute(delete(seen_token).where(seen_token.c.digest.in_(some))).rowcount
        if removed >= PRUNED_AT_ONCE:
            self._prune_at = now


def _digest(issuer: str, jti: str) -> str:
    return sha256(f"{len(issuer)}:{issuer}{jti}".encode("utf-8", "surrogatepass")).hexdigest()
