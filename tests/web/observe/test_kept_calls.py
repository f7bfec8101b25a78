"""CDS_CAPTURE: a service that keeps its calls, and `cds replay` of its decision log."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from cds_service.authoring.cli import cli
from cds_service.errors import UsageError
from cds_service.settings import Settings

from ..answers import NOW, RULEBOOKS, SELECT, VIEW, changed, select_call, view_call
from ..test_serve import Server
from .conftest import Place
from .marked import COMMENT, MARK, PATIENT, TOKEN, access, marked_call, marked_ehr

Make = Callable[..., Place]
HEAVY = "heavy-patient"


class Kept:
    """What a service left behind: the rules, its log, and the folder of its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rules = folder, folder / "rules"
        self.log = folder / "var" / "decisions.jsonl"
        self.calls = folder / "var" / "decisions.jsonl.calls"

    def files(self) -> list[Path]:
        return sorted(self.calls.glob("*/*.json"))

    def threshold(self, kg: int) -> None:
        """Change the number of the one rule that has one."""
        path = self.rules / "sample" / "cautions" / f"{HEAVY}.yaml"
        path.write_text(re.sub(r"weight >= \d+ kg", f"weight >= {kg} kg", path.read_text()))

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def replay(self, *arguments: str, code: int) -> str:
        words = ["replay", str(self.log), "--rules", str(self.rules), *arguments]
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == code, result.output
        return result.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Five calls to two workers: a chart, orders, one read from an EHR, one refused, one nobody can read."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(RULEBOOKS, folder / "rules")
    log = folder / "var" / "decisions.jsonl"
    given = ("--rules", str(folder / "rules"), "--today", NOW.date().isoformat(), "--workers", "2")
    server = Server(*given, CDS_DECISION_LOG=str(log), CDS_CAPTURE="1")
    assert f"patient data included, in {log}.calls" in server.message
    try:
        with marked_ehr() as (base, asked):
            read_back = changed(marked_call(**access(base)), "prefetch", {})
            read_back["context"].pop("encounterId")
            bodies = [(VIEW, view_call()), (SELECT, select_call()), (VIEW, marked_call(**access(base)))]
            bodies += [(VIEW, read_back), (VIEW, {"hook": "patient-view", MARK: COMMENT})]
            answers = [requests.post(server.url + to, json=body, timeout=20) for to, body in bodies]
            assert asked
        assert [one.status_code for one in answers] == [200, 200, 200, 412, 400]
    finally:
        server.stop()
    yield folder


@pytest.fixture
def kept(served: Path, tmp_path: Path) -> Kept:
    shutil.copytree(served, tmp_path / "copy")
    return Kept(tmp_path / "copy")


def test_under_the_same_rules_nothing_changed(kept: Kept):
    told = kept.replay(code=0)
    assert told == "as answered → " + str(kept.rules) + (
        ": 4 calls replayed, nothing changes, 1 line without a kept call passed over\n"
    )


def test_an_edited_rule_names_exactly_the_calls_whose_cards_are_others(kept: Kept):
    kept.threshold(119)  # everybody weighs 120 kg
    assert json.loads(kept.replay("--format", "json", code=0))["changes"] == []
    kept.threshold(121)
    told = json.loads(kept.replay("--format", "json", code=1))
    heavy = {
        number
        for number, line in enumerate(kept.lines(), start=1)
        if any(rule["id"] == HEAVY for card in line.get("cards", ()) for rule in card["rules"])
    }
    named = {int(name.partition("line ")[2].partition(",")[0]) for name in told["callsWithCardChanges"]}
    assert named == heavy == {1, 2, 3}
    assert {one["rule"] for one in told["changes"]} == {HEAVY}
    assert (told["before"], told["passedOver"]) == ("as answered", 1)


def test_what_decides_now_is_told_beside_what_was_answered(kept: Kept):
    kept.threshold(121)
    told = kept.replay(code=1)
    assert "line 1, patient-view  true → false" in told
    assert "now weight >= 121 kg [1] is false (120 kg)" in told
    assert "- [warning] Weight 120" in told
    assert "as answered then" in kept.replay("--format", "html", code=1)
    assert "now weight" in kept.replay("--format", "markdown", code=1)


def test_two_versions_of_the_rules_are_compared_on_the_calls_of_a_log(kept: Kept):
    before = kept.folder / "before"
    shutil.copytree(kept.rules, before)
    kept.threshold(121)
    told = kept.replay("--against", str(before), code=1)
    assert "weight >= 100 kg" in told
    assert "as answered" not in told


def test_one_process_and_two_say_the_same(kept: Kept):
    kept.threshold(121)
    assert kept.replay("--jobs", "1", code=1) == kept.replay("--jobs", "2", code=1)


def test_a_log_that_was_moved_aside_still_finds_its_calls(kept: Kept):
    moved = kept.log.with_name("decisions.jsonl.20260301T120000Z")
    kept.log.rename(moved)
    kept.log = moved
    assert "nothing changes" in kept.replay(code=0)


def test_a_folder_of_kept_calls_is_replayed_at_their_time(kept: Kept):
    (day,) = kept.calls.iterdir()
    told = CliRunner().invoke(cli, ["replay", str(day), "--rules", str(kept.rules)])
    assert told.exit_code == 0, told.output
    assert "4 calls replayed" in told.output
    assert "--today" not in told.output


def test_a_call_that_was_deleted_or_altered_is_told_and_the_others_are_replayed(kept: Kept):
    first, second, *_ = kept.files()
    first.unlink()
    second.write_bytes(second.read_bytes() + b" ")
    told = json.loads(kept.replay("--format", "json", code=1))
    assert told["replayed"] == 4
    whys = sorted(one["why"].rpartition(": ")[2] for one in told["failures"])
    assert whys == [
        "the kept call cannot be read (No such file or directory)",
        "the kept call is not as it was written",
    ]


def test_a_log_whose_calls_were_not_kept_says_how_they_are(kept: Kept):
    lines = kept.lines()
    kept.log.write_text("".join(json.dumps({**line, "captured": ""}) + "\n" for line in lines))
    result = CliRunner().invoke(cli, ["replay", str(kept.log), "--rules", str(kept.rules)])
    assert result.exit_code == 2
    assert "none of its 5 lines has its call kept" in result.output
    assert "CDS_CAPTURE=1" in result.output


def test_a_line_that_a_full_disk_cut_off_is_passed_over(kept: Kept):
    with kept.log.open("ab") as log:
        log.write(b'{"time":"2026-03-01T12:00')
    assert "nothing changes, 2 lines without a kept call passed over" in kept.replay(code=0)


def test_a_service_that_the_rules_at_hand_do_not_have_is_told(kept: Kept):
    (kept.rules / "sample").rename(kept.rules / "other")
    about = kept.rules / "other" / "rulebook.yaml"
    about.write_text(about.read_text().replace("rulebook: sample", "rulebook: other"))
    told = json.loads(kept.replay("--format", "json", code=1))
    assert {one["why"] for one in told["failures"]} == {
        "no rulebook here serves sample-patient-view",
        "no rulebook here serves sample-order-select",
    }


def test_a_log_holds_nothing_to_accept(kept: Kept):
    result = CliRunner().invoke(cli, ["replay", str(kept.log), "--rules", str(kept.rules), "--accept"])
    assert result.exit_code == 2


# --- what is kept --------------------------------------------------------------------------------


def test_calls_are_kept_for_the_owner_alone_and_without_the_token(kept: Kept):
    assert stat.S_IMODE(kept.calls.stat().st_mode) == 0o700
    files = kept.files()
    assert len(files) == 4
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert TOKEN.encode() not in path.read_bytes()
        assert b"fhirAuthorization" not in path.read_bytes()
    assert any(PATIENT.encode() in path.read_bytes() for path in files)


def test_a_line_names_its_call_and_stays_without_patient_data(kept: Kept):
    named = {line["captured"] for line in kept.lines() if "captured" in line}
    assert named == {path.stem for path in kept.files()}
    assert MARK not in kept.log.read_text()


def test_without_the_setting_no_call_is_kept(make_place: Make):
    place = make_place()
    _, line = place.post(VIEW, view_call())
    assert "captured" not in line
    assert not (place.folder / "decisions.jsonl.calls").exists()


def test_a_call_that_cannot_be_kept_costs_no_answer_and_no_line(
    make_place: Make, caplog: pytest.LogCaptureFixture
):
    place = make_place(capture=True)
    calls = place.folder / "decisions.jsonl.calls"
    calls.rmdir()
    calls.write_text("in the way")
    for _ in range(2):
        response, line = place.post(VIEW, view_call())
        assert response.get_json()["cards"]
        assert "captured" not in line
    assert sum("cannot be kept for replay" in message for message in caplog.messages) == 1
    assert place.metrics()["cds_decision_log_failures_total"] == 2
    calls.unlink()
    _, line = place.post(VIEW, view_call())
    assert "captured" in line
    assert "2 were not" in caplog.messages[-1]


@pytest.mark.parametrize("log", ["", "-"])
def test_calls_need_a_file_of_decisions_to_be_kept_beside(log: str):
    env: dict[str, Any] = {"CDS_CAPTURE": "1", "CDS_DECISION_LOG": log}
    with pytest.raises(UsageError, match=r"CDS_DECISION_LOG=var/decisions\.jsonl"):
        Settings.from_environment(env)
