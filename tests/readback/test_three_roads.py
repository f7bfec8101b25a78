"""One case by three roads, all data sent, none sent, half of it sent: the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_server import REQUESTS, SENDS_ALL, Calls, FixtureServer, fixture_server, keep
from losing import DECISION, book, served, story_call, verdicts

from cds_service.facts.prefetch import hook_keys, template
from cds_service.facts.request import HookRequest
from cds_service.facts.server.query import url_of
from cds_service.facts.server.search import Limits
from cds_service.facts.server.source import Query
from cds_service.pipeline import evaluate


@pytest.fixture(scope="module")
def paging() -> Iterator[FixtureServer]:
    with fixture_server(page=2) as server:
        yield server


@pytest.mark.parametrize("story", SENDS_ALL, ids=lambda path: path.stem)
def test_all_sent_none_sent_and_half_sent_are_answered_alike(
    story: Path, server: FixtureServer, calls: Calls
) -> None:
    request = replace(story_call(story), fhir_server=server.base)
    keys = hook_keys(book(), request.hook)
    whole = evaluate(request, served()).body
    assert whole["extension"][DECISION]["complete"] is True
    for sent in (set(), set(keys[::2]), set(keys[1::2])):
        reading = calls.begin()
        partly = replace(request, prefetch=keep(request, sent))
        assert evaluate(partly, served(), reading).body == whole
        assert {outcome.key for outcome in reading.outcomes} == read_back(request, keys, sent)


def read_back(request: HookRequest, keys: tuple[str, ...], sent: set[str]) -> set[str]:
    """What has to be read: all that was not sent, but for the encounter of a call without one."""
    return set(keys) - sent - ({"encounter"} if not request.encounter_id else set())


def test_a_call_that_sent_half_of_it_is_completed(server: FixtureServer, calls: Calls) -> None:
    """The recorded call without its observations, and the chart of its patient on the server."""
    path = next(path for path in REQUESTS if "not-supplied" in path.name)
    request = replace(story_call(path), fhir_server=server.base)
    alone = evaluate(request, served()).body
    completed = evaluate(request, served(), calls.begin()).body
    assert completed == evaluate(replace(request, prefetch={}), served(), calls.begin()).body
    assert alone["extension"][DECISION]["complete"] is False
    assert completed["extension"][DECISION]["complete"] is True
    assert verdicts(alone)["pretreatment-data-missing"] == "unknown"
    assert verdicts(completed)["pretreatment-data-missing"] == "true"


def test_a_call_that_sent_everything_asks_nothing(server: FixtureServer, calls: Calls) -> None:
    for story in SENDS_ALL[::8]:
        evaluate(replace(story_call(story), fhir_server=server.base), served(), calls.begin())
    assert server.seen == []


def test_pages_are_followed_to_the_end(paging: FixtureServer) -> None:
    request = replace(story_call(SENDS_ALL[0]), fhir_server=paging.base)
    whole = evaluate(request, served()).body
    assert evaluate(replace(request, prefetch={}), served(), Calls(paging).begin()).body == whole
    assert len(paging.seen) > 2 * len(hook_keys(book(), request.hook))


@pytest.mark.parametrize("story", SENDS_ALL[::6], ids=lambda path: path.stem)
def test_a_caller_that_sends_first_pages_is_answered_like_one_that_sends_all(
    story: Path, paging: FixtureServer
) -> None:
    """Each search is sent up to its first page, whose `next` link leads to the server."""
    request = replace(story_call(story), fhir_server=paging.base)
    keys = hook_keys(book(), request.hook)
    searches = {key: template(key, book()) for key in keys if key not in ("patient", "encounter")}
    reads = {key: Query(url_of(search, request)) for key, search in searches.items()}
    first = Calls(paging, limits=Limits(pages=1)).begin().read(request, reads)
    sent = request.prefetch | {key: answer.raw for key, answer in first.items() if answer.raw is not None}
    reading = Calls(paging).begin()
    body = evaluate(replace(request, prefetch=sent), served(), reading).body
    assert body == evaluate(request, served()).body
    assert {outcome.key for outcome in reading.outcomes} == {
        key for key, answer in first.items() if answer.ended == "truncated"
    }
    assert reading.outcomes or story != SENDS_ALL[0]
