"""Every recorded call, every key, lost in every way, with a FHIR server behind it: nothing becomes clear.

What is lost without a server to ask is in `tests/properties`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fixture_server import SENDS_ALL, Calls, FixtureServer, place
from losing import DECISION, book, reads, served, story_call, verdicts, without

from cds_service.errors import DataUnavailable
from cds_service.facts.prefetch import hook_keys
from cds_service.facts.request import HookRequest
from cds_service.pipeline import evaluate

Body = Mapping[str, Any]
stories = pytest.mark.parametrize("story", SENDS_ALL, ids=lambda path: path.stem)

FAULTS: Mapping[str, tuple[Callable[[FixtureServer, str], Any], str]] = {
    "slow": (lambda server, at: server.slow.update({at: 60_000}), "deadline"),
    "failing": (lambda server, at: server.fail.update({at: 500}), "failed"),
    "truncated": (lambda server, at: server.truncate.update({at: 0}), "truncated"),
    "other patient": (lambda server, at: server.strange.add(at.partition("?")[0]), "other-patient"),
}
"""What the server does with the key it is asked for, and what is then said of the key."""

SENT = {"OperationOutcome": "failed", "other patient": "other-patient", "next link": "truncated"}
"""What the caller sends under the key, and what is then said of it: the server is not asked."""


def keys_sent(request: HookRequest) -> list[str]:
    """The keys that the hook asks for and the call brings."""
    return [key for key in hook_keys(book(), request.hook) if key in request.prefetch]


def lost_on_the_server(
    request: HookRequest, key: str, server: FixtureServer
) -> Iterator[tuple[str, HookRequest]]:
    lost = without(request, key, "absent")
    assert lost is not None
    for fault, (arrange, reason) in FAULTS.items():
        if key in ("patient", "encounter") and fault in ("truncated", "other patient"):
            continue  # a read, not a search
        if fault == "other patient" and b'"entry"' not in bytes(request.prefetch[key]):
            continue  # nothing is found that could be another's
        server.behave()
        arrange(server, place(key))
        yield reason, lost


def lost_by_the_caller(request: HookRequest, key: str) -> Iterator[tuple[str, HookRequest]]:
    for loss, reason in SENT.items():
        lost = without(request, key, loss)
        if lost is not None and key != "patient":
            yield reason, lost


@stories
def test_a_read_that_goes_wrong_leaves_open_only_what_it_would_have_decided(
    story: Path, server: FixtureServer, calls: Calls
) -> None:
    request = replace(story_call(story), fhir_server=server.base)
    before = verdicts(evaluate(request, served()).body)
    for key in keys_sent(request):
        if key == "encounter" and not request.encounter_id:
            continue
        for reason, lost in lost_on_the_server(request, key, server):
            body = decided(lost, key, calls)
            if body is not None:
                check(body, before, key, reason)
                assert len(server.seen) == 1 or reason == "other-patient", (key, reason)


def decided(request: HookRequest, key: str, calls: Calls) -> Body | None:
    """The answer; None for a refusal, which names the key: only the Patient is needed for any answer."""
    reading = calls.begin()
    try:
        body = evaluate(request, served(), reading).body
    except DataUnavailable as refused:
        assert refused.keys == ("patient",) == (key,)
        return None
    assert [outcome.key for outcome in reading.outcomes] == [key]
    return body


def check(body: Body, before: Mapping[str, str], key: str, reason: str) -> None:
    """No verdict moved but to unknown, only where the key is read, and the answer says why."""
    decision = body["extension"][DECISION]
    assert decision["complete"] is False, (key, reason)
    for item in decision["verdicts"]:
        rule, verdict = item["rule"], item["verdict"]
        if verdict == before[rule]:
            continue
        assert verdict == "unknown", (key, reason, rule)
        assert key in reads(rule), (key, reason, rule)
        assert {"key": key, "reason": reason} in item["because"], (key, reason, rule)


@stories
def test_what_the_caller_tried_to_get_is_not_asked_for_again(
    story: Path, server: FixtureServer, calls: Calls
) -> None:
    request = replace(story_call(story), fhir_server=server.base)
    before = verdicts(evaluate(request, served()).body)
    for key in keys_sent(request):
        for reason, lost in lost_by_the_caller(request, key):
            body = evaluate(lost, served(), calls.begin()).body
            check(body, before, key, reason)
    assert server.seen == []


@stories
def test_null_is_known_empty_and_not_asked_for_again(
    story: Path, server: FixtureServer, calls: Calls
) -> None:
    request = replace(story_call(story), fhir_server=server.base)
    for key in hook_keys(book(), request.hook):
        if key != "patient":
            known = replace(request, prefetch={**request.prefetch, key: msgspec.Raw(b"null")})
            body = evaluate(known, served(), calls.begin()).body
            assert body["extension"][DECISION]["complete"] is True, key
    assert server.seen == []


def test_a_server_that_is_down_is_said_of_every_key(calls: Calls) -> None:
    request = replace(story_call(SENDS_ALL[0]), fhir_server="http://127.0.0.1:1/fhir")
    sent = {key: request.prefetch[key] for key in ("patient", "conditions")}
    reading = calls.begin()
    body = evaluate(replace(request, prefetch=sent), served(), reading).body
    assert {outcome.outcome for outcome in reading.outcomes} == {"failed"}
    assert body["extension"][DECISION]["complete"] is False
    only = replace(request, prefetch={"patient": request.prefetch["patient"]})
    with pytest.raises(DataUnavailable) as refused:
        evaluate(only, served(), calls.begin())
    assert "conditions" in refused.value.keys
