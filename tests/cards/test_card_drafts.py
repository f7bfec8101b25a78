"""From the orders of a call to what a suggestion may change: only orders of this call and this patient."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from order_example import order

from cds_service.facts.gather import gather
from cds_service.facts.meaning import Meanings
from cds_service.facts.request import HookRequest
from cds_service.pipeline import ServedRulebook, examine
from cds_service.rulebook.load import load_rulebook

RULES = Path(__file__).parents[2] / "rules" / "ketamine-trd"


@cache
def served() -> ServedRulebook:
    return ServedRulebook.prepare(load_rulebook(RULES), "direct")


def call(*entries: Any, **changes: Any) -> HookRequest:
    """A hook call with these entries as its draft orders."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}
    found = {"resourceType": "Bundle", "type": "searchset"}
    patient = {"resourceType": "Patient", "id": "p1"}
    values: dict[str, Any] = {
        "hook": "order-sign",
        "hook_instance": "00000000-0000-4000-8000-000000000000",
        "service_id": "ketamine-trd-order-sign",
        "user": "Practitioner/x",
        "patient_id": "p1",
        "as_of": datetime(2026, 3, 1, tzinfo=UTC),
        "zone": UTC,
        "prefetch": {"patient": raw(patient), "conditions": raw(found)},
        "draft_orders": raw(bundle),
    }
    return HookRequest(**(values | changes))


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def kept(*entries: Any) -> dict[str, Any]:
    chart = gather(call(*entries), ("patient",), Meanings(served().book.terminology))
    return {reference: json.loads(bytes(text)) for reference, text in chart.draft_raw.items()}


def test_an_order_is_kept_as_it_was_sent():
    sent = order(unheardOf={"x": [1, None]})
    assert kept({"fullUrl": "urn:x", "resource": sent}) == {"MedicationRequest/o1": sent}


def test_the_status_of_an_order_does_not_matter():
    assert list(kept({"resource": order(status="active")})) == ["MedicationRequest/o1"]


def test_orders_without_an_id_of_their_own_cannot_be_named():
    nameless = {name: value for name, value in order().items() if name != "id"}
    assert kept({"resource": nameless}, {"resource": order("no id/at all")}) == {}
    assert kept({"resource": order()}, {"resource": order(priority="stat")}) == {}


def test_an_order_of_another_patient_or_one_that_cannot_be_read_is_not_kept():
    other = order("o2", subject={"reference": "Patient/p2"})
    odd = order("o3", dosageInstruction="much")
    assert list(
        kept({"resource": other}, {"resource": odd}, {}, {"resource": None}, {"resource": order()})
    ) == ["MedicationRequest/o1"]


def test_the_orders_of_a_call_reach_its_decision():
    if "order-sign" not in served().plans:
        hook = next(iter(served().plans))
        request = call({"resource": order()}, hook=hook)
    else:
        request = call({"resource": order()})
    evaluation = examine(request, served())
    assert "MedicationRequest/o1" in evaluation.decision.record.drafts
    assert evaluation.decision.drafts == evaluation.chart.draft_raw
