"""Could not look never becomes clear: no lost key moves a verdict between true and false (DESIGN 4.3)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from losing import CALLS, CHARTS, DECISION, LOSSES, book, decide, losses, reads, story_call, verdicts

from cds_service.facts.prefetch import hook_keys

PINNED = Path(__file__).with_name("decided_after_loss.json")
IN_WORDS = ("-in-words", "-local-answer")
VIGNETTES = [
    chart
    for chart in CHARTS
    if (chart.stem[0] == "v" and chart.stem[1:3].isdigit()) or chart.stem.endswith(IN_WORDS)
]
SAFETY = {"suicidality", "contraindication", "caution", "interaction", "dose-check"}
stories = pytest.mark.parametrize("story", [*CHARTS, *CALLS], ids=lambda path: path.stem)
Body = Mapping[str, Any]


@stories
def test_losing_a_key_never_moves_a_verdict_between_true_and_false(story: Path) -> None:
    """Nor from unknown to either; a rule that does not read the key stays as it was; the answer tells."""
    request = story_call(story)
    whole = decide(request)
    assert whole is not None
    before = verdicts(whole)
    for key, loss, lost in losses(request):
        body = decide(lost)
        if body is None:
            assert key == "patient" or loss == "absent", (key, loss)
            continue
        for rule, verdict in verdicts(body).items():
            allowed = (before[rule], "unknown") if key in reads(rule) else (before[rule],)
            assert verdict in allowed, (key, loss, rule)
        check_what_the_answer_says(body, key, loss)
        if loss != "absent":  # a key never supplied is how a site is set up: the rulebook says when to speak
            check_that_no_warning_is_lost_in_silence(whole, body, key, loss)


def check_what_the_answer_says(body: Body, key: str, loss: str) -> None:
    decision = body["extension"][DECISION]
    assert decision["complete"] is False, (key, loss)
    for item in decision["verdicts"]:
        named = {because["key"] for because in item.get("because", [])}
        assert not named or item["verdict"] == "unknown", (key, loss, item)


def check_that_no_warning_is_lost_in_silence(whole: Body, body: Body, key: str, loss: str) -> None:
    """A safety card that can no longer be decided is named by the card about checks not made."""
    shown = {item["rule"] for item in whole["extension"][DECISION]["verdicts"] if item["card"]}
    after = verdicts(body)
    gone = {rule for rule in shown if book().by_id[rule].kind in SAFETY and after[rule] == "unknown"}
    named = {
        entry["id"]
        for card in body["cards"]
        for entry in card["extension"]["org.cds-service.rules"]
        if entry["verdict"] == "unknown"
    }
    assert gone <= named, (key, loss)


@pytest.mark.parametrize("story", VIGNETTES, ids=lambda path: path.stem)
def test_null_is_an_answer_and_means_the_same_as_an_empty_bundle(story: Path) -> None:
    request = story_call(story)
    empty = msgspec.Raw(b'{"resourceType": "Bundle", "type": "searchset", "total": 0}')
    for key in hook_keys(book(), request.hook):
        if key == "patient":
            continue
        as_null = decide(replace(request, prefetch={**request.prefetch, key: msgspec.Raw(b"null")}))
        as_bundle = decide(replace(request, prefetch={**request.prefetch, key: empty}))
        assert as_null is not None
        assert as_null == as_bundle
        assert as_null["extension"][DECISION]["complete"] is True


def decided_table() -> dict[str, dict[str, str]]:
    """By key and loss: how many verdicts stay decided of those decided with everything at hand."""
    counts: dict[tuple[str, str], list[int]] = {}
    for chart in VIGNETTES:
        request = story_call(chart)
        before = verdicts(decide(request) or {})
        decided = {rule for rule, verdict in before.items() if verdict != "unknown"}
        for key, loss, lost in losses(request):
            body = decide(lost)
            after = verdicts(body) if body is not None else {}
            count = counts.setdefault((key, loss), [0, 0])
            count[0] += sum(after.get(rule, "unknown") != "unknown" for rule in decided)
            count[1] += len(decided)
    table: dict[str, dict[str, str]] = {}
    for (key, loss), (kept, total) in sorted(counts.items()):
        table.setdefault(key, {})[loss] = f"{kept} of {total}"
    return table


def test_as_many_verdicts_stay_decided_as_the_pinned_table_says() -> None:
    """An engine that only says unknown is no engine. UPDATE_PINNED=1 writes the table anew: read the diff."""
    table = decided_table()
    if os.environ.get("UPDATE_PINNED"):
        PINNED.write_text(json.dumps(table, indent=2) + "\n")
    assert table == json.loads(PINNED.read_text())


def test_every_loss_happens_to_some_key() -> None:
    seen = {loss for chart in VIGNETTES for _, loss, _ in losses(story_call(chart))}
    assert seen == set(LOSSES)
