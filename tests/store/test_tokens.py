"""Tokens seen: each once, whoever asks, in every process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cds_service.store.database import Database, insert_new
from cds_service.store.tables import seen_token
from cds_service.store.tokens import PRUNE_AFTER, PRUNED_AT_ONCE, SeenTokens

LATER = datetime(2099, 1, 1, tzinfo=UTC)
ISSUER = "https://ehr.example.org"


def _seen(url: str, jtis: list[str], results: multiprocessing.SimpleQueue) -> None:
    seen = SeenTokens(Database(url))
    results.put([jti for jti in jtis if seen.first_time(ISSUER, jti, LATER)])


def _pruned(url: str) -> None:
    seen = SeenTokens(Database(url))
    for _ in range(3):
        seen.prune()


def _together(target: Callable[[str], None], url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=target, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_token_is_new_once(database: Database):
    seen = SeenTokens(database)
    assert seen.first_time(ISSUER, "a", LATER)
    assert not seen.first_time(ISSUER, "a", LATER)
    assert seen.first_time(ISSUER, "b", LATER)
    assert seen.first_time("https://other.example.org", "a", LATER)


def test_issuer_and_jti_cannot_run_into_each_other(database: Database):
    seen = SeenTokens(database)
    assert seen.first_time("ab", "c", LATER)
    assert seen.first_time("a", "bc", LATER)


def test_a_token_is_remembered_after_a_restart(url: str):
    assert SeenTokens(Database(url)).first_time(ISSUER, "a", LATER)
    assert not SeenTokens(Database(url)).first_time(ISSUER, "a", LATER)


def test_neither_issuer_nor_jti_is_stored(database: Database):
    SeenTokens(database).first_time(ISSUER, "zq7jti", LATER)
    with database.read() as connection:
        (row,) = connection.execute(select(seen_token)).all()
    assert len(row.digest) == 64
    assert "zq7jti" not in repr(row)
    assert "example" not in repr(row)


def test_of_many_processes_exactly_one_is_first(url: str):
    spawn = multiprocessing.get_context("spawn")
    results, jtis = spawn.SimpleQueue(), [str(number) for number in range(40)]
    processes = [spawn.Process(target=_seen, args=(url, jtis, results)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    firsts = [jti for _ in processes for jti in results.get()]
    assert sorted(firsts, key=int) == jtis


def test_tokens_that_expired_long_ago_are_forgotten(database: Database):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seen = SeenTokens(database, clock=lambda: now)
    seen.first_time(ISSUER, "old", now - timedelta(hours=2))
    seen.first_time(ISSUER, "within the skew", now - timedelta(minutes=5))
    seen.prune()
    assert not seen.first_time(ISSUER, "within the skew", now)
    with database.read() as connection:
        assert len(connection.execute(select(seen_token)).all()) == 1


class Day:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def _kept(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(seen_token)).all())


def test_a_process_that_is_seldom_called_forgets_old_tokens_after_a_while(database: Database):
    day = Day()
    seen = SeenTokens(database, clock=day)
    for number in range(3):
        seen.first_time(ISSUER, f"early {number}", day.now)
    day.now += timedelta(hours=1) + PRUNE_AFTER
    seen.first_time(ISSUER, "late", day.now)
    assert _kept(database) == 1


def test_within_that_while_a_call_forgets_nothing_and_costs_nothing_more(database: Database):
    day = Day()
    seen = SeenTokens(database, clock=day)
    seen.first_time(ISSUER, "first", day.now)
    seen.first_time(ISSUER, "expired long ago", day.now - timedelta(days=1))
    day.now += PRUNE_AFTER - timedelta(seconds=1)
    seen.first_time(ISSUER, "second", day.now)
    assert _kept(database) == 3
    day.now += timedelta(seconds=1)
    seen.first_time(ISSUER, "third", day.now)
    assert _kept(database) == 3


def test_one_call_forgets_a_bounded_number_and_the_next_ones_the_rest(database: Database):
    """A first call after a weekend must not wait for a million rows."""
    day = Day()
    seen, old = SeenTokens(database, clock=day), day.now - timedelta(hours=2)
    with database.begin() as connection:
        rows = [{"digest": f"{number:064}", "expires": old} for number in range(2 * PRUNED_AT_ONCE + 5)]
        insert_new(connection, seen_token, rows)
    for left in (PRUNED_AT_ONCE + 5, 5, 0):
        seen.first_time(ISSUER, f"new {left}", LATER)
        assert _kept(database) - left <= 3
    assert _kept(database) == 3


def test_processes_that_forget_at_once_do_not_fail(url: str):
    database, now = Database(url), datetime(2026, 3, 1, 12, tzinfo=UTC)
    with database.begin() as connection:
        rows = [{"digest": f"{number:064}", "expires": now} for number in range(3 * PRUNED_AT_ONCE)]
        insert_new(connection, seen_token, rows)
    _together(_pruned, url)
    assert _kept(database) == 0


def test_an_expiry_far_in_the_future_can_be_kept(database: Database):
    assert SeenTokens(database).first_time(ISSUER, "a", datetime.max.replace(tzinfo=UTC))
