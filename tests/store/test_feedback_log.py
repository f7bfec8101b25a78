"""Feedback kept: once each, whole bodies, in any order, by many processes."""

from __future__ import annotations

import multiprocessing
import random
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.store.database import Database
from cds_service.store.feedback import Channel, Entry, FeedbackLog, Said

from .entries import NOW, SERVICE, body, cards, entry, keep, rows

_examples = count()

ENTRIES = st.builds(
    entry,
    st.integers(0, 3),
    outcome=st.sampled_from(["accepted", "overridden"]),
    suggestions=st.permutations(["a", "b"]).flatmap(lambda two: st.sampled_from([(), (two[0],), tuple(two)])),
    outcome_time=st.sampled_from([NOW, NOW + timedelta(days=1)]),
    reason_code=st.sampled_from(["", "declined"]),
    comment=st.sampled_from(["", "ß 😀 \\ ' \" \n"]),
)


def test_what_is_kept_is_what_was_said(database: Database):
    said = Entry(
        card="c",
        rule_prefix="0123456789ab",
        outcome="accepted",
        outcome_time=NOW + timedelta(microseconds=1),
        suggestions=("a", "b"),
        reason_system="urn:x",
        reason_code="y",
        reason_display="Y",
        comment="zu früh 😀",
    )
    log = FeedbackLog(database)
    keep(log, [said])
    assert list(log.said()) == [Said(Channel("local", service=SERVICE), said)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.lists(ENTRIES, min_size=1, max_size=4), min_size=1, max_size=4), data=st.data())
def test_any_order_and_repetition_of_bodies_gives_the_same_rows(database: Database, bodies: Any, data: Any):
    once, often = f"once-{next(_examples)}", f"often-{next(_examples)}"
    log = FeedbackLog(database)
    for one in bodies:
        keep(log, one, once)
    again = data.draw(st.lists(st.sampled_from(bodies), max_size=6))
    for one in data.draw(st.permutations([*bodies, *again])):
        keep(log, data.draw(st.permutations(one)), often)

    def plain(service: str) -> set[tuple[str, ...]]:
        return {row[2:] for row in rows(database, service)}

    assert plain(once) == plain(often)


def test_an_outcome_dated_ahead_is_not_the_latest_for_ever(database: Database):
    log, channel = FeedbackLog(database), Channel("one", service="s")
    log.keep([entry(1, outcome="overridden", outcome_time=NOW + timedelta(days=900))], channel, NOW)
    log.keep(
        [entry(1, outcome="accepted", outcome_time=NOW + timedelta(days=1))], channel, NOW + timedelta(days=2)
    )
    assert [said.entry.outcome for said in log.said()] == ["overridden", "accepted"]


def test_keeping_nothing_is_no_mistake(database: Database):
    keep(FeedbackLog(database), [])
    assert cards(database) == []


def test_two_clients_who_say_the_same_are_two(database: Database):
    log = FeedbackLog(database)
    for client in ("one", "two", "one"):
        log.keep([entry(1)], Channel(client, service="s"), NOW)
    assert len(rows(database, "s")) == 2


def test_two_tenants_of_a_client_who_say_the_same_are_two(database: Database):
    log = FeedbackLog(database)
    channels = [Channel("one", tenant, "s") for tenant in ("", "east", "west")]
    for channel in [*channels, *channels]:
        log.keep([entry(1)], channel, NOW)
    assert sorted(said.channel for said in log.said()) == channels


def _post(url: str, seed: int) -> None:
    order = random.Random(seed)
    log = FeedbackLog(Database(url))
    numbers = list(range(20))
    order.shuffle(numbers)
    for number in numbers:
        # Each body shares half of its entries with the next, in an order of its own.
        entries = [*body(number), *body(number + 1)]
        order.shuffle(entries)
        keep(log, entries)


def test_processes_that_write_the_same_at_once_neither_lose_nor_repeat(url: str):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_post, args=(url, seed)) for seed in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    expected = [one.card for number in range(21) for one in body(number)]
    assert sorted(cards(Database(url))) == sorted(expected)


@pytest.mark.parametrize("size", [1_000])
def test_a_large_body_is_kept_in_one_piece(database: Database, size: int):
    keep(FeedbackLog(database), body(0, size, comment="x" * 4_000))
    assert len(cards(database)) == size
