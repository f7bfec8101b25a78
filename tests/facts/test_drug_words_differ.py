"""A drug whose words say something other than its code: the code counts, the words are a doubt and a note."""

from __future__ import annotations

import pytest
from chart_builder import (
    RXNORM,
    SERTRALINE,
    Json,
    ask,
    chart,
    coding,
    concept,
    order,
    span_of,
    statement,
    trial,
)

from cds_service.facts.finding import Quantity
from cds_service.facts.read import Note
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, exactly

DIFFER = "drug-words-differ"
SHOWN_AS_PHENELZINE = concept(coding(SERTRALINE, RXNORM, "phenelzine 15 MG Oral Tablet"))
CURRENT: Json = {"view": "current_drugs", "give": "exists", "record": "complete"}
DRAFT: Json = {"find": "MedicationRequest", "from": "drafts", "give": "exists", "record": "complete"}


def taken(drug: Json) -> Json:
    return statement(drug, "2026-01-01", None, status="active")


def notes_on(resource: Json, key: str = "medication-statements") -> list[str]:
    return [note.code for note in chart(resource, keys=[key]).notes]


def test_what_the_words_name_is_maybe_and_what_the_code_says_is_sure() -> None:
    one = taken(SHOWN_AS_PHENELZINE)
    assert ask(CURRENT | {"code_in": ["antidepressant"]}, one).state is TRUE
    assert ask(CURRENT | {"code_in": ["cyp3a4-strong-inducer"]}, one).state is FALSE
    perhaps = ask(CURRENT | {"code_in": ["mao-inhibitor"]}, one)
    assert (perhaps.state, perhaps.because) == (UNKNOWN, ())
    (row,) = perhaps.rows
    assert row.evidence.text == "phenelzine, also told as sertraline 100 MG Oral Tablet"
    assert row.why == ("its code and its words name different drugs",)


@pytest.mark.parametrize(
    "drug",
    [
        SHOWN_AS_PHENELZINE,
        concept(coding(SERTRALINE, RXNORM), text="Nardil"),
        concept(coding("8123", RXNORM), coding(SERTRALINE, RXNORM)),
    ],
    ids=["display", "text", "second code"],
)
def test_words_that_name_another_drug_are_noted(drug: Json) -> None:
    assert notes_on(taken(drug)) == [DIFFER]


def test_an_entry_counts_once_where_code_and_words_are_both_asked_for() -> None:
    both: Json = CURRENT | {"give": "count", "code_in": ["mao-inhibitor", "antidepressant"]}
    assert span_of(ask(both, taken(SHOWN_AS_PHENELZINE))) == Span(1, 1)


def test_another_strength_is_noted_and_the_code_is_what_counts() -> None:
    mislabelled = concept(coding("312940", RXNORM, "sertraline 50 MG Oral Tablet"))
    one = order(mislabelled, "2025-02-01", status="active")
    assert chart(one, keys=["medication-requests"]).notes == (Note(DIFFER, f"MedicationRequest/{one['id']}"),)
    supply = statement(mislabelled, "2025-02-01", "2025-04-25", status="stopped")
    assert trial(supply).columns["dose"] == Quantity(exactly(25.0), "mg/d")


def test_an_order_whose_words_read_like_what_is_asked_is_found_by_its_words() -> None:
    reads_like: Json = DRAFT | {"where": {"code": {"unreadable": True, "mentions": ["ketam"]}}}
    shown = concept(coding(SERTRALINE, RXNORM, "Ketamine 50 MG/ML Injectable Solution"))
    assert ask(reads_like, drafts=[order(shown)]).state is TRUE
    assert ask(reads_like, drafts=[order(SHOWN_AS_PHENELZINE)]).state is FALSE
    assert ask(DRAFT | {"where": {"code": {"unreadable": True}}}, drafts=[order(shown)]).state is FALSE
    assert ask(DRAFT | {"code_in": ["ketamine"]}, drafts=[order(shown)]).state is UNKNOWN
