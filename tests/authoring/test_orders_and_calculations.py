"""Orders being written, calculations and moments: tried in tests, told in explanations, on every hook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_example import chart, coded, fracture, of_patient, weight, write_chart
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli

RULE = """\
rule: dosed
title: The drug is ordered for a heavy patient
version: 1.0.0
status: active
kind: dose-check
about: {purpose: To test., population: Everybody., owner: tests}
evidence:
  - {source: 1, claim: So it is., direction: for, strength: consensus, certainty: not-graded}
hooks: [order-select, order-sign, encounter-start]
data:
  weight:
    ask: What does the patient weigh?
    find: Observation
    code_in: body-weight
    give: latest value
    unit: kg
  target:
    ask: What is half a milligram per kilogram?
    calculate: 0.5 [1] * weight
    unit: mg
    round: 0.1
  doubled:
    ask: What is twice as much?
    calculate: 2 [1] * target
    unit: mg
  chosen:
    ask: Is the drug among the orders selected?
    find: MedicationRequest
    from: selections
    code_in: sample-drug
    give: exists
    record: complete
    because: A call carries all orders [1].
  broken_on:
    ask: When was the first fracture?
    find: Condition
    code_in: fracture
    give: earliest date
  weighed_since:
    ask: How often was the patient weighed since?
    find: Observation
    code_in: body-weight
    after: broken_on + 2 days [1]
    give: count
    record: partial
logic:
  all:
    - chosen
    - target >= 40 mg [1]
    - weighed_since > 0
cards:
  when_true:
    indicator: info
    summary: "{target} {target.unit}, or {doubled}"
    detail: "So it is [1]."
    source: 1
  when_unknown: silent
  when_false: silent
"""


def drug(identity: str, code_of_drug: str = "161") -> dict[str, Any]:
    code = coded("http://www.nlm.nih.gov/research/umls/rxnorm", code_of_drug)
    return of_patient(
        "MedicationRequest", identity, status="draft", intent="order", medicationCodeableConcept=code
    )


@pytest.fixture
def dosed(home: Path) -> Path:
    """The small rulebook with one rule more, and a chart with an order."""
    (home / "rules/small/cautions/dosed.yaml").write_text(RULE)
    whole = [drug("m1"), fracture("c1"), weight("o1", 120, "2026-02-20"), weight("o0", 130, "2025-05-02")]
    write_chart(home, "ordered", chart(*whole))
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def explained(*arguments: str) -> str:
    result = run("explain", "dosed", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def tried_out(home: Path, *cases: dict[str, Any], **defaults: Any) -> Result:
    body = {"rule": "dosed", "today": "2026-03-01", "defaults": defaults, "tests": list(cases)}
    (home / "rules/small/cautions/dosed.test.yaml").write_text(json.dumps(body, indent=1))
    return run("test", "rules/small/cautions")


# --- explanations --------------------------------------------------------------------------------


def test_a_calculation_is_shown_with_its_parts(dosed: Path) -> None:
    output = explained("--chart", "ordered", "--hook", "order-sign", "--draft", "MedicationRequest/m1")
    assert "dosed 1.0.0: TRUE" in output
    assert "target = 0.5 [1] * weight: 60 mg (weight 120 kg, 2026-02-20)" in output
    assert output.endswith(
        'for the card: doubled = 2 [1] * target: 120 mg (target 60 mg)\ncard: when_true ("60 mg, or 120")\n'
    )


def test_a_moment_is_told_and_what_came_before_it_is_not_counted(dosed: Path) -> None:
    output = explained("--chart", "ordered", "--draft", "MedicationRequest/m1")
    assert "after broken_on + 2 days [1]: broken_on is 2025-05-01 or earlier" in output
    complete = RULE.replace(
        "    give: earliest date\n",
        "    give: earliest date\n    record: complete\n    because: All are here [1].\n",
    )
    (dosed / "rules/small/cautions/dosed.yaml").write_text(complete)
    output = explained("--chart", "ordered", "--draft", "MedicationRequest/m1")
    assert "after broken_on + 2 days [1]: broken_on is 2025-05-01\n" in output
    assert "not counted: 29463-7, Observation/o0, 2025-05-02: dated 2025-05-02, must be at or after" in output


def test_a_calculation_without_its_parts_is_unknown_and_says_which(dosed: Path) -> None:
    write_chart(dosed, "unweighed", chart(drug("m1"), fracture("c1")))
    output = explained("--chart", "unweighed", "--draft", "MedicationRequest/m1")
    assert "target = 0.5 [1] * weight: unknown (weight not known)" in output
    assert "ask: What is half a milligram per kilogram?" in output


def test_only_selected_orders_are_selected(dosed: Path) -> None:
    orders = ("--chart", "ordered", "--draft", "MedicationRequest/m1")
    assert "TRUE" in explained(*orders, "--select", "MedicationRequest/m1")
    with (dosed / "rules/terminology/rxnorm.csv").open("a") as table:
        table.write("1191,aspirin,1191,IN,aspirin,,\n")
    write_chart(dosed, "two", chart(drug("m1"), drug("m2", "1191")))
    two = ("--chart", "two", "--draft", "MedicationRequest/m1", "--draft", "MedicationRequest/m2")
    assert "false    chosen" in explained(*two, "--select", "MedicationRequest/m2")
    assert "true     chosen" in explained(*two)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--chart", "ordered", "--draft", "MedicationRequest/m2"), "did you mean 'MedicationRequest/m1'"),
        (
            ("--chart", "ordered", "--select", "MedicationRequest/m1"),
            "not among the orders being written (no order is being written)",
        ),
        (("--request", "x", "--draft", "MedicationRequest/m1"), "a recorded call holds its own orders"),
    ],
)
def test_an_order_that_is_not_there_is_wrong_use(dosed: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run("explain", "dosed", *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_json_holds_the_calculations_of_the_card(dosed: Path) -> None:
    told = json.loads(explained("--chart", "ordered", "--draft", "MedicationRequest/m1", "--format", "json"))
    assert told["hook"] == "order-select"
    assert told["calculations"] == ["doubled = 2 [1] * target: 120 mg (target 60 mg)"]
    assert told["criteria"][1]["notes"] == ["target = 0.5 [1] * weight: 60 mg (weight 120 kg, 2026-02-20)"]


# --- tests ---------------------------------------------------------------------------------------

YES = {"weight": 100, "chosen": True, "broken_on": "2025-05-01", "weighed_since": "1+"}


def test_a_calculation_may_be_given_or_is_done(dosed: Path) -> None:
    result = tried_out(
        dosed,
        {"name": "done", "expect": True, "summary": "50 mg, or 100"},
        {"name": "just enough", "given": {"weight": 80}, "expect": True, "summary": "40 mg, or 80"},
        {"name": "not enough", "given": {"weight": 79.8}, "expect": False},
        {"name": "given", "given": {"target": 39}, "expect": False},
        {"name": "given as a bound", "given": {"target": "41+"}, "expect": True},
        {
            "name": "given as unknown",
            "given": {"target": "unknown"},
            "expect": "unknown",
            "missing": ["target"],
        },
        {
            "name": "a part unknown",
            "given": {"weight": "unknown"},
            "expect": "unknown",
            "missing": ["target"],
        },
        **YES,
    )
    assert (result.exit_code, result.output) == (0, "7 passed, 0 failed\n")


def test_a_calculation_needs_a_value_for_its_parts(dosed: Path) -> None:
    parts = {name: value for name, value in YES.items() if name != "weight"}
    result = tried_out(dosed, {"name": "no weight", "expect": True}, **parts)
    assert "no value is given for weight, target, doubled" in result.output
    result = tried_out(dosed, {"name": "no number", "given": {"target": True}, "expect": True}, **YES)
    assert "target gives a number, True is none" in result.output


def test_orders_of_a_case_may_be_drafts_and_selected(dosed: Path) -> None:
    case = {"chart": "ordered", "drafts": ["MedicationRequest/m1"]}
    result = tried_out(
        dosed,
        {"name": "signed", "hook": "order-sign", "expect": True, "card": True} | case,
        {"name": "selected", "selections": ["MedicationRequest/m1"], "expect": True} | case,
        {"name": "none named", "selections": [], "expect": True} | case,
        {"name": "only in the chart", "chart": "ordered", "expect": False},
    )
    assert (result.exit_code, result.output) == (0, "4 passed, 0 failed\n")


OFFER = """\
    suggestions:
      - label: "Set it to {target}"
        for_each: chosen
        only_if: target < 100 mg [1]
        actions:
          - type: update
            description: "Set the dose to {target}"
            resource: {from: chosen, set: {"dosageInstruction[0].text": "{target} mg"}}
      - label: Take it away
        actions:
          - {type: delete, description: Remove the order, from: chosen}
"""


def test_the_suggestions_of_a_case_are_compared(dosed: Path) -> None:
    text = RULE.replace("    source: 1\n  when_unknown", f"    source: 1\n{OFFER}  when_unknown")
    (dosed / "rules/small/cautions/dosed.yaml").write_text(text)
    case = {"chart": "ordered", "drafts": ["MedicationRequest/m1"], "expect": True}
    heavier = {"change": {"Observation/o1/valueQuantity/value": 200}}
    result = tried_out(
        dosed,
        {"name": "both", "suggestions": ["Set it to 60", "Take it away"]} | case,
        {"name": "too heavy", "suggestions": ["Take it away"]} | case | heavier,
    )
    assert (result.exit_code, result.output) == (0, "2 passed, 0 failed\n")
    result = tried_out(dosed, {"name": "wrong", "suggestions": ["Take it away"]} | case)
    told = "suggestions: expected [Take it away], got [Set it to 60, Take it away]"
    assert told in result.output
    result = tried_out(dosed, {"name": "none", "suggestions": ["Take it away"], "card": False} | case)
    assert "a card that is not shown has no suggestions" in result.output


def test_a_selection_is_one_of_the_drafts(dosed: Path) -> None:
    case = {"chart": "ordered", "drafts": ["MedicationRequest/m1"], "expect": True}
    result = tried_out(dosed, {"name": "another", "selections": ["MedicationRequest/m2"]} | case)
    assert "MedicationRequest/m2 is selected, but not among the drafts" in result.output
    assert "did you mean 'MedicationRequest/m1'?" in result.output


@pytest.mark.parametrize("status", ["in-progress", "arrived", "triaged"])
def test_a_visit_that_starts_is_the_calls(dosed: Path, status: str) -> None:
    visit = of_patient("Encounter", "e1", status=status, period={"start": "2026-03-01"})
    write_chart(dosed, "visit", chart(visit, weight("o1", 120, "2026-02-20")))
    result = tried_out(
        dosed, {"name": "begun", "chart": "visit", "hook": "encounter-start", "expect": False, "card": False}
    )
    assert (result.exit_code, result.output) == (0, "1 passed, 0 failed\n")


@pytest.mark.parametrize("hook", ["order-select", "order-sign", "org.example.own-hook"])
def test_a_recorded_call_of_any_hook_is_tried_and_explained(dosed: Path, hook: str) -> None:
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": drug("m1")}]}
    call = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p1",
            "encounterId": "e1",
            "draftOrders": orders,
            "selections": ["MedicationRequest/m1"],
        },
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p1"},
            "conditions": None,
            "observations-vital-signs": {
                "resourceType": "Bundle",
                "type": "searchset",
                "entry": [{"resource": weight("o1", 120, "2026-02-20")}],
            },
        },
    }
    path = dosed / "fhir_fixtures" / "requests" / f"ordered.{hook}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(call))
    expected = {"expect": "unknown", "missing": ["weighed_since"]}
    assert tried_out(dosed, {"name": "a call", "request": f"ordered.{hook}"} | expected).exit_code == 0
    assert "true     chosen" in explained("--request", f"ordered.{hook}")


def test_a_case_names_the_encounter_of_its_call(dosed: Path) -> None:
    visit = {"change": {"Encounter/e1": {"status": "finished"}}, "encounter": "Encounter/e1"}
    case = {"chart": "ordered", "drafts": ["MedicationRequest/m1"], "expect": True}
    result = tried_out(dosed, {"name": "one that has ended"} | case | visit)
    assert (result.exit_code, result.output) == (0, "1 passed, 0 failed\n")
    result = tried_out(dosed, {"name": "one that is not there"} | case | {"encounter": "Encounter/e2"})
    assert "has no Encounter/e2" in result.output
    result = tried_out(dosed, {"name": "no chart", "expect": True, "encounter": "Encounter/e1"}, **YES)
    assert "encounter are about a chart, and this case has none" in result.output
