"""What a suggestion would create is whole, valid FHIR about this patient, with nothing empty in it."""

from __future__ import annotations

import copy

import pytest
from card_example import AS_OF, EAST, TEMPLATES, UUID8, card, only_card, request, rule
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.actions import fill, split, values_of

ACTION = {"type": "create", "description": "Draft it", "resource": {"template": "evaluation"}}
SHOWN = rule("r", card(suggestions=[{"label": "Draft", "actions": [ACTION, ACTION]}]))


def resources(**changes: object) -> list[dict]:
    (offer,) = only_card(SHOWN, request=changes)["suggestions"]
    return [action["resource"] for action in offer["actions"]]


@pytest.mark.parametrize("changes", [{}, {"encounter_id": "e1"}, {"user": ""}, {"zone": EAST}])
def test_a_created_resource_is_valid_fhir(changes):
    for resource in resources(**changes):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_ids_and_dates_of_the_request_are_filled_in():
    resource, _ = resources(encounter_id="e1", zone=EAST)
    assert resource["subject"] == {"reference": "Patient/p1"}
    assert resource["requester"] == {"reference": "Practitioner/dr-1"}
    assert resource["encounter"] == {"reference": "Encounter/e1"}
    assert resource["occurrenceDateTime"] == "2026-03-02"
    assert resource["authoredOn"] == "2026-03-02T02:00:00+14:00"


def test_braces_that_are_no_placeholder_stay():
    resource, _ = resources()
    assert resource["note"] == [{"text": "Drafted on 2026-03-01 for p1, dose in {score}"}]


def test_what_the_request_does_not_have_is_left_out_with_all_that_becomes_empty():
    resource, _ = resources(user="", encounter_id="")
    assert "requester" not in resource
    assert "encounter" not in resource


@pytest.mark.parametrize(
    "user", ["nobody", "Practitioner/", "Practitioner/a b", 'Practitioner/x"}', "../Patient/1"]
)
def test_a_user_that_is_no_reference_is_left_out(user):
    assert "requester" not in resources(user=user)[0]


def test_every_created_resource_has_its_own_temporary_id():
    first, second = resources()
    assert UUID8.fullmatch(first["id"])
    assert first["id"] != second["id"]
    assert list(first)[:2] == ["resourceType", "id"]


def test_answering_does_not_change_the_template():
    before = copy.deepcopy(TEMPLATES["evaluation"].resource)
    resources()
    assert TEMPLATES["evaluation"].resource == before


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["", "x", "{user}", "{today}"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@given(json_values)
def test_nothing_empty_is_left_below_a_filled_value(value):
    values = values_of(request(user=""))

    def empty(node: object) -> bool:
        parts = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        return any(part is None or part in ("", [], {}) or empty(part) for part in parts)

    assert not empty(fill(split(value), values))


def test_today_is_the_day_in_the_services_zone():
    assert AS_OF.date().isoformat() == "2026-03-01"
    assert values_of(request(zone=EAST))["today"] == "2026-03-02"
