"""Suggestions that change or remove an order of the call: which order, and when nothing is offered."""

from __future__ import annotations

import copy

import pytest
from card_example import book, card, cards, finding, only_card
from fhir.resources.R4B.medicationrequest import MedicationRequest
from order_example import (
    DOSE,
    MG,
    delete,
    number,
    offer,
    only_action,
    order,
    order_rule,
    raw_orders,
    rows,
    suggestions,
    target,
    update,
)

from cds_service.errors import RuleError
from cds_service.facts.dates import UTC, parse_when
from cds_service.facts.finding import Evidence, Finding, Row
from cds_service.truth import FALSE, TRUE, UNKNOWN

# --- update --------------------------------------------------------------------------------------


def test_an_update_is_the_order_received_with_only_the_set_elements_changed():
    """A-4."""
    received = order(
        extension=[{"url": "urn:x", "valueDecimal": 0.5}], _status={"id": "s"}, unheardOf={"deep": [None, 1]}
    )
    action = only_action(order_rule(offer(update())), received)
    expected = copy.deepcopy(received)
    expected["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] = {"value": 35} | MG
    assert action == {"type": "update", "description": "Set the dose to 35", "resource": expected}
    assert list(action["resource"]) == list(received)


def test_an_updated_order_is_valid_fhir():
    for received in (order(), order(dosageInstruction=[{"sequence": 1}]), order(dosageInstruction=[])):
        received = {name: value for name, value in received.items() if value}
        MedicationRequest.model_validate(only_action(order_rule(offer(update())), received)["resource"])


def test_an_update_needs_every_value_it_sets():
    offers = order_rule(offer(update()))
    assert suggestions(offers, order(), target=Finding(UNKNOWN)) == []
    assert suggestions(offers, order(), target=Finding(UNKNOWN, number(35))) == []
    assert len(suggestions(offers, order())) == 1


def test_only_an_order_of_this_call_is_changed_or_removed():
    for action in (update(), delete()):
        assert suggestions(order_rule(offer(action)), order("o1"), orders=rows("o2")) == []
        assert suggestions(order_rule(offer(action)), order("o1"), orders=rows()) == []


def test_an_order_that_only_may_be_meant_is_not_touched():
    for action in (update(), delete()):
        assert suggestions(order_rule(offer(action)), order(), orders=rows("o1", counts=UNKNOWN)) == []


def test_a_suggestion_is_offered_only_if_all_its_actions_can_be_taken():
    both = order_rule(offer(delete(), update()))
    assert len(suggestions(both, order())[0]["actions"]) == 2
    assert suggestions(both, order(), target=Finding(UNKNOWN)) == []


def test_an_order_with_two_lines_is_not_changed_since_the_path_does_not_say_which_is_meant():
    line = {"doseAndRate": [{"doseQuantity": {"value": 50} | MG}]}
    assert suggestions(order_rule(offer(update())), order(dosageInstruction=[line, line])) == []


def test_an_order_in_which_the_fact_found_two_things_is_not_changed_but_may_be_removed():
    twice = {"orders": rows("o1", "o1")}
    assert suggestions(order_rule(offer(update())), order(), **twice) == []
    assert len(suggestions(order_rule(offer(delete())), order(), **twice)) == 1


def test_two_suggestions_about_one_order_both_start_from_what_was_received():
    other = update({"priority": "urgent"})
    first, second = suggestions(order_rule(offer(update()), offer(other)), order())
    assert "priority" not in first["actions"][0]["resource"]
    assert second["actions"][0]["resource"] == order(priority="urgent")


# --- delete --------------------------------------------------------------------------------------


def test_a_delete_names_the_order_and_carries_no_resource():
    """A-5, A-6."""
    assert only_action(order_rule(offer(delete())), order()) == {
        "type": "delete",
        "description": "Remove the order",
        "resourceId": "MedicationRequest/o1",
    }


def test_an_order_too_odd_to_send_back_can_still_be_removed():
    deep = order(extension=[])
    for _ in range(100):
        deep["extension"] = [{"extension": deep["extension"]}]
    assert suggestions(order_rule(offer(update())), deep) == []
    assert len(suggestions(order_rule(offer(delete())), deep)) == 1


# --- which row -----------------------------------------------------------------------------------


def test_without_for_each_the_first_row_is_meant_by_texts_and_actions_alike():
    shown = order_rule(offer(delete(), label="Remove {orders.display}"))
    (one,) = suggestions(shown, order("o1"), order("o2"))
    assert (one["label"], one["actions"][0]["resourceId"]) == (
        "Remove Drug of o1",
        "MedicationRequest/o1",
    )


def test_for_each_offers_one_suggestion_per_row_that_counts_and_reads_its_columns():
    found = Finding(
        TRUE,
        rows=tuple(
            Row(Evidence(f"MedicationRequest/{name}", None, f"Drug {name}"), {"dose": number(dose)}, counts)
            for name, dose, counts in [("a", 60, TRUE), ("b", 70.5, TRUE), ("c", 80, UNKNOWN)]
        ),
    )
    each = offer(
        update({"note": [{"text": "was {orders.dose} mg"}]}),
        for_each="orders",
        label="{orders.display}: {orders.dose}",
    )
    offers = suggestions(order_rule(each), order("a"), order("b"), order("c"), orders=found)
    assert [one["label"] for one in offers] == ["Drug a: 60", "Drug b: 70.5"]
    changed = [one["actions"][0]["resource"] for one in offers]
    assert [(one["id"], one["note"][0]["text"]) for one in changed] == [
        ("a", "was 60 mg"),
        ("b", "was 70.5 mg"),
    ]
    assert len({one["uuid"] for one in offers}) == 2


def test_for_each_over_rows_of_one_order_offers_the_same_thing_once():
    each = offer(delete(), for_each="orders")
    assert len(suggestions(order_rule(each), order(), orders=rows("o1", "o1"))) == 1


def test_for_each_offers_at_most_twelve():
    names = [f"o{at}" for at in range(20)]
    each = offer(delete(), for_each="orders")
    assert len(suggestions(order_rule(each), *(order(name) for name in names))) == 12


def test_for_each_without_a_row_offers_nothing():
    assert suggestions(order_rule(offer(delete(), for_each="orders")), orders=rows()) == []


def test_for_each_may_create_from_a_template_for_rows_that_surely_count():
    create = {
        "type": "create",
        "description": "Draft for {orders.display}",
        "resource": {"template": "evaluation"},
    }
    sure, unsure = rows("a", "b"), rows("c", counts=UNKNOWN)
    found = Finding(TRUE, rows=(*unsure.rows, *sure.rows))
    offers = suggestions(order_rule(offer(create, for_each="orders")), orders=found)
    assert [one["actions"][0]["description"] for one in offers] == [
        "Draft for Drug of a",
        "Draft for Drug of b",
    ]


def test_the_condition_of_a_suggestion_is_asked_for_each_row():
    kept = offer(delete(), for_each="orders", only_if=["score >= 30 [3]"])
    for score, count in ((35, 2), (20, 0)):
        found = {"score": finding(number=score, unit="kg")}
        assert len(suggestions(order_rule(kept), order("a"), order("b"), **found)) == count


def test_a_button_is_held_back_where_something_is_known_to_stand_against_it():
    kept = offer(delete(), for_each="orders", hide_if="problem")
    for state, count in ((TRUE, 0), (UNKNOWN, 1), (FALSE, 1)):
        assert len(suggestions(order_rule(kept), order("a"), problem=Finding(state))) == count


# --- placeholders of calculated facts -------------------------------------------------------------


def calculated(value: float) -> Finding:
    row = Row(Evidence("Observation/w1", parse_when("2026-02-03", UTC), "Weight"))
    return Finding(TRUE, number(value), rows=(row,))


@pytest.mark.parametrize(
    ("value", "text"), [(35.0, "35"), (34.99999999999999, "35"), (0.1 + 0.2, "0.3"), (37.5, "37.5")]
)
def test_a_calculated_number_has_its_unit_its_date_and_no_idle_digits(value, text):
    shown = order_rule(
        offer(update()), card={"detail": "{target} {target.unit} by the weight of {target.date}"}
    )
    found = {"r": {"target": calculated(value), "orders": rows("o1")}}
    one = only_card(shown, findings=found, drafts=raw_orders(order()))
    assert one["detail"].startswith(f"{text} mg by the weight of 2026-02-03")
    resource = one["suggestions"][0]["actions"][0]["resource"]
    dose = resource["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"]
    assert dose == float(text)
    assert type(dose) is (float if "." in text else int)


def test_a_range_is_printed_and_never_set():
    spanned = Finding(TRUE, number(35), rows=())
    ranged = Finding(TRUE, type(number(1))(type(number(1).span)(30, 40), "mg"))
    shown = order_rule(offer(update()), card={"summary": "{target} mg"})
    assert only_card(shown, findings={"r": {"target": ranged}})["summary"] == "30 to 40 mg"
    assert suggestions(shown, order(), target=ranged) == []
    assert len(suggestions(shown, order(), target=spanned)) == 1


# --- hooks and merge groups ------------------------------------------------------------------------


def test_suggestions_of_merged_cards_keep_their_rule_and_their_hook():
    hooks = ["order-select", "order-sign"]
    merged = {"merge": "group", "summary": "One", "override_reasons": ["seen"]}
    first = order_rule(offer(delete()), name="a", hooks=hooks, card=merged | {"hooks": ["order-sign"]})
    second = order_rule(offer(update(), recommended=True), name="b", hooks=hooks, card=merged)
    found = {"orders": rows("o1"), "target": target()}
    given = {"findings": {"a": found, "b": found}, "drafts": raw_orders(order())}
    held = book(first, second)
    sign = only_card(held, request={"hook": "order-sign"}, **given)
    select = only_card(held, request={"hook": "order-select"}, **given)
    kinds = [one["actions"][0]["type"] for one in sign["suggestions"]]
    assert (kinds, sign["selectionBehavior"]) == (["delete", "update"], "at-most-one")
    assert [one["actions"][0]["type"] for one in select["suggestions"]] == ["update"]
    owners = [held.rule_of(one["uuid"]) for one in sign["suggestions"]]
    assert owners == [("a", "1.0.0"), ("b", "1.0.0")]


def test_a_card_whose_suggestions_cannot_be_made_has_none_and_no_selection_behavior():
    shown = only_card(order_rule(offer(update())), findings={"r": {"orders": rows("gone")}})
    assert "suggestions" not in shown
    assert "selectionBehavior" not in shown


def test_a_false_verdict_offers_nothing():
    assert cards(order_rule(offer(delete())), {"r": FALSE}, drafts=raw_orders(order())) == []


# --- when the rules load -----------------------------------------------------------------------------


def refused(*actions, **changes) -> list[str]:
    with pytest.raises(RuleError) as raised:
        book(order_rule(offer(*actions, **changes)))
    return [problem.code for problem in raised.value.problems]


@pytest.mark.parametrize(
    "action",
    [
        {"type": "create", "description": "x", "resource": {"from": "orders", "set": {"status": "draft"}}},
        {"type": "create", "description": "x"},
        {"type": "create", "description": "x", "from": "orders", "resource": {"template": "evaluation"}},
        {"type": "update", "description": "x", "resource": {"template": "evaluation"}},
        {"type": "update", "description": "x", "from": "orders"},
        {"type": "delete", "description": "x"},
        {"type": "delete", "description": "x", "from": "orders", "resource": {"template": "evaluation"}},
    ],
)
def test_each_type_of_action_has_its_own_members(action):
    assert "card/action-not-possible" in refused(action)


@pytest.mark.parametrize("fact", ["score", "target", "problem", "nothing"])
def test_what_is_changed_or_removed_is_a_row_about_the_orders_of_the_call(fact):
    assert refused(delete(fact)) == ["card/no-rows"]


def test_for_each_needs_a_fact_with_rows_and_from_names_the_same():
    assert refused(delete(), for_each="target") == ["card/no-rows", "card/no-rows"]
    assert refused(delete("others"), for_each="orders") == ["card/no-rows"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"id": "x"},
        {"resourceType": "Patient"},
        {"subject.reference": "Patient/p2"},
        {"note[": "x"},
        {"": "x"},
        {"note..text": "x"},
        {"note[0][1]": "x"},
        {"note[-1]": "x"},
        {"note": "{orders}", "note[0].text": "x"},
        {"note[0].text": "x", "note": "y"},
        {"note[0]": {"text": "x"}, "note.text": "y"},
        {"note[0]": None},
        {"note": ""},
        {"note": {"text": []}},
    ],
)
def test_a_set_that_cannot_be_followed_is_refused(settings):
    assert refused(update(settings)) == ["card/bad-set"]


def test_a_set_names_facts_of_the_rule():
    assert (
        refused(update({"note": [{"text": "{nothing} {today} {line_count}"}]}))
        == ["card/unknown-placeholder"] * 3
    )


def test_a_description_names_facts_of_the_rule():
    assert refused(delete() | {"description": "{nothing}"}) == ["card/unknown-placeholder"]
    assert DOSE in str(update())
    assert card()["indicator"] == "info"
