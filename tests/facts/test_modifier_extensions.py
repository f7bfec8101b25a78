"""What says by an extension that it does not mean what it seems to is never read as if it did (FHIR R4)."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    Json,
    administration,
    ask,
    bundle,
    chart,
    condition,
    dispense,
    observation,
    order,
    patient,
    raw,
    response,
    statement,
)

from cds_service.facts.read import FAILED, FOUND, TRUNCATED, Note, Owner, read_key
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import FALSE, TRUE, UNKNOWN

OWNER = Owner("p")
MODIFIER: Json = {"modifierExtension": [{"url": "https://ehr.example.org/negated", "valueBoolean": True}]}
PROBLEM: Json = {"find": "Condition", "code_in": ["aneurysm"], "give": "exists", "record": "complete"}

ALLERGY: Json = {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p"}}
PROCEDURE: Json = {"resourceType": "Procedure", "id": "s1", "subject": {"reference": "Patient/p"}}
MADE = (
    condition("I71.4"),
    observation("8867-4", 70),
    order(),
    statement(),
    dispense(),
    administration("312938", "2026-02-20"),
    ALLERGY,
    response(),
    PROCEDURE,
)
INSIDE = (
    (observation("85354-9") | {"component": [MODIFIER]}),
    (order() | {"dosageInstruction": [MODIFIER]}),
    (order() | {"dosageInstruction": [{"timing": MODIFIER}]}),
    (order() | {"dispenseRequest": MODIFIER}),
    (statement() | {"dosage": [MODIFIER]}),
    (administration("312938", "2026-02-20") | {"dosage": MODIFIER}),
    (ALLERGY | {"reaction": [MODIFIER]}),
    (response() | {"item": [{"linkId": "1", **MODIFIER}]}),
    (response() | {"item": [{"linkId": "1", "answer": [{"valueInteger": 0, **MODIFIER}]}]}),
    (response() | {"item": [{"linkId": "1", "item": [{"linkId": "1.1", **MODIFIER}]}]}),
)


def key_of(made: Json) -> str:
    return KEY_OF_TYPE[made["resourceType"]]


@pytest.mark.parametrize("made", MADE, ids=lambda made: made["resourceType"])
@pytest.mark.parametrize("change", [MODIFIER, {"implicitRules": "https://ehr.example.org/rules"}])
def test_a_resource_that_may_mean_something_else_is_left_out_and_its_key_proves_presence_only(
    made: Json, change: Json
) -> None:
    found = read_key(key_of(made), raw(bundle(made | change, made | {"id": "plain"}, total=2)), OWNER)
    assert (found.state, [one.id for one in found.resources]) == (TRUNCATED, ["plain"])
    assert found.notes == (Note("unreadable", f"{made['resourceType']}/{made['id']}"),)


@pytest.mark.parametrize("made", INSIDE, ids=lambda made: made["resourceType"])
def test_neither_is_one_read_of_which_a_part_may_mean_something_else(made: Json) -> None:
    found = read_key(key_of(made), raw(bundle(made)), OWNER)
    assert (found.state, found.resources) == (TRUNCATED, ())
    assert found.notes == (Note("unreadable", f"{made['resourceType']}/{made['id']}"),)


def test_in_elements_that_nobody_reads_it_changes_nothing() -> None:
    visit = condition("I71.4") | {"stage": [MODIFIER], "extension": [{"url": "urn:x"}]}
    assert read_key("conditions", raw(bundle(visit)), OWNER).state == FOUND


def test_an_entry_that_may_be_negated_neither_counts_nor_clears() -> None:
    negated = condition("I71.4") | MODIFIER
    found = ask(PROBLEM, negated)
    assert (found.state, found.because) == (UNKNOWN, (("conditions", "truncated"),))
    assert ask(PROBLEM, negated, condition("I71.4")).state is TRUE
    assert ask(PROBLEM).state is FALSE


def test_a_whole_bundle_by_rules_of_its_own_has_failed() -> None:
    ruled = bundle(condition()) | {"implicitRules": "https://ehr.example.org/rules"}
    assert read_key("conditions", raw(ruled), OWNER).state == FAILED


def test_the_patient_is_the_patient_and_what_is_said_of_them_not_sure() -> None:
    held = chart(prefetch={"patient": patient() | MODIFIER})
    assert held.patient is not None
    assert (held.states["patient"], held.notes) == (TRUNCATED, (Note("partial", "Patient/p"),))


def test_an_unsigned_order_that_may_mean_something_else_leaves_open_what_is_ordered() -> None:
    ordered: Json = {
        "find": "MedicationRequest",
        "code_in": ["antidepressant"],
        "give": "exists",
        "record": "complete",
        "from": "drafts",
    }
    sign: Any = {"hook": "order-sign", "drafts": [order(id="o1") | MODIFIER]}
    assert ask(ordered, **sign).because == (("draft-orders", "truncated"),)
    assert chart(**sign).notes == (Note("unreadable", "MedicationRequest/o1"),)
    nested: Any = {"hook": "order-sign", "drafts": [order(id="o1") | {"dosageInstruction": [MODIFIER]}]}
    assert ask(ordered, **nested).state is UNKNOWN


@pytest.mark.parametrize("contained", [True, False])
def test_a_drug_told_by_a_medication_that_may_mean_something_else_is_not_read(contained: bool) -> None:
    product: Json = {
        "resourceType": "Medication",
        "id": "m1",
        "code": order()["medicationCodeableConcept"],
        **MODIFIER,
    }
    taken = statement() | {"medicationReference": {"reference": "#m1" if contained else "Medication/m1"}}
    del taken["medicationCodeableConcept"]
    entries = [taken | {"contained": [product]}] if contained else [taken, product]
    find: Json = {
        "find": "MedicationStatement",
        "code_in": ["antidepressant"],
        "give": "exists",
        "record": "complete",
    }
    assert ask(find, prefetch={"medication-statements": bundle(*entries)}).state is UNKNOWN
