"""A drug that an entry only refers to and nobody could read: one row is open, and the answer says why."""

from __future__ import annotations

import json
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import pytest
from chart_builder import (
    NO_RESPONSE,
    NOT_TOLERATED,
    Json,
    administration,
    ask,
    bundle,
    chart,
    concept,
    dispense,
    drug,
    order,
    quantity,
    span_of,
    statement,
    tablets,
    trials_fact,
)

from cds_service.authoring.charts import request_file
from cds_service.facts.finding import Quantity
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.rulebook.load import load_rulebook
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, exactly

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "fhir_fixtures" / "requests"
DECISION = "org.cds-service.decision"
SUPPLIED: Json = {
    "find": "MedicationDispense",
    "code_in": ["antidepressant"],
    "give": "count",
    "record": "complete",
}
ANY: Json = SUPPLIED | {"give": "exists"}
DRAFTED: Json = ANY | {"find": "MedicationRequest", "from": "drafts"}
UNREAD = (("medications", "not-supplied"),)
GONE: tuple[Json, ...] = (
    {"reference": "Medication/gone"},
    {"reference": "https://other.example.org/fhir/Medication/gone"},
    {"reference": "urn:uuid:7d0cbe4e-2f0e-4a4e-9f3c-3c9f7b7e0f10"},
    {"reference": "#gone"},
    {"identifier": {"system": "urn:site", "value": "17"}},
    {},
)
everywhere = pytest.mark.parametrize(
    "reference", GONE, ids=["id", "elsewhere", "urn", "inside", "other", "bare"]
)


def referring(made: Json, reference: Json) -> Json:
    """A resource whose drug is told by a reference alone."""
    return {name: value for name, value in made.items() if name != "medicationCodeableConcept"} | {
        "medicationReference": reference
    }


# --- findings ------------------------------------------------------------------------------------


@everywhere
def test_an_entry_whose_drug_could_not_be_read_opens_one_row_and_says_why(reference: Json) -> None:
    found = ask(SUPPLIED, referring(dispense(), reference), dispense())
    assert (span_of(found), found.because) == (Span(1, 2), UNREAD)
    assert ask(ANY, referring(dispense(), reference)).because == UNREAD


@everywhere
def test_an_unsigned_order_whose_drug_could_not_be_read_says_so_too(reference: Json) -> None:
    found = ask(DRAFTED, drafts=[referring(order(), reference)], hook="order-sign")
    assert (found.state, found.because) == (UNKNOWN, UNREAD)


def test_a_row_that_is_no_candidate_is_not_a_reason() -> None:
    active = ANY | {"where": {"status": ["in-progress"]}}
    found = ask(active, referring(dispense(status="completed"), GONE[0]))
    assert (found.state, found.because) == (FALSE, ())


def test_a_row_in_words_that_nobody_knows_was_looked_at_and_lacks_nothing() -> None:
    found = ask(ANY, dispense(concept(text="a blue pill")))
    assert (found.state, found.because) == (UNKNOWN, ())


def test_a_row_in_words_beside_one_that_is_settled_takes_over_no_reason() -> None:
    active = ANY | {"where": {"status": ["in-progress"]}}
    words = dispense(concept(text="a blue pill"), status="in-progress")
    assert ask(active, words, referring(dispense(), GONE[0])).because == ()


@pytest.mark.parametrize(
    "more",
    [{"status": "entered-in-error"}, {"medicationCodeableConcept": drug("312938")}],
    ids=["void", "coded"],
)
def test_an_entry_that_needs_no_medication_lacks_none(more: Json) -> None:
    assert chart(referring(dispense(), GONE[0]) | more, keys=["medication-dispenses"]).unread == {}


def test_a_reference_with_a_known_name_was_read_by_it() -> None:
    named = referring(dispense(), {"reference": "Medication/gone", "display": "Zoloft 50 mg tablet"})
    assert ask(ANY, named).because == ()


def test_a_medication_that_came_and_says_nothing_was_looked_at() -> None:
    empty = {"resourceType": "Medication", "id": "m1", "code": {"text": "kit"}}
    both = bundle(referring(dispense(), {"reference": "Medication/m1"}), empty)
    found = ask(ANY, prefetch={"medication-dispenses": both})
    assert (found.state, found.because) == (UNKNOWN, ())


def test_a_key_that_is_incomplete_anyway_is_named_once_and_bounds_nothing() -> None:
    cut = bundle(referring(dispense(), GONE[0]), more=True)
    found = ask(SUPPLIED, prefetch={"medication-dispenses": cut})
    assert found.because == (("medication-dispenses", "truncated"),)


def test_a_view_that_makes_one_row_of_several_entries_says_why_it_may_lack_one() -> None:
    assert ask(trials_fact(), referring(dispense(), GONE[0])).because == UNREAD
    day: Json = {"view": "treatment_sessions", "code_in": ["ketamine"], "give": "count", "record": "complete"}
    given = referring(administration("238082", "2026-02-20"), GONE[0])
    found = ask(day, administration("238082", "2026-02-20"), given)
    assert (span_of(found), found.because) == (Span(1, 1), UNREAD)


def test_a_view_of_one_row_for_each_entry_says_so_of_that_row_alone() -> None:
    current: Json = {"view": "current_drugs", "code_in": ["ketamine"], "give": "exists", "record": "complete"}
    current |= {"where": {"current": ["true"]}}
    assert ask(current, referring(order(status="active"), GONE[0])).because == UNREAD
    assert ask(current, referring(order(status="completed"), GONE[0])).because == ()


def test_the_order_of_a_supply_that_cannot_be_told_leaves_open_how_it_was_taken() -> None:
    """Its instructions may say that the drug was taken only when needed."""
    made = order(dosage={"asNeededBoolean": True})
    supply = dispense(order=made)
    (row,) = ask(trials_fact(), made, supply).rejected
    assert row.counts is FALSE
    (row,) = ask(trials_fact(), referring(made, GONE[0]), supply).rows
    assert row.counts is UNKNOWN


@pytest.mark.parametrize("other", [statement(status="not-taken"), statement(), dispense(day="2025-06-01")])
def test_a_drug_nobody_could_read_may_deny_or_lengthen_every_trial(other: Json) -> None:
    (row,) = ask(trials_fact(), dispense()).rows
    assert row.counts is TRUE
    (row,) = ask(trials_fact(), dispense(), referring(other, GONE[0])).rows
    assert (row.counts, row.why) == (UNKNOWN, ("medications were not obtained",))


def test_an_order_of_a_drug_nobody_could_read_may_tell_how_a_trial_ended() -> None:
    ended = order(why=NOT_TOLERATED)
    (row,) = ask(trials_fact(), ended, dispense(order=ended, dosage=tablets())).rows
    assert row.columns["outcome"] == "not-tolerated"
    other = referring(order(why=NO_RESPONSE), GONE[0])
    (row,) = ask(trials_fact(), ended, other, dispense(order=ended, dosage=tablets())).rows
    assert row.columns["outcome"] is UNKNOWN


@pytest.mark.parametrize("when", ["2026-02-20T15:00:00Z", None])
def test_a_dose_of_a_drug_nobody_could_read_may_add_to_that_of_a_day(when: str | None) -> None:
    day: Json = {"view": "treatment_sessions", "code_in": ["ketamine"], "give": "count", "record": "complete"}
    dose = {"dosage": {"dose": quantity(35, "mg")}}
    sure = administration("238082", "2026-02-20T14:00:00Z", **dose)
    assert ask(day, sure).rows[0].columns["dose"] == Quantity(exactly(35), "mg")
    found = ask(day, sure, referring(administration("238082", when, **dose), GONE[0]))
    assert found.rows[0].columns["dose"] == Quantity(Span(35, inf), "mg")


@pytest.mark.parametrize("drafts", [True, False])
def test_a_drug_nobody_could_read_is_not_possibly_there_but_open(drafts: bool) -> None:
    """The Medication could turn it into a no, which words alone cannot."""
    fact: Json = {
        "find": "MedicationRequest",
        "code_in": ["ketamine"],
        "give": "possible",
        "record": "complete",
    }
    unread, words = referring(order(), GONE[0]), order(concept(text="a blue pill"))
    for held, state, because in (
        ([unread], UNKNOWN, UNREAD),
        ([words], TRUE, ()),
        ([unread, words], TRUE, UNREAD),
        ([unread, order("238082")], TRUE, UNREAD),
    ):
        call: Any = {"drafts": held, "hook": "order-sign"} if drafts else {}
        found = ask(fact | {"from": "drafts"} if drafts else fact, *(() if drafts else held), **call)
        assert (found.state, found.because) == (state, because)


# --- answers -------------------------------------------------------------------------------------


@cache
def served() -> ServedRulebook:
    return ServedRulebook.prepare(load_rulebook(ROOT / "rules" / "ketamine-trd"), "direct")


def answered(story: str, tmp_path: Path, key: str, *references: Json) -> Json:
    """The answer to a recorded call in which drugs of a key are told by references alone."""
    body = json.loads((REQUESTS / story).read_bytes())
    held = body["context"]["draftOrders"] if key == "draft-orders" else body["prefetch"][key]
    entries = held["entry"]
    for entry, reference in zip(entries, references, strict=False):
        entry["resource"] = referring(entry["resource"], reference)
    path = tmp_path / story
    path.write_text(json.dumps(body))
    request = request_file(path, served().book, charts=ROOT / "fhir_fixtures" / "charts")
    return evaluate(request, served()).body


def because(body: Json) -> set[str]:
    told = body["extension"][DECISION]["verdicts"]
    return {missed["key"] for one in told for missed in one.get("because", ())}


def test_an_answer_with_a_drug_that_could_not_be_read_is_not_complete(tmp_path: Path) -> None:
    body = answered("v01-clear-trd.patient-view.json", tmp_path, "medication-requests", *GONE[:2])
    assert body["extension"][DECISION]["complete"] is False
    assert because(body) == {"medications"}


def test_the_could_not_check_card_says_whose_drugs_could_not_be_read(tmp_path: Path) -> None:
    body = answered("v01-clear-trd.patient-view.json", tmp_path, "medication-requests", *GONE[:2])
    (told,) = [card["detail"] for card in body["cards"] if "could not be made" in card["summary"]]
    assert "the medications of 2 medication requests (not sent, and could not be read)" in told


def test_of_an_order_being_signed_it_says_so_too(tmp_path: Path) -> None:
    body = answered("order-iv-60-mg.order-sign.json", tmp_path, "draft-orders", GONE[2])
    assert body["extension"][DECISION]["complete"] is False
    (told,) = [card["detail"] for card in body["cards"] if "could not be made" in card["summary"]]
    assert "the medications of 1 draft order (not sent, and could not be read)" in told


def test_what_is_told_in_words_alone_leaves_the_answer_complete(tmp_path: Path) -> None:
    body = json.loads((REQUESTS / "v01-clear-trd.patient-view.json").read_bytes())
    for entry in body["prefetch"]["medication-requests"]["entry"]:
        entry["resource"]["medicationCodeableConcept"] = {"text": "a blue pill"}
    path = tmp_path / "v01-clear-trd.patient-view.json"
    path.write_text(json.dumps(body))
    request = request_file(path, served().book, charts=ROOT / "fhir_fixtures" / "charts")
    told: Any = evaluate(request, served()).body
    assert told["extension"][DECISION]["complete"] is True
    assert because(told) == set()
    assert {note["code"] for note in told["extension"][DECISION]["notes"]} >= {"drug-not-recognised"}
