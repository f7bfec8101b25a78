"""Unsigned orders that cannot be used: noted or named as not obtained, never passed over in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chart_builder import Json, ask, bundle, chart, order, span_of
from fhir.resources.R4B import get_fhir_model_class

from cds_service.facts import fhir
from cds_service.facts.read import Note
from cds_service.facts.resource_types import KNOWN_TYPES
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth

ORDERED: Json = {
    "find": "MedicationRequest",
    "code_in": ["antidepressant"],
    "give": "exists",
    "record": "complete",
    "from": "drafts",
}
COUNTED: Json = ORDERED | {"give": "count", "from": "drafts-and-chart"}
SIGN: Any = {"hook": "order-sign"}
CUT = (("draft-orders", "truncated"),)


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        ({"authoredOn": 7}, "MedicationRequest/o1"),
        ({"resourceType": "medicationrequest"}, "draft-orders/o1"),
        ({"resourceType": "MedicationRequets"}, "draft-orders/o1"),
        ({"resourceType": "Zq7mark", "id": "a b"}, "draft-orders/?"),
        ({"resourceType": ""}, "draft-orders/o1"),
        ({"resourceType": 7}, "draft-orders"),
    ],
)
def test_a_draft_that_cannot_be_read_is_noted_and_leaves_open_what_is_ordered(
    change: Json, noted: str
) -> None:
    odd = order(id="o1") | change
    found = ask(ORDERED, drafts=[odd], **SIGN)
    assert (found.state, found.because) == (UNKNOWN, CUT)
    assert chart(drafts=[odd], **SIGN).notes == (Note("unreadable", noted),)
    assert ask(ORDERED, drafts=[odd, order()], **SIGN).state is TRUE


def test_an_entry_that_holds_no_draft_is_noted() -> None:
    held = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1"}]}
    drafts = json.dumps(held).encode()
    assert ask(ORDERED, drafts=drafts, **SIGN).because == CUT
    assert chart(drafts=drafts, **SIGN).notes == (Note("unreadable", "draft-orders"),)


@pytest.mark.parametrize("kind", ["ServiceRequest", "DeviceRequest", "VisionPrescription", "Task"])
def test_a_draft_of_a_type_no_rule_asks_about_is_none_of_our_business(kind: str) -> None:
    held = chart(drafts=[{"resourceType": kind, "id": "s1"}], **SIGN)
    assert (held.notes, held.missing) == ((), {})


GROUP: Json = {"resourceType": "RequestGroup", "id": "g1", "action": [{"resource": {"reference": "#o1"}}]}


@pytest.mark.parametrize(
    "holder",
    [
        GROUP | {"contained": [order(id="o1")]},
        {"resourceType": "Parameters", "id": "g1", "parameter": [{"name": "x", "resource": order()}]},
        {"resourceType": "Parameters", "id": "g1", "parameter": [{"resource": bundle(order())}]},
        GROUP | {"contained": [order() | {"resourceType": "MedicationRequets"}]},
        GROUP | {"contained": [order() | {"resourceType": ["MedicationRequest"]}]},
        GROUP | {"contained": [{"resourceType": "RequestGroup", "contained": [order()]}]},
    ],
)
def test_an_order_inside_another_is_noted_and_leaves_open_what_is_ordered(holder: Json) -> None:
    found = ask(ORDERED, drafts=[holder], **SIGN)
    assert (found.state, found.because) == (UNKNOWN, CUT)
    assert chart(drafts=[holder], **SIGN).notes == (Note("unreadable", f"{holder['resourceType']}/g1"),)
    nameless = holder | {"id": "no id"}
    assert chart(drafts=[nameless], **SIGN).notes[0].reference == f"{holder['resourceType']}/?"


def test_an_order_of_another_type_that_holds_no_order_is_none_of_our_business() -> None:
    held = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Medication", "id": "m"}]
    for holder in (GROUP, GROUP | {"contained": held}, {"resourceType": "ServiceRequest", "contained": held}):
        assert (held_chart := chart(drafts=[holder], **SIGN)).notes == ()
        assert held_chart.missing == {}


@pytest.mark.parametrize(
    ("severity", "code", "because"),
    [
        ("error", "exception", (("draft-orders", "failed"),)),
        ("warning", "suppressed", CUT),
        ("warning", "processing", ()),
    ],
)
def test_a_report_among_the_drafts_may_mean_that_there_are_more(
    severity: str, code: str, because: Any
) -> None:
    report = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}
    found = ask(ORDERED, drafts=[report], **SIGN)
    assert (found.state, found.because) == (UNKNOWN if because else FALSE, because)


def test_a_draft_entered_in_error_is_noted_and_takes_back_the_order_it_revises() -> None:
    held, taken_back = order(id="o1", status="active"), order(id="o1", status="entered-in-error")
    assert span_of(ask(COUNTED, held, drafts=[taken_back], **SIGN)) == Span(0, 0)
    noted = chart(held, keys=["medication-requests"], drafts=[taken_back], **SIGN).notes
    assert noted == (Note("entered-in-error", "MedicationRequest/o1"),)


def test_an_entry_of_a_type_nobody_knows_is_noted_in_a_key_too() -> None:
    """Beside entries that can be read it must not pass for one of a type that no rule asks about."""
    odd = order(id="o1") | {"resourceType": "medicationrequest"}
    held = chart(keys=["medication-requests"], prefetch={"medication-requests": bundle(order(), odd)})
    assert held.states["medication-requests"] == "truncated"
    assert held.notes == (Note("unreadable", "medication-requests/o1"),)


@pytest.mark.parametrize("kind", sorted(fhir.RESOURCE_TYPES | {"ServiceRequest", "NutritionOrder", "Basic"}))
def test_a_type_that_fhir_has_is_known(kind: str) -> None:
    assert get_fhir_model_class(kind).get_resource_type() in KNOWN_TYPES


def test_no_type_is_known_that_neither_r4_nor_its_models_have() -> None:
    """Types of R4 alone begin in these ways; all others stand in the models of R4B, too."""
    alone = ("EffectEvidence", "RiskEvidence", "MedicinalProduct", "Substance")
    for kind in KNOWN_TYPES:
        assert kind.startswith(alone) or get_fhir_model_class(kind).get_resource_type() == kind


NOT_ENDED: Json = ORDERED | {"where": {"status": {"not": ["cancelled", "stopped"]}}}


@pytest.mark.parametrize(
    ("status", "ordered", "noted"),
    [
        ("draft", TRUE, False),
        ("Draft", TRUE, False),
        (" DRAFT", TRUE, False),
        ("", TRUE, False),
        ("pending", TRUE, True),
        ("?", TRUE, True),
        ("Cancelled", FALSE, False),
        ("stopped ", FALSE, False),
        ("Entered in Error", FALSE, False),
    ],
)
def test_an_unsigned_order_is_one_whatever_its_status_says_unless_it_says_that_it_is_none(
    status: str, ordered: Truth, noted: bool
) -> None:
    drafts = [order(id="o1", status=status)]
    assert ask(NOT_ENDED, drafts=drafts, **SIGN).state is ordered
    unclear = Note("status-unclear", "MedicationRequest/o1")
    assert (unclear in chart(drafts=drafts, **SIGN).notes) is noted
