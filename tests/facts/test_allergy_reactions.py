"""An allergy entry is about its own substance and about those of its reactions."""

from __future__ import annotations

import pytest
from chart_builder import Json, ask, chart, concept

from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
OCCASION: Json = {"text": "Reaction under sedation"}


def substance(code: str) -> Json:
    return {"coding": [{"system": RXNORM, "code": code}]}


KETAMINE, PROPOFOL, UNCODED = substance("6130"), substance("8782"), concept(text="the first drug")


def allergy(code: Json | None, *substances: Json | None) -> Json:
    reactions = [
        {"substance": one, "manifestation": [{"text": "rash"}]}
        if one
        else {"manifestation": [{"text": "rash"}]}
        for one in substances
    ]
    entry: Json = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}}
    return entry | ({"code": code} if code else {}) | ({"reaction": reactions} if reactions else {})


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (allergy(KETAMINE), TRUE),
        (allergy(OCCASION, KETAMINE), TRUE),
        (allergy(OCCASION, PROPOFOL, KETAMINE), TRUE),
        (allergy(PROPOFOL, KETAMINE), TRUE),
        (allergy(None, KETAMINE), TRUE),
        (allergy(OCCASION), UNKNOWN),
        (allergy(OCCASION, None), UNKNOWN),
        (allergy(OCCASION, UNCODED), UNKNOWN),
        (allergy(OCCASION, PROPOFOL, None), UNKNOWN),
        (allergy(OCCASION, PROPOFOL), FALSE),
        (allergy(PROPOFOL), FALSE),
        (allergy(PROPOFOL, None), FALSE),
    ],
)
def test_a_substance_named_in_a_reaction_counts_as_the_entrys_own(entry: Json, verdict: Truth) -> None:
    fact = {
        "find": "AllergyIntolerance",
        "code_in": ["ketamine-allergy-substance"],
        "give": "exists",
        "record": "complete",
    }
    assert ask(fact, entry).state is verdict


def test_only_an_entry_that_nothing_classifies_is_noted() -> None:
    assert "not-classified" in {note.code for note in chart(allergy(OCCASION), keys=["allergies"]).notes}
    assert "not-classified" not in {
        note.code for note in chart(allergy(OCCASION, KETAMINE), keys=["allergies"]).notes
    }
