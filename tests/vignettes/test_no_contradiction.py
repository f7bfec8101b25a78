"""No answer holds a card that forbids the next dose beside one that invites to it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from one_entry_more import ICD, RXNORM, Json, allergy, ask, body_of, concept, condition
from test_vignettes import FIXTURES

from cds_service.authoring.bench import Bench
from cds_service.authoring.charts import chart_request
from cds_service.rulebook.load import load_rulebook

RULES = FIXTURES.parent / "rules"
INVITES = (
    "longer ago than the schedule",
    "For a specialist to consider:",
    "is labelled for depressive symptoms",
    "Where a specialist considers it",
    "what is described for ketamine",
    "mg/kg x",
)
"""What a card says that may bring somebody to give a dose."""
CONTRAINDICATIONS: dict[str, Json] = {
    "aneurysm": condition(concept(ICD, "I67.1")),
    "malformation": condition(concept(ICD, "Q28.2")),
    "bleed": condition(concept(ICD, "I61.9")),
    "allergy": allergy(concept(RXNORM, "6130")),
}
CAUTIONS: dict[str, Json] = {
    "psychosis": condition(concept(ICD, "F20.9")),
    "alcohol": condition(concept(ICD, "F10.20")),
    "cirrhosis": condition(concept(ICD, "K74.60")),
    "heart": condition(concept(ICD, "I50.9")),
    "cystitis": condition(concept(ICD, "N30.10")),
    "pregnancy": condition(concept(ICD, "Z33.1"), recordedDate="2026-02-28"),
    "breastfeeding": condition(concept(ICD, "Z39.1"), recordedDate="2026-02-01"),
}
CHARTS = {
    "esketamine-overdue": "longer ago than the schedule",
    "v01-clear-trd": "what is described for ketamine",
    "v08-high-suicidality-no-trd": "For a specialist to consider:",
    "v13-emergency-suicidality": "Where a specialist considers it",
}
KEYS = {"Condition": "conditions", "AllergyIntolerance": "allergies"}


@cache
def bench() -> Bench:
    return Bench.of(load_rulebook(RULES / "ketamine-trd"))


def opened(chart: str, *more: Json) -> Json:
    """The answer to the chart opened, in its encounter if it has one, with more entries."""
    request = chart_request(FIXTURES / "charts" / f"{chart}.json", bench().book, "patient-view")
    prefetch: dict[str, Any] = {key: json.loads(bytes(raw)) for key, raw in request.prefetch.items()}
    context = {"userId": request.user, "patientId": request.patient_id}
    encounter = prefetch.get("encounter") or {}
    if encounter.get("resourceType") == "Encounter":
        context["encounterId"] = encounter["id"]
    for number, resource in enumerate(more):
        bundle = prefetch[KEYS[resource["resourceType"]]]
        whose = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
        named = {"id": f"more-{number}", whose: {"reference": f"Patient/{request.patient_id}"}} | resource
        bundle.setdefault("entry", []).append({"resource": named})
        bundle.pop("total", None)
    called = {"hook": "patient-view", "hookInstance": request.hook_instance}
    return ask(called | {"context": context, "prefetch": prefetch})


def said(card: Json) -> str:
    return f"{card['summary']}\n{card['detail']}"


def inviting(answer: Json) -> list[str]:
    return [said(card) for card in answer["cards"] if any(words in said(card) for words in INVITES)]


def forbids(answer: Json) -> bool:
    return any(
        card["indicator"] == "critical" and "contraindicated" in card["summary"] for card in answer["cards"]
    )


@pytest.mark.parametrize(("chart", "words"), CHARTS.items())
def test_each_chart_invites_as_long_as_nothing_forbids(chart: str, words: str) -> None:
    assert any(words in told for told in inviting(opened(chart)))


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("named", CONTRAINDICATIONS)
def test_nothing_invites_to_a_dose_beside_a_contraindication(chart: str, named: str) -> None:
    answer = opened(chart, CONTRAINDICATIONS[named])
    assert not (forbids(answer) and inviting(answer))
    assert forbids(answer) or chart == "v08-high-suicidality-no-trd"


@pytest.mark.parametrize("chart", ["esketamine-overdue", "v01-clear-trd", "v13-emergency-suicidality"])
@pytest.mark.parametrize("named", CAUTIONS)
def test_a_card_that_invites_says_hold_beside_a_caution(chart: str, named: str) -> None:
    answer = opened(chart, CAUTIONS[named])
    told = [words for words in inviting(answer) if "For a specialist to consider:" not in words]
    assert told and all("**Hold**" in words for words in told)


@pytest.mark.parametrize("call", sorted(path.stem for path in (FIXTURES / "requests").glob("*.json")))
def test_no_recorded_call_is_answered_with_such_a_pair(call: str) -> None:
    answer = ask(body_of(call))
    assert not (forbids(answer) and inviting(answer))
