"""Ids can be recomputed by anybody and tell the rule they belong to."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from card_example import UUID8, book, card, cards, decide, rule
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.cardbook import COULD_NOT_CHECK
from cds_service.cards.identity import card_uuid, prefix_of, resource_id, rule_prefix, suggestion_uuid
from cds_service.cards.response import answer

ACTION = {"type": "create", "description": "Draft it", "resource": {"template": "evaluation"}}
OFFER = {"label": "Draft", "actions": [ACTION]}
words = st.text(max_size=20)


@given(words, words, words, st.lists(words, max_size=3), st.integers(0, 9))
def test_every_id_is_a_version_8_uuid_that_begins_with_its_rule(rule_id, version, decision, rules, position):
    prefix = rule_prefix(
        rule_id.encode("utf-8", "replace").decode(), version.encode("utf-8", "replace").decode()
    )
    uuid = card_uuid(prefix, decision, rules, position)
    offer = suggestion_uuid(prefix, decision, rules, position, 0)
    resource = resource_id(offer, 0)
    for each in (uuid, offer, resource):
        assert UUID8.fullmatch(each)
        assert UUID(each).version == 8
        assert UUID(each).variant == RFC_4122
        assert prefix_of(each) == prefix
    assert len({uuid, offer, resource}) == 3


def test_the_prefix_is_the_first_48_bits_of_the_digest_of_rule_and_version():
    assert rule_prefix("a-rule", "1.2.3") == "fbc12596cbc8"
    assert rule_prefix("a-rule", "1.2.3") != rule_prefix("a-rule", "1.2.4")


def test_another_position_decision_or_set_of_rules_is_another_card():
    ids = {
        card_uuid("0" * 12, "d", ["a"], 0),
        card_uuid("0" * 12, "d", ["a"], 1),
        card_uuid("0" * 12, "e", ["a"], 0),
        card_uuid("0" * 12, "d", ["a", "b"], 0),
        card_uuid("0" * 12, "d", ["ab"], 0),
    }
    assert len(ids) == 5


def test_a_worker_that_never_saw_the_call_can_tell_the_rule_of_a_card_and_of_a_suggestion():
    held = book(rule("first", card(suggestions=[OFFER]), version="3.1.4"))
    (shown,) = cards(held)
    other_worker = book(rule("first", card(suggestions=[OFFER]), version="3.1.4"))
    assert other_worker.rule_of(shown["uuid"]) == ("first", "3.1.4")
    assert other_worker.rule_of("urn:uuid:" + shown["suggestions"][0]["uuid"].upper()) == ("first", "3.1.4")
    assert other_worker.rule_of("00000000-0000-8000-8000-000000000000") is None
    assert other_worker.rule_of("") is None


def test_a_merged_card_belongs_to_its_first_rule_and_each_suggestion_to_its_own():
    low = rule("low", card(merge="group", suggestions=[OFFER]))
    high = rule("high", card(merge="group", indicator="warning", suggestions=[OFFER]))
    held = book(low, high)
    (shown,) = cards(held)
    assert held.rule_of(shown["uuid"]) == ("high", "1.0.0")
    assert [held.rule_of(each["uuid"]) for each in shown["suggestions"]] == [
        ("high", "1.0.0"),
        ("low", "1.0.0"),
    ]


def test_the_could_not_check_card_has_a_prefix_of_its_own():
    held = book(rule("r"))
    assert held.rule_of(card_uuid(held.check.prefix, "d", ["r"], 0)) == (COULD_NOT_CHECK, "2.0.0")


def test_ids_differ_between_calls_and_repeat_within_one():
    held = book(rule("r", card(suggestions=[OFFER])))
    one, again, two = (answer(decide(held, id=each))["cards"][0] for each in ("d1", "d1", "d2"))
    assert one == again
    assert one["uuid"] != two["uuid"]
    assert one["suggestions"][0]["uuid"] != two["suggestions"][0]["uuid"]
    assert (
        one["suggestions"][0]["actions"][0]["resource"]["id"]
        != two["suggestions"][0]["actions"][0]["resource"]["id"]
    )
