"""Tokens seen: each once, whoever asks, in every process."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cds_service.store.database import Database
from cds_service.store.tables import seen_token
from cds_service.store.tokens import SeenTokens

LATER = datetime(2099, 1, 1, tzinfo=UTC)
ISSUER = "https://ehr.example.org"


def _seen(url: str, jtis: list[str], results: multiprocessing.SimpleQueue) -> None:
    seen = SeenTokens(Database(url))
    results.put([jti for jti in jtis if seen.first_time(ISSUER, jti, LATER)])


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


def test_an_expiry_far_in_the_future_can_be_kept(database: Database):
    assert SeenTokens(database).first_time(ISSUER, "a", datetime.max.replace(tzinfo=UTC))
