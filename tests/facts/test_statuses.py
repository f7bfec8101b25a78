"""The status of problems and allergies, by code, by word or neither, and how a problem ended."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import RXNORM, Json, ask, chart, coding, concept, condition, keys_of, observation

from cds_service.facts.ended import notes_unclear
from cds_service.facts.read import Note
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
LIST: Json = {"find": "Condition", "code_in": ["aneurysm"], "give": "exists", "record": "complete"}
ACTIVE: Json = LIST | {
    "where": {
        "clinicalStatus": {"not": ["inactive", "remission", "resolved"]},
        "verificationStatus": {"not": ["refuted", "entered-in-error"]},
    },
    "unsure": {"verificationStatus": ["unconfirmed", "provisional", "differential"]},
}


def problem(clinical: Json | None = None, verification: Json | None = None, **more: Any) -> Json:
    told = {"clinicalStatus": clinical, "verificationStatus": verification}
    recorded = {name: status for name, status in told.items() if status is not None}
    return condition("I67.1", clinical=None, verification=None) | recorded | more


def noted(resource: Json) -> bool:
    return bool(notes_unclear(chart(resource, keys=keys_of(resource))))


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (None, TRUE),
        ({}, TRUE),
        (concept(coding("active", CLINICAL)), TRUE),
        (concept(coding("relapse", CLINICAL), text="Resolved"), TRUE),
        (concept(text="Active"), TRUE),
        (concept(text="Resolved"), FALSE),
        (concept(coding("Resolved", CLINICAL)), FALSE),
        (concept(coding("R", "urn:site", "Resolved")), FALSE),
        (concept(coding("R", "urn:site", "Inactive (qualifier value)")), FALSE),
        (concept(coding("R", "urn:site", "Resolved"), text="Active"), UNKNOWN),
        (concept(coding("R", "urn:site")), UNKNOWN),
        (concept(text="not an issue any more"), UNKNOWN),
    ],
)
def test_a_clinical_status_is_read_by_code_or_word_or_leaves_the_question_open(
    status: Json | None, counts: Truth
) -> None:
    assert ask(ACTIVE, problem(status)).state is counts
    assert noted(problem(status)) is (counts is UNKNOWN)


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (None, TRUE),
        (concept(text="Confirmed"), TRUE),
        (concept(text="Refuted"), FALSE),
        (concept(text="Entered in error"), FALSE),
        (concept(coding("ENTERED-IN-ERROR", "urn:site")), FALSE),
        (concept(text="Provisional"), UNKNOWN),
        (concept(text="to be seen"), UNKNOWN),
    ],
)
def test_a_verification_status_is_read_the_same_way(status: Json | None, counts: Truth) -> None:
    assert ask(ACTIVE, problem(verification=status)).state is counts


@pytest.mark.parametrize(
    ("end", "alone", "called_active", "called_resolved"),
    [
        ({"abatementDateTime": "2025-06-01"}, FALSE, UNKNOWN, FALSE),
        ({"abatementDateTime": "2025"}, FALSE, UNKNOWN, FALSE),
        ({"abatementDateTime": "2026-03-01T11:00:00Z"}, FALSE, UNKNOWN, FALSE),
        ({"abatementPeriod": {"start": "2025-05", "end": "2025-06"}}, FALSE, UNKNOWN, FALSE),
        ({"abatementDateTime": "2026-03-01"}, UNKNOWN, TRUE, FALSE),
        ({"abatementDateTime": "2026"}, UNKNOWN, TRUE, FALSE),
        ({"abatementDateTime": "2026-06-01"}, TRUE, TRUE, FALSE),
        ({"abatementPeriod": {"start": "2025-05"}}, UNKNOWN, TRUE, FALSE),
        ({"abatementString": "last summer"}, UNKNOWN, TRUE, FALSE),
        ({"abatementAge": {"value": 40}}, UNKNOWN, TRUE, FALSE),
        ({"abatementRange": {"low": {"value": 40}}}, UNKNOWN, TRUE, FALSE),
        ({"abatementDateTime": "once"}, UNKNOWN, TRUE, FALSE),
        ({}, TRUE, TRUE, FALSE),
    ],
)
def test_how_a_problem_ended_speaks_where_the_status_does_not(
    end: Json, alone: Truth, called_active: Truth, called_resolved: Truth
) -> None:
    active, resolved, relapse = (
        concept(coding(code, CLINICAL)) for code in ("active", "resolved", "relapse")
    )
    assert ask(ACTIVE, problem(**end)).state is alone
    assert ask(ACTIVE, problem(active, **end)).state is called_active
    assert ask(ACTIVE, problem(resolved, **end)).state is called_resolved
    assert ask(ACTIVE, problem(relapse, **end)).state is TRUE
    assert ask(LIST, problem(**end)).state is TRUE
    assert noted(problem(active, **end)) is (called_active is UNKNOWN)


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("active", TRUE),
        ("unknown", UNKNOWN),
        ("stopped", FALSE),
        ("aktiv", UNKNOWN),
        ("Active", TRUE),
        (" ACTIVE ", TRUE),
        ("Stopped", FALSE),
        ("Entered in error", FALSE),
        ("", UNKNOWN),
    ],
)
def test_a_drug_whose_status_fhir_does_not_have_is_neither_in_use_nor_over(
    status: str, counts: Truth
) -> None:
    taken = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "subject": {"reference": "Patient/p"},
        "status": status,
        "medicationCodeableConcept": concept(coding("2119365", RXNORM)),
    }
    fact = LIST | {"find": "MedicationStatement", "code_in": ["esketamine"]}
    asked = {"where": {"status": ["active", "unknown"]}, "unsure": {"status": ["unknown"]}}
    assert ask(fact | asked, taken).state is counts
    odd = Note("status-unclear", "MedicationStatement/s")
    assert (odd in chart(taken, keys=keys_of(taken)).notes) is (status == "aktiv")
    if status:
        barred = {"where": {"status": {"not": ["stopped"]}}, "unsure": {"status": ["unknown"]}}
        assert ask(fact | barred, taken).state is counts


@pytest.mark.parametrize("status", ["Final", "FINAL", " final"])
def test_the_letters_of_a_status_do_not_matter(status: str) -> None:
    measured = observation("85354-9", {"valueQuantity": {"value": 1}}) | {"status": status}
    final = {"find": "Observation", "code_in": ["blood-pressure-panel"], "where": {"status": ["final"]}}
    assert ask(final | {"give": "exists", "record": "complete"}, measured).state is TRUE
