"""From a call to a chart: whose it is, drafts before what they revise, drugs by reference."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    RXNORM,
    SERTRALINE,
    Json,
    ask,
    bundle,
    chart,
    coding,
    concept,
    condition,
    dispense,
    drug,
    encounter,
    observation,
    order,
    patient,
    span_of,
)

from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts.gather import nothing_but_the_patient
from cds_service.facts.read import Note
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

ORDERED = {"find": "MedicationRequest", "code_in": ["antidepressant"], "give": "count", "record": "complete"}
DRAFTED = ORDERED | {"from": "drafts"}
BOTH = ORDERED | {"from": "drafts-and-chart"}
SUPPLIED = {
    "find": "MedicationDispense",
    "code_in": ["antidepressant"],
    "give": "count",
    "record": "complete",
}
VISITS = {"find": "Encounter", "give": "exists", "record": "complete"}


def test_another_patient_in_the_patient_key_is_a_bad_request() -> None:
    with pytest.raises(RequestError, match=r"context\.patientId") as refused:
        chart(prefetch={"patient": patient() | {"id": "q"}})
    assert refused.value.where == "prefetch.patient"


@pytest.mark.parametrize("value", [None, {"resourceType": "OperationOutcome"}, b"{", 7, bundle()])
def test_without_the_patient_there_is_no_answer(value: Any) -> None:
    with pytest.raises(DataUnavailable):
        chart(prefetch={"patient": value})
    with pytest.raises(DataUnavailable):
        chart(without=["patient"])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"birthDate": None}, " at birthDate:"),
        ({"deceasedBoolean": "false"}, " at deceasedBoolean:"),
        ({"meta": {"tag": [{"code": 7}]}}, " at meta.tag[0].code:"),
        ({"resourceType": "Person"}, " at resourceType:"),
    ],
)
def test_a_patient_that_came_and_cannot_be_read_is_told_from_one_that_did_not_come(
    change: Json, place: str
) -> None:
    with pytest.raises(DataUnavailable, match="the Patient in prefetch cannot be read") as refused:
        chart(prefetch={"patient": patient() | change})
    assert place in str(refused.value)


def test_a_call_is_refused_only_if_nothing_but_the_patient_came() -> None:
    keys = ["conditions", "medication-requests"]
    assert nothing_but_the_patient(chart(keys=keys, without=keys)) == tuple(keys)
    assert nothing_but_the_patient(chart(keys=keys, without=keys[:1])) == ()
    assert nothing_but_the_patient(chart(keys=keys, without=keys[:1], prefetch={keys[1]: None})) == ()
    assert nothing_but_the_patient(chart()) == ()


def test_without_an_encounter_in_the_context_there_is_known_to_be_none() -> None:
    assert ask(VISITS, without=["encounter"]).state is FALSE
    assert ask(VISITS, without=["encounter"], encounter_id="e").state is UNKNOWN


def test_a_hook_that_names_no_encounter_does_not_say_that_there_is_none() -> None:
    found = ask(VISITS, without=["encounter"], hook="order-dispatch")
    assert (found.state, found.because) == (UNKNOWN, (("encounter", "not-supplied"),))


def test_only_the_encounter_of_the_context_counts() -> None:
    here, other = encounter(id="e"), encounter(id="other")
    assert ask(VISITS, prefetch={"encounter": here}, encounter_id="e").state is TRUE
    found = ask(VISITS, prefetch={"encounter": other}, encounter_id="e")
    assert (found.state, found.because) == (UNKNOWN, (("encounter", "failed"),))
    assert ask(VISITS, prefetch={"encounter": bundle(here, other)}, encounter_id="e").state is TRUE


# --- entries -------------------------------------------------------------------------------------


def test_an_entry_that_came_twice_counts_once() -> None:
    twice = dispense()
    assert span_of(ask(SUPPLIED, twice, twice)) == Span(1, 1)


def test_resources_without_an_id_are_told_apart() -> None:
    nameless = [{name: value for name, value in dispense().items() if name != "id"} for _ in range(2)]
    assert span_of(ask(SUPPLIED, *nameless)) == Span(2, 2)


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_what_was_disowned_never_counts_and_is_noted(status: str) -> None:
    fact = {"find": "Condition", "code_in": ["aneurysm"], "give": "exists", "record": "complete"}
    gone = condition("I67.1", verification=status, id="c1")
    found = ask(fact, gone)
    assert (found.state, [row.why for row in found.rejected]) == (FALSE, [(status.replace("-", " "),)])
    assert chart(gone, keys=["conditions"]).notes == (Note(status, "Condition/c1"),)


def test_an_observation_entered_in_error_never_counts() -> None:
    fact = {"find": "Observation", "code_in": ["phq9-total"], "give": "count", "record": "complete"}
    assert span_of(ask(fact, observation("44261-6", 21, status="entered-in-error"))) == Span(0, 0)


def test_an_order_not_to_give_a_drug_is_no_order() -> None:
    assert span_of(ask(ORDERED, order(doNotPerform=True))) == Span(0, 0)
    assert span_of(ask(ORDERED, order(doNotPerform=False))) == Span(1, 1)


# --- drugs ---------------------------------------------------------------------------------------


def referring(reference: str, **more: Any) -> Json:
    made = dispense(id="d1") | {"medicationReference": {"reference": reference}} | more
    del made["medicationCodeableConcept"]
    return made


PRODUCT = {
    "resourceType": "Medication",
    "id": "m1",
    "meta": {"versionId": "2"},
    "code": concept(coding(SERTRALINE, RXNORM)),
}


@pytest.mark.parametrize(
    "reference", ["Medication/m1", "https://ehr.example.org/fhir/Medication/m1/_history/2"]
)
def test_a_drug_may_be_a_medication_that_came_along(reference: str) -> None:
    both = bundle(referring(reference), PRODUCT)
    call: Json = {"prefetch": {"medication-dispenses": both}, "fhir_server": "https://ehr.example.org/fhir/"}
    assert span_of(ask(SUPPLIED, **call)) == Span(1, 1)


def test_a_drug_may_be_a_medication_held_inside() -> None:
    assert span_of(ask(SUPPLIED, referring("#m1", contained=[{"resourceType": "Basic"}, PRODUCT]))) == Span(
        1, 1
    )


def test_a_drug_may_be_told_by_its_ingredients_alone() -> None:
    parts = {"resourceType": "Medication", "id": "m1", "ingredient": [{"itemCodeableConcept": drug("36437")}]}
    one = referring("#m1", contained=[parts])
    assert span_of(ask(SUPPLIED, one)) == Span(1, 1)
    assert chart(one, keys=["medication-dispenses"]).notes == (
        Note("drug-from-ingredient", "MedicationDispense/d1"),
    )


@pytest.mark.parametrize("reference", ["Medication/gone", "#gone", "urn:uuid:gone"])
def test_a_drug_that_cannot_be_found_may_be_any_and_is_noted(reference: str) -> None:
    one = referring(reference, contained=[7, PRODUCT])
    assert span_of(ask(SUPPLIED, one)) == Span(0, 1)
    assert chart(one, keys=["medication-dispenses"]).notes == (
        Note("drug-not-recognised", "MedicationDispense/d1"),
    )


def test_the_display_of_a_reference_names_the_drug_if_nothing_else_does() -> None:
    one = referring("Medication/gone") | {"medicationReference": {"display": "Zoloft 50 mg tablet"}}
    assert span_of(ask(SUPPLIED, one)) == Span(1, 1)


def test_a_coding_without_a_code_is_read_by_its_display() -> None:
    named = {"coding": [{"system": RXNORM, "display": "sertraline 100 MG Oral Tablet"}]}
    assert span_of(ask(SUPPLIED, dispense(named))) == Span(1, 1)
    assert span_of(ask(SUPPLIED, dispense({"coding": [{"display": "something unheard of"}]}))) == Span(0, 1)


# --- drafts --------------------------------------------------------------------------------------


def test_a_draft_replaces_the_order_it_revises() -> None:
    held, revised = order(id="o1"), order("314076", id="o1", status="draft")
    assert span_of(ask(ORDERED, held)) == Span(1, 1)
    assert span_of(ask(ORDERED, held, drafts=[revised])) == Span(0, 0)
    assert span_of(ask(BOTH, held, drafts=[order(id="o1", status="active")])) == Span(1, 1)


def test_a_draft_without_an_id_replaces_nothing() -> None:
    nameless = [{name: value for name, value in order().items() if name != "id"} for _ in range(2)]
    assert span_of(ask(ORDERED, nameless[0], drafts=[nameless[1]])) == Span(1, 1)


@pytest.mark.parametrize("status", ["draft", "active", "completed", ""])
def test_the_status_of_an_order_does_not_make_it_a_draft(status: str) -> None:
    assert span_of(ask(DRAFTED, drafts=[order(status=status)])) == Span(1, 1)
    assert span_of(ask(DRAFTED, order(status="draft"), drafts=[])) == Span(0, 0)


def test_drafts_of_another_patient_are_left_out_and_leave_the_question_open() -> None:
    foreign = order(subject={"reference": "Patient/q"})
    found = ask(DRAFTED | {"give": "exists"}, drafts=[foreign])
    assert (found.state, found.because) == (UNKNOWN, (("draft-orders", "other-patient"),))
    assert ask(DRAFTED | {"give": "exists"}, drafts=[foreign, order()]).state is TRUE


def test_a_draft_that_cannot_be_read_leaves_the_question_open() -> None:
    odd = order() | {"authoredOn": 7}
    assert ask(DRAFTED | {"give": "exists"}, drafts=[odd]).state is UNKNOWN
    assert (
        ask(DRAFTED | {"give": "exists"}, drafts=[{"resourceType": "ServiceRequest", "id": "s"}]).state
        is FALSE
    )


def test_drafts_that_are_no_bundle_are_a_bad_request() -> None:
    with pytest.raises(RequestError, match="draftOrders"):
        ask(DRAFTED, drafts=b'{"entry": 7}')


def test_only_the_selected_drafts_are_selections() -> None:
    one, other = order(id="o1"), order(id="o2")
    selected = ORDERED | {"from": "selections"}
    picked = ("MedicationRequest/o1",)
    assert span_of(ask(selected, drafts=[one, other], selections=picked, hook="order-select")) == Span(1, 1)
    assert span_of(ask(selected, drafts=[one, other], hook="order-select")) == Span(2, 2)
    assert span_of(ask(selected, drafts=[one, other], hook="order-sign")) == Span(2, 2)
