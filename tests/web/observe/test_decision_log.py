"""The decision log: one line per hook call, true to its answer, without anybody's id."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import stat
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Request

from cds_service.authoring.cli import cli
from cds_service.errors import RequestError, UsageError
from cds_service.web import service as service_module
from cds_service.web.caller import Caller, OpenGate

from ..answers import INSTANCE, RULEBOOKS, SELECT, VIEW, changed, decision, select_call, view_call
from .conftest import CAME, Place

Make = Callable[..., Place]


class NamedGate(OpenGate):
    """Lets one client in, with a tenant."""

    def __init__(self, tenant: str, listed: bool) -> None:
        self._caller = Caller("city", tenant, listed=listed)

    def admit(self, request: Request) -> Caller:  # noqa: ARG002
        return self._caller


class ClosedGate(OpenGate):
    def admit(self, request: Request) -> Caller:  # noqa: ARG002
        raise RequestError("No.", status=401, code="login")


# --- a line says what the answer says ----------------------------------------------------------


def test_a_line_agrees_with_the_answer(place: Place):
    response, line = place.post(VIEW, view_call())
    told = decision(response.get_json())
    for name in ("id", "asOf", "rulebook", "complete"):
        assert line[name] == told[name]
    assert (line["status"], line["service"], line["hook"]) == (200, "sample-patient-view", "patient-view")
    assert line["hookInstance"] == INSTANCE
    assert line["client"] == "local"
    assert line["engine"] in ("durable", "direct")
    by_verdict = {
        verdict: [f"{v['rule']}@{v['version']}" for v in told["verdicts"] if v["verdict"] == verdict]
        for verdict in ("true", "false", "unknown")
    }
    assert line["verdicts"] == {verdict: rules for verdict, rules in by_verdict.items() if rules}
    cards = response.get_json()["cards"]
    assert cards
    assert [(card["uuid"], card["indicator"]) for card in line["cards"]] == [
        (card["uuid"], card["indicator"]) for card in cards
    ]
    for logged, card in zip(line["cards"], cards, strict=True):
        rules = card["extension"]["org.cds-service.rules"]
        assert logged["rules"] == [{"id": rule["id"], "version": rule["version"]} for rule in rules]


def test_a_line_tells_the_real_time_and_how_long_each_step_took(place: Place):
    _, line = place.post(VIEW, view_call())
    assert line["time"] == "2026-04-01T09:30:15.250+00:00"
    assert line["asOf"].startswith("2026-03-01T12:00:00")
    assert list(line["stages"]) == ["gather", "decide", "cards"]
    assert 0 < sum(line["stages"].values()) <= line["ms"]


def test_keys_not_obtained_and_notes_are_named_without_references(place: Place):
    call = changed(view_call(), "prefetch/observations-vital-signs", ...)
    refuted = {"coding": [{"code": "refuted"}]}
    call = changed(call, "prefetch/conditions/entry/0/resource/verificationStatus", refuted)
    response, line = place.post(VIEW, call)
    assert line["complete"] is False
    assert line["notObtained"] == [{"key": "observations-vital-signs", "reason": "not-supplied"}]
    assert line["notes"] == {"refuted": 1}
    assert decision(response.get_json())["notes"][0]["reference"] == "Condition/c1"
    assert "Condition" not in json.dumps(line)


def test_withheld_cards_are_said_to_be(place: Place):
    _, line = place.post(VIEW, changed(view_call(), "context/userId", "Patient/p1"))
    assert line["withheld"] == "not-a-clinician"
    assert line["cards"] == []


# --- calls that were refused -------------------------------------------------------------------


def test_a_412_names_the_keys_and_why_they_are_missing(place: Place):
    call = changed(view_call(), "prefetch", {"patient": view_call()["prefetch"]["patient"]})
    call["prefetch"]["conditions"] = {"resourceType": "OperationOutcome"}
    _, line = place.post(VIEW, call)
    assert (line["status"], line["reason"]) == (412, "incomplete")
    assert line["notObtained"] == [
        {"key": "conditions", "reason": "failed"},
        {"key": "observations-vital-signs", "reason": "not-supplied"},
    ]
    assert "cards" not in line
    assert line["hookInstance"] == INSTANCE


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("context/patientId", "a b", {"reason": "value", "where": "context.patientId"}),
        ("hookInstance", ..., {"reason": "required", "where": "hookInstance"}),
        ("prefetch/patient/id", "zq7", {"reason": "invalid", "where": "prefetch.patient"}),
    ],
)
def test_a_400_tells_kind_and_place_and_no_value(place: Place, path: str, value: Any, expected: Any):
    response, line = place.post(VIEW, changed(view_call(), path, value))
    assert response.status_code == line["status"] == 400
    assert line | expected == line
    assert "zq7" not in json.dumps(line)


@pytest.mark.parametrize(
    ("address", "changes", "options", "status", "reason"),
    [
        ("/cds-services/zq7", {}, {}, 404, "not-found"),
        (VIEW, {}, {"content_type": "text/html"}, 415, "not-supported"),
        (VIEW, {"max_body": 10}, {}, 413, "too-long"),
    ],
)
def test_every_refusal_leaves_a_line(
    make_place: Make, address: str, changes: Any, options: Any, status: int, reason: str
):
    response, line = make_place(**changes).post(address, view_call(), **options)
    assert response.status_code == line["status"] == status
    assert line["reason"] == reason
    assert line.get("service", "") == ("" if status == 404 else "sample-patient-view")
    assert "zq7" not in json.dumps(line)


def test_a_caller_who_was_not_let_in_has_no_name(make_place: Make):
    _, line = make_place({"gate": ClosedGate()}).post(VIEW, view_call())
    assert (line["status"], line["reason"]) == (401, "login")
    assert "client" not in line


def test_a_failure_of_ours_leaves_a_line_without_its_words(place: Place, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("zq7")

    monkeypatch.setattr(service_module, "evaluate", fail)
    response, line = place.post(VIEW, view_call())
    assert response.status_code == line["status"] == 500
    assert line["reason"] == "exception"
    assert "zq7" not in json.dumps(line)
    assert "cards" not in line


# --- identifiers -------------------------------------------------------------------------------


def test_ids_are_pseudonyms_and_what_was_masked_is_named(place: Place):
    call = changed(select_call(), "context/encounterId", "e1")
    _, line = place.post(SELECT, call)
    assert line["masked"] == ["context.userId", "context.patientId", "context.encounterId"]
    key = bytes.fromhex(place.path.with_name("decisions.jsonl.key").read_text())
    expected = hmac.new(key, b"context.patientId=p1", hashlib.sha256).hexdigest()[:16]
    assert line["patient"] == expected
    assert "Practitioner" not in json.dumps(line)


def test_an_id_that_was_not_given_is_not_masked(place: Place):
    _, line = place.post(VIEW, view_call())
    assert line["masked"] == ["context.userId", "context.patientId"]
    assert "encounter" not in line


def test_lines_of_one_patient_can_be_joined_and_others_told_apart_even_after_a_restart(make_place: Make):
    _, first = make_place().post(VIEW, view_call())
    again = make_place()
    _, second = again.post(VIEW, view_call())
    other = json.loads(json.dumps(view_call()).replace('"p1"', '"p2"').replace("Patient/p1", "Patient/p2"))
    _, third = again.post(VIEW, other)
    assert first["patient"] == second["patient"] != third["patient"]


def test_another_installation_gives_other_pseudonyms(place: Place, make_place: Make):
    _, here = place.post(VIEW, view_call())
    lines = place.folder / "other" / "decisions.jsonl"
    elsewhere = make_place(decision_log=str(lines)).client.post(VIEW, json=view_call())
    assert elsewhere.status_code == 200
    assert json.loads(lines.read_text())["patient"] != here["patient"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_tenant_is_named_only_if_the_list_of_clients_names_it(make_place: Make, listed: bool):
    _, line = make_place({"gate": NamedGate("north", listed)}).post(VIEW, view_call())
    assert line["client"] == "city"
    assert (line["tenant"] == "north") is listed
    assert ("tenant" in line["masked"]) is not listed


def test_log_and_key_are_the_owners_alone(make_place: Make, tmp_path: Any):
    make_place(decision_log=str(tmp_path / "new" / "decisions.jsonl"))
    for name in ("decisions.jsonl", "decisions.jsonl.key"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"decisions.jsonl", "decisions.jsonl.key"}


def test_on_standard_output_ids_are_left_out(make_place: Make, capfd: pytest.CaptureFixture[str]):
    response = make_place(decision_log="-").client.post(VIEW, json=view_call())
    assert response.status_code == 200
    line = json.loads(capfd.readouterr().out)
    assert line["masked"] == ["context.userId", "context.patientId"]
    assert not {"user", "patient"} & line.keys()
    assert line["cards"]


# --- when it cannot be written -----------------------------------------------------------------


def test_a_log_that_cannot_be_written_costs_no_answer_and_is_said_once(
    place: Place, caplog: pytest.LogCaptureFixture
):
    place.path.unlink()
    place.path.mkdir()
    with caplog.at_level(logging.WARNING, "cds_service"):
        for _ in range(3):
            assert place.client.post(VIEW, json=view_call()).get_json()["cards"]
        assert place.metrics()["cds_decision_log_failures_total"] == 3
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        place.path.rmdir()
        assert place.client.post(VIEW, json=view_call()).status_code == 200
    assert "3 lines were lost" in caplog.messages[-1]
    assert len(caplog.messages) == 2
    (line,) = (json.loads(line) for line in place.path.read_text().split("\n") if line)
    assert line["status"] == 200


@pytest.mark.parametrize("text", ["", "short", "zz" * 32])
def test_a_key_that_is_none_is_refused_at_the_start(make_place: Make, tmp_path: Any, text: str):
    (tmp_path / "decisions.jsonl.key").write_text(text)
    with pytest.raises(UsageError, match="holds no key of 64 hexadecimal digits"):
        make_place()


def test_a_log_that_cannot_be_opened_is_refused_at_the_start(make_place: Make, tmp_path: Any):
    with pytest.raises(UsageError, match="cannot be opened to append to"):
        make_place(decision_log=str(tmp_path))


def test_a_witness_that_fails_costs_no_answer(place: Place, caplog: pytest.LogCaptureFixture):
    from cds_service.web.observe.call import Witnesses

    def broken(_: object) -> None:
        raise KeyError("zq7")

    heard: list[object] = []
    witnesses = Witnesses([broken, heard.append], lambda: CAME)  # type: ignore[arg-type]
    with witnesses.watch("x", monotonic()):
        pass
    assert len(heard) == 1
    assert "KeyError" in caplog.text
    assert "zq7" not in caplog.text


# --- who reads it ------------------------------------------------------------------------------


def test_cds_feedback_counts_what_the_log_says_was_shown(place: Place):
    answer, _ = place.post(VIEW, view_call())
    place.post(VIEW, changed(view_call(), "context/patientId", "a b"))
    card = answer.get_json()["cards"][0]
    entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-04-01T10:00:00Z"}
    assert place.client.post(f"{VIEW}/feedback", json={"feedback": [entry]}).status_code == 200
    arguments = ["feedback", "--log", str(place.path), "--rules", str(RULEBOOKS), "--format", "json"]
    arguments += ["--since", "2026-04-01", "--until", "2026-04-02"]
    env = {"CDS_DATABASE_URL": f"sqlite:///{place.folder}/cds.sqlite3"}
    result = CliRunner(env=env).invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "could not be read" not in result.stderr
    rows = {row["rule"]: row for row in json.loads(result.stdout)}
    rule = card["extension"]["org.cds-service.rules"][0]["id"]
    assert rows[rule]["shown"] == 1
    assert rows[rule]["overridden"] == 1
    assert sum(row["shown"] for row in rows.values()) == len(answer.get_json()["cards"])
