"""Could not look never becomes clear: no lost key moves a verdict between true and false (DESIGN 4.3)."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from losing import CHARTS, DECISION, LOSSES, book, call, decide, losses, reads, verdicts

from cds_service.facts.prefetch import hook_keys

PINNED = Path(__file__).with_name("decided_after_loss.json")
charts = pytest.mark.parametrize("chart", CHARTS, ids=lambda path: path.stem)


@charts
def test_losing_a_key_moves_a_verdict_to_unknown_or_not_at_all(chart: Path) -> None:
    before = verdicts(decide(call(chart)) or {})
    for key, loss, lost in losses(chart):
        body = decide(lost)
        if body is None:
            assert key == "patient"
            continue
        for rule, verdict in verdicts(body).items():
            assert verdict in (before[rule], "unknown"), (key, loss, rule)


@charts
def test_losing_a_key_that_a_rule_does_not_read_changes_nothing_for_it(chart: Path) -> None:
    before = verdicts(decide(call(chart)) or {})
    for key, loss, lost in losses(chart):
        for rule, verdict in verdicts(decide(lost) or {"extension": {DECISION: {"verdicts": []}}}).items():
            if key not in reads(rule):
                assert verdict == before[rule], (key, loss, rule)


@charts
def test_the_answer_says_that_it_is_not_complete_and_why(chart: Path) -> None:
    assert (decide(call(chart)) or {})["extension"][DECISION]["complete"] is True
    for key, loss, lost in losses(chart):
        body = decide(lost)
        if body is None:
            continue
        decision = body["extension"][DECISION]
        assert decision["complete"] is False, (key, loss)
        for item in decision["verdicts"]:
            if item["verdict"] == "unknown" and key in reads(item["rule"]):
                named = {because["key"] for because in item.get("because", [])}
                assert named <= {key}, (key, loss, item)


@charts
def test_a_warning_that_could_no_longer_be_decided_is_replaced_by_the_card_that_says_so(chart: Path) -> None:
    safety = {"suicidality", "contraindication", "caution", "interaction", "dose-check"}
    whole = decide(call(chart)) or {}
    shown = {item["rule"] for item in whole["extension"][DECISION]["verdicts"] if item["card"]}
    watched = {rule for rule in shown if book().by_id[rule].kind in safety}
    for key, loss, lost in losses(chart):
        body = decide(lost)
        if body is None:
            continue
        after = verdicts(body)
        gone = {rule for rule in watched if after[rule] == "unknown"}
        if gone:
            named = {
                entry["id"]
                for card in body["cards"]
                for entry in card["extension"]["org.cds-service.rules"]
                if entry["verdict"] == "unknown"
            }
            assert gone <= named, (key, loss)


@charts
def test_null_is_an_answer_and_means_the_same_as_an_empty_bundle(chart: Path) -> None:
    request = call(chart)
    empty = msgspec.Raw(b'{"resourceType": "Bundle", "type": "searchset", "total": 0}')
    for key in hook_keys(book(), request.hook):
        if key == "patient":
            continue
        as_null = decide(replace(request, prefetch={**request.prefetch, key: msgspec.Raw(b"null")}))
        as_bundle = decide(replace(request, prefetch={**request.prefetch, key: empty}))
        assert as_null is not None
        assert as_null == as_bundle
        assert as_null["extension"][DECISION]["complete"] is True


@charts
def test_without_the_patient_the_call_is_refused(chart: Path) -> None:
    for key, _, lost in losses(chart):
        if key == "patient":
            assert decide(lost) is None


def decided_table() -> dict[str, dict[str, str]]:
    """By key and loss: how many verdicts stay decided of those decided with everything at hand."""
    counts: dict[tuple[str, str], list[int]] = {}
    for chart in CHARTS:
        before = verdicts(decide(call(chart)) or {})
        decided = {rule for rule, verdict in before.items() if verdict != "unknown"}
        for key, loss, lost in losses(chart):
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
    seen = {loss for chart in CHARTS for _, loss, _ in losses(chart)}
    assert seen == set(LOSSES)
