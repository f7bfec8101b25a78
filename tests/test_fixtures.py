"""The charts are valid FHIR R4 and tell the stories they are named for."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fixture_files import (
    EHR,
    NOW,
    STORIES,
    answers,
    bundle,
    codes,
    expected,
    fills,
    gaps,
    resources,
    scores,
    story_text,
    strings,
    told,
)

DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}Z)?)?)?$")
DATES = [
    "effectiveDateTime", "issued", "authoredOn", "whenHandedOver", "onsetDateTime", "recordedDate",
    "abatementDateTime", "authored", "dateAsserted", "start", "lastUpdated", "birthDate", "performedDateTime",
]  # fmt: skip
REQUIRED_DATE = {
    "Observation": "effectiveDateTime",
    "MedicationRequest": "authoredOn",
    "MedicationDispense": "whenHandedOver",
    "MedicationStatement": "effectivePeriod",
    "QuestionnaireResponse": "authored",
    "Encounter": "period",
    "AllergyIntolerance": "recordedDate",
    "Immunization": "occurrenceDateTime",
}
OPEN = {"corrected", "cancelled", "entered-in-error", "unknown"}
MINORS = {"esketamine-age-17", "healthy-child-9"}
# Which parts of the baseline the charts of a README section, or one chart, replace by their own.
EVERY = {"allergies", "pressure", "weight", "score"}
OWN = {
    "Blood pressure": {"pressure"},
    "Weight": {"weight"},
    "Allergies": {"allergies"},
    "Missing data": {"score"},
    "Treatment under way": {"pressure", "score"},
    "Suicidality": {"score"},
    "Healthy charts": EVERY,
    "Size": EVERY,
    "healthy-adult": {"score"},
    "v13-emergency-suicidality": EVERY,
    "v15a-missing-data-searched-empty": EVERY - {"score"},
}


def baseline(part: str) -> pytest.MarkDecorator:
    """The charts that hold this part of the baseline."""
    rows = [row for row in told() if row.section != "Hook calls"]
    names = [row.name for row in rows if part not in OWN.get(row.section, set()) | OWN.get(row.name, set())]
    return pytest.mark.parametrize("story", names)


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
                more = OPEN if "+" in legal else set()  # the list is cut short: "amended", "+"
                assert given in {*legal, *more}, f"{seen['id']}.{name}"


@pytest.mark.parametrize("story", STORIES)
def test_a_condition_has_a_status_exactly_when_it_was_not_an_error(story: str) -> None:
    for condition in resources(story, "Condition"):
        verification = codes(condition["verificationStatus"])
        assert ("clinicalStatus" in condition) == (verification != {"entered-in-error"})
        assert condition["category"]
        assert codes(condition["code"]) or story.endswith("-in-words")


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
        for day in (text for name in DATES for text in strings(seen, name)):
            assert DATE.match(day), f"{seen['id']}: {day}"
            assert day < NOW


@pytest.mark.parametrize("story", STORIES)
def test_patients_are_obviously_made_up_and_adults_unless_said(story: str) -> None:
    assert set(strings(bundle(story), "family")) == {"Fixture"}
    patient = resources(story, "Patient")[0]
    assert [tag["code"] for tag in patient["meta"]["tag"]] == ["HTEST"]
    adult = patient["birthDate"] <= "2008-03-01"[: len(patient["birthDate"])]
    assert adult == (story not in MINORS)


@baseline("allergies")
def test_no_known_allergy_is_stated_where_the_row_says_nothing_else(story: str) -> None:
    assert [codes(entry["code"]) for entry in resources(story, "AllergyIntolerance")] == [{"716186003"}]


@baseline("pressure")
def test_the_pressure_is_124_78_where_the_row_says_nothing_else(story: str) -> None:
    (pressure,) = expected(story, "observations-blood-pressure")
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [124, 78]
    assert pressure["effectiveDateTime"][:10] == "2026-02-25"


@baseline("weight")
def test_the_weight_is_70_kg_where_the_row_says_nothing_else(story: str) -> None:
    (weight,) = expected(story, "observations-body-weight")
    assert (weight["valueQuantity"]["value"], weight["valueQuantity"]["code"]) == (70, "kg")
    assert weight["effectiveDateTime"][:10] == "2026-02-25"


@baseline("score")
def test_the_phq9_total_is_21_where_the_row_says_nothing_else(story: str) -> None:
    assert answers(story)["44261-6"] == 21


def test_the_readme_has_one_row_for_each_chart() -> None:
    rows = [row for row in told() if row.section != "Hook calls"]
    assert sorted(row.name for row in rows) == STORIES
    assert all(row.silent or row.verdicts for row in rows)


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


def days_of(story: str, drug: str) -> list[date]:
    """The days of a drug's sessions, from administrations and dispenses."""
    given = [seen for seen in resources(story, "MedicationAdministration") if drug in seen["id"]]
    starts = [seen.get("effectiveDateTime") or seen["effectivePeriod"]["start"] for seen in given]
    starts += [
        seen["whenHandedOver"]
        for seen in resources(story, "MedicationDispense")
        if f"{drug}-fill" in seen["id"]
    ]
    return sorted(date.fromisoformat(start[:10]) for start in starts)


@pytest.mark.parametrize(
    ("story", "first", "last"),
    [
        ("esketamine-week-2", 12, 2),
        ("esketamine-week-6", 40, 5),
        ("esketamine-week-10", 68, 5),
        ("esketamine-week-12", 82, 5),
        ("esketamine-overdue", 82, 21),
        ("esketamine-100-days", 100, 6),
    ],
)
def test_a_course_began_and_had_its_last_session_when_its_row_says(story: str, first: int, last: int) -> None:
    days = days_of(story, "esketamine")
    today = date.fromisoformat(NOW[:10])
    assert [(today - days[0]).days, (today - days[-1]).days] == [first, last]


@pytest.mark.parametrize(
    ("story", "sessions"),
    [("esketamine-three-in-a-week", 3), ("esketamine-too-close-week-10", 2), ("esketamine-week-10", 1)],
)
def test_so_many_sessions_fall_into_the_last_seven_days(story: str, sessions: int) -> None:
    since = date.fromisoformat("2026-02-22")
    assert sum(day >= since for day in days_of(story, "esketamine")) == sessions


def test_the_score_stories_of_treatment_fall_by_half_and_by_30_percent() -> None:
    assert [score * 2 for score in scores("esketamine-week-6-response")][1:] == [22]
    before, after = scores("esketamine-week-6-fall-30")
    assert (before - after) / before == pytest.approx(0.3)


@pytest.mark.parametrize(("story", "days"), [("maoi-stopped-10-days", 10), ("maoi-stopped-20-days", 20)])
def test_the_mao_inhibitor_ended_so_many_days_ago(story: str, days: int) -> None:
    (statement,) = [s for s in resources(story, "MedicationStatement") if "phenelzine" in s["id"]]
    end = date.fromisoformat(statement["effectivePeriod"]["end"])
    assert (date.fromisoformat(NOW[:10]) - end).days == days


def test_unusable_readings_are_the_newer_ones() -> None:
    for story in ("bp-newer-unusable", "bp-newer-unusable-high"):
        readings = sorted(
            expected(story, "observations-blood-pressure"), key=lambda r: str(r["effectiveDateTime"])
        )
        assert [reading["status"] for reading in readings] == ["final", "preliminary", "entered-in-error"]


def test_the_busy_chart_is_busy() -> None:
    assert len(resources("busy-clinic-chart")) >= 400


def test_no_healthy_chart_has_depression_or_ketamine() -> None:
    for story in (name for name in STORIES if name.startswith("healthy-")):
        given = {code for seen in resources(story) for code in strings(seen, "code")}
        assert not {code for code in given if code.startswith(("F32", "F33", "F31"))}
        assert not given & {"6130", "2119365", "238082", "238084", "2119381", "2119388", "2119390"}
