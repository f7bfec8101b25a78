"""Each vignette through the real application: its verdicts, its cards and no others, in the order given.

`fhir_fixtures/cards/` holds the approved answers, ids and times normalised. UPDATE_APPROVED=1 writes them
anew; the diff is then read aloud before it is committed.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from cds_service.authoring.replay.approved import normalised, write_approved
from cds_service.settings import Settings
from cds_service.web.app import create_app

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fhir_fixtures"
REQUESTS = sorted((FIXTURES / "requests").glob("*.json"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECISION = "org.cds-service.decision"
TRUE, FALSE, UNKNOWN = "true", "false", "unknown"

BASELINE = {
    "major-depression-current": TRUE,
    "trd-definition-met": TRUE,
    "ketamine-candidate": TRUE,
    "ketamine-in-use": FALSE,
    "ketamine-ordered": FALSE,
    "suicidality-critical": UNKNOWN,
    "contraindication-aneurysmal-disease": UNKNOWN,
    "contraindication-arteriovenous-malformation": UNKNOWN,
    "contraindication-intracerebral-hemorrhage": UNKNOWN,
    "pretreatment-data-missing": FALSE,
    "treatment-options": TRUE,
}
UNDECIDED = BASELINE | {
    "trd-definition-met": UNKNOWN,
    "ketamine-candidate": UNKNOWN,
    "treatment-options": UNKNOWN,
}
UNDECIDED = {rule: verdict for rule, verdict in UNDECIDED.items() if rule != "pretreatment-data-missing"}
BOTH = ["treatment-options", "trd-definition-met"]
VIEW, START = "patient-view", "encounter-start"
# What each vignette of the reference names: verdicts, and the leading rule of each card in order.
EXPECTED: dict[str, tuple[dict[str, str], list[str]]] = {
    f"v01-clear-trd.{VIEW}": (BASELINE, BOTH),
    f"v02-two-trials-same-drug.{VIEW}": (UNDECIDED, ["trd-definition-met"]),
    f"v03-short-trials.{VIEW}": (UNDECIDED, ["trd-definition-met"]),
    f"v05-sub-therapeutic.{VIEW}": (UNDECIDED, ["trd-definition-met"]),
    f"v07-bipolar-depression.{VIEW}": (
        {"trd-definition-met": FALSE, "caution-bipolar": TRUE, "treatment-options": FALSE},
        ["caution-bipolar"],
    ),
    f"v08-high-suicidality-no-trd.{VIEW}": (
        UNDECIDED | {"suicidality-critical": TRUE, "suicidality-screen-positive": TRUE},
        ["suicidality-critical"],
    ),
    f"v09-trd-and-aneurysm.{VIEW}": (
        BASELINE | {"contraindication-aneurysmal-disease": TRUE},
        ["contraindication-aneurysmal-disease", "trd-definition-met"],
    ),
    f"v11-trd-and-pregnancy.{VIEW}": (BASELINE | {"caution-pregnancy": TRUE}, ["caution-pregnancy", *BOTH]),
    f"v11b-pregnancy-test-negative-after.{VIEW}": (BASELINE | {"caution-pregnancy": UNKNOWN}, BOTH),
    f"v11c-pregnancy-resolved.{VIEW}": (BASELINE | {"caution-pregnancy": FALSE}, BOTH),
    f"v13-emergency-suicidality.{START}": (
        {
            "suicidality-critical": TRUE,
            "suicidality-emergency-department": TRUE,
            "pretreatment-data-missing": TRUE,
            "trd-definition-met": FALSE,
        },
        ["suicidality-critical", "suicidality-emergency-department", "pretreatment-data-missing"],
    ),
    f"v15a-missing-data-searched-empty.{VIEW}": (
        BASELINE | {"pretreatment-data-missing": TRUE},
        ["treatment-options", "pretreatment-data-missing", "trd-definition-met"],
    ),
    f"v17-refuted-and-error.{VIEW}": (BASELINE, BOTH),
    f"v21-drug-by-text.{VIEW}": (UNDECIDED, ["trd-definition-met"]),
    f"trd-knee-pain-in-words.{VIEW}": (BASELINE, BOTH),
    f"trd-perhaps-bipolar-in-words.{VIEW}": (UNDECIDED, ["trd-definition-met"]),
    f"ideation-in-words.{VIEW}": (
        {
            "suicidality-critical": UNKNOWN,
            "suicidality-screen-positive": UNKNOWN,
            "trd-definition-met": FALSE,
        },
        ["suicidality-screen-positive"],
    ),
    f"cssrs-local-answer.{VIEW}": (
        {
            "suicidality-critical": UNKNOWN,
            "suicidality-screen-positive": UNKNOWN,
            "trd-definition-met": FALSE,
        },
        ["suicidality-screen-positive"],
    ),
    f"questionnaire-in-progress.{VIEW}": (
        {"suicidality-critical": UNKNOWN, "suicidality-screen-positive": UNKNOWN},
        ["suicidality-critical"],
    ),
    f"item-9-by-number.{VIEW}": (
        {"suicidality-critical": UNKNOWN, "suicidality-screen-positive": UNKNOWN},
        ["suicidality-screen-positive"],
    ),
    f"v25-severe-liver.{VIEW}": (
        BASELINE | {"caution-hepatic-impairment": TRUE},
        ["caution-hepatic-impairment", *BOTH],
    ),
}
requests = pytest.mark.parametrize("request_file", REQUESTS, ids=lambda path: path.name.removesuffix(".json"))


@cache
def app(engine: str | None = None) -> Flask:
    return create_app(Settings(rules=ROOT / "rules", today=NOW, engine=engine))


def answer(request_file: Path, engine: str | None = None) -> dict[str, Any]:
    body = json.loads(request_file.read_bytes())
    url = f"/cds-services/ketamine-trd-{body['hook']}"
    response = app(engine).test_client().post(url, json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    got: dict[str, Any] = response.get_json()
    return got


def rules_of(card: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in card["extension"]["org.cds-service.rules"]]


@pytest.mark.parametrize(
    "request_file", [path for path in REQUESTS if path.stem in EXPECTED], ids=lambda path: path.stem
)
def test_a_vignette_has_its_verdicts_and_its_cards_and_no_others(request_file: Path) -> None:
    verdicts, cards = EXPECTED[request_file.stem]
    body = answer(request_file)
    told = {item["rule"]: item["verdict"] for item in body["extension"][DECISION]["verdicts"]}
    assert {rule: told[rule] for rule in verdicts} == verdicts
    assert [rules_of(card)[0] for card in body["cards"]] == cards


@requests
def test_both_engines_give_the_same_answer(request_file: Path) -> None:
    assert answer(request_file, "direct") == answer(request_file)


@requests
def test_the_answer_is_the_approved_one(request_file: Path) -> None:
    approved = FIXTURES / "cards" / request_file.name
    got = normalised(answer(request_file))
    if os.environ.get("UPDATE_APPROVED"):
        write_approved(approved, got)
    assert got == json.loads(approved.read_text(encoding="utf-8"))


def test_every_approved_answer_has_its_request() -> None:
    assert {path.name for path in (FIXTURES / "cards").glob("*.json")} == {path.name for path in REQUESTS}


def test_a_refuted_and_an_erroneous_entry_become_two_notes() -> None:
    body = answer(FIXTURES / "requests" / "v17-refuted-and-error.patient-view.json")
    codes = sorted(note["code"] for note in body["extension"][DECISION]["notes"])
    assert codes == ["entered-in-error", "refuted"]


def test_the_same_call_gets_the_same_answer_to_the_letter() -> None:
    assert answer(REQUESTS[0]) == answer(REQUESTS[0])


def test_what_was_not_supplied_is_said_and_never_read_as_clear() -> None:
    body = answer(FIXTURES / "requests" / "v15b-missing-data-not-supplied.patient-view.json")
    decision = body["extension"][DECISION]
    told = {item["rule"]: item for item in decision["verdicts"]}
    assert decision["complete"] is False
    assert told["trd-definition-met"]["verdict"] == TRUE
    assert told["treatment-options"]["verdict"] == TRUE
    assert told["pretreatment-data-missing"]["verdict"] == UNKNOWN
    assert {because["key"] for because in told["caution-blood-pressure"]["because"]} == {
        "observations-blood-pressure"
    }
    assert body["cards"][0]["indicator"] == "warning"
    assert {entry["verdict"] for entry in body["cards"][0]["extension"]["org.cds-service.rules"]} == {UNKNOWN}


def test_every_vignette_named_here_was_recorded() -> None:
    assert set(EXPECTED) <= {path.stem for path in REQUESTS}
