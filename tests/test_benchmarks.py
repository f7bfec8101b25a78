"""The benchmark programs run and print what they promise. Nothing here asserts a time."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from benchmarks import commits, growth, latency, load, readback, stages
from benchmarks.bodies import SIZES, STORY, check, patient_view, resources_of, shipped
from benchmarks.copies import copied, multiply
from benchmarks.figures import judged, p95, ratio_of_blocks
from cds_service.rulebook.load import load_rulebook


@pytest.mark.parametrize("size", SIZES)
def test_a_body_has_as_many_resources_as_asked_for(size):
    assert resources_of(msgspec.json.decode(patient_view(size))) == size


def test_a_seed_always_gives_the_same_body_and_another_seed_another():
    assert patient_view(100, seed=3) == patient_view(100, seed=3)
    assert patient_view(100, seed=3) != patient_view(100, seed=4)


def test_a_body_smaller_than_the_story_is_refused():
    with pytest.raises(ValueError, match="alone has"):
        patient_view(1)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_added_leaves_the_cards_of_the_story_alone(size):
    served = shipped("direct")
    for seed in range(3):
        assert check(patient_view(size, seed=seed), served) > 0


def test_a_body_that_changes_the_cards_is_found_out():
    call = msgspec.json.decode(STORY.read_bytes())
    call["prefetch"]["medication-dispenses"]["entry"] = []
    with pytest.raises(AssertionError):
        check(msgspec.json.encode(call), shipped("direct"))


def test_latency_prints_every_size_and_engine_with_its_target(capsys):
    latency.main(["--requests", "2", "--sizes", "20", "--engines", "direct", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert [(row["resources"], row["engine"]) for row in printed["rows"]] == [(20, "direct")]
    row = printed["rows"][0]
    assert {"p50", "p95", "floor p50", "floor p95", "ratio", "target"} <= row.keys()
    assert row["ratio"] > 0
    assert "≤ 2" in row["target"]
    assert {"cores", "memory", "Python"} <= printed["machine"].keys()


def test_growth_with_resources_tells_the_cost_of_each_step(capsys):
    growth.main(["--requests", "1", "--steps", "20", "40", "80", "--parts", "resources", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["resources"] for row in rows] == [20, 40, 80]
    assert all("µs per added resource" in row for row in rows)


def test_commits_are_counted_for_one_writer_and_for_several(capsys, tmp_path: Path):
    commits.main(["--url", f"sqlite:///{tmp_path}/cds.sqlite3", "--seconds", "0.1", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["writers"] for row in rows] == list(commits.WRITERS)
    assert all(row["commits a second"] > 0 for row in rows)


def test_load_compares_every_answer_and_finds_every_call_in_the_log_and_in_the_counters(capsys):
    load.main(["--seconds", "2", "--connections", "2", "--workers", "2", "--engine", "direct", "--json"])
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    figures = {row["what"]: row["figure"] for row in first["rows"]}
    assert figures["calls"] > 0
    assert (figures["errors"], figures["wrong answers"]) == (0, 0)
    assert figures["lines of the log"] == figures["calls in /metrics"] == figures["calls"]
    assert figures["feedback in /metrics"] == figures["feedback"]
    assert [row["worker"] for row in second["rows"]] == [1, 2]


def test_growth_with_rules_and_codes_prints_ratios_ready_to_paste(capsys):
    growth.main(
        ["--requests", "1", "--times", "2", "--codes", "20", "--parts", "rules", "codes", "--markdown"]
    )
    printed = capsys.readouterr().out
    assert "| equal facts |" in printed
    assert "| facts of their own |" in printed
    assert "| 10 → 20 |" in printed
    assert "| --- |" in printed


def test_wall_times_name_what_was_started(capsys):
    growth.main(["--starts", "1", "--parts", "starts", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["what"].split(",")[0] for row in rows] == ["python", "create_app", "cds lint", "cds --help"]


def test_copied_rules_are_as_many_as_asked_for_and_load(tmp_path: Path):
    book = copied(tmp_path)
    whole = len(load_rulebook(book).rules)
    assert multiply(book, 3, at_most=whole + 2, own_sets=True) == whole + 2
    assert len(load_rulebook(book).rules) == whole + 2


def test_stages_prints_every_stage_and_the_slowest_facts(capsys):
    stages.main(["--requests", "2", "--sizes", "20", "--engine", "direct"])
    printed = capsys.readouterr().out
    assert "read_request" in printed
    assert "new chart" in printed
    assert "The slowest facts at 20 resources" in printed


def test_readback_prints_what_reading_costs_and_whether_deadlines_are_kept(capsys):
    readback.main(["--calls", "1", "--delays", "0", "--deadlines", "300"])
    printed = capsys.readouterr().out
    assert "side by side" in printed
    assert "Deadlines" in printed
    assert "All sent" in printed


def test_a_target_is_told_as_met_or_by_how_much_it_is_missed():
    assert judged(1.2, 1.3) == "met (≤ 1.3)"
    assert judged(2.0, 1.3) == "missed by 0.70 (≤ 1.3)"
    assert judged(2.0, None) == "no target"


def test_the_ratio_is_the_median_of_blocks_so_that_drift_cancels_out():
    floor = [1.0, 1.0, 10.0, 10.0, 2.0, 2.0]
    ours = [2.0, 2.0, 20.0, 20.0, 4.0, 4.0]
    assert ratio_of_blocks(ours, floor, 2) == 2.0


def test_the_95th_percentile_lies_near_the_top():
    assert 94 <= p95([float(number) for number in range(100)]) <= 95
    assert p95([3.0]) == 3.0
