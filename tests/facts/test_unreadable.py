"""`unreadable`: recorded, yet in words or codes no value set judges, or by a reference that leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, ask, coding, concept, condition, dispense, observation, order, quantity
from view_bench import draft, finding, line, mg

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

REASON = ["depression-or-suicidality-reason"]
PAIN, DEPRESSION = concept("R52"), concept("F33.2")
WORDS, LOCAL = concept(text="Procedural sedation"), concept(coding("D1", "urn:site"))
UNREADABLE: Json = {"unreadable": True}
GIVE: Json = {"give": "exists", "record": "complete"}
OR_UNREADABLE: Json = {"in": REASON, "or_unreadable": True}
GONE: Json = {"reasonReference": [{"reference": "Condition/gone"}]}


def reason(test: Json, *beside: Json, without: tuple[str, ...] = (), **reasons: Any) -> Truth:
    """Whether a ketamine order given for these reasons passes a test of its reason."""
    data: Json = {"find": "MedicationRequest", "code_in": ["ketamine"], "where": {"reason": test}}
    return ask(data | GIVE, order("238082") | reasons, *beside, without=without).state


@pytest.mark.parametrize(
    ("reasons", "unreadable", "passes"),
    [
        ([], FALSE, UNKNOWN),
        ([DEPRESSION], FALSE, TRUE),
        ([PAIN], FALSE, FALSE),
        ([WORDS], TRUE, TRUE),
        ([LOCAL], TRUE, TRUE),
        ([WORDS, PAIN], FALSE, FALSE),
        ([WORDS, DEPRESSION], FALSE, TRUE),
    ],
)
def test_words_and_local_codes_cannot_be_read_and_one_known_code_can(
    reasons: list[Json], unreadable: Truth, passes: Truth
) -> None:
    assert reason(UNREADABLE, reasonCode=reasons) is unreadable
    assert reason(OR_UNREADABLE, reasonCode=reasons) is passes


def test_an_absent_reason_passes_beside_an_unreadable_one_only_if_so_said() -> None:
    assert reason(OR_UNREADABLE | {"or_absent": True}) is TRUE


def test_a_reference_is_unreadable_only_once_all_conditions_were_looked_through() -> None:
    assert reason(UNREADABLE, **GONE) is TRUE
    assert reason(OR_UNREADABLE, **GONE) is TRUE
    assert reason(UNREADABLE, without=("conditions",), **GONE) is UNKNOWN
    assert reason(OR_UNREADABLE, without=("conditions",), **GONE) is UNKNOWN


@pytest.mark.parametrize(("code", "verdict"), [("R52", FALSE), (concept(text="low mood"), TRUE)])
def test_a_condition_given_as_reason_is_read_like_a_code(code: Any, verdict: Truth) -> None:
    assert reason(UNREADABLE, condition(code, id="gone"), **GONE) is verdict


def test_a_reference_beside_a_code_of_something_else_leaves_nothing_open() -> None:
    assert reason({"in": REASON}, reasonCode=[PAIN], **GONE) is FALSE
    assert reason({"in": REASON}, without=("conditions",), reasonCode=[PAIN], **GONE) is UNKNOWN


def drug(test: Json, code: Any) -> Truth:
    asked: Json = {"find": "MedicationDispense", "where": {"code": test}}
    return ask(asked | GIVE, dispense(code)).state


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("238082", FALSE),
        (concept(text="Ketamine 50 mg/mL"), FALSE),
        (concept(text="Lisinopril 10 mg"), FALSE),
        (concept(text="a blue pill"), TRUE),
        (LOCAL, TRUE),
    ],
)
def test_a_drug_is_unreadable_if_neither_its_codes_nor_its_words_name_one(code: Any, verdict: Truth) -> None:
    assert drug(UNREADABLE, code) is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (concept(text="KETAMINHCL bag"), TRUE),
        (concept(coding("K1", "urn:site") | {"display": "S-Ketaminum nasal"}), TRUE),
        (concept(text="a blue pill"), FALSE),
        (LOCAL, FALSE),
        (concept(text="Ketamine 50 mg/mL"), FALSE),
    ],
)
def test_what_an_unreadable_drug_mentions_is_looked_for_in_its_words(code: Any, verdict: Truth) -> None:
    assert drug(UNREADABLE | {"mentions": ["spravat", "ketam"]}, code) is verdict


# --- columns of views ----------------------------------------------------------------------------

IN_WORDS: Json = {"view": "ordered_doses", "from": "drafts", "code_in": "alpha"} | {
    "where": {"schedule": UNREADABLE}
}


@pytest.mark.parametrize(
    ("dosage", "verdict"),
    [
        (line(mg(56)), FALSE),
        (line(mg(56)) | {"text": "56 mg twice weekly"}, TRUE),
        (line(mg(56)) | {"timing": {"code": concept(text="twice weekly")}}, TRUE),
        (line(mg(56)) | {"timing": {"code": concept(coding("BIW", "urn:site"))}}, TRUE),
        (line(mg(56)) | {"timing": {"code": concept(coding("WK", "urn:site"))}, "text": "weekly"}, FALSE),
        (line(mg(56), frequency=2, period=1, periodUnit="wk") | {"text": "twice weekly"}, FALSE),
        (line(mg(56), count=1) | {"text": "once, today"}, FALSE),
    ],
)
def test_a_schedule_in_words_is_told_from_one_that_is_read_and_from_none(
    dosage: Json, verdict: Truth
) -> None:
    assert finding(IN_WORDS | GIVE, drafts=[draft(dosage)], hook="order-sign").state is verdict


UNTIMED: Json = {"view": "blood_pressure", "where": {"time": {"absent": True}}, "within": "0 days [13]"}


@pytest.mark.parametrize(
    ("when", "verdict"), [("2026-03-01", TRUE), ("2026-03-01T10:15:00Z", FALSE), ("2026-02-28", FALSE)]
)
def test_a_reading_of_today_without_a_time_of_day_is_told_from_others(when: str, verdict: Truth) -> None:
    parts = [
        {"code": concept(code), "valueQuantity": quantity(value, "mm[Hg]")}
        for code, value in (("8480-6", 128), ("8462-4", 80))
    ]
    reading = observation("85354-9", {}, when, component=parts)
    assert ask(UNTIMED | GIVE, reading).state is verdict
