"""Resources, Bundles and unsigned orders that say of themselves that parts of them were left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chart_builder import Json, ask, bundle, chart, condition, order, patient, raw, response

from cds_service.cards.drafts import Drafts
from cds_service.facts.read import EMPTY, FOUND, TRUNCATED, Note, Owner, read_key
from cds_service.facts.server.pages import joined
from cds_service.truth import FALSE, TRUE, UNKNOWN

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
OWNER = Owner("p")
labelled = pytest.mark.parametrize("code", ["SUBSETTED", "REDACTED", "MASKED"])
placed = pytest.mark.parametrize("place", ["tag", "security"])
ORDERED: Json = {
    "find": "MedicationRequest",
    "code_in": ["antidepressant"],
    "give": "exists",
    "record": "complete",
    "from": "drafts",
}
PROBLEM: Json = {"find": "Condition", "code_in": ["aneurysm"], "give": "exists", "record": "complete"}


def label(code: str, place: str = "tag") -> Json:
    return {"meta": {place: [{"system": SYSTEM, "code": code}]}}


@labelled
@placed
def test_a_resource_sent_in_part_is_noted_and_proves_presence_only(code: str, place: str) -> None:
    summary = response(id="q1", status="completed") | label(code, place)
    found = read_key("questionnaire-responses", raw(bundle(summary)), OWNER)
    assert (found.state, len(found.resources)) == (TRUNCATED, 1)
    assert found.notes == (Note("partial", "QuestionnaireResponse/q1"),)
    cut = condition("F33.2", id="c1") | label(code, place)
    kept = {"prefetch": {"conditions": bundle(cut)}}
    assert ask(PROBLEM, **kept).because == (("conditions", "truncated"),)
    assert ask(PROBLEM | {"code_in": ["mdd-active"]}, **kept).state is TRUE


@labelled
@placed
def test_a_bundle_sent_in_part_is_never_known_to_be_empty(code: str, place: str) -> None:
    assert read_key("conditions", raw(bundle() | label(code, place)), OWNER).state == TRUNCATED
    odd = bundle(condition() | {"onsetDateTime": 7}) | label(code, place)
    assert read_key("conditions", raw(odd), OWNER).state == TRUNCATED


def test_other_labels_say_nothing_of_that() -> None:
    for meta in (
        {"security": [{"system": "urn:confidentiality", "code": "R"}], "tag": [{"code": "reviewed"}]},
        {"versionId": 3, "profile": ["urn:x"]},
        {"tag": []},
    ):
        assert read_key("conditions", raw(bundle(condition() | {"meta": meta})), OWNER).state == FOUND
        assert read_key("conditions", raw(bundle() | {"meta": meta}), OWNER).state == EMPTY


def test_pages_of_which_one_was_sent_in_part_are_not_the_whole() -> None:
    pages = [json.dumps(page).encode() for page in (bundle(condition()), bundle() | label("REDACTED"))]
    assert read_key("conditions", joined(pages, whole=True), OWNER).state == TRUNCATED
    assert read_key("conditions", joined([pages[0], pages[0]], whole=True), OWNER).state == FOUND


def test_a_patient_sent_in_part_is_the_patient() -> None:
    held = chart(prefetch={"patient": patient() | label("SUBSETTED")})
    assert held.patient is not None
    assert (held.states["patient"], held.notes) == (TRUNCATED, (Note("partial", "Patient/p"),))


@labelled
def test_an_unsigned_order_sent_in_part_counts_and_leaves_open_what_else_is_ordered(code: str) -> None:
    sign: Any = {"hook": "order-sign", "drafts": [order(id="o1") | label(code)]}
    assert ask(ORDERED, **sign).state is TRUE
    assert ask(ORDERED | {"code_in": ["ketamine"]}, **sign).because == (("draft-orders", "truncated"),)
    held = chart(**sign)
    assert held.notes == (Note("partial", "MedicationRequest/o1"),)
    assert Drafts(held.draft_raw).resource("MedicationRequest/o1") is None  # never sent back as it came


@pytest.mark.parametrize("members", [label("REDACTED", "security"), {"total": 5}])
def test_unsigned_orders_that_say_there_are_more_did_not_all_come(members: Json) -> None:
    drafts = json.dumps(bundle(order("238082")) | members).encode()
    found = ask(ORDERED, drafts=drafts, hook="order-sign")
    assert (found.state, found.because) == (UNKNOWN, (("draft-orders", "truncated"),))
    whole = json.dumps(bundle(order("238082"), total=1)).encode()
    assert ask(ORDERED, drafts=whole, hook="order-sign").state is FALSE
