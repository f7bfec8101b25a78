"""Which keys are read back and which are not, and what the chart then says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from chart_builder import bundle, condition, dispense, encounter, meanings, patient, request
from scripted_server import HERE, Scripted, answer, scripted

from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts.chart import Chart
from cds_service.facts.gather import gather
from cds_service.facts.read import Note
from cds_service.facts.readback import MOST_MEDICATIONS, ReadBack
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.reads import FhirReader

Json = dict[str, Any]
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "encounter": "Encounter/{{context.encounterId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "medication-requests": "MedicationRequest?patient={{context.patientId}}",
    "medication-dispenses": "MedicationDispense?patient={{context.patientId}}",
}
CONDITIONS, DISPENSES = "Condition?patient=p", "MedicationDispense?patient=p"
FAILURE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
DEPRESSION = condition("F33.2", "2025-01-10", id="c1")
SERTRALINE = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "312938"}]}
ABSENT = FhirPolicy(any_base=True, networks=HERE.networks, absent=frozenset({"Condition"}))


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as running:
        running.on("Patient/p", answer(patient()))
        running.on(CONDITIONS, answer(bundle(DEPRESSION)))
        yield running


@pytest.fixture(scope="module")
def reader() -> Iterator[FhirReader]:
    made = FhirReader(20_000)
    yield made
    made.close()


class Reading:
    """Calls about some keys, with the server behind them."""

    def __init__(self, server: Scripted, reader: FhirReader) -> None:
        self.server, self.reader = server, reader

    def __call__(self, *keys: str, policy: FhirPolicy = HERE, resources: Any = (), **members: Any) -> Chart:
        wanted = ("patient", *keys)
        members = {"fhir_server": self.server.base, "access_token": "t"} | members
        hook_call = request(*resources, keys=wanted, **members)
        back = ReadBack(self.reader.begin(policy), TEMPLATES)
        return gather(hook_call, wanted, meanings(), back=back)


@pytest.fixture
def read(server: Scripted, reader: FhirReader) -> Reading:
    return Reading(server, reader)


def outcomes(chart: Chart) -> list[tuple[str, str]]:
    return [(seen.key, seen.outcome) for seen in chart.reads]


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_that_did_not_come_is_read(read: Reading) -> None:
    chart = read("conditions", without=["conditions"])
    assert chart.states["conditions"] == "found"
    assert outcomes(chart) == [("conditions", "found")]
    assert chart.reads[0].size == len(json.dumps(bundle(DEPRESSION)))


@pytest.mark.parametrize("value", [None, bundle(), {"resourceType": "Bundle"}, bundle(DEPRESSION), FAILURE])
def test_a_key_that_came_is_not_read(read: Reading, server: Scripted, value: Any) -> None:
    """Empty is known, and what the caller failed to get is not tried again."""
    chart = read("conditions", prefetch={"conditions": value})
    assert chart.reads == ()
    assert server.asked == []


def test_an_error_of_the_server_is_a_failure_and_not_an_empty_record(read: Reading, server: Scripted) -> None:
    for said in (answer(FAILURE), answer(b"<html>"), answer(b"{", 200), answer(FAILURE, 500)):
        server.on(CONDITIONS, said)
        chart = read("conditions", without=["conditions"])
        assert chart.states["conditions"] == "failed"
        assert outcomes(chart) == [("conditions", "failed")]


TWICE = {
    "entries": b'{"resourceType":"Bundle","entry":%s,"entry":[]}',
    "types": b'{"resourceType":"OperationOutcome","resourceType":"Bundle","entry":%s}',
    "names, one escaped": b'{"resourceType":"Bundle","entry":%s,"\\u0065ntry":[]}',
    "resources of an entry": b'{"resourceType":"Bundle","entry":[{"resource":%s,"resource":{}}]}',
    "members of a resource": b'{"resourceType":"Bundle","entry":[{"resource":{"id":%s,"id":"c"}}]}',
}
TWO_IDS = b'{"resourceType":"Patient","id":"other","id":"p"}'


@pytest.mark.parametrize("said", [b"null", b" null\n", b"", b"0", b"[]", b'""', b"false"])
def test_an_answer_that_is_no_object_is_a_failure(read: Reading, server: Scripted, said: bytes) -> None:
    server.on(CONDITIONS, answer(said))  # only in a call does null mean searched and empty
    chart = read("conditions", without=["conditions"])
    assert chart.states["conditions"] == "failed"
    assert outcomes(chart) == [("conditions", "failed")]


@pytest.mark.parametrize("shape", TWICE.values(), ids=TWICE)
def test_an_answer_with_a_member_twice_is_a_failure(read: Reading, server: Scripted, shape: bytes) -> None:
    server.on(CONDITIONS, answer(shape % json.dumps(bundle(DEPRESSION)["entry"]).encode()))
    assert read("conditions", without=["conditions"]).states["conditions"] == "failed"


def test_a_further_page_with_a_member_twice_leaves_the_key_truncated(read: Reading, server: Scripted) -> None:
    server.on("more", answer(TWICE["entries"] % b"[]"))
    server.on(CONDITIONS, answer(first_page(f"{server.base}/more")))
    assert read("conditions", without=["conditions"]).states["conditions"] == "truncated"


@pytest.mark.parametrize("said", [{"resourceType": "Bundle"}, bundle() | {"total": 0}])
def test_an_empty_bundle_answers_a_search_and_no_read_of_one_resource(
    read: Reading, server: Scripted, said: Json
) -> None:
    server.on("Encounter/e1", answer(said))
    server.on(CONDITIONS, answer(said))
    chart = read("encounter", "conditions", encounter_id="e1", without=["encounter", "conditions"])
    assert chart.states["conditions"] == "empty"
    assert outcomes(chart) == [("encounter", "failed"), ("conditions", "empty")]


def test_a_total_above_what_came_is_a_truncated_key(read: Reading, server: Scripted) -> None:
    server.on(CONDITIONS, answer(bundle(DEPRESSION, total=2)))
    assert read("conditions", without=["conditions"]).states["conditions"] == "truncated"


def test_another_patients_resource_from_the_server_is_dropped(read: Reading, server: Scripted) -> None:
    server.on(CONDITIONS, answer(bundle(DEPRESSION | {"subject": {"reference": "Patient/q"}})))
    assert read("conditions", without=["conditions"]).states["conditions"] == "other-patient"


def test_an_encounter_is_read_only_if_the_call_is_in_one(read: Reading, server: Scripted) -> None:
    server.on("Encounter/e1", answer(encounter(id="e1")))
    assert read("encounter", without=["encounter"]).states["encounter"] == "empty"
    assert server.asked == []
    assert read("encounter", without=["encounter"], encounter_id="e1").states["encounter"] == "found"
    server.on("Encounter/e1", answer(encounter(id="e2")))
    assert read("encounter", without=["encounter"], encounter_id="e1").states["encounter"] == "failed"


def test_the_patient_may_be_read_too(read: Reading, server: Scripted) -> None:
    person = read("conditions", without=["patient"]).patient
    assert person is not None
    assert person.birth_date == "1980-05-05"
    for said in (answer(patient() | {"id": "q"}), answer(FAILURE, 404)):
        server.on("Patient/p", said)
        with pytest.raises(DataUnavailable) as refused:
            read("conditions", without=["patient"])
        assert refused.value.keys == ("patient",)


def test_nothing_is_read_for_another_patient_than_the_calls(read: Reading, server: Scripted) -> None:
    with pytest.raises(RequestError) as refused:
        read("conditions", prefetch={"patient": patient() | {"id": "q"}}, without=["conditions"])
    assert refused.value.status == 400
    assert server.asked == []


# --- pages that the caller did not follow --------------------------------------------------------


def first_page(link: str) -> Json:
    return bundle(DEPRESSION) | {"link": [{"relation": "next", "url": link}]}


def test_the_pages_after_the_one_that_came_are_read(read: Reading, server: Scripted) -> None:
    server.on("Condition?page=2", answer(bundle(condition("I10", id="c2"))))
    chart = read("conditions", prefetch={"conditions": first_page(f"{server.base}/Condition?page=2")})
    assert chart.states["conditions"] == "found"
    assert [found.id for found in chart.shelf("conditions", "Condition").resources] == ["c1", "c2"]
    assert server.paths() == ["Condition?page=2"]


def test_a_further_page_that_fails_leaves_the_key_truncated(read: Reading, server: Scripted) -> None:
    server.on("Condition?page=2", answer(FAILURE))
    chart = read("conditions", prefetch={"conditions": first_page(f"{server.base}/Condition?page=2")})
    assert (chart.states["conditions"], outcomes(chart)) == ("truncated", [("conditions", "truncated")])
    assert [found.id for found in chart.shelf("conditions", "Condition").resources] == ["c1"]


def test_a_further_page_elsewhere_is_not_read(read: Reading, server: Scripted) -> None:
    with scripted() as other:
        chart = read("conditions", prefetch={"conditions": first_page(f"{other.base}/Condition?page=2")})
        assert other.asked == []
    assert chart.states["conditions"] == "truncated"
    assert server.asked == []


# --- what was agreed -----------------------------------------------------------------------------


def test_a_type_the_ehr_does_not_have_counts_as_searched_and_empty(read: Reading, server: Scripted) -> None:
    for at in (server.base, ""):
        chart = read("conditions", without=["conditions"], policy=ABSENT, fhir_server=at)
        assert chart.states["conditions"] == "empty"
        assert chart.notes == (Note("not-kept-by-ehr", "conditions"),)
    assert server.asked == []


def test_what_came_of_a_type_declared_absent_is_read_as_it_came(read: Reading) -> None:
    assert read("conditions", resources=[DEPRESSION], policy=ABSENT).states["conditions"] == "found"
    failed = read("conditions", prefetch={"conditions": FAILURE}, policy=ABSENT)
    assert (failed.states["conditions"], failed.notes) == ("failed", ())


def test_what_may_not_be_read_stays_not_supplied(read: Reading, server: Scripted) -> None:
    for policy in (FhirPolicy(), FhirPolicy(bases=("https://ehr.example.org/fhir",))):
        chart = read("conditions", without=["conditions"], policy=policy)
        assert chart.states["conditions"] == "not-supplied"
        assert outcomes(chart) == [("conditions", "refused")]
    assert server.asked == []


def test_a_token_of_no_use_leads_to_no_read_without_one(read: Reading, server: Scripted) -> None:
    chart = read("conditions", without=["conditions"], access_token="", token_unusable=True)
    assert chart.states["conditions"] == "not-supplied"
    assert outcomes(chart) == [("conditions", "refused")]
    assert server.asked == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"fhir_server": ""}, "the call names no fhirServer"),
        ({"fhir_server": "https://203.0.113.7/fhir"}, "its address is neither public"),
        ({"policy": FhirPolicy()}, "fhirServer is not one that was agreed"),
        ({"access_token": "", "token_unusable": True}, "the access token of the call cannot be used"),
    ],
)
def test_a_refusal_says_why_the_server_was_not_asked(
    read: Reading, server: Scripted, members: Any, reason: str
) -> None:
    with pytest.raises(DataUnavailable, match="The FHIR server was not asked: ") as refused:
        read("conditions", without=["patient"], **members)
    assert reason in str(refused.value)
    assert "203.0.113" not in str(refused.value)
    assert server.asked == []


def test_a_refusal_after_the_server_was_asked_gives_no_such_reason(read: Reading, server: Scripted) -> None:
    server.on("Patient/p", answer(FAILURE, 404))
    with pytest.raises(DataUnavailable) as refused:
        read("conditions", without=["patient"])
    assert "not asked" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(FAILURE, 500), "its answer was an error, or nothing that can be read"),
        (answer(TWO_IDS), "its answer was an error, or nothing that can be read"),
        (answer(patient() | {"id": "p2"}), "it answered with a Patient of another id"),
    ],
)
def test_a_patient_that_could_not_be_read_is_a_refusal_that_says_why(
    read: Reading, server: Scripted, said: Any, reason: str
) -> None:
    server.on("Patient/p", said)
    with pytest.raises(DataUnavailable) as refusal:
        read(without=["patient"])
    assert str(refusal.value).endswith(f"'patient'. The FHIR server was asked for it: {reason}")


def test_a_patient_that_comes_too_late_is_a_refusal_that_says_so(server: Scripted) -> None:
    reader = FhirReader(0)
    with pytest.raises(DataUnavailable, match="it did not answer in time"):
        Reading(server, reader)(without=["patient"])
    reader.close()


def test_without_a_server_nothing_is_tried(read: Reading) -> None:
    chart = read("conditions", without=["conditions"], fhir_server="")
    assert (chart.states["conditions"], chart.reads) == ("not-supplied", ())


# --- medications that entries only refer to ------------------------------------------------------


def referring(reference: str, **more: Any) -> Json:
    made = dispense(id=f"d{reference[-1]}", **more)
    made.pop("medicationCodeableConcept", None)
    return made | {"medicationReference": {"reference": reference}}


def medication(number: str) -> Json:
    return {"resourceType": "Medication", "id": number, "code": SERTRALINE}


def drugs(chart: Chart) -> list[str]:
    found = chart.shelf("medication-dispenses", "MedicationDispense").entries
    return [entry.drug.resolution if entry.drug else "" for entry in found]


def test_a_medication_is_read_once_however_many_entries_refer_to_it(read: Reading, server: Scripted) -> None:
    server.on("Medication/m1", answer(medication("m1") | {"meta": {"versionId": "3"}}))
    absolute = referring(f"{server.base}/Medication/m1/_history/3") | {"id": "d2"}
    chart = read("medication-dispenses", resources=[referring("Medication/m1"), absolute])
    assert drugs(chart) == ["code", "code"]
    assert outcomes(chart) == [("Medication", "found")]
    assert chart.states["medication-dispenses"] == "found"


@pytest.mark.parametrize("stated", [{}, {"meta": {"versionId": "3"}}])
def test_another_version_is_another_drug(read: Reading, server: Scripted, stated: Json) -> None:
    server.on("Medication/m1", answer(medication("m1") | stated))
    chart = read("medication-dispenses", resources=[referring("Medication/m1/_history/2")])
    assert drugs(chart) == ["unresolved"]


def test_medications_of_entries_that_were_read_are_read_after_them(read: Reading, server: Scripted) -> None:
    server.on(DISPENSES, answer(bundle(referring("Medication/m1"))))
    server.on("Medication/m1", answer(medication("m1")))
    chart = read("medication-dispenses", without=["medication-dispenses"])
    assert drugs(chart) == ["code"]
    assert outcomes(chart) == [("medication-dispenses", "found"), ("Medication", "found")]


@pytest.mark.parametrize(
    "said", [answer(FAILURE, 404), answer(medication("m2")), answer(b"{"), answer(DEPRESSION)]
)
def test_a_medication_that_cannot_be_read_leaves_its_key_incomplete(
    read: Reading, server: Scripted, said: Any
) -> None:
    server.on("Medication/m1", said)
    chart = read("medication-dispenses", resources=[referring("Medication/m1")])
    assert (drugs(chart), chart.states["medication-dispenses"]) == (["unresolved"], "truncated")
    assert outcomes(chart) == [("Medication", "failed")]


@pytest.mark.parametrize(
    "reference",
    [
        "https://other.test/fhir/Medication/m1",
        "Medication/../p1",
        "Medication/",
        "urn:uuid:m1",
        "Substance/m1",
        "#m1",
    ],
)
def test_a_reference_that_is_none_to_a_medication_of_the_server_is_not_read(
    read: Reading, server: Scripted, reference: str
) -> None:
    chart = read("medication-dispenses", resources=[referring(reference)])
    assert (drugs(chart), chart.states["medication-dispenses"]) == (["unresolved"], "found")
    assert server.asked == []


def test_medications_that_came_along_or_are_contained_are_not_read(read: Reading, server: Scripted) -> None:
    contained = referring("#m2") | {"contained": [medication("m2")]}
    sent = bundle(referring("Medication/m1"), contained)
    sent["entry"].append({"resource": medication("m1"), "search": {"mode": "include"}})
    chart = read("medication-dispenses", prefetch={"medication-dispenses": sent})
    assert drugs(chart) == ["code", "code"]
    assert server.asked == []


def test_only_so_many_medications_are_read(read: Reading, server: Scripted) -> None:
    many = [
        referring(f"Medication/m{number}") | {"id": f"d{number}"} for number in range(MOST_MEDICATIONS + 5)
    ]
    for number in range(len(many)):
        server.on(f"Medication/m{number}", answer(medication(f"m{number}")))
    chart = read("medication-dispenses", resources=many)
    assert len(server.asked) == MOST_MEDICATIONS
    assert drugs(chart).count("unresolved") == 5
    assert chart.states["medication-dispenses"] == "truncated"


def test_the_medication_of_an_unsigned_order_is_read(read: Reading, server: Scripted) -> None:
    server.on("Medication/m1", answer(medication("m1")))
    order = {"resourceType": "MedicationRequest", "id": "o1", "subject": {"reference": "Patient/p"}}
    draft = order | {"medicationReference": {"reference": "Medication/m1"}}
    chart = read("medication-requests", drafts=[draft])
    (entry,) = chart.drafts["MedicationRequest"].entries
    assert entry.drug is not None
    assert entry.drug.resolution == "code"
    assert list(chart.draft_raw) == ["MedicationRequest/o1"]
    assert msgspec.json.decode(chart.draft_raw["MedicationRequest/o1"]) == draft
