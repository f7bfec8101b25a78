"""The dose of the emergency card beside what stands against it, on both hooks that show it."""

from __future__ import annotations

import pytest
from one_entry_more import ICD, RXNORM, Json, allergy, answer_with, card_of, concept, condition

CALL, RULE = "v13-emergency-suicidality", "suicidality-emergency-department"
PRESSURE: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": concept("http://loinc.org", "85354-9"),
    "effectiveDateTime": "2026-03-01T11:50:00Z",
    "component": [
        {
            "code": concept("http://loinc.org", code),
            "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", 200), ("8462-4", 120))
    ],
}
CONTRAINDICATIONS: list[tuple[Json, str]] = [
    ({"allergies": allergy(concept(RXNORM, "6130"))}, "allergy"),
    ({"conditions": condition(concept(ICD, "I67.1"))}, "aneurysmal vascular disease"),
    ({"conditions": condition(concept(ICD, "Q28.2"))}, "arteriovenous malformation"),
    ({"conditions": condition(concept(ICD, "I61.9"))}, "intracerebral haemorrhage"),
]
CAUTIONS: list[tuple[Json, str]] = [
    ({"observations_blood_pressure": PRESSURE}, "blood pressure"),
    ({"conditions": condition(concept(ICD, "Z33.1"), recordedDate="2026-02-20")}, "pregnancy"),
    ({"conditions": condition(concept(ICD, "F20.9"))}, "psychosis"),
]
hooks = pytest.mark.parametrize("hook", ["encounter-start", "patient-view"])


def shown(hook: str, more: Json) -> Json:
    card = card_of(answer_with(f"{CALL}.{hook}", **more), RULE)
    assert card is not None
    return card


@hooks
@pytest.mark.parametrize(("more", "named"), CONTRAINDICATIONS)
def test_beside_a_contraindication_no_dose_is_shown_and_it_is_named(
    hook: str, more: Json, named: str
) -> None:
    card = shown(hook, more)
    assert card["indicator"] == "warning" and "contraindication" in card["summary"]
    assert "mg" not in card["detail"] and named in card["detail"]


@hooks
@pytest.mark.parametrize(("more", "named"), CAUTIONS)
def test_beside_a_caution_the_card_says_hold_and_names_it(hook: str, more: Json, named: str) -> None:
    card = shown(hook, more)
    assert "hold" in card["summary"]
    assert "**Hold**" in card["detail"] and f"Caution on record: {named}" in card["detail"]


@hooks
def test_an_entry_in_words_is_shown_to_be_read_before_a_dose(hook: str) -> None:
    card = shown(hook, {"conditions": condition(concept(text="Dilated aorta, 5 cm"))})
    assert "Dilated aorta, 5 cm" in card["detail"] and "Read before any dose" in card["detail"]


@hooks
def test_without_either_the_dose_stands_and_contraindications_are_asked_for(hook: str) -> None:
    card = shown(hook, {})
    assert "9.8 mg" in card["detail"] and "ask for contraindications" in card["detail"]
