"""Drug resources written as in FHIR R5: never read as if they named no drug or no reason."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, administration, ask, bundle, chart, dispense, order, raw, statement

from cds_service.errors import RequestError
from cds_service.facts.read import FAILED, Note, Owner, read_key
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import TRUE, UNKNOWN

OWNER = Owner("p")
MADE = (order(), statement(), dispense(), administration("312938", "2026-02-20"))


def after_r4(made: Json) -> Json:
    """The same resource as R5 writes it."""
    newer = dict(made)
    return newer | {"medication": {"concept": newer.pop("medicationCodeableConcept")}}


@pytest.mark.parametrize("made", MADE, ids=lambda made: made["resourceType"])
@pytest.mark.parametrize(
    "change",
    [
        {"medication": {"concept": {"text": "sertraline"}}},
        {"medication": {"reference": {"reference": "Medication/1"}}},
        {"medication": {}},
        {"reason": [{"concept": {"text": "pain"}}]},
    ],
)
def test_a_drug_resource_of_another_version_fails_its_key(made: Json, change: Json) -> None:
    kind = made["resourceType"]
    newer = (after_r4(made) if "medication" in change else made) | change
    found = read_key(KEY_OF_TYPE[kind], raw(bundle(newer, made | {"id": "r4"}, total=2)), OWNER)
    assert found.state == FAILED
    assert [one.id for one in found.resources] == ["r4"]
    assert found.notes == (Note("unreadable", f"{kind}/{made['id']}"),)


def test_a_type_that_only_r5_has_is_noted() -> None:
    usage = statement(id="u1") | {"resourceType": "MedicationUsage"}
    found = read_key("medication-statements", raw(bundle(usage)), OWNER)
    assert (found.state, found.notes) == ("truncated", (Note("unreadable", "medication-statements/u1"),))


def test_a_chart_of_another_version_leaves_open_what_it_would_deny() -> None:
    taken: Json = {
        "find": "MedicationStatement",
        "code_in": ["antidepressant"],
        "give": "exists",
        "record": "complete",
    }
    found = ask(taken, after_r4(statement()))
    assert (found.state, found.because) == (UNKNOWN, (("medication-statements", "failed"),))
    assert ask(taken, after_r4(statement()), statement()).state is TRUE


@pytest.mark.parametrize("change", [{"medication": {"concept": {}}}, {"reason": [{}]}])
def test_unsigned_orders_of_another_version_are_refused(change: Json) -> None:
    call: Any = {"hook": "order-sign", "drafts": [order(), after_r4(order()) | change]}
    with pytest.raises(RequestError, match=r"reads R4 \(4\.0\.1\)") as refused:
        chart(**call)
    assert (refused.value.status, refused.value.where) == (412, "context.draftOrders")
    foreign = after_r4(order()) | {"subject": {"reference": "Patient/q"}}
    assert chart(hook="order-sign", drafts=[foreign]).states["draft-orders"] == "other-patient"
