"""What `set:` does to an order, whatever the order holds: it changes what it names or offers nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from hypothesis import given
from hypothesis import strategies as st
from order_example import (
    MG,
    TARGET,
    delete,
    number,
    offer,
    only_action,
    order,
    order_rule,
    rows,
    suggestions,
    update,
)

from cds_service.cards.drafts import DEEPEST, Drafts
from cds_service.facts.dates import UTC, parse_when
from cds_service.facts.finding import Finding
from cds_service.truth import TRUE

UPDATE = order_rule(offer(update()))


def changed(settings: dict[str, Any], received: Any, **findings: Finding) -> Any:
    """The order after the update, or None if none was offered."""
    offers = suggestions(order_rule(offer(update(settings))), received, **findings)
    return offers[0]["actions"][0]["resource"] if offers else None


# --- paths -----------------------------------------------------------------------------------------


def test_objects_and_lists_that_are_missing_are_created():
    bare = {name: value for name, value in order().items() if name != "dosageInstruction"}
    made = changed(TARGET | {"dosageInstruction[0].route.text": "nose"}, bare)
    assert made["dosageInstruction"] == [
        {"doseAndRate": [{"doseQuantity": {"value": 35} | MG}], "route": {"text": "nose"}}
    ]


@pytest.mark.parametrize("index", [1, 2, 999])
def test_an_index_beyond_the_end_appends(index):
    made = changed({f"note[{index}].text": "new"}, order(note=[{"text": "old"}]))
    assert made["note"] == [{"text": "old"}, {"text": "new"}]


def test_indexes_append_in_their_order():
    settings = {"note[7].text": "c", "note[2].text": "b", "note[0].text": "a"}
    assert changed(settings, order())["note"] == [{"text": "a"}, {"text": "b"}, {"text": "c"}]


def test_an_index_into_a_list_of_several_is_refused_and_one_behind_it_appends():
    two = order(note=[{"text": "a"}, {"text": "b"}])
    assert changed({"note[0].text": "x"}, two) is None
    assert changed({"note[1].text": "x"}, two) is None
    assert changed({"note[2].text": "x"}, two)["note"][2] == {"text": "x"}


def test_an_element_set_is_replaced_whole_and_its_neighbours_stay():
    received = order()
    received["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["comparator"] = "<"
    line = changed(TARGET, received)["dosageInstruction"][0]
    assert line == {"sequence": 1, "doseAndRate": [{"doseQuantity": {"value": 35} | MG}]}


def test_null_removes_an_element_and_is_no_matter_where_there_is_none():
    assert changed({"priority": None}, order(priority="stat")) == order()
    assert changed({"priority": None}, order()) == order()


def test_what_would_become_empty_is_refused():
    assert changed({"encounter.reference": None}, order(encounter={"reference": "Encounter/1"})) is None


def test_another_form_of_a_choice_is_refused_unless_the_set_removes_it():
    ranged = order(dosageInstruction=[{"doseAndRate": [{"doseRange": {"low": {"value": 50} | MG}}]}])
    assert changed(TARGET, ranged) is None
    made = changed(TARGET | {"dosageInstruction[0].doseAndRate[0].doseRange": None}, ranged)
    assert made["dosageInstruction"][0]["doseAndRate"] == [{"doseQuantity": {"value": 35} | MG}]
    MedicationRequest.model_validate(made)


def test_elements_that_only_look_like_a_choice_may_stand_side_by_side():
    received = order(reasonReference=[{"reference": "Condition/1"}])
    assert changed({"reasonCode": [{"text": "so"}]}, received)["reasonCode"] == [{"text": "so"}]


@pytest.mark.parametrize("odd", [None, [None], [{}], [{"doseAndRate": None}], [{"doseAndRate": [None]}]])
def test_null_on_the_way_counts_as_missing(odd):
    made = changed(TARGET, order(dosageInstruction=odd))
    assert made["dosageInstruction"][0]["doseAndRate"] == [{"doseQuantity": {"value": 35} | MG}]


@pytest.mark.parametrize("odd", ["x", 1, True, {}, {"0": {}}, ["x"], [[]], [{"doseAndRate": {}}]])
def test_another_shape_on_the_way_is_refused(odd):
    assert changed(TARGET, order(dosageInstruction=odd)) is None


# --- values ----------------------------------------------------------------------------------------


def test_a_lone_number_placeholder_is_a_number_and_any_other_a_string():
    columns = {"dose": number(1.5), "drug": "Thing", "start": parse_when("2026-02-03", UTC), "sure": TRUE}
    texts = [
        "{orders.dose}",
        "{orders.dose} mg",
        "{orders.drug}",
        "{orders.start}",
        "{orders.sure}",
        "{orders}",
    ]
    made = changed({"unheardOf": texts}, order(), orders=rows("o1", **columns))
    assert made["unheardOf"] == [1.5, "1.5 mg", "Thing", "2026-02-03", "yes", "yes"]


@pytest.mark.parametrize("text", ["{orders.nothing}", "was {orders.nothing}", "{problem}", "{score} kg"])
def test_an_unknown_value_anywhere_leaves_the_suggestion_out(text):
    assert changed({"priority": "stat", "note[0].text": text}, order()) is None


def test_values_without_placeholders_keep_their_type_and_lose_what_is_empty():
    value = {"a": 1, "b": 0.5, "c": True, "d": [None, "", {}], "e": "{Not one}", "f": {"g": None}}
    assert changed({"unheardOf": value}, order())["unheardOf"] == {
        "a": 1,
        "b": 0.5,
        "c": True,
        "e": "{Not one}",
    }


# --- the order as received ----------------------------------------------------------------------------


def test_numbers_are_sent_back_with_the_digits_they_came_with():
    numbers = b"[50.00, 0.10, 1E3, 1e400, 123456789012345678901234567890, 0.1234567890123456789, -0.0]"
    text = json.dumps(order(unheardOf=0)).encode().replace(b'"unheardOf": 0', b'"unheardOf": ' + numbers)
    drafts = Drafts({"MedicationRequest/o1": msgspec.Raw(text)})
    sent = msgspec.json.encode(drafts.resource("MedicationRequest/o1"))
    assert numbers.replace(b" ", b"") in sent


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b'"MedicationRequest/o1"',
        b"{}",
        b'{"resourceType": "MedicationRequest"}',
        b'{"resourceType": "MedicationRequest", "id": "o2"}',
        b'{"resourceType": "ServiceRequest", "id": "o1"}',
        b'{"resourceType": ["MedicationRequest"], "id": "o1"}',
        b'{"resourceType": "MedicationRequest", "id": "o1", "id": "o2"}',
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": NaN}',
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": "\xff"}',
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": "\\ud800"}',
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": ' + b"9" * 5000 + b"}",
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"resourceType": "MedicationRequest", "id": "o1", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_an_order_that_cannot_be_sent_back_as_it_came_is_not_changed(text):
    drafts = Drafts({"MedicationRequest/o1": msgspec.Raw(text)})
    sent = drafts.resource("MedicationRequest/o1")
    assert sent is None or json.loads(msgspec.json.encode(sent)) == json.loads(text)
    if b"9999" not in text:
        assert sent is None


def test_an_order_is_read_once_and_not_changed_in_place():
    drafts = Drafts({"MedicationRequest/o1": msgspec.Raw(json.dumps(order()).encode())})
    first = drafts.resource("MedicationRequest/o1")
    assert first is drafts.resource("MedicationRequest/o1")
    assert DEEPEST < 100


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text()
    ).filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
odd_lines = st.one_of(
    json_values,
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "doseAndRate": st.one_of(
                    json_values,
                    st.lists(
                        st.fixed_dictionaries(
                            {}, optional={"doseQuantity": json_values, "type": json_values}
                        ),
                        max_size=2,
                    ),
                ),
                "text": json_values,
            },
        ),
        max_size=2,
    ),
)
odd_orders = st.builds(
    lambda more, lines: (
        order(**(more | {"resourceType": "MedicationRequest", "id": "o1"})) | {"dosageInstruction": lines}
    ),
    st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    odd_lines,
)


def _without_dose(resource: dict[str, Any]) -> dict[str, Any]:
    """The order without the one element the update sets and the holders it made for it."""
    left = copy.deepcopy(resource)
    lines = left.pop("dosageInstruction") or [{}]
    line = lines[0] or {}
    parts = line.pop("doseAndRate", None) or [{}]
    part = parts[0] or {}
    part.pop("doseQuantity", None)
    return left | {"line": line, "part": part}


@given(odd_orders)
def test_whatever_the_order_holds_it_comes_back_with_one_element_changed_or_not_at_all(received):
    offers = suggestions(UPDATE, received)
    if offers:
        sent = offers[0]["actions"][0]["resource"]
        assert sent["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] == {"value": 35} | MG
        assert _without_dose(sent) == _without_dose(received)
        assert (sent["resourceType"], sent["id"]) == ("MedicationRequest", "o1")


@given(odd_orders)
def test_whatever_the_order_holds_it_can_be_removed(received):
    action = only_action(order_rule(offer(delete())), received)
    assert action["resourceId"] == "MedicationRequest/o1"


steps = st.sampled_from(["note", "text", "dosageInstruction", "doseAndRate", "x"])
paths = st.lists(
    st.builds(
        lambda name, at: name if at is None else f"{name}[{at}]", steps, st.sampled_from([None, 0, 1, 5])
    ),
    min_size=1,
    max_size=3,
).map(".".join)


@given(paths, odd_orders)
def test_a_path_leads_where_it_says_or_nowhere(path, received):
    sent = changed({path: "here"}, received)
    if sent is not None:
        node: Any = sent
        for step in path.split("."):
            name, _, at = step.partition("[")
            node = node[name]
            if at:
                held = int(at.rstrip("]"))
                node = node[held] if held < len(node) else node[-1]
        assert node == "here"
        assert {
            name: sent[name] for name in received if name != path.partition(".")[0].partition("[")[0]
        } == {
            name: value
            for name, value in received.items()
            if name != path.partition(".")[0].partition("[")[0]
        }


amounts = st.one_of(
    st.just({}),
    st.builds(lambda value: {"doseQuantity": {"value": value} | MG}, st.integers(1, 900)),
    st.builds(lambda value: {"doseRange": {"low": {"value": value} | MG}}, st.integers(1, 900)),
    st.builds(lambda value: {"rateQuantity": {"value": value} | MG}, st.integers(1, 900)),
)
lines = st.builds(
    lambda amount, more: more | ({"doseAndRate": amount} if amount else {}),
    st.lists(amounts.filter(bool), max_size=2),
    st.sampled_from([{"text": "as told"}, {"sequence": 1}, {"route": {"text": "mouth"}}]),
)
valid_orders = st.builds(
    lambda held, more: order(**more) | {"dosageInstruction": held},
    st.lists(lines, min_size=1, max_size=2),
    st.sampled_from(
        [
            {},
            {"priority": "stat"},
            {"extension": [{"url": "urn:x", "valueString": "y"}], "note": [{"text": "n"}]},
        ]
    ),
)


@given(valid_orders)
def test_an_order_that_was_valid_stays_valid(received):
    MedicationRequest.model_validate(copy.deepcopy(received))
    for one in suggestions(UPDATE, received):
        MedicationRequest.model_validate(one["actions"][0]["resource"])
