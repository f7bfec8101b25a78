"""Which orders the button of a contraindication removes, as they are signed."""

from __future__ import annotations

import pytest
from one_entry_more import ICD, Json, card_of, concept
from test_unreadable_orders import DEAD, LOCAL, PAIN, RXNORM, TEXT, given, signed

CALL = "order-esketamine-aneurysm"
CONTRAINDICATION = "contraindication-aneurysmal-disease"
ESKETAMINE = "MedicationRequest/draft-esketamine"
KETAMINE: Json = {"id": "racemic", "medicationCodeableConcept": concept(RXNORM, "6130")}
OPERATION: Json = {"reasonCode": [concept(ICD, "K80.20")]}
DEPRESSION: Json = {"reasonCode": [concept(ICD, "F33.2")]}


def removed(answer: Json) -> list[str]:
    """The orders that the buttons of the contraindication's card remove."""
    card = card_of(answer, CONTRAINDICATION)
    assert card is not None
    actions = [action for button in card.get("suggestions", []) for action in button["actions"]]
    assert {action["type"] for action in actions} <= {"delete"}
    return [action["resourceId"] for action in actions]


@pytest.mark.parametrize("reason", [OPERATION, PAIN])
def test_ketamine_for_another_reason_is_not_reached(reason: Json) -> None:
    assert removed(signed(CALL, **KETAMINE, **given(reason))) == []


@pytest.mark.parametrize("reason", [OPERATION, PAIN])
def test_beside_it_esketamine_is(reason: Json) -> None:
    assert removed(signed(CALL, add=(KETAMINE | reason,))) == [ESKETAMINE]


@pytest.mark.parametrize("reason", [{}, DEPRESSION, TEXT, LOCAL, DEAD])
def test_ketamine_that_is_or_may_be_treatment_is_reached(reason: Json) -> None:
    assert removed(signed(CALL, **KETAMINE, **given(reason))) == ["MedicationRequest/racemic"]


@pytest.mark.parametrize("reason", [{}, OPERATION, DEPRESSION, TEXT, LOCAL, DEAD])
def test_esketamine_is_reached_whatever_its_reason(reason: Json) -> None:
    assert removed(signed(CALL, **given(reason))) == [ESKETAMINE]
