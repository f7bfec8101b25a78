"""A call that was kept is judged again as it was, whatever its FHIR server did at the time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fixture_server import HERE, SENDS_ALL, Calls, FixtureServer, keep, place
from losing import served, story_call
from test_chaos import FAULTS

from cds_service.authoring.replay.captured import KeptCall
from cds_service.errors import RequestError
from cds_service.facts.request import HookRequest
from cds_service.facts.server.heard import Heard, Retold
from cds_service.facts.server.source import Answer
from cds_service.pipeline import evaluate
from cds_service.web.observe.call import Call
from cds_service.web.observe.capture import Captures, kept_call

CAME = datetime(2026, 11, 1, tzinfo=UTC)
stories = pytest.mark.parametrize("story", SENDS_ALL[::6], ids=lambda path: path.stem)


def answer(request: HookRequest, source: Any) -> tuple[str, Any]:
    try:
        body = evaluate(request, served(), source).body
    except RequestError as error:
        return f"{error.status}: {error}", None
    return "", msgspec.json.decode(msgspec.json.encode(body))


def judged(request: HookRequest, heard: Heard, context: Mapping[str, Any], folder: Path) -> KeptCall:
    """The call judged as a service does, kept, and read again."""
    refused, outcome = None, None
    try:
        outcome = evaluate(request, served(), heard)
    except RequestError as error:
        refused = error
    call = Call(
        request.service_id,
        CAME,
        0.1,
        200 if outcome else 412,
        request=request,
        outcome=outcome,
        error=refused,
        body=json.dumps({"context": context}).encode(),
        heard=heard.answers,
        absent=heard.absent,
    )
    kept = kept_call(call)
    assert kept is not None
    digest = Captures(folder).keep(kept, CAME)
    return KeptCall.read(folder / "2026-11-01" / f"{digest}.json", digest)


@stories
def test_what_was_read_or_could_not_be_is_told_again(
    story: Path, server: FixtureServer, calls: Calls, tmp_path: Path
) -> None:
    context = json.loads(story.read_bytes())["context"]
    request = replace(story_call(story), fhir_server=server.base)
    for key in request.prefetch:
        for fault, (arrange, _) in {"sound": (lambda *_: None, ""), **FAULTS}.items():
            server.behave()
            arrange(server, place(key))
            kept_keys = set(request.prefetch) - {key}
            asked = replace(request, prefetch=keep(request, kept_keys))
            held = judged(asked, Heard(calls.begin()), context, tmp_path)
            asked_before = len(server.seen)
            refused, body = answer(held.request, held.source)
            assert (bool(refused), body) == (bool(held.refused), held.answer), (key, fault)
            assert len(server.seen) == asked_before, "a kept call asks nobody"


@stories
def test_a_call_that_brought_nothing_is_kept_with_what_was_read(
    story: Path, server: FixtureServer, calls: Calls, tmp_path: Path
) -> None:
    context = json.loads(story.read_bytes())["context"]
    request = replace(story_call(story), fhir_server=server.base, prefetch={})
    held = judged(request, Heard(calls.begin()), context, tmp_path)
    assert set(held.request.prefetch) >= {"patient", "conditions"}
    assert answer(held.request, held.source) == ("", held.answer)


def test_types_that_the_ehr_does_not_have_are_remembered(
    server: FixtureServer, calls: Calls, tmp_path: Path
) -> None:
    story = SENDS_ALL[0]
    context = json.loads(story.read_bytes())["context"]
    request = replace(story_call(story), fhir_server=server.base)
    request = replace(request, prefetch=keep(request, set(request.prefetch) - {"conditions"}))
    policy = replace(HERE, absent=frozenset({"Condition"}))
    held = judged(request, Heard(calls.begin(policy)), context, tmp_path)
    assert held.source.absent == {"Condition"}
    assert answer(held.request, held.source) == ("", held.answer)


def test_an_answer_of_the_server_that_is_no_json_does_not_spoil_the_file(tmp_path: Path) -> None:
    story = SENDS_ALL[0]
    context = json.loads(story.read_bytes())["context"]
    request = replace(story_call(story), fhir_server="http://127.0.0.1:1")
    request = replace(request, prefetch=keep(request, set(request.prefetch) - {"conditions"}))

    class Garbled(Heard):
        def read(self, request: HookRequest, queries: Mapping[str, Any]) -> Mapping[str, Answer]:  # noqa: ARG002
            self.answers.update(dict.fromkeys(queries, Answer(msgspec.Raw(b"<html>\xff"))))
            return self.answers

    held = judged(request, Garbled(Retold({})), context, tmp_path)
    refused, body = answer(held.request, held.source)
    assert refused == held.refused == ""
    assert held.answer is not None
    assert body["cards"] == held.answer["cards"]
