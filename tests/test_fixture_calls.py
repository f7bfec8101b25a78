"""The hook calls carry what their charts hold, and the orders of the story they are named for."""

from __future__ import annotations

from uuid import UUID

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fixture_files import (
    CALLS,
    OBSERVATION_KEYS,
    TYPE_OF_KEY,
    WITH_ORDERS,
    Json,
    call,
    expected,
    resources,
    story_of,
    strings,
    told,
    visit,
)

WITHHELD = {
    "v15b-missing-data-not-supplied": {
        "allergies", "observations-blood-pressure", "observations-body-weight", "observations-pregnancy"
    }
}  # fmt: skip
SINGLE = {"patient", "encounter"}  # read by id, so a bare resource and no Bundle


def drafts(name: str) -> list[Json]:
    return [entry["resource"] for entry in call(name)["context"]["draftOrders"]["entry"]]


@pytest.mark.parametrize("name", CALLS)
def test_a_request_calls_its_hook_for_the_patient_of_its_chart(name: str) -> None:
    body, (_, story) = call(name), story_of(name)
    assert body["hook"] == name.rpartition(".")[2]
    assert UUID(body["hookInstance"]).version == 4
    context = {"userId": "Practitioner/example", "patientId": resources(story, "Patient")[0]["id"]}
    if running := visit(story):
        context["encounterId"] = running["id"]
    assert {key: body["context"][key] for key in body["context"].keys() & context.keys()} == context
    orders = {"order-select": {"selections", "draftOrders"}, "order-sign": {"draftOrders"}}
    assert body["context"].keys() - context.keys() == orders.get(body["hook"], set())


def test_an_encounter_start_call_has_an_encounter() -> None:
    starts = [call(name)["context"] for name in CALLS if name.endswith(".encounter-start")]
    assert starts
    assert all("encounterId" in context for context in starts)


def test_hook_instances_are_unique() -> None:
    assert len({call(name)["hookInstance"] for name in CALLS}) == len(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_request_has_every_key_but_the_ones_it_withholds(name: str) -> None:
    story, chart = story_of(name)
    keys = (TYPE_OF_KEY.keys() | OBSERVATION_KEYS.keys()) - WITHHELD.get(story, set())
    assert call(name)["prefetch"].keys() == keys - (set() if visit(chart) else {"encounter"})


@pytest.mark.parametrize("name", CALLS)
def test_what_a_request_carries_under_a_key_is_what_its_chart_holds(name: str) -> None:
    _, story = story_of(name)
    for key, value in call(name)["prefetch"].items():
        if key in SINGLE:
            assert [value] == expected(story, key)
            continue
        found = value or {"resourceType": "Bundle", "type": "searchset", "total": 0}
        entries = found.get("entry", [])
        assert [entry["resource"] for entry in entries] == expected(story, key), key
        assert (found["type"], found["total"]) == ("searchset", len(entries))
        assert all(entry["search"] == {"mode": "match"} for entry in entries)
        get_fhir_model_class("Bundle").model_validate(found)


def test_both_spellings_of_an_empty_search_occur() -> None:
    values = [value for name in CALLS for key, value in call(name)["prefetch"].items() if key not in SINGLE]
    assert None in values
    assert any(value and value["total"] == 0 and "entry" not in value for value in values)


# The orders being written.


@pytest.mark.parametrize("name", WITH_ORDERS)
def test_drafts_are_valid_unsigned_orders_for_the_patient(name: str) -> None:
    get_fhir_model_class("Bundle").model_validate(call(name)["context"]["draftOrders"])
    for draft in drafts(name):
        get_fhir_model_class(draft["resourceType"]).model_validate(draft)
        assert (draft["status"], draft["intent"]) == ("draft", "order")
        assert draft["subject"] == {"reference": f"Patient/{call(name)['context']['patientId']}"}
        assert set(strings(draft, "reference")) == {draft["subject"]["reference"], "Practitioner/example"}


@pytest.mark.parametrize("name", [name for name in WITH_ORDERS if name.endswith(".order-select")])
def test_selections_name_drafts_of_the_call(name: str) -> None:
    offered = {f"{draft['resourceType']}/{draft['id']}" for draft in drafts(name)}
    assert set(call(name)["context"]["selections"]) <= offered


@pytest.mark.parametrize("name", WITH_ORDERS)
def test_only_the_revised_order_is_in_the_chart_too(name: str) -> None:
    story, chart = story_of(name)
    held = {seen["id"] for seen in resources(chart)}
    assert {draft["id"] in held for draft in drafts(name)} == {story == "order-revised"}


def test_the_readme_has_one_row_for_each_story_with_orders() -> None:
    rows = [row for row in told() if row.section == "Hook calls"]
    assert sorted(f"{row.name}.{hook}" for row in rows for hook in row.hooks) == WITH_ORDERS


def test_one_of_two_drafts_is_selected() -> None:
    for other in ("ketamine", "other"):
        context = call(f"order-two-drafts-{other}-selected.order-select")["context"]
        assert (len(context["draftOrders"]["entry"]), len(context["selections"])) == (2, 1)
