"""A drug nobody names: the EHR withheld it, or left it out. It may be any, and a note of its own says so."""

from __future__ import annotations

import pytest
from chart_builder import (
    Json,
    administration,
    ask,
    chart,
    concept,
    dispense,
    order,
    span_of,
    statement,
)

from cds_service.facts.read import Note
from cds_service.facts.shelf import NAMELESS
from cds_service.truth import UNKNOWN, Span

ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    ]
}
WITHHELD: dict[str, Json] = {
    "nothing": {},
    "empty": {"medicationCodeableConcept": {}},
    "masked": {"medicationCodeableConcept": ABSENT},
    "masked-text": {"medicationCodeableConcept": {"_text": ABSENT}},
    "blank": {"medicationCodeableConcept": {"text": " ", "coding": [{"display": " "}]}},
    "system-only": {
        "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm"}]}
    },
    "medication-without-code": {
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "status": "active"}],
    },
}
everywhere = pytest.mark.parametrize("withheld", WITHHELD.values(), ids=WITHHELD)
PLACES: dict[str, Json] = {
    "medication-requests": order("x"),
    "medication-statements": statement("x", "2026-01-01"),
    "medication-dispenses": dispense("x"),
    "medication-administrations": administration("x", "2026-02-28"),
}


def without_drug(resource: Json, withheld: Json) -> Json:
    """The resource with its drug told as `withheld` does."""
    kept = {name: value for name, value in resource.items() if not name.startswith("medication")}
    return kept | withheld


@everywhere
@pytest.mark.parametrize("key", PLACES)
def test_it_may_be_any_drug_wherever_it_stands(key: str, withheld: Json) -> None:
    one = without_drug(PLACES[key], withheld)
    found = ask(
        {"find": one["resourceType"], "code_in": ["mao-inhibitor"], "give": "count", "record": "complete"},
        one,
    )
    assert (span_of(found), found.because) == (Span(0, 1), ())
    assert found.rows[0].evidence.text == NAMELESS


@everywhere
@pytest.mark.parametrize("key", PLACES)
def test_a_note_of_its_own_names_the_entry(key: str, withheld: Json) -> None:
    one = without_drug(PLACES[key], withheld)
    assert chart(one, keys=[key]).notes == (Note("drug-not-named", f"{one['resourceType']}/{one['id']}"),)


@everywhere
def test_a_current_drug_without_a_name_may_be_of_the_group(withheld: Json) -> None:
    current: Json = {"view": "current_drugs", "code_in": ["mao-inhibitor"], "give": "possible"}
    exists = current | {"give": "exists", "record": "complete"}
    one = without_drug(statement("x", "2026-01-01", status="active"), withheld)
    assert ask(exists, one).state is UNKNOWN
    assert [row.columns["drug"] for row in ask(current, one).rows] == [NAMELESS]


@everywhere
def test_an_order_being_written_without_a_name_may_be_any(withheld: Json) -> None:
    drafted: Json = {
        "find": "MedicationRequest",
        "from": "drafts",
        "code_in": ["ketamine"],
        "give": "exists",
        "record": "complete",
    }
    draft = without_drug(order("x"), withheld)
    assert ask(drafted, drafts=[draft]).state is UNKNOWN
    unreadable = {name: value for name, value in drafted.items() if name != "code_in"}
    found = ask(unreadable | {"where": {"code": {"unreadable": True}}}, drafts=[draft])
    assert [row.evidence.text for row in found.rows] == [NAMELESS]


def test_a_code_or_a_word_is_a_name_that_may_not_be_recognised() -> None:
    for told in ({"coding": [{"code": "X-0815"}]}, concept(text="Zorblax")):
        one = without_drug(dispense("x"), {"medicationCodeableConcept": told})
        assert [note.code for note in chart(one, keys=["medication-dispenses"]).notes] == [
            "drug-not-recognised"
        ]
