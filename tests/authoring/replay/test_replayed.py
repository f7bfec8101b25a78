"""Replay of one version: fixtures, folders of charts and calls, bulk exports, approved answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay_example import (
    TOE,
    Json,
    chart,
    edit,
    fracture,
    impact,
    replay,
    replayed,
    weight,
    write_call,
    write_chart,
)

from cds_service.authoring.replay.calls import find_calls
from cds_service.authoring.replay.changes import changes
from cds_service.authoring.replay.worddiff import marked, pieces


def calls(*arguments: str, code: int = 0) -> dict[str, Json]:
    return {one["call"]: one for one in impact(*arguments, code=code)}


def summaries(call: Json) -> list[str]:
    return [card["summary"] for card in call["cards"]]


def test_a_chart_is_opened_and_a_story_with_calls_is_replayed_as_them(home: Path) -> None:
    assert list(calls()) == ["toe.patient-view"]
    write_call(home)
    write_chart(home, "other", TOE)
    found = calls(code=1)  # the call has no approved answer yet
    assert list(found) == ["other.patient-view", "toe.order-select"]
    assert summaries(found["other.patient-view"]) == ["On record: Fracture of toe"]
    assert found["other.patient-view"]["verdicts"] == {"heavy": "true", "broken-and-heavy": "true"}


def test_the_text_shows_cards_in_their_order(home: Path) -> None:
    assert replayed(code=0).splitlines() == [
        "toe.patient-view: 2 true, 0 false, 0 unknown",
        "  [critical] On record: Fracture of toe  (broken-and-heavy)",
        "1 calls replayed, 1 cards",
    ]


def test_accepting_writes_what_is_then_as_approved(home: Path) -> None:
    write_call(home)
    assert "not as approved: no approved answer yet" in replayed()
    assert "1 approved answers written anew" in replayed("--accept", code=0)
    approved = home / "fhir_fixtures" / "cards" / "toe.order-select.json"
    first = approved.read_text()
    assert json.loads(first)["cards"][0]["uuid"] == "uuid-1"
    assert "approved" not in replayed(code=0)
    edit(home, "contraindications/broken-and-heavy.yaml", "So it is", "So it seems")
    assert "not as approved: broken-and-heavy: card changed in words" in replayed()
    assert approved.read_text() == first
    replayed("--accept", code=0)
    assert "So it seems" in approved.read_text()


def test_a_version_alone_makes_an_approved_answer_stale(home: Path) -> None:
    write_call(home)
    replayed("--accept", code=0)
    edit(home, "contraindications/broken-and-heavy.yaml", "version: 1.2.0", "version: 1.3.0")
    assert "not as approved: versions, or data that no card shows" in replayed()


def test_accepting_needs_recorded_calls(home: Path) -> None:
    assert replay("--accept").exit_code == 2
    assert replay("fhir_fixtures/charts", "--accept").exit_code == 2


def test_a_folder_holds_charts_and_captured_calls(home: Path) -> None:
    folder = home / "captured"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(TOE))
    (folder / "two.json").write_text(write_call(home, "x").read_text())
    found = calls("captured", "--today", "2026-03-01")
    assert list(found) == ["one.patient-view", "two.order-select"]
    assert summaries(found["two.order-select"]) == ["On record: Fracture of toe"]
    assert list(calls("captured/one.json")) == ["one.patient-view"]


def test_a_captured_call_nobody_dated_is_told(home: Path) -> None:
    folder = home / "captured"
    folder.mkdir()
    (folder / "two.json").write_text(write_call(home, "x").read_text())
    (one,) = impact("captured", code=1)
    assert "--today DATE" in one["failure"]


# --- bulk export ---------------------------------------------------------------------------------


def export(home: Path, patients: dict[str, float]) -> Path:
    """An export of patients with their weights; each has a fracture, lines of one type in one file."""
    folder = home / "export"
    folder.mkdir(exist_ok=True)
    lines: dict[str, list[str]] = {}
    for patient, kg in patients.items():
        bundle = json.loads(
            json.dumps(chart(fracture("c"), weight("o", kg, "2026-02-20"))).replace("p1", patient)
        )
        for entry in bundle["entry"]:
            resource = entry["resource"]
            resource["id"] = (
                patient if resource["resourceType"] == "Patient" else f"{resource['id']}-{patient}"
            )
            lines.setdefault(resource["resourceType"], []).insert(0, json.dumps(resource))
    for kind, held in lines.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(held) + "\n\n")
    return folder


def test_an_export_is_gathered_by_patient(home: Path) -> None:
    export(home, {"b": 120, "a": 60})
    found = calls("export", "--today", "2026-03-01")
    assert list(found) == ["a.patient-view", "b.patient-view"]
    assert summaries(found["a.patient-view"]) == []
    assert summaries(found["b.patient-view"]) == ["On record: Fracture of toe"]


def test_an_export_is_the_same_for_one_process_and_two(home: Path) -> None:
    export(home, {f"p{number:03}": 80 + number for number in range(40)})
    arguments = ("export", "--today", "2026-03-01")
    assert replayed(*arguments, "--jobs", "1", code=0) == replayed(*arguments, "--jobs", "2", code=0)


def test_the_charts_of_an_export_are_made_one_at_a_time(home: Path) -> None:
    folder = export(home, {"a": 60, "b": 60})
    found = find_calls(folder, "patient-view", None)
    each = iter(found.each)
    assert (found.total, next(each).name) == (2, "a.patient-view")
    (folder / "Condition.ndjson").write_bytes(b"")  # what is read later is read later
    later = next(each).source
    assert isinstance(later, bytes)
    assert b'"Condition"' not in later


def test_a_drug_that_is_referred_to_comes_along(home: Path) -> None:
    folder = export(home, {"a": 60})
    order: Json = {"resourceType": "MedicationRequest", "id": "m", "subject": {"reference": "Patient/a"}}
    order["medicationReference"] = {"reference": "https://ehr.example.org/fhir/Medication/d1"}
    (folder / "MedicationRequest.ndjson").write_text(json.dumps(order))
    (folder / "Medication.ndjson").write_text(
        '{"resourceType":"Medication","id":"d1"}\n{"resourceType":"Medication","id":"d2"}'
    )
    (call,) = find_calls(folder, "patient-view", None).each
    assert isinstance(call.source, bytes)
    held = [entry["resource"] for entry in json.loads(call.source)["entry"]]
    assert [one["id"] for one in held if one["resourceType"] == "Medication"] == ["d1"]


def test_a_byte_order_mark_before_the_first_line_is_passed_over(home: Path) -> None:
    folder = export(home, {"b": 120, "a": 60})
    before = calls("export", "--today", "2026-03-01")
    for path in folder.glob("*.ndjson"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert calls("export", "--today", "2026-03-01") == before
    assert summaries(before["b.patient-view"]) == ["On record: Fracture of toe"]


def test_what_is_not_there_is_told_with_what_to_name(home: Path) -> None:
    result = replay("nosuch")
    assert result.exit_code == 2
    assert result.output == "cds: there is no nosuch: name a folder of charts or calls, a file, or a log\n"


def test_a_patient_without_a_patient_resource_is_told(home: Path) -> None:
    folder = export(home, {"a": 60})
    (folder / "Patient.ndjson").unlink()
    (one,) = impact("export", "--today", "2026-03-01", code=1)
    assert "0 Patient resources" in one["failure"]


def test_a_line_that_is_no_resource_is_named_and_not_repeated(home: Path) -> None:
    folder = export(home, {"a": 60})
    (folder / "Procedure.ndjson").write_text('{"resourceType": "Procedure"}\nsecret')
    result = replay("export", "--today", "2026-03-01")
    assert result.exit_code == 2
    assert "Procedure.ndjson:2" in result.output
    assert "secret" not in result.output


# --- properties ----------------------------------------------------------------------------------

texts = st.text(alphabet="ab .,[1]\n", max_size=40)


@given(texts, texts)
def test_the_pieces_of_two_texts_are_both_of_them(before: str, after: str) -> None:
    found = pieces(before, after)
    assert "".join(one.text for one in found if one.kind != "new") == before
    assert "".join(one.text for one in found if one.kind != "gone") == after
    assert marked(pieces(before, before), ("-", "-"), ("+", "+")) == before


verdict = st.sampled_from(["true", "false", "unknown"])
bodies = st.builds(
    lambda found, summary: {
        "cards": [
            {
                "summary": summary,
                "detail": f"{rule} 1",
                "indicator": "info",
                "uuid": f"uuid-{at}",
                "extension": {"org.cds-service.rules": [{"id": rule, "version": "1"}]},
            }
            for at, rule in enumerate(found)
        ],
        "extension": {
            "org.cds-service.decision": {
                "verdicts": [
                    {"rule": rule, "version": "1", "verdict": told, "card": True}
                    for rule, told in found.items()
                ]
            }
        },
    },
    st.dictionaries(st.sampled_from("abcd"), verdict),
    texts,
)


@given(bodies, bodies)
def test_an_answer_differs_from_another_and_never_from_itself(one: Any, other: Any) -> None:
    assert changes("call", one, one) == ()
    forth, back = changes("call", one, other), changes("call", other, one)
    assert [change.rule for change in forth] == [change.rule for change in back]
    assert all((a.before, a.after) == (b.after, b.before) for a, b in zip(forth, back, strict=True))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_shipped_rules_compared_with_themselves_change_nothing(
    tmp_path: Path, fixtures: Path, jobs: str
) -> None:
    rules = fixtures.parent / "rules"
    found = impact(
        str(fixtures / "charts" / "v01-clear-trd.json"),
        "--against", str(rules), "--rules", str(rules), "--jobs", jobs, code=0,
    )  # fmt: skip
    assert (found["replayed"], found["changes"]) == (1, [])
