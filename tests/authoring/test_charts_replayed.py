"""A chart becomes the call an EHR would make: every key supplied, each with the entries that belong to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bench_example import TOE, Json, chart, coded, encoded, of_patient, weight, write_chart

from cds_service.authoring.charts import ChartFile, chart_request, find_chart, request_file
from cds_service.authoring.patches import patched, split_drafts
from cds_service.errors import UsageError
from cds_service.facts.prefetch import hook_keys
from cds_service.facts.request import HookRequest
from cds_service.rulebook.book import Rulebook

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRAFT = of_patient("MedicationRequest", "m1", status="draft", intent="order")


def supplied(request: HookRequest, key: str) -> Any:
    return json.loads(bytes(request.prefetch[key]))


def ids(bundle: Json | None) -> list[str]:
    return [entry["resource"]["id"] for entry in (bundle or {}).get("entry", [])]


def test_the_chart_gives_the_time_and_the_patient(small: Rulebook) -> None:
    request = chart_request(encoded(TOE), small, "patient-view")
    assert (request.as_of, request.patient_id) == (NOW, "p1")
    assert request.user == "Practitioner/replay"
    assert request.hook == "patient-view"


def test_the_same_chart_makes_the_same_call(small: Rulebook) -> None:
    one, other = (chart_request(encoded(TOE), small, "patient-view") for _ in range(2))
    assert one == other


def test_every_key_of_the_hook_is_supplied(small: Rulebook) -> None:
    request = chart_request(encoded(chart()), small, "order-select")
    assert tuple(request.prefetch) == hook_keys(small, "order-select")
    assert supplied(request, "conditions") == {"resourceType": "Bundle", "type": "searchset", "total": 0}


def test_an_observation_goes_to_the_group_of_its_code(small: Rulebook) -> None:
    other = of_patient("Observation", "o2", status="final", code=coded("http://loinc.org", "718-7"))
    request = chart_request(encoded(chart(weight("o1", 70, "2026-02-01"), other)), small, "patient-view")
    found = supplied(request, "observations-vital-signs")
    assert (ids(found), found["total"]) == (["o1"], 1)


def test_an_observation_also_goes_by_the_code_of_a_component(small: Rulebook) -> None:
    panel = of_patient(
        "Observation",
        "o3",
        status="final",
        code=coded("http://loinc.org", "34566-0"),
        component=[{"code": coded("http://loinc.org", "29463-7")}],
    )
    request = chart_request(encoded(chart(panel)), small, "patient-view")
    assert ids(supplied(request, "observations-vital-signs")) == ["o3"]


def test_medications_come_along_with_drug_keys_and_are_not_counted(small: Rulebook) -> None:
    drug = {"resourceType": "Medication", "id": "d1"}
    bundle = encoded(chart(DRAFT, drug))
    request = chart_request(
        bundle, small, "patient-view", keys=["patient", "medication-requests", "conditions"]
    )
    found = supplied(request, "medication-requests")
    assert (ids(found), found["total"]) == (["m1", "d1"], 1)
    assert [entry["search"]["mode"] for entry in found["entry"]] == ["match", "include"]
    assert ids(supplied(request, "conditions")) == []


def test_the_encounter_in_progress_is_the_calls(small: Rulebook) -> None:
    visits = [
        of_patient("Encounter", name, status=status, period={"start": start})
        for name, status, start in (
            ("e1", "finished", "2026-03-01"),
            ("e2", "in-progress", "2026-02-01"),
            ("e3", "in-progress", "2026-02-28"),
        )
    ]
    request = chart_request(encoded(chart(*visits)), small, "patient-view", keys=["patient", "encounter"])
    assert request.encounter_id == "e3"
    assert supplied(request, "encounter")["id"] == "e3"


def test_an_encounter_about_to_begin_is_the_calls_where_none_is_in_progress(small: Rulebook) -> None:
    visits = [
        of_patient("Encounter", "e1", status="finished"),
        of_patient("Encounter", "e2", status="arrived"),
    ]
    request = chart_request(encoded(chart(*visits)), small, "encounter-start", keys=["patient", "encounter"])
    assert (request.encounter_id, supplied(request, "encounter")["id"]) == ("e2", "e2")
    visits.append(of_patient("Encounter", "e3", status="in-progress"))
    assert chart_request(encoded(chart(*visits)), small, "encounter-start").encounter_id == "e3"


def test_an_encounter_that_is_named_is_the_calls_whatever_its_status(small: Rulebook) -> None:
    visits = [
        of_patient("Encounter", "e1", status="finished"),
        of_patient("Encounter", "e2", status="in-progress"),
    ]
    held = encoded(chart(*visits))
    request = chart_request(held, small, "patient-view", keys=["encounter"], encounter="Encounter/e1")
    assert (request.encounter_id, supplied(request, "encounter")["id"]) == ("e1", "e1")
    with pytest.raises(UsageError, match="Encounter/e2"):
        chart_request(held, small, "patient-view", encounter="Encounter/e3")


def test_a_chart_whose_patient_was_taken_out_is_refused(small: Rulebook) -> None:
    held = replace(ChartFile.read(encoded(TOE)), resources=())
    with pytest.raises(UsageError, match="holds no Patient"):
        chart_request(held, small, "patient-view")


def test_without_an_encounter_in_progress_none_is_named(small: Rulebook) -> None:
    request = chart_request(encoded(chart()), small, "patient-view", keys=["patient", "encounter"])
    assert request.encounter_id == ""
    assert supplied(request, "encounter") is None


def test_drafts_are_carried_and_selected(small: Rulebook) -> None:
    request = chart_request(encoded(chart()), small, "order-select", drafts=[DRAFT])
    assert request.draft_orders is not None
    assert ids(json.loads(bytes(request.draft_orders))) == ["m1"]
    assert request.selections == ("MedicationRequest/m1",)
    some = chart_request(encoded(chart()), small, "order-select", drafts=[DRAFT], selections=[])
    assert some.selections == ()


def test_a_time_given_wins_over_the_charts(small: Rulebook) -> None:
    other = datetime(2026, 5, 1, tzinfo=UTC)
    assert chart_request(encoded(TOE), small, "patient-view", as_of=other).as_of == other


@pytest.mark.parametrize(
    ("bundle", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"resourceType": "Patient"}', "not a FHIR Bundle"),
        (b'{"resourceType": "Bundle"}', "0 Patient resources"),
        (encoded(chart({"resourceType": "Patient", "id": "p2"})), "2 Patient resources"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}', "has no id"),
        (encoded(chart(now=None)), "--today"),
        (encoded(chart(now="yesterday")), "no instant"),
    ],
)
def test_what_is_no_chart_is_refused(small: Rulebook, bundle: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        chart_request(bundle, small, "patient-view")


def test_an_unknown_chart_names_the_nearest(home: Path) -> None:
    charts = home / "fhir_fixtures" / "charts"
    assert find_chart("toe", charts) == find_chart("toe.json", charts) == charts / "toe.json"
    with pytest.raises(UsageError, match=r"did you mean 'toe'\?"):
        find_chart("tow", charts)
    with pytest.raises(UsageError, match="holds none"):
        find_chart("toe", home / "nowhere")
    with pytest.raises(UsageError):
        find_chart("../charts/toe", charts)


# --- recorded calls ------------------------------------------------------------------------------


def recorded(home: Path, name: str, patient: str = "p1") -> Path:
    path = home / "fhir_fixtures" / "requests" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    call = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": patient},
        "prefetch": {"patient": {"resourceType": "Patient", "id": patient}},
    }
    path.write_text(json.dumps(call))
    return path


def test_a_recorded_call_takes_the_time_of_its_storys_chart(small: Rulebook, home: Path) -> None:
    write_chart(home, "later", chart(now="2027-01-01T00:00:00Z"))
    request = request_file(recorded(home, "later.patient-view"), small)
    assert request.as_of == datetime(2027, 1, 1, tzinfo=UTC)
    assert tuple(request.prefetch) == ("patient",)


def test_a_variant_takes_the_time_of_its_patients_chart(small: Rulebook, home: Path) -> None:
    assert request_file(recorded(home, "toe-not-supplied.patient-view"), small).as_of == NOW


def test_a_call_nobody_dated_asks_for_a_day(small: Rulebook, home: Path) -> None:
    path = recorded(home, "stranger.patient-view", patient="p9")
    with pytest.raises(UsageError, match="--today DATE"):
        request_file(path, small)
    assert request_file(path, small, as_of=NOW).as_of == NOW


def test_every_shipped_call_can_be_read(shipped: Rulebook, fixtures: Path) -> None:
    for path in sorted((fixtures / "requests").glob("*.json")):
        assert request_file(path, shipped).as_of == NOW, path.name


def test_a_replayed_chart_carries_what_the_recorded_call_carries(shipped: Rulebook, fixtures: Path) -> None:
    story = "v01-clear-trd"
    replayed = chart_request(fixtures / "charts" / f"{story}.json", shipped, "patient-view")
    call = request_file(fixtures / "requests" / f"{story}.patient-view.json", shipped)
    for key in set(replayed.prefetch) & set(call.prefetch) - {"patient", "encounter"}:
        assert sorted(ids(supplied(replayed, key))) == sorted(ids(supplied(call, key))), key


# --- changes -------------------------------------------------------------------------------------


def changed(*remove: str, **change: Any) -> dict[str, Json]:
    made = patched(ChartFile.read(encoded(TOE)), change, remove)
    return {f"{one['resourceType']}/{one['id']}": one for one in made.resources}


def test_a_member_is_set_and_made_where_it_was_not() -> None:
    found = changed(**{"Observation/o1/valueQuantity/value": 80, "Condition/c1/note/0/text": "so"})
    assert found["Observation/o1"]["valueQuantity"] == TOE["entry"][2]["resource"]["valueQuantity"] | {
        "value": 80
    }
    assert found["Condition/c1"]["note"] == [{"text": "so"}]
    assert "note" not in TOE["entry"][1]["resource"]


def test_a_whole_resource_is_added_for_the_patient() -> None:
    found = changed(
        **{"AllergyIntolerance/a1": {"code": {"text": "nuts"}}, "Procedure/x": {"status": "done"}}
    )
    assert found["AllergyIntolerance/a1"]["patient"] == {"reference": "Patient/p1"}
    assert found["Procedure/x"] == {
        "resourceType": "Procedure",
        "id": "x",
        "subject": {"reference": "Patient/p1"},
        "status": "done",
    }


def test_resources_and_members_are_removed() -> None:
    found = changed("Observation/o1", "Condition/c1/code/coding/0/display")
    assert list(found) == ["Patient/p1", "Condition/c1"]
    assert found["Condition/c1"]["code"]["coding"] == [
        {"system": "http://snomed.info/sct", "code": "125605004"}
    ]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Observation/o2/status", "did you mean 'Observation/o1'"),
        ("status", "Type/id"),
        ("Condition/c1/code/coding/4/code", "there is no '4'"),
        ("Condition/c1/onsetDateTime/year", "there is no 'year'"),
        ("Procedure/new", "write its members"),
    ],
)
def test_a_place_that_is_not_there_is_refused(path: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        changed(**{path: 1})


def test_removing_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'onsetDateTime'"):
        changed("Condition/c1/onsetDate")
    with pytest.raises(UsageError, match="the chart has no Condition/c2"):
        changed("Condition/c2")


def test_a_draft_leaves_the_chart_for_the_orders_being_written() -> None:
    rest, drafts = split_drafts(ChartFile.read(encoded(chart(DRAFT))), ["MedicationRequest/m1"])
    assert [one["id"] for one in drafts] == ["m1"]
    assert [one["id"] for one in rest.resources] == ["p1"]
