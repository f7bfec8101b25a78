"""Orders whose reason or route is told by a code that no value set lists, as they are signed."""

from __future__ import annotations

from typing import Any

import pytest
from one_entry_more import ICD, SNOMED, Json, concept
from test_unreadable_orders import given, leads, signed, verdict

ORDERED, IV = "ketamine-ordered", "dose-check-ketamine-iv"
DEPRESSED, NOBODY = "order-iv-60-mg", "order-sedation-in-words"


def because(*reasons: Json) -> Json:
    return given({"reasonCode": list(reasons)})


def by(route: Json, milligrams: float = 350) -> Json:
    """A dosage line of 350 mg over 2 minutes by this route."""
    line: dict[str, Any] = {
        "route": route,
        "timing": {"repeat": {"duration": 2, "durationUnit": "min"}},
        "doseAndRate": [{"doseQuantity": {"value": milligrams, "unit": "mg"}}],
    }
    return {"dosageInstruction": [line]}


@pytest.mark.parametrize(
    "reason",
    [
        concept(SNOMED, "78667006", "Dysthymia"),
        concept(SNOMED, "58703003"),
        concept(SNOMED, "310497006", "Severe depression"),
        concept(SNOMED, "1153570009", "Treatment resistant depression"),
        concept(SNOMED, "59274003", "Intentional drug overdose"),
        concept(ICD, "F06.32"),
        concept(ICD, "F39"),
        concept(ICD, "F43.21"),
        concept(ICD, "O99.345"),
    ],
)
def test_every_usual_code_of_depression_is_a_reason_for_treatment(reason: Json) -> None:
    for call in (DEPRESSED, NOBODY):
        assert verdict(signed(call, **because(reason)), ORDERED) == "true"


OPEN = [
    concept(SNOMED, "999001", "Chronic treatment refractory major depressive illness"),
    concept(SNOMED, "999002", text="Suicidal thoughts"),
    concept(SNOMED, "999003"),
    concept(ICD, "F48.9"),
]


@pytest.mark.parametrize("reason", OPEN)
def test_a_code_nobody_listed_that_may_be_depression_is_not_read(reason: Json) -> None:
    depressed = signed(DEPRESSED, **because(reason))
    assert (verdict(depressed, ORDERED), verdict(depressed, IV)) == ("true", "true")
    (told,) = [card["detail"] for card in depressed["cards"] if "60 mg" in card["detail"]]
    assert "reason of the order cannot be read" in told
    nobody = signed(NOBODY, **because(reason))
    assert verdict(nobody, ORDERED) == "unknown"
    assert IV in leads(nobody)


@pytest.mark.parametrize(
    "reason",
    [
        concept(ICD, "K80.20", "Calculus of gallbladder"),
        concept(ICD, "K80.20"),
        concept(ICD, "R52"),
        concept(SNOMED, "999004", "Cholecystectomy"),
        concept(SNOMED, "50697003", "General anesthesia"),
        concept(SNOMED, "999005", "Depressed fracture of skull"),
    ],
)
def test_a_code_nobody_listed_with_other_words_is_another_reason(reason: Json) -> None:
    for call in (DEPRESSED, NOBODY):
        body = signed(call, **because(reason))
        assert (verdict(body, ORDERED), body["cards"]) == ("false", [])


def test_a_second_reason_that_may_be_depression_is_not_hidden_by_the_first() -> None:
    both = because(concept(ICD, "K80.20"), concept(SNOMED, "999001", "Persistent depressive illness"))
    assert verdict(signed(DEPRESSED, **both), ORDERED) == "true"
    pain_too = because(concept(ICD, "K80.20"), concept(SNOMED, "999003"))
    assert verdict(signed(DEPRESSED, **pain_too), ORDERED) == "false"


@pytest.mark.parametrize(
    "route",
    [
        concept(SNOMED, "255560000", "Intravenous"),
        concept(SNOMED, "999006", "Intravenous push route"),
        concept(SNOMED, "999006", "Intravenous infusion route"),
        concept(SNOMED, "999006", "Intravenous piggyback route"),
        concept("urn:site", "17", "IV Push"),
    ],
)
def test_a_vein_is_known_by_the_display_of_a_code_too(route: Json) -> None:
    body = signed(DEPRESSED, **by(route))
    assert verdict(body, IV) == "true"
    assert IV in leads(body)


@pytest.mark.parametrize(
    "route", [concept(SNOMED, "424494006", "Infusion route"), concept(SNOMED, "999006"), concept(text="pump")]
)
def test_a_route_in_no_list_is_not_read_and_a_card_says_so(route: Json) -> None:
    body = signed(DEPRESSED, **by(route))
    assert verdict(body, IV) == "unknown"
    (told,) = [card["detail"] for card in body["cards"] if "tells its route" in card["detail"]]
    assert "a code not known here" in told


@pytest.mark.parametrize(
    "route",
    [
        concept(SNOMED, "26643006", "Oral route"),
        concept(SNOMED, "34206005", "Subcutaneous route"),
        concept(SNOMED, "78421000"),
        concept(SNOMED, "37839007"),
        concept(SNOMED, "46713006"),
        concept(SNOMED, "999006", "Intramuscular"),
        concept("urn:site", "SL"),
        concept(text="rectal"),
    ],
)
def test_another_route_that_is_known_is_not_asked_about(route: Json) -> None:
    body = signed(DEPRESSED, **by(route))
    assert verdict(body, IV) == "false"
    assert IV not in leads(body)
