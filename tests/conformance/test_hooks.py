"""Rows K and SB: the context of every hook, in every shape that real callers send."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from flask.testing import FlaskClient
from web.answers import assert_cards, assert_outcome, decision, order, verdicts

from cds_service.facts.prefetch import template
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.hooks import HOOKS, REPLACED, ContextField, is_own

from .calls import ALLERGY, CONTEXTS, DRAFTS, EVERY_HOOK, OWN, TASK, address, call
from .rows import row

REQUIRED = [(hook.name, field) for hook in HOOKS.values() for field in hook.fields if field.required]
OPTIONAL = [(hook.name, field) for hook in HOOKS.values() for field in hook.fields if not field.required]
WRONG: dict[str, list[Any]] = {
    "user": ["1", 5, ["Practitioner/1"]],
    "id": ["Patient/1", 5, {}],
    "reference": ["1", {}],
    "references": ["ServiceRequest", [1], {}],
    "bundle": [{}, [], {"resourceType": "Patient"}, "x"],
    "resource": [{}, [], "x", {"resource": {}}],
    "resources": ["x", 5, [5]],
}
ROW_OF = {
    "patient-view": "K-1",
    "order-select": "K-2",
    "order-sign": "K-3",
    "order-dispatch": "K-4",
    "encounter-start": "K-5",
    "encounter-discharge": "K-6",
    "appointment-book": "K-7",
    "problem-list-item-create": "K-8",
    "allergyintolerance-create": "K-9",
    "medication-refill": "K-10",
    "medication-verify": "K-11",
}


def answered(client: FlaskClient, sent: dict[str, Any]) -> dict[str, Any]:
    return assert_cards(client.post(address(sent["hook"]), json=sent))


def refused(client: FlaskClient, sent: dict[str, Any], status: int = 400) -> str:
    issue = assert_outcome(client.post(address(sent["hook"]), json=sent), status)
    return str(issue["expression"][0])


def named(hook_and_field: Any) -> str:
    return hook_and_field.name if isinstance(hook_and_field, ContextField) else str(hook_and_field)


@row(*ROW_OF.values())
@pytest.mark.parametrize("hook", EVERY_HOOK)
def test_a_good_call_of_every_hook_is_answered(sample: FlaskClient, hook: str) -> None:
    for encounter in (..., "e1"):
        if encounter != ... or hook not in ("encounter-start", "encounter-discharge"):
            body = answered(sample, call(hook, encounterId=encounter))
            assert verdicts(body)["fracture-on-record"] == "true"


@row(*ROW_OF.values())
@pytest.mark.parametrize(("hook", "field"), REQUIRED, ids=named)
def test_a_field_the_hook_requires_must_come(sample: FlaskClient, hook: str, field: ContextField) -> None:
    for absent in (..., None):
        assert refused(sample, call(hook, **{field.name: absent})) == f"context.{field.name}"


@row(*ROW_OF.values())
@pytest.mark.parametrize(("hook", "field"), [*REQUIRED, *OPTIONAL], ids=named)
def test_a_field_of_another_type_is_refused(sample: FlaskClient, hook: str, field: ContextField) -> None:
    for value in WRONG[field.kind]:
        assert refused(sample, call(hook, **{field.name: value})).startswith(f"context.{field.name}")


@row(*ROW_OF.values())
@pytest.mark.parametrize(("hook", "field"), OPTIONAL, ids=named)
def test_a_field_the_hook_allows_may_be_missing(sample: FlaskClient, hook: str, field: ContextField) -> None:
    for absent in (..., None, ""):
        answered(sample, call(hook, **{field.name: absent}))


@row("K-1")
@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/r1"])
def test_a_patient_who_opens_the_chart_is_answered_without_cards(sample: FlaskClient, user: str) -> None:
    body = answered(sample, call("patient-view", userId=user))
    assert (body["cards"], decision(body)["withheld"]) == ([], "not-a-clinician")
    assert answered(sample, call("patient-view", userId="PractitionerRole/1"))["cards"]


@row("K-2")
def test_advice_looks_at_all_drafts_and_a_selection_must_have_come(sample: FlaskClient) -> None:
    other = {"resourceType": "NutritionOrder", "id": "n1", "patient": {"reference": "Patient/p1"}}
    drafts = DRAFTS | {"entry": [*DRAFTS["entry"], {"resource": other}]}
    both = call("order-select", draftOrders=drafts, selections=["NutritionOrder/n1"])
    assert verdicts(answered(sample, both))["drug-being-ordered"] == "true"
    alone = call("order-select", draftOrders=DRAFTS | {"entry": [{"resource": other}]})
    alone["context"]["selections"] = ["NutritionOrder/n1"]
    assert verdicts(answered(sample, alone))["drug-being-ordered"] == "false"
    alone["context"]["selections"] = ["MedicationRequest/lost"]
    assert verdicts(answered(sample, alone))["drug-being-ordered"] == "unknown"


@row("K-3")
@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unheard-of", None])
def test_an_order_is_signed_whatever_its_status(sample: FlaskClient, status: str | None) -> None:
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order("d1", "p1") | {"status": status}}]}
    drafts["entry"][0]["resource"] = {k: v for k, v in drafts["entry"][0]["resource"].items() if v}
    body = answered(sample, call("order-sign", draftOrders=drafts))
    assert verdicts(body)["drug-being-ordered"] == "true"
    empty = call("order-sign", draftOrders={"resourceType": "Bundle"})
    assert verdicts(answered(sample, empty))["drug-being-ordered"] == "false"


@row("K-4")
@pytest.mark.parametrize(
    "spelt",
    [
        {"fulfillmentTasks": [TASK]},
        {"fulfillment-tasks": [TASK]},
        {"dispatchedOrders": ..., "dispatched-orders": ["ServiceRequest/s1"]},
        {"dispatchedOrders": ..., "order": "ServiceRequest/s1", "task": TASK},
    ],
)
def test_an_order_is_dispatched_in_every_spelling(sample: FlaskClient, spelt: dict[str, Any]) -> None:
    answered(sample, call("order-dispatch", **spelt))
    for name in spelt:
        if spelt[name] != ...:
            assert refused(sample, call("order-dispatch", **spelt | {name: 5})).startswith(f"context.{name}")


@row("K-6", "K-5", "S-6")
def test_a_hook_that_fires_again_gets_the_same_answer(sample: FlaskClient) -> None:
    for hook in ("encounter-discharge", "encounter-start"):
        assert answered(sample, call(hook)) == answered(sample, call(hook))


@row("K-7", "K-14")
def test_bundles_need_no_type_no_full_url_and_no_unique_ids(sample: FlaskClient) -> None:
    apt = {"resourceType": "Appointment", "id": "apt1", "status": "proposed"}
    answered(
        sample,
        call("appointment-book", appointments={"resourceType": "Bundle", "entry": [{"resource": apt}] * 2}),
    )
    full = {"fullUrl": "urn:uuid:x", "resource": order("d1", "p1")}
    for entry in (full, {"resource": full["resource"]}):
        body = answered(sample, call("order-sign", draftOrders={"resourceType": "Bundle", "entry": [entry]}))
        assert verdicts(body)["drug-being-ordered"] == "true"


@row("K-8", "SB-4")
@pytest.mark.parametrize("category", ["problem-list-item", {"coding": []}, [{"coding": []}]])
def test_a_category_of_an_odd_shape_is_no_reason_to_refuse(sample: FlaskClient, category: Any) -> None:
    problem = {"resourceType": "Condition", "category": category, "subject": {"reference": "Patient/p1"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": problem}]}
    answered(sample, call("problem-list-item-create", conditions=bundle))
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order("d1", "p1") | {"category": category}}]}
    body = answered(sample, call("order-sign", draftOrders=drafts))
    assert verdicts(body)["drug-being-ordered"] == "true"


@row("K-9")
@pytest.mark.parametrize("shape", [ALLERGY, {"resource": ALLERGY}, {"resourceType": "Bundle", "entry": []}])
def test_an_allergy_comes_alone_wrapped_or_in_a_bundle(sample: FlaskClient, shape: Any) -> None:
    answered(sample, call("allergyintolerance-create", allergyIntolerance=shape))
    answered(sample, call("allergyintolerance-create", allergyIntolerance=..., allergyIntolerances=shape))
    for other in ({"resourceType": "Patient"}, {"resource": {"resourceType": "Patient"}}):
        where = refused(sample, call("allergyintolerance-create", allergyIntolerance=other))
        assert where == "context.allergyIntolerance"


@row("K-10")
def test_a_refill_is_an_order_not_yet_signed_and_needs_no_user(sample: FlaskClient) -> None:
    body = answered(sample, call("medication-refill"))
    assert verdicts(body)["drug-being-ordered"] == "true"
    for hook in ("medication-verify", "patient-view"):
        body = answered(sample, call(hook, draftOrders=DRAFTS, medications=DRAFTS))
        assert verdicts(body)["drug-being-ordered"] == "false"


@row("K-10")
@pytest.mark.parametrize("who", ["requester", "recorder"])
@pytest.mark.parametrize(
    ("person", "cards"),
    [
        ({"reference": "Patient/p1"}, False),
        ({"reference": "https://ehr.example.org/fhir/RelatedPerson/r1"}, False),
        ({"type": "Patient", "identifier": {"value": "1"}}, False),
        ({"reference": "Practitioner/1"}, True),
    ],
)
def test_a_refill_without_user_is_asked_for_by_its_requester(
    sample: FlaskClient, who: str, person: Any, cards: bool
) -> None:
    asked = {"resourceType": "Bundle", "entry": [{"resource": order("d1", "p1") | {who: person}}]}
    body = answered(sample, call("medication-refill", medications=asked))
    assert bool(body["cards"]) is cards
    assert decision(body).get("withheld") == (None if cards else "not-a-clinician")
    assert verdicts(body)["drug-being-ordered"] == "true"
    assert answered(sample, call("medication-refill", medications=asked, userId="Practitioner/1"))["cards"]


@row("K-11")
def test_the_order_to_verify_comes_under_either_name_and_is_no_draft(sample: FlaskClient) -> None:
    signed = order("d1", "p1") | {"status": "active"}
    for sent in ({"medication": signed}, {"order": {"resource": signed}}, {"order": signed}):
        body = answered(sample, call("medication-verify", **{"medication": ...} | sent))
        assert verdicts(body)["drug-being-ordered"] == "false"


@row("K-12")
@pytest.mark.parametrize("old", REPLACED)
def test_a_hook_that_was_replaced_is_refused(sample: FlaskClient, old: str) -> None:
    assert old not in HOOKS
    assert not is_own(old)
    issue = assert_outcome(sample.post(address("order-sign"), json=call("order-sign") | {"hook": old}), 400)
    assert "order-sign" in issue["details"]["text"]


@row("K-13")
def test_a_hook_of_ones_own_needs_the_patient_only(sample: FlaskClient) -> None:
    body = answered(sample, call(OWN, draftOrders=DRAFTS, anything={"a": 1}))
    assert verdicts(body)["drug-being-ordered"] == "true"
    assert refused(sample, call(OWN, patientId=..., anything=1)) == "context.patientId"


@row("K-13")
@pytest.mark.parametrize("name", ["org.example.thing-verb", "com.example.Thing-verb2", "org.ex-ample.a_b"])
def test_names_of_own_hooks_read_like_a_domain_backwards(name: str) -> None:
    assert is_own(name)
    assert not any(map(is_own, (name.replace(".", "-"), f"{name}/x", f".{name}", f"{name} ", "patient-view")))


@row("K-15")
def test_a_draft_is_never_asked_for_from_the_server(everywhere: Rulebook) -> None:
    asked = {key: template(key, everywhere) for key in ("conditions", "observations-vital-signs", "patient")}
    assert not [query for query in asked.values() if "draft" in query or "selections" in query]


@row("K-16")
@pytest.mark.parametrize("hook", CONTEXTS)
def test_a_field_nobody_knows_is_overlooked(sample: FlaskClient, hook: str) -> None:
    unknown = copy.deepcopy(call(hook, futureField={"a": [1]}, another="x"))
    assert answered(sample, unknown) == answered(sample, call(hook))


@row("SB-1")
def test_an_order_without_a_drug_yet_is_answered(sample: FlaskClient) -> None:
    draft = {"resourceType": "MedicationRequest", "id": "request-123", "subject": {"reference": "Patient/p1"}}
    for selections in (["MedicationRequest/request-123"], []):
        drafts = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
        body = answered(sample, call("order-select", draftOrders=drafts, selections=selections))
        assert verdicts(body)["drug-being-ordered"] != "true"
    assert verdicts(answered(sample, call("order-select")))["drug-being-ordered"] == "true"


@row("SB-7", "F-2")
def test_a_server_without_a_token_is_no_reason_to_refuse(sample: FlaskClient) -> None:
    answered(sample, call("order-sign") | {"fhirServer": "http://localhost:8080/fhir"})
    assert refused(sample, call("order-sign") | {"fhirServer": "localhost"}) == "fhirServer"
