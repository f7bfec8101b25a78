"""Entries in known code systems whose codes nobody listed, told by their words, on whole charts."""

from __future__ import annotations

import pytest
from one_entry_more import (
    ICD,
    RXNORM,
    SNOMED,
    Json,
    allergy,
    answer_with,
    card_of,
    concept,
    condition,
    notes_on,
    verdict,
)

ANEURYSM, BLEED = "contraindication-aneurysmal-disease", "contraindication-intracerebral-hemorrhage"
AVM, ALLERGY = "contraindication-arteriovenous-malformation", "contraindication-hypersensitivity"
SCREEN, CRITICAL = "suicidality-screen-positive", "suicidality-critical"
HERE = "Condition/one-more"


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (concept(SNOMED, "75878002", "Abdominal aortic aneurysm without rupture"), ANEURYSM),
        (concept(ICD, "Z86.79", text="History of intracerebral hemorrhage 2015"), BLEED),
        (concept(SNOMED, "999001", "Cerebral arteriovenous malformation"), AVM),
        (concept(SNOMED, "999001", "Vein of Galen malformation"), AVM),
        (concept(SNOMED, "999001", "Dissection of thoracic aorta"), ANEURYSM),
        (concept(ICD, "I77.810", "Thoracic aortic ectasia"), ANEURYSM),
        (concept(SNOMED, "999001", "Pontine haemorrhage"), BLEED),
        (concept(SNOMED, "999001", "Cerebellar hemorrhage"), BLEED),
    ],
)
def test_a_contraindication_by_a_code_nobody_listed_is_shown_to_be_read(code: Json, rule: str) -> None:
    answer = answer_with("v01-clear-trd.patient-view", conditions=condition(code))
    card = card_of(answer, rule)
    assert verdict(answer, rule) == "unknown" and card is not None and card["indicator"] == "warning"
    assert notes_on(answer, HERE) == ["words-beyond-code"]


def test_a_torn_aorta_is_aneurysmal_disease_by_its_snomed_code_too() -> None:
    torn = condition(concept(SNOMED, "308546005", "Dissection of aorta"))
    assert verdict(answer_with("v01-clear-trd.patient-view", conditions=torn), ANEURYSM) == "true"


@pytest.mark.parametrize(
    "code",
    [
        concept(ICD, "H35.041", "Retinal micro-aneurysms, unspecified, right eye"),
        concept(ICD, "M85.50", "Aneurysmal bone cyst, unspecified site"),
        concept(ICD, "I63.9", "Cerebral infarction, unspecified"),
        concept(SNOMED, "999002", "Infarction of right cerebral hemisphere"),
        concept(SNOMED, "999002", "Cavernous hemangioma of liver"),
        concept(SNOMED, "999002", "Dissection of carotid artery"),
        concept(SNOMED, "999002"),
    ],
)
def test_what_the_list_excludes_or_no_word_names_stays_something_else(code: Json) -> None:
    answer = answer_with("v01-clear-trd.patient-view", conditions=condition(code))
    assert notes_on(answer, HERE) == []
    assert [card_of(answer, rule) for rule in (ANEURYSM, BLEED)] == [None, None]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (concept(RXNORM, "2119382"), "true"),
        (concept(RXNORM, "999003", "Spravato 56 MG Dose Kit"), "unknown"),
        (concept(RXNORM, "372452", "ketamine Injectable Solution"), "unknown"),
        (concept(SNOMED, "293685004", "Allergy to ketamine (finding)"), "unknown"),
        (concept(SNOMED, "999004", "Anaphylaxis caused by ketamine"), "unknown"),
        (concept(RXNORM, "7980", "penicillin G"), "false"),
    ],
)
def test_an_allergy_told_by_brand_or_finding_is_not_passed_over(code: Json, expected: str) -> None:
    answer = answer_with("v01-clear-trd.patient-view", allergies=allergy(code))
    assert verdict(answer, ALLERGY) == expected
    assert (card_of(answer, ALLERGY) is None) == (expected == "false")


def test_suicidal_behaviour_coded_days_ago_is_acute_risk() -> None:
    told = condition(concept(SNOMED, "425104003", "Suicidal behavior"), recordedDate="2026-02-27")
    answer = answer_with("v01-clear-trd.patient-view", conditions=told)
    assert verdict(answer, CRITICAL) == "true"


def test_an_attempt_by_a_code_nobody_listed_is_shown_to_be_read() -> None:
    told = condition(concept(SNOMED, "287185009", "Attempted suicide - hanging"), recordedDate="2026-02-27")
    answer = answer_with("v01-clear-trd.patient-view", conditions=told)
    card = card_of(answer, SCREEN)
    assert verdict(answer, CRITICAL) == "unknown" and card is not None
    assert "Attempted suicide - hanging" in card["detail"]


def test_self_harm_that_is_not_suicidal_says_so_by_its_code() -> None:
    answer = answer_with("v01-clear-trd.patient-view", conditions=condition(concept(ICD, "R45.88")))
    assert card_of(answer, SCREEN) is None
