"""From the orders of a call to what is sent back: only orders of this call and this patient, as they came."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from order_book import write_book
from order_example import order

from cds_service.errors import RequestError
from cds_service.facts.request import HookRequest
from cds_service.pipeline import ServedRulebook, evaluate, examine

Json = dict[str, Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedRulebook:
    return write_book(tmp_path_factory.mktemp("rules"))


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value if isinstance(value, bytes) else json.dumps(value).encode())


def call(*entries: Any, kilos: float | None = 70, bundle: bytes | None = None) -> HookRequest:
    """A hook call with these entries as its draft orders, and a weight."""
    weight = {
        "resourceType": "Observation",
        "id": "w1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-02-03",
        "valueQuantity": {"value": kilos, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    found = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": weight}] if kilos else []}
    orders = {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}
    return HookRequest(
        hook="order-sign",
        hook_instance="00000000-0000-4000-8000-000000000000",
        service_id="orders-order-sign",
        user="Practitioner/x",
        patient_id="p1",
        as_of=datetime(2026, 3, 1, tzinfo=UTC),
        zone=UTC,
        prefetch={
            "patient": raw({"resourceType": "Patient", "id": "p1"}),
            "observations-body-weight": raw(found),
        },
        draft_orders=raw(orders if bundle is None else bundle),
    )


@pytest.fixture
def answered(served: ServedRulebook) -> Callable[..., list[Json]]:
    def cards(*entries: Any, **more: Any) -> list[Json]:
        return list(json.loads(msgspec.json.encode(evaluate(call(*entries, **more), served).body))["cards"])

    return cards


@pytest.fixture
def kept(served: ServedRulebook) -> Callable[..., Json]:
    def drafts(*entries: Any) -> Json:
        found = examine(call(*entries), served).chart.draft_raw
        return {reference: json.loads(bytes(text)) for reference, text in found.items()}

    return drafts


def test_an_order_is_kept_as_it_was_sent_whatever_its_status(kept):
    """K-3."""
    sent = order(status="active", unheardOf={"x": [1, None]})
    assert kept({"fullUrl": "urn:x", "resource": sent}) == {"MedicationRequest/o1": sent}


def test_orders_without_an_id_of_their_own_cannot_be_named(kept):
    nameless = {name: value for name, value in order().items() if name != "id"}
    assert kept({"resource": nameless}, {"resource": order("no id/at all")}) == {}
    assert kept({"resource": order()}, {"resource": order(priority="stat")}) == {}


def test_an_order_of_another_patient_or_one_that_cannot_be_read_is_not_kept(kept):
    other = order("o2", subject={"reference": "Patient/p2"})
    odd = order("o3", dosageInstruction="much")
    entries = [{"resource": other}, {"resource": odd}, {}, {"resource": None}, {"resource": order()}]
    assert list(kept(*entries)) == ["MedicationRequest/o1"]


def test_a_call_is_answered_with_its_orders_changed_or_removed(answered):
    first, second = order("o1", unheardOf={"x": [0.5]}), order("o2")
    (card,) = answered({"resource": first}, {"resource": second}, kilos=70.4)
    assert card["summary"] == "35.2 mg at 70.4 kg of 2026-02-03"
    assert [each["label"] for each in card["suggestions"]] == [
        "Set something to 35.2 mg",
        "Set something to 35.2 mg",
        "Remove something",
        "Remove something",
    ]
    actions = [action for each in card["suggestions"] for action in each["actions"]]
    changed = {each["resource"]["id"]: each["resource"] for each in actions if each["type"] == "update"}
    removed = {each["resourceId"] for each in actions if each["type"] == "delete"}
    assert set(changed) == {"o1", "o2"}
    assert removed == {"MedicationRequest/o1", "MedicationRequest/o2"}
    expected = copy.deepcopy(first)
    line = expected["dosageInstruction"][0]
    line["doseAndRate"][0]["doseQuantity"] = {"value": 35.2, "unit": "mg"}
    line["text"] = "35.2 mg once"
    assert changed["o1"] == expected
    MedicationRequest.model_validate(changed["o2"])


def test_without_the_weight_an_order_can_only_be_removed(answered):
    (card,) = answered({"resource": order()}, kilos=None)
    assert [each["label"] for each in card["suggestions"]] == ["Remove something"]


def test_the_digits_of_a_number_come_back_as_they_were_sent(served):
    text = json.dumps({"resource": order(unheardOf=0)}).replace('"unheardOf": 0', '"unheardOf": 50.00')
    bundle = ('{"resourceType": "Bundle", "entry": [' + text + "]}").encode()
    body = msgspec.json.encode(evaluate(call(bundle=bundle), served).body)
    assert b'"unheardOf":50.00' in body


def nested(depth: int) -> bytes:
    text = json.dumps({"resource": order(unheardOf=0)})
    deep = text.replace('"unheardOf": 0', '"unheardOf": ' + "[" * depth + "]" * depth)
    return ('{"resourceType": "Bundle", "entry": [' + deep + "]}").encode()


@pytest.mark.parametrize(
    ("depth", "kinds"), [(60, ["update", "delete"]), (70, ["delete"]), (600, ["delete"])]
)
def test_an_order_nested_deeply_is_not_sent_back(answered, depth, kinds):
    (card,) = answered(bundle=nested(depth))
    assert [action["type"] for each in card["suggestions"] for action in each["actions"]] == kinds


def test_an_order_at_the_limit_of_what_can_be_read_is_answered_or_refused(served):
    outcomes = set()
    for depth in (*range(700, 1010), 100_000):
        try:
            outcomes.add(len(msgspec.json.encode(evaluate(call(bundle=nested(depth)), served).body)) > 0)
        except RequestError:
            outcomes.add(None)
    assert outcomes == {True, None}
