"""Conditions on elements and columns: the absent decides nothing, what is not understood may be anything."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    Json,
    administration,
    ask,
    coding,
    concept,
    condition,
    dispense,
    encounter,
    observation,
    order,
    quantity,
)

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth


def exists(kind: str, where: Json, *resources: Json, code_in: list[str] | None = None, **call: Any) -> Truth:
    fact: Json = {"find": kind, "where": where, "give": "exists", "record": "complete"}
    return ask(fact | ({"code_in": code_in} if code_in else {}), *resources, **call).state


def clinical(test: Any, status: str | None) -> Truth:
    return exists(
        "Condition", {"clinicalStatus": test}, condition("I67.1", clinical=status), code_in=["aneurysm"]
    )


@pytest.mark.parametrize(
    ("test", "status", "verdict"),
    [
        (["active", "relapse"], "active", TRUE),
        (["active", "relapse"], "resolved", FALSE),
        (["active"], None, UNKNOWN),
        ({"not": ["resolved"]}, "active", TRUE),
        ({"not": ["resolved"]}, "resolved", FALSE),
        ({"not": ["resolved"]}, None, TRUE),
        ({"absent": True}, None, TRUE),
        ({"absent": True}, "active", FALSE),
    ],
)
def test_an_absent_element_leaves_a_list_undecided_and_passes_a_list_of_others(
    test: Any, status: str | None, verdict: Truth
) -> None:
    assert clinical(test, status) is verdict


REASON = ["depression-or-suicidality-reason"]
PAIN, DEPRESSION = concept("R52"), concept("F33.2")
WORDS, LOCAL = concept(text="low mood?"), concept(coding("D1", "urn:site"))


@pytest.mark.parametrize(
    ("test", "reasons", "verdict"),
    [
        ({"in": REASON}, [DEPRESSION], TRUE),
        ({"in": REASON}, [PAIN], FALSE),
        ({"in": REASON}, [PAIN, DEPRESSION], TRUE),
        ({"in": REASON}, [], UNKNOWN),
        ({"in": REASON}, [WORDS], UNKNOWN),
        ({"in": REASON}, [LOCAL], UNKNOWN),
        ({"in": REASON, "or_absent": True}, [], TRUE),
        ({"in": REASON, "or_absent": True}, [WORDS], UNKNOWN),
        ({"in": REASON, "or_absent": True}, [PAIN], FALSE),
        ({"not_in": REASON}, [DEPRESSION], FALSE),
        ({"not_in": REASON}, [PAIN], TRUE),
        ({"not_in": REASON}, [], TRUE),
        ({"not_in": REASON}, [WORDS], UNKNOWN),
    ],
)
def test_a_code_is_in_a_set_not_in_it_or_not_understood(
    test: Json, reasons: list[Json], verdict: Truth
) -> None:
    given = administration("238082", "2026-02-20", reasonCode=reasons)
    assert exists("MedicationAdministration", {"reason": test}, given, code_in=["ketamine"]) is verdict


def test_a_reason_may_be_a_condition_of_the_chart() -> None:
    why = condition("F33.2", id="why")
    where = {"reason": {"in": REASON}}
    given = administration("238082", "2026-02-20", reasonReference=[{"reference": "Condition/why"}])
    assert exists("MedicationAdministration", where, given, why, code_in=["ketamine"]) is TRUE
    assert (
        exists("MedicationAdministration", where, given, why | {"code": PAIN}, code_in=["ketamine"]) is FALSE
    )
    assert exists("MedicationAdministration", where, given, code_in=["ketamine"]) is UNKNOWN
    assert (
        exists("MedicationAdministration", where, given, why, code_in=["ketamine"], without=["conditions"])
        is UNKNOWN
    )


@pytest.mark.parametrize(
    ("test", "verdict"), [(["R52"], UNKNOWN), ({"not": ["R52"]}, UNKNOWN), ({"absent": True}, FALSE)]
)
def test_a_condition_not_at_hand_may_be_any_reason_but_it_is_one(test: Any, verdict: Truth) -> None:
    given = administration("238082", "2026-02-20", reasonReference=[{"reference": "Condition/gone"}])
    assert exists("MedicationAdministration", {"reason": test}, given, code_in=["ketamine"]) is verdict


def test_conditions_beside_are_named_as_missing_only_if_a_row_hangs_on_them() -> None:
    fact = {
        "find": "MedicationAdministration",
        "code_in": ["ketamine"],
        "where": {"reason": {"in": REASON}},
        "give": "exists",
        "record": "complete",
    }
    pain = administration("238082", "2026-02-20", reasonCode=[PAIN])
    assert ask(fact, pain, without=["conditions"]).state is FALSE
    open_one = administration("238082", "2026-02-20", reasonReference=[{"reference": "Condition/c"}])
    assert [item.key for item in ask(fact, open_one, without=["conditions"]).because] == ["conditions"]


@pytest.mark.parametrize("code_in", ["aneurysm", "mdd-active", "bipolar", "suicidal-ideation"])
@pytest.mark.parametrize(
    "code",
    [
        concept(text="see note"),
        concept(text="болит колено"),
        LOCAL,
        None,
        {},
        concept(coding("250.00", "urn:oid:2.16.840.1.113883.6.103")),
    ],
)
def test_a_condition_without_a_known_code_or_a_word_that_can_be_read_may_be_anything(
    code: Any, code_in: str
) -> None:
    assert exists("Condition", {}, condition(code), code_in=[code_in]) is UNKNOWN


@pytest.mark.parametrize(
    ("code", "may_be"),
    [
        (concept(text="knee pain"), []),
        (concept(text="AAA?"), ["aneurysm"]),
        (concept(coding("441.4", "http://hl7.org/fhir/sid/icd-9-cm", "Abdominal aneurysm")), ["aneurysm"]),
        (concept(coding("724.2", "http://hl7.org/fhir/sid/icd-9-cm", "Lumbago")), []),
        (concept(coding("D1", "urn:site", "Mood"), text="manic again"), ["bipolar"]),
        (concept(text="suicidal, depressed"), ["mdd-active", "suicidal-ideation"]),
    ],
)
def test_a_condition_in_words_may_be_what_its_words_speak_of_and_is_nothing_for_sure(
    code: Any, may_be: list[str]
) -> None:
    for code_in in ("aneurysm", "mdd-active", "bipolar", "suicidal-ideation"):
        expected = UNKNOWN if code_in in may_be else FALSE
        assert exists("Condition", {}, condition(code), code_in=[code_in]) is expected


@pytest.mark.parametrize(
    ("text", "in_set", "not_in_set"),
    [("alcohol, daily", FALSE, TRUE), ("uses ketamine", UNKNOWN, UNKNOWN), ("see note", UNKNOWN, UNKNOWN)],
)
def test_words_answer_a_condition_on_the_code_too(text: str, in_set: Truth, not_in_set: Truth) -> None:
    row = condition(concept(text=text))
    assert exists("Condition", {"code": {"in": "ketamine-use-disorder"}}, row) is in_set
    assert exists("Condition", {"code": {"not_in": "ketamine-use-disorder"}}, row) is not_in_set


def test_a_set_without_words_may_hold_any_entry_in_words() -> None:
    assert (
        exists("Condition", {}, condition(concept(text="knee pain")), code_in=["no-known-allergy"]) is UNKNOWN
    )


@pytest.mark.parametrize(
    "code", [concept("E11.9", text="sugar"), concept(coding("X", "urn:site"), "E11.9"), "73211009"]
)
def test_one_code_of_a_known_system_says_what_a_condition_is_not(code: Any) -> None:
    assert exists("Condition", {}, condition(code), code_in=["aneurysm"]) is FALSE


@pytest.mark.parametrize(
    "code", ["I67.1", "i671", concept(coding("X", "urn:site"), "I67.1"), "I71.4", "128609009"]
)
def test_any_code_of_a_condition_may_say_what_it_is(code: Any) -> None:
    assert exists("Condition", {}, condition(code), code_in=["aneurysm"]) is TRUE


def test_an_observation_in_words_is_none_that_a_rule_asks_for() -> None:
    assert exists("Observation", {}, observation(concept(text="mood"), 3), code_in=["phq9-total"]) is FALSE


def test_an_unrecognised_drug_may_be_any_and_another_drug_is_none() -> None:
    for code, verdict in [
        (concept(text="a blue pill"), UNKNOWN),
        (LOCAL, UNKNOWN),
        ("6448", FALSE),
        ("36437", TRUE),
    ]:
        assert exists("MedicationDispense", {}, dispense(code), code_in=["antidepressant"]) is verdict


def test_words_and_flags_are_compared_as_they_stand() -> None:
    assert exists("Encounter", {"class": ["EMER"]}, encounter(**{"class": coding("EMER", "urn:c")})) is TRUE
    assert exists("Encounter", {"class": ["EMER"]}, encounter()) is FALSE
    sure = {"doNotPerform": {"not": ["true"]}, "intent": {"not": ["proposal"]}}
    assert exists("MedicationRequest", sure, order(), code_in=["antidepressant"]) is TRUE
    assert exists("MedicationRequest", sure, order(intent="proposal"), code_in=["antidepressant"]) is FALSE


def test_every_condition_must_hold_and_a_failed_one_wins_over_an_undecided_one() -> None:
    where = {"clinicalStatus": ["active"], "verificationStatus": ["confirmed"]}
    for clinical_status, verification, verdict in [
        ("active", "confirmed", TRUE),
        ("active", None, UNKNOWN),
        (None, "confirmed", UNKNOWN),
        (None, "provisional", FALSE),
        ("resolved", None, FALSE),
    ]:
        one = condition("I67.1", clinical=clinical_status, verification=verification)
        assert exists("Condition", where, one, code_in=["aneurysm"]) is verdict


WEIGHT = {"view": "body_weight", "give": "exists", "record": "complete"}


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (quantity(70, "kg"), TRUE),
        (quantity(110, "[lb_av]"), FALSE),
        (quantity(111, "[lb_av]"), TRUE),
        (quantity(50, "kg"), FALSE),
        (quantity(60, "kg", ">"), TRUE),
        (quantity(40, "kg", ">"), UNKNOWN),
        (quantity(40, "kg", "<"), FALSE),
        (quantity(70, "stone"), UNKNOWN),
        (quantity(70), UNKNOWN),
    ],
)
def test_a_column_is_compared_in_the_unit_of_the_comparison(value: Json, verdict: Truth) -> None:
    fact = WEIGHT | {"where": {"weight": "> 50 kg [13]"}}
    assert ask(fact, observation("29463-7", {"valueQuantity": value})).state is verdict


def test_a_rejected_row_says_what_it_was_and_what_it_needed() -> None:
    fact = WEIGHT | {"where": {"weight": ">= 80 kg [13]"}}
    (row,) = ask(fact, observation("29463-7", {"valueQuantity": quantity(70, "kg")})).rejected
    assert row.counts is FALSE
    assert "70" in row.why[0]
    assert "at least 80 kg" in row.why[0]
