"""The fixtures are valid FHIR R4, tell the stories they are named for, and the requests carry the charts."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.rulebook.views import KEY_OF_TYPE

Json = dict[str, Any]
FIXTURES = Path(__file__).parents[1] / "fhir_fixtures"
EHR = "https://ehr.example.org/fhir/"
NOW = "2026-03-01T12:00:00Z"
STORIES = sorted(path.stem for path in (FIXTURES / "charts").glob("*.json"))
CALLS = sorted(path.stem for path in (FIXTURES / "requests").glob("*.json"))
OTHER_CHART = {"v15b-missing-data-not-supplied": "v15a-missing-data-searched-empty"}
WITHHELD = {
    "v15b-missing-data-not-supplied": {
        "allergies", "observations-blood-pressure", "observations-body-weight", "observations-pregnancy"
    }
}  # fmt: skip
CSSRS_CODES = {"93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9", "93374-7"}
OBSERVATION_KEYS = {
    "observations-depression-scores": {"44261-6"},
    "observations-suicidality": {"44260-8"} | CSSRS_CODES,
    "observations-blood-pressure": {"85354-9"},
    "observations-body-weight": {"29463-7"},
    "observations-pregnancy": {"82810-3"},
}
TYPE_OF_KEY = {key: kind for kind, key in KEY_OF_TYPE.items() if kind != "Observation"}
SINGLE = {"patient", "encounter"}  # read by id, so a bare resource and no Bundle
DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}Z)?)?)?$")
DATES = [
    "effectiveDateTime", "issued", "authoredOn", "whenHandedOver", "onsetDateTime", "recordedDate",
    "abatementDateTime", "authored", "dateAsserted", "start", "lastUpdated", "birthDate",
]  # fmt: skip
REQUIRED_DATE = {
    "Observation": "effectiveDateTime",
    "MedicationRequest": "authoredOn",
    "MedicationDispense": "whenHandedOver",
    "MedicationStatement": "effectivePeriod",
    "QuestionnaireResponse": "authored",
    "Encounter": "period",
    "AllergyIntolerance": "recordedDate",
}


@cache
def bundle(story: str) -> Json:
    loaded: Json = json.loads((FIXTURES / "charts" / f"{story}.json").read_text())
    return loaded


@cache
def call(name: str) -> Json:
    loaded: Json = json.loads((FIXTURES / "requests" / f"{name}.json").read_text())
    return loaded


def resources(story: str, kind: str = "") -> list[Json]:
    every = [entry["resource"] for entry in bundle(story)["entry"]]
    return [found for found in every if kind in ("", found["resourceType"])]


def codes(element: Json) -> set[str]:
    return {coding["code"] for coding in element.get("coding", [])}


def story_of(name: str) -> tuple[str, str]:
    """The call's own story and the chart it was made from."""
    story = name.removesuffix(".patient-view")
    return story, OTHER_CHART.get(story, story)


def expected(story: str, key: str) -> list[Json]:
    """What a search for this prefetch key would find in the chart."""
    if key in OBSERVATION_KEYS:
        wanted = OBSERVATION_KEYS[key]
        return [seen for seen in resources(story, "Observation") if codes(seen["code"]) & wanted]
    return resources(story, TYPE_OF_KEY[key])


def strings(value: Any, name: str) -> list[str]:
    """Every text under this member name, at any depth."""
    if isinstance(value, list):
        return [text for item in value for text in strings(item, name)]
    if not isinstance(value, dict):
        return []
    here = [value[name]] if isinstance(value.get(name), str) else []
    return here + [text for item in value.values() for text in strings(item, name)]


def fills(story: str, drug: str) -> list[tuple[datetime, int]]:
    """Day handed over and days supplied of a drug's completed dispenses, in order."""
    return sorted(
        (datetime.fromisoformat(fill["whenHandedOver"]), fill["daysSupply"]["value"])
        for fill in resources(story, "MedicationDispense")
        if drug in fill["id"] and fill["status"] == "completed"
    )


def gaps(story: str, drug: str) -> list[int]:
    """Days without supply between one fill's end and the next fill; negative where they overlap."""
    pairs = pairwise(fills(story, drug))
    return [(later - (start + timedelta(days=supply))).days for (start, supply), (later, _) in pairs]


def scores(story: str) -> list[int]:
    found = expected(story, "observations-depression-scores")
    return [_answer(seen) for seen in sorted(found, key=lambda seen: str(seen["effectiveDateTime"]))]


def answers(story: str) -> dict[str, Any]:
    """LOINC code of a question → its answer: an LA code, yes or no, or a number."""
    given: dict[str, Any] = {}
    for seen in resources(story, "Observation"):
        if seen["category"][0]["coding"][0]["code"] == "survey" and "hasMember" not in seen:
            given[seen["code"]["coding"][0]["code"]] = _answer(seen)
    for response in resources(story, "QuestionnaireResponse"):
        for item in response["item"]:
            given[item["linkId"].removeprefix("/")] = _answer(item["answer"][0])
    return given


def _answer(given: Json) -> Any:
    if "valueCodeableConcept" in given:
        code = given["valueCodeableConcept"]["coding"][0]["code"]
    elif "valueCoding" in given:
        code = given["valueCoding"]["code"]
    elif "valueQuantity" in given:
        return given["valueQuantity"]["value"]
    else:
        return given.get("valueBoolean", given.get("valueInteger"))
    return {"LA33-6": True, "LA32-8": False}.get(code, code)


def story_text(story: str) -> dict[str, Json]:
    """A chart's resources by id, the patient left out and its id replaced, to compare two charts."""
    patient = resources(story, "Patient")[0]["id"]
    text = json.dumps([seen for seen in resources(story) if seen["resourceType"] != "Patient"])
    same = re.sub(rf'(?<=["/]){patient}(?=[-"])', "p", text)
    return {seen["id"]: seen for seen in json.loads(same)}


@pytest.mark.parametrize("story", STORIES)
def test_a_chart_is_a_dated_collection_named_like_its_file(story: str) -> None:
    chart = bundle(story)
    assert (chart["type"], chart["timestamp"], chart["id"]) == ("collection", NOW, story)
    assert len(resources(story, "Patient")) == 1


@pytest.mark.parametrize("story", STORIES)
def test_every_resource_of_a_chart_validates(story: str) -> None:
    get_fhir_model_class("Bundle").model_validate(bundle(story))
    for seen in resources(story):
        model = get_fhir_model_class(seen["resourceType"]).model_validate(seen)
        assert json.loads(model.model_dump_json()).keys() == seen.keys()


@pytest.mark.parametrize("story", STORIES)
def test_required_codes_are_legal_fhir_codes(story: str) -> None:
    # fhir.resources accepts any text where FHIR binds a code as required, but knows the legal ones
    for seen in resources(story):
        for name, field in get_fhir_model_class(seen["resourceType"]).model_fields.items():
            extra = field.json_schema_extra
            legal = extra.get("enum_values") if isinstance(extra, dict) else None
            given = seen.get(field.alias or name)
            if isinstance(legal, list) and isinstance(given, str):
                assert given in legal, f"{seen['id']}.{name}"


@pytest.mark.parametrize("story", STORIES)
def test_a_condition_has_a_status_exactly_when_it_was_not_an_error(story: str) -> None:
    for condition in resources(story, "Condition"):
        verification = codes(condition["verificationStatus"])
        assert ("clinicalStatus" in condition) == (verification != {"entered-in-error"})
        assert condition["category"]
        assert codes(condition["code"])


@pytest.mark.parametrize("story", STORIES)
def test_ids_are_unique_and_full_urls_follow_them(story: str) -> None:
    addresses = [entry["fullUrl"] for entry in bundle(story)["entry"]]
    assert addresses == [f"{EHR}{seen['resourceType']}/{seen['id']}" for seen in resources(story)]
    ids = [seen["id"] for seen in resources(story)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9.\-]{1,64}", identity) for identity in ids)


def test_patients_are_not_shared_between_charts() -> None:
    patients = [resources(story, "Patient")[0]["id"] for story in STORIES]
    assert len(set(patients)) == len(patients)


@pytest.mark.parametrize("story", STORIES)
def test_every_reference_resolves_inside_the_chart(story: str) -> None:
    here = {f"{seen['resourceType']}/{seen['id']}" for seen in resources(story)}
    for seen in resources(story):
        inside = {f"#{part['id']}" for part in seen.get("contained", [])}
        assert set(strings(seen, "reference")) <= here | inside, seen["id"]


@pytest.mark.parametrize("story", STORIES)
def test_every_entry_belongs_to_the_patient(story: str) -> None:
    patient = f"Patient/{resources(story, 'Patient')[0]['id']}"
    for seen in resources(story):
        if seen["resourceType"] not in {"Patient", "Practitioner"}:
            owner = seen.get("subject") or seen.get("patient")
            assert owner == {"reference": patient}, seen["id"]


@pytest.mark.parametrize("story", STORIES)
def test_entries_are_dated_and_not_after_the_chart(story: str) -> None:
    for seen in resources(story):
        assert seen.get(REQUIRED_DATE.get(seen["resourceType"], "id"), ""), seen["id"]
        assert "lastUpdated" in seen["meta"]
        if seen["resourceType"] == "Observation":
            assert seen["issued"] >= seen["effectiveDateTime"]
        for date in (text for name in DATES for text in strings(seen, name)):
            assert DATE.match(date), f"{seen['id']}: {date}"
            assert date < NOW


@pytest.mark.parametrize("story", STORIES)
def test_patients_are_obviously_made_up_adults(story: str) -> None:
    assert set(strings(bundle(story), "family")) == {"Fixture"}
    patient = resources(story, "Patient")[0]
    assert [tag["code"] for tag in patient["meta"]["tag"]] == ["HTEST"]
    assert int(patient["birthDate"][:4]) < 2007


@pytest.mark.parametrize("story", sorted(set(STORIES) - {"v15a-missing-data-searched-empty"}))
def test_the_baseline_is_in_every_chart_that_does_not_say_otherwise(story: str) -> None:
    assert [codes(entry["code"]) for entry in resources(story, "AllergyIntolerance")] == [{"716186003"}]
    (pressure,) = expected(story, "observations-blood-pressure")
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [124, 78]
    (weight,) = expected(story, "observations-body-weight")
    assert (weight["valueQuantity"]["value"], weight["valueQuantity"]["code"]) == (70, "kg")
    assert {pressure["effectiveDateTime"][:10], weight["effectiveDateTime"][:10]} == {"2026-02-25"}
    if story != "healthy-adult":
        assert answers(story)["44261-6"] == 21


def test_the_readme_has_one_line_for_each_chart() -> None:
    lines = (FIXTURES / "charts" / "README.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    assert sorted(row[0] for row in rows[1:]) == STORIES
    assert {verdict for row in rows[1:] for verdict in row[2:]} == {"true", "false", "unknown"}
    assert {len(row) for row in rows} == {5}


# The stories themselves: what makes each chart the case it is named for.


def test_an_aneurysm_is_all_that_v09_adds_to_v01() -> None:
    plain, aneurysm = story_text("v01-clear-trd"), story_text("v09-trd-and-aneurysm")
    added = aneurysm.pop("p-aneurysm")
    assert aneurysm == plain
    assert codes(added["code"]) == {"I67.1", "128609009"}
    assert codes(added["verificationStatus"]) == {"confirmed"}


def test_two_entries_that_do_not_count_are_all_that_v17_adds_to_v01() -> None:
    plain, ignored = story_text("v01-clear-trd"), story_text("v17-refuted-and-error")
    assert codes(ignored.pop("p-aneurysm")["verificationStatus"]) == {"refuted"}
    assert codes(ignored.pop("p-hemorrhage")["verificationStatus"]) == {"entered-in-error"}
    assert ignored == plain


def test_v15a_lacks_four_things_of_v01_and_nothing_else() -> None:
    plain, missing = story_text("v01-clear-trd"), story_text("v15a-missing-data-searched-empty")
    lost = {"p-no-known-allergy", "p-blood-pressure", "p-weight", "p-pregnancy-status"}
    assert plain.keys() - missing.keys() == lost
    assert missing == {identity: seen for identity, seen in plain.items() if identity not in lost}


def test_v01_has_84_and_90_days_without_a_gap() -> None:
    assert sum(days for _, days in fills("v01-clear-trd", "sertraline")) == 84
    assert sum(days for _, days in fills("v01-clear-trd", "venlafaxine")) == 90
    assert gaps("v01-clear-trd", "sertraline") + gaps("v01-clear-trd", "venlafaxine") == [0, 0, 0, 0]


def test_the_questionnaires_carry_the_same_answers_as_the_observations() -> None:
    given = answers("v08-high-suicidality-no-trd")
    assert given == answers("v08b-suicidality-questionnaire")
    assert (given["44260-8"], given["93250-9"]) == ("LA6571-9", True)


def test_the_phq9_items_add_up_to_their_total() -> None:
    points = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
    given = answers("v08-high-suicidality-no-trd")
    assert sum(points[answer] for answer in given.values() if answer in points) == given["44261-6"]


def test_overlapping_refills_reach_42_days_only_when_counted_twice() -> None:
    (first, days), (second, more) = fills("overlapping-refills", "venlafaxine")
    assert days + more >= 42 > (second - first).days + more


def test_the_gap_chart_has_a_gap_of_20_days_and_one_of_10() -> None:
    assert gaps("gap-of-20-days", "sertraline") == [20]
    assert gaps("gap-of-20-days", "venlafaxine") == [10]


def test_falls_in_score_lie_on_the_sides_of_half_that_the_stories_say() -> None:
    before, after, before_second, after_second, _ = scores("responded-by-score")
    assert after * 2 == before
    assert after_second * 2 > before_second
    before, after, before_second, after_second, _ = scores("failed-by-score")
    assert after * 2 > before
    assert after_second * 2 > before_second


@pytest.mark.parametrize("story", ["failed-by-score", "responded-by-score"])
def test_score_stories_give_no_reason_for_stopping(story: str) -> None:
    assert all("statusReason" not in order for order in resources(story, "MedicationRequest"))


@pytest.mark.parametrize(
    ("story", "kinds"), [("orders-only", {"MedicationRequest"}), ("statements-only", {"MedicationStatement"})]
)
def test_stories_of_one_kind_of_evidence_hold_no_other(story: str, kinds: set[str]) -> None:
    every = {seen["resourceType"] for seen in resources(story)}
    assert {kind for kind in every if kind.startswith("Medication")} == kinds


def test_the_undated_episode_has_no_date_at_all() -> None:
    (depression,) = resources("undated-episode", "Condition")
    assert not {"onsetDateTime", "recordedDate"} & depression.keys()


def test_the_second_drug_of_text_only_drug_has_no_product_code() -> None:
    drugs = [seen for seen in resources("text-only-drug") if "venlafaxine" in seen["id"]]
    assert set(strings(drugs, "code")) & {"313581", "39786"} == {"39786"}


# The requests.


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_a_patient_view_call_for_the_patient_of_its_chart(name: str) -> None:
    body, (_, story) = call(name), story_of(name)
    assert name.endswith(".patient-view")
    assert body["hook"] == "patient-view"
    assert UUID(body["hookInstance"]).version == 4
    context = {"userId": "Practitioner/example", "patientId": resources(story, "Patient")[0]["id"]}
    for visit in resources(story, "Encounter"):
        context["encounterId"] = visit["id"]
    assert body["context"] == context


def test_hook_instances_are_unique() -> None:
    assert len({call(name)["hookInstance"] for name in CALLS}) == len(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_request_has_every_key_but_the_ones_it_withholds(name: str) -> None:
    story, chart = story_of(name)
    keys = (TYPE_OF_KEY.keys() | OBSERVATION_KEYS.keys()) - WITHHELD.get(story, set())
    if not resources(chart, "Encounter"):
        keys -= {"encounter"}
    assert call(name)["prefetch"].keys() == keys


@pytest.mark.parametrize("name", CALLS)
def test_what_a_request_carries_under_a_key_is_what_its_chart_holds(name: str) -> None:
    _, story = story_of(name)
    for key, value in call(name)["prefetch"].items():
        if key in SINGLE:
            assert [value] == expected(story, key)
            continue
        found = value or {"resourceType": "Bundle", "type": "searchset", "total": 0}
        entries = found.get("entry", [])
        assert [entry["resource"] for entry in entries] == expected(story, key), key
        assert (found["type"], found["total"]) == ("searchset", len(entries))
        assert all(entry["search"] == {"mode": "match"} for entry in entries)
        get_fhir_model_class("Bundle").model_validate(found)


def test_both_spellings_of_an_empty_search_occur() -> None:
    values = [value for name in CALLS for key, value in call(name)["prefetch"].items() if key not in SINGLE]
    assert None in values
    assert any(value and value["total"] == 0 and "entry" not in value for value in values)
