"""New rules without a restart: exchanged between calls; bad ones change nothing and are named."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.settings import Settings
from cds_service.web.app import RELOADER, create_app
from cds_service.web.reload import Reloader, Watch, ask_for_reload, files_of, look
from cds_service.web.roster import Roster
from cds_service.web.rules import CurrentRules, load_rules

from .answers import NOW, RULEBOOKS, VIEW, assert_cards, view_call


class House:
    """A folder of rules, and an application that serves it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.rules = folder / "rules"
        shutil.copytree(RULEBOOKS, self.rules)
        self.settings = Settings(today=NOW, rules=self.rules, **settings)  # type: ignore[arg-type]
        self.app: Flask = create_app(self.settings)
        self.client: FlaskClient = self.app.test_client()
        self.reloader: Reloader = self.app.extensions[RELOADER]

    def edit(self, seen: str, wanted: str, name: str = "sample/cautions/heavy-patient.yaml") -> None:
        path = self.rules / name
        text = path.read_text(encoding="utf-8")
        assert seen in text
        path.write_text(text.replace(seen, wanted), encoding="utf-8")

    def summaries(self) -> list[str]:
        return [card["summary"] for card in assert_cards(self.client.post(VIEW, json=view_call()))["cards"]]

    def ready(self) -> dict[str, object]:
        response = self.client.get("/readyz")
        assert response.status_code == 200
        return response.get_json()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_changed_rule_answers_the_next_call(house: House):
    assert "Weight 120" in house.summaries()
    house.edit('"Weight {weight}"', '"Heavy: {weight}"')
    assert "Weight 120" in house.summaries()
    house.reloader.reload()
    assert "Heavy: 120" in house.summaries()


def test_discovery_and_its_tag_follow(house: House):
    before = house.client.get("/cds-services")
    house.edit("title: Sample rules", "title: Better rules", "sample/rulebook.yaml")
    house.reloader.reload()
    after = house.client.get("/cds-services", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "Better rules" in after.get_json()["services"][0]["title"]
    assert (
        house.client.get("/cds-services", headers={"If-None-Match": after.headers["ETag"]}).status_code == 304
    )


def test_a_new_hook_is_a_new_service_and_a_dropped_one_is_gone(house: House):
    for name in ("cautions/heavy-patient", "contraindications/fracture-on-record"):
        text = (house.rules / f"sample/{name}.yaml").read_text(encoding="utf-8")
        house.edit("patient-view", "encounter-start", f"sample/{name}.yaml")
        assert "encounter-start" not in text
    house.reloader.reload()
    ids = [one["id"] for one in house.client.get("/cds-services").get_json()["services"]]
    assert "sample-encounter-start" in ids
    assert house.client.post(VIEW, json=view_call()).status_code == 404
    assert house.client.post("/cds-services/sample-encounter-start", json={}).status_code == 400


def test_a_bad_edit_keeps_the_rules_and_says_where_it_is_wrong(
    house: House, caplog: pytest.LogCaptureFixture
):
    before = house.ready()
    house.edit("kind: caution", "kind: cautoin")
    house.edit("version: 1.2.0", "version: one", "sample/rulebook.yaml")
    house.reloader.reload()
    assert "Weight 120" in house.summaries()
    after = house.ready()
    assert after["status"] == "ready"
    assert after["rulebooks"] == before["rulebooks"]
    failed = after["reload"]
    assert isinstance(failed, dict)
    problems = [one for one in caplog.messages if one.startswith(str(house.rules))]
    assert failed["problems"] == len(problems) >= 2
    assert ".yaml:" in failed["first"]
    assert after["workers"][0]["reload"] == failed  # type: ignore[index]
    said = "\n".join(record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert "heavy-patient.yaml:5" in said
    assert "rulebook.yaml:4" in said
    assert f"the rules stay as they were; problems in them: {len(problems)}" in said
    assert all("\n" not in message for message in caplog.messages)


def test_a_mended_edit_is_taken_and_the_failure_forgotten(house: House):
    house.edit("kind: caution", "kind: cautoin")
    house.reloader.reload()
    house.edit("kind: cautoin", "kind: caution")
    house.edit('"Weight {weight}"', '"Heavy: {weight}"')
    house.reloader.reload()
    assert "Heavy: 120" in house.summaries()
    ready = house.ready()
    assert "reload" not in ready
    assert "reload" not in ready["workers"][0]  # type: ignore[index]


@pytest.mark.parametrize("left", ["nothing", "no folder"])
def test_rules_that_vanished_change_nothing(house: House, left: str):
    shutil.rmtree(house.rules)
    if left == "nothing":
        house.rules.mkdir()
    house.reloader.reload()
    assert "Weight 120" in house.summaries()
    assert "CDS_RULES" in str(house.ready()["reload"])


def test_a_failure_nobody_thought_of_changes_nothing_either(house: House):
    def broken():
        raise MemoryError

    current = CurrentRules(load_rules(house.settings))
    reloader = Reloader(current, broken, Roster(None), lambda _: None)
    before = current.now
    reloader.reload()
    assert current.now is before
    assert reloader.failure is not None
    assert "MemoryError" in reloader.failure.first


def test_rules_nobody_approved_are_not_taken_where_approval_is_required(tmp_path: Path):
    first = House(tmp_path)
    drafts = [*first.rules.rglob("cautions/*.yaml"), *first.rules.rglob("interactions/*.yaml")]
    for path in drafts:
        first.edit("status: active", "status: shadow", str(path.relative_to(first.rules)))
    settings = Settings(today=NOW, rules=first.rules, require_approval=True)
    app = create_app(settings)
    first.edit("status: shadow", "status: active")
    app.extensions[RELOADER].reload()
    ready = app.test_client().get("/readyz").get_json()
    assert "nobody approved it" in ready["reload"]["first"]


def test_the_same_rules_are_not_exchanged(house: House):
    before = house.app.extensions[RELOADER]._current.now
    with (house.rules / "sample/cautions/heavy-patient.yaml").open("a") as file:
        file.write("# a remark\n")
    house.reloader.reload()
    assert house.app.extensions[RELOADER]._current.now is before


# --- calls under way, and what is left behind ----------------------------------------------------


def test_a_call_under_way_is_finished_by_the_rules_it_began_with(house: House):
    current = house.reloader._current
    rules = current.now
    engine = rules.services["sample-patient-view"].served.plans["patient-view"].engine
    house.edit('"Weight {weight}"', '"Heavy: {weight}"')
    house.reloader.reload()
    states = {
        rule.id: dict.fromkeys((leaf.text for leaf in rule.plain), "true") for rule in engine.program.rules
    }
    assert engine.infer(states)
    del rules
    if engine.name == "durable":
        assert engine._handle is None, "freed as soon as no call uses its rules"


def test_calls_go_on_while_rules_are_exchanged(house: House):
    """Every answer comes whole from one version: its digest goes with its words."""
    stop = threading.Event()

    def call() -> set[tuple[str, tuple[str, ...]]]:
        client, seen = house.app.test_client(), set()
        while not stop.is_set():
            body = assert_cards(client.post(VIEW, json=view_call()))
            digest = body["extension"]["org.cds-service.decision"]["rulebook"]["digest"]
            seen.add((digest, tuple(sorted(card["summary"] for card in body["cards"]))))
        return seen

    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(call) for _ in range(3)]
        for old, new in pairwise(["Weight", "Heavy", "Kilos", "Mass"]):
            house.edit(f'"{old} {{weight}}"', f'"{new} {{weight}}"')
            house.reloader.reload()
        stop.set()
        seen = set().union(*(one.result() for one in calls))
    digests = [digest for digest, _ in seen]
    assert len(digests) == len(set(digests)), "one version, one set of words"
    assert "Mass 120" in house.summaries()


def test_rules_that_were_exchanged_are_forgotten(house: House):
    house.summaries()
    rules = house.reloader._current.now
    kept = [weakref.ref(rules), weakref.ref(rules.services["sample-patient-view"].served.book.terminology)]
    kept += [
        weakref.ref(one)
        for one in rules.services["sample-patient-view"].served.plans["patient-view"].program.rules
    ]
    del rules
    house.edit("title: The", "title: Indeed, the")
    house.reloader.reload()
    gc.collect()
    assert [one() for one in kept] == [None] * len(kept)


RELOADS = """
import sys
from pathlib import Path
from cds_service.settings import Settings
from cds_service.web.app import create_app, RELOADER
from cds_service.web.reload import settle_memory
rules = Path(sys.argv[1])
app = create_app(Settings(rules=rules))
reloader = app.extensions[RELOADER]
path = rules / "sample/cautions/heavy-patient.yaml"
text = path.read_text()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
for number in range(int(sys.argv[2])):
    path.write_text(text.replace("title: The", f"title: {number} The"))
    reloader.reload()
    assert reloader.failure is None, reloader.failure
    if number == 9:
        warm = resident()
settle_memory()
print(resident() - warm)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_sixty_reloads_leave_no_memory_behind(house: House):
    """A set of rules that stayed would hold about a megabyte in the library alone."""
    run = subprocess.run(
        [sys.executable, "-c", RELOADS, str(house.rules), "60"], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 8_000_000


# --- when to look --------------------------------------------------------------------------------


class Counted:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shared"
    folder.mkdir()
    yield folder


def watch_of(reloads: Counted, **settings: object) -> Watch:
    made = Settings(**settings)  # type: ignore[arg-type]
    return Watch(reloads, lambda: look(made), look(made))


def test_a_reload_that_is_asked_for_happens_once(shared: Path):
    reloads = Counted()
    watch = watch_of(reloads, runtime_dir=str(shared))
    watch.look()
    ask_for_reload(shared)
    watch.look()
    watch.look()
    assert reloads.times == 1
    ask_for_reload(shared)
    watch.look()
    assert reloads.times == 2


def test_a_reload_that_is_asked_for_while_a_worker_starts_is_not_missed(shared: Path):
    reloads, settings = Counted(), Settings(runtime_dir=str(shared))
    first = look(settings)
    ask_for_reload(shared)
    Watch(reloads, lambda: look(settings), first).look()
    assert reloads.times == 1


def test_changed_files_are_read_once_they_were_left_alone(house: House):
    reloads = Counted()
    watch = watch_of(reloads, rules=house.rules, watch=True)
    watch.look()
    house.edit("weighs a lot", "is heavy indeed")
    watch.look()
    house.edit("is heavy indeed", "is heavier than thought")
    watch.look()
    assert reloads.times == 0
    watch.look()
    watch.look()
    assert reloads.times == 1


def test_files_that_are_not_watched_are_not_looked_at(house: House, shared: Path):
    reloads = Counted()
    watch = watch_of(reloads, rules=house.rules, runtime_dir=str(shared))
    house.edit("weighs a lot", "is heavy indeed")
    watch.look()
    watch.look()
    assert reloads.times == 0


def test_the_drug_table_beside_a_single_rulebook_is_watched_too(house: House):
    names = [Path(name).name for name, _, _ in files_of(house.rules / "sample")]
    assert {"rulebook.yaml", "heavy-patient.yaml", "rxnorm.csv"} <= set(names)


# --- what every worker has -----------------------------------------------------------------------


def test_every_living_process_is_listed_and_no_dead_one(shared: Path):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    Roster(shared, other.pid).tell({"rulebooks": [{"digest": "b"}]})
    mine = Roster(shared)
    mine.tell({"rulebooks": [{"digest": "a"}]})
    (shared / "12.json").write_text("not ours")
    assert {one["pid"]: one["rulebooks"] for one in mine.everybody()}.items() >= {
        os.getpid(): [{"digest": "a"}],
        other.pid: [{"digest": "b"}],
    }.items()
    other.communicate(b"\n")
    assert [one["pid"] for one in mine.everybody()] == [os.getpid()]
    assert not (shared / f"{other.pid}.json").exists()


def test_what_others_wrote_badly_is_passed_over(shared: Path):
    (shared / f"{os.getppid()}.json").write_text("{")
    (shared / "notes.json").write_text(json.dumps({"pid": 1}))
    roster = Roster(shared)
    assert roster.everybody() == [{"pid": os.getpid()}]


def test_a_folder_that_is_gone_fails_nothing(tmp_path: Path):
    roster = Roster(tmp_path / "gone")
    roster.tell({"rulebooks": []})
    assert roster.everybody() == [{"pid": os.getpid(), "rulebooks": []}]
