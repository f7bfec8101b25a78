"""What one prefetch key brought, and whether that was everything."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, bundle, condition, dispense, drug, encounter, observation, order, patient, raw

from cds_service.facts.read import (
    EMPTY,
    FAILED,
    FOUND,
    NOBODYS,
    NOT_SUPPLIED,
    OTHER_PATIENT,
    TRUNCATED,
    Note,
    Owner,
    Supplied,
    read_key,
)

OWNER = Owner("p", "https://ehr.example.org/fhir/")
ONE = condition("F33.2", id="c1")


def report(*severities: Any, code: Any = "processing") -> Json:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": one, "code": code} for one in severities],
    }


def read(value: Any, key: str = "conditions", owner: Owner = OWNER) -> Supplied:
    return read_key(key, raw(value), owner)


def ids(supplied: Supplied) -> list[str]:
    return [resource.id for resource in supplied.resources]


def entries(*made: Any, **members: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(made)} | members


def test_an_absent_key_was_not_supplied() -> None:
    assert read_key("conditions", None, OWNER) == Supplied(NOT_SUPPLIED)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (None, EMPTY),
        (b" null ", EMPTY),
        (bundle(), EMPTY),
        ({"resourceType": "Bundle", "type": "searchset"}, EMPTY),
        ({"resourceType": "Bundle", "total": 0, "link": [{"relation": "self"}]}, EMPTY),
        (bundle(ONE), FOUND),
        (bundle(ONE, total=1), FOUND),
        (bundle(ONE, total=2), TRUNCATED),
        (bundle(total=3), TRUNCATED),
        (bundle(ONE, more=True), TRUNCATED),
        (bundle(more=True), TRUNCATED),
        *((entries(link=[{"relation": name}]), TRUNCATED) for name in ("Next", "NEXT", " next ")),
        (entries(link=[{"relation": "next", "url": None}]), TRUNCATED),
        (ONE, TRUNCATED),  # one resource is no answer to a search: there may be more
        (report("error"), FAILED),
        (report("warning"), FAILED),
        (report(), FAILED),
        (bundle(ONE, report("error")), FAILED),
        (bundle(ONE, report("fatal")), FAILED),
        (bundle(ONE, report("warning")), FOUND),
        (bundle(ONE, report("information", "warning")), FOUND),
        (bundle(ONE, report("warning", "error")), FAILED),
        (bundle(ONE, report()), FAILED),
        (bundle(report("warning")), EMPTY),
        (entries({"resource": ONE}, {"search": {"mode": "outcome"}, "resource": report("warning")}), FOUND),
        (entries({"resource": ONE}, {"search": {"mode": "outcome"}, "resource": report("error")}), FAILED),
        (bundle(ONE, {"resourceType": "OperationOutcome", "issue": "timeout"}), TRUNCATED),
        (bundle(ONE, bundle(condition())), TRUNCATED),  # a Bundle in a Bundle may hold anything
        (entries({"fullUrl": "urn:x"}), TRUNCATED),  # an entry that brings nothing
        ("F33.2", FAILED),
        (7, FAILED),
        ([], FAILED),
        ({}, FAILED),
        (b"{", FAILED),
        (b'"\xff"', FAILED),
        ({"resourceType": "Basic"}, FAILED),
        (entries(link="next"), FAILED),
        ({"resourceType": "Bundle", "entry": {"resource": ONE}}, FAILED),
        ({"resourceType": "Bundle", "total": "1", "entry": []}, FAILED),
    ],
)
def test_the_state_of_a_key_follows_from_what_it_brought(value: Any, state: str) -> None:
    assert read(value).state == state


@pytest.mark.parametrize("severity", ["warning", "information"])
@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ("suppressed incomplete security login unknown expired forbidden not-supported", TRUNCATED),
        ("too-long too-costly business-rule conflict multiple-matches structure", TRUNCATED),
        ("transient lock-error no-store exception timeout throttled unheard-of Suppressed", TRUNCATED),
        ("informational processing duplicate not-found deleted", EMPTY),
        ("invalid required value invariant code-invalid extension", EMPTY),
    ],
)
def test_a_report_that_something_was_left_out_is_no_remark(severity: str, codes: str, state: str) -> None:
    for code in codes.split():
        said = {"resource": report(severity, code=code), "search": {"mode": "outcome"}}
        assert read(entries(said, total=0)).state == state, code
        also = report(severity) | {"issue": [*report(severity)["issue"], *said["resource"]["issue"]]}
        assert read(entries({"resource": ONE}, {"resource": also})).state == (
            FOUND if state == EMPTY else TRUNCATED
        )


def test_a_report_without_an_issue_type_is_no_remark() -> None:
    untyped = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    assert read(bundle(ONE, untyped)).state == TRUNCATED


def test_what_was_found_is_kept_even_if_it_is_not_all() -> None:
    for value in (bundle(ONE, more=True), bundle(ONE, total=9), bundle(ONE, report("error")), ONE):
        assert ids(read(value)) == ["c1"]


def test_a_resource_sent_twice_is_one_towards_the_total() -> None:
    assert read(bundle(ONE, ONE, total=2)).state == TRUNCATED
    assert read(bundle(ONE, ONE, total=1)).state == FOUND


def test_what_came_along_and_reports_do_not_count_towards_the_total() -> None:
    request = order(id="o1")
    product = {"resourceType": "Medication", "id": "m1"}
    along = {"resource": product, "search": {"mode": "include"}}
    whole = entries({"resource": request, "search": {"mode": "match"}}, along, total=1)
    assert read(whole, "medication-requests").state == FOUND
    for extra in (along, {"resource": product}, {"resource": report("warning")}):
        short = entries({"resource": request}, extra, total=2)
        assert read(short, "medication-requests").state == TRUNCATED


def test_an_entry_that_cannot_be_read_is_noted_and_the_rest_is_kept() -> None:
    odd = condition("I67.1", id="odd") | {"onsetDateTime": {"year": 2020}}
    supplied = read(bundle(ONE, odd, total=2))
    assert (supplied.state, ids(supplied)) == (TRUNCATED, ["c1"])
    assert supplied.notes == (Note("unreadable", "Condition/odd"),)


@pytest.mark.parametrize(
    "odd", [5, None, "x", [], {"resource": 5}, {"resource": {"id": "x"}}, {"resource": []}]
)
def test_an_entry_of_no_shape_at_all_is_noted_under_its_key(odd: Any) -> None:
    supplied = read(entries({"resource": ONE}, odd))
    assert (supplied.state, ids(supplied)) == (TRUNCATED, ["c1"])
    assert [note.reference.split("/")[0] for note in supplied.notes] == ["conditions"]


@pytest.mark.parametrize("name", ["x" * 65, "a b", "<script>", "../etc"])
def test_a_note_never_repeats_an_id_that_is_none(name: str) -> None:
    odd = {"resourceType": "Condition", "id": name, "onsetDateTime": 1}
    assert read(bundle(odd)).notes == (Note("unreadable", "Condition/?"),)


def test_types_no_rule_reads_are_passed_over() -> None:
    supplied = read(
        bundle(ONE, {"resourceType": "Provenance", "id": "x", "recorded": 7}, {"resourceType": "Basic"})
    )
    assert (supplied.state, ids(supplied), supplied.notes) == (FOUND, ["c1"], ())


def test_data_that_answer_another_search_mean_that_this_one_failed() -> None:
    assert read(bundle(observation("44261-6", 3))) == Supplied(FAILED)
    assert read(bundle(ONE, observation("44261-6", 3))).state == FOUND


def test_elements_no_rule_reads_may_be_anything() -> None:
    assert read(bundle(ONE | {"note": 7, "text": [], "meta": None, "stage": None})).state == FOUND


@pytest.mark.parametrize(
    ("reference", "mine"),
    [
        ("Patient/p", True),
        ("Patient/p/_history/3", True),
        ("https://ehr.example.org/fhir/Patient/p", True),
        ("https://ehr.example.org/fhir/Patient/p/_history/2", True),
        ("urn:uuid:p", True),
        ("https://other.example.org/fhir/Patient/p", False),
        ("https://ehr.example.org/fhir/v2/Patient/p", False),
        ("Patient/pp", False),
        ("Patient/P", False),
        ("Group/p", False),
        ("p", False),
        ("#p", False),
        ("", False),
        ("Patient/p/_history/", False),
        ("/_history/" * 20, False),
    ],
)
def test_only_a_resource_that_names_this_patient_is_read(reference: str, mine: bool) -> None:
    supplied = read(bundle(ONE | {"subject": {"reference": reference}}))
    assert (supplied.state, ids(supplied)) == ((FOUND, ["c1"]) if mine else (OTHER_PATIENT, []))


def test_without_a_server_an_absolute_reference_of_any_server_is_taken() -> None:
    far = bundle(ONE | {"subject": {"reference": "https://any.example.org/Patient/p"}})
    assert read(far, owner=Owner("p")).state == FOUND


@pytest.mark.parametrize("subject", [{}, {"display": "p"}, {"identifier": {"value": "p"}}])
def test_a_resource_without_a_reference_to_the_patient_is_nobody_s(subject: Json) -> None:
    assert read(bundle(ONE | {"subject": subject})).state == OTHER_PATIENT
    assert read(bundle({"resourceType": "Condition", "id": "x"})).state == OTHER_PATIENT


def test_a_resource_that_does_not_say_whose_it_is_is_noted_and_a_stranger_s_is_not() -> None:
    nobody_s = read(
        bundle({"resourceType": "Condition", "id": "x"}, {"resourceType": "Condition", "id": "y z"})
    )
    assert nobody_s.notes == (Note(NOBODYS, "Condition/x"), Note(NOBODYS, "Condition/?1"))
    stranger_s = read(bundle(ONE | {"subject": {"reference": "Patient/q"}}))
    assert (stranger_s.state, stranger_s.notes) == (OTHER_PATIENT, ())


def test_an_allergy_names_its_patient_in_an_element_of_its_own() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}}
    assert read(bundle(allergy), "allergies").state == FOUND
    assert read(bundle(allergy | {"patient": {"reference": "Patient/q"}}), "allergies").state == OTHER_PATIENT


def test_the_rest_of_a_key_with_a_stranger_is_kept_and_the_worst_is_told() -> None:
    stranger = condition(subject={"reference": "Patient/q"})
    supplied = read(bundle(ONE, stranger, total=9))
    assert (supplied.state, ids(supplied)) == (OTHER_PATIENT, ["c1"])
    assert read(bundle(ONE, stranger, report("error"))).state == FAILED


def test_medications_come_along_with_what_refers_to_them() -> None:
    product = {"resourceType": "Medication", "id": "m", "code": drug("312938")}
    assert ids(read(bundle(dispense(id="d"), product), "medication-dispenses")) == ["d", "m"]
    assert read(bundle(product), "conditions").state == FAILED


def test_the_patient_and_the_encounter_are_read_alone() -> None:
    assert read(patient(), "patient").state == FOUND
    assert read(encounter(), "encounter").state == FOUND
    assert read(report("warning"), "encounter").state == FAILED
