"""What the README says of a chart or a call is what the rules decide; Synthea patients load as charts."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fixture_files import FIXTURES, NOW, Row, told
from flask import Flask

from cds_service.authoring.bench import Bench
from cds_service.authoring.charts import ChartFile, chart_request, request_file
from cds_service.facts.request import HookRequest
from cds_service.rulebook.load import load_rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

RULES = Path(__file__).parents[1] / "rules"
SYNTHEA = sorted((FIXTURES / "synthea").glob("*.json"))
by_name = pytest.mark.parametrize("row", told(), ids=lambda row: row.name)
patients = pytest.mark.parametrize("path", SYNTHEA, ids=lambda path: path.stem)


@cache
def bench() -> Bench:
    return Bench.of(load_rulebook(RULES / "ketamine-trd"))


@cache
def app() -> Flask:
    return create_app(Settings(rules=RULES, today=datetime.fromisoformat(NOW)))


def requests(row: Row, rule: str) -> list[HookRequest]:
    """The calls a row speaks of: the recorded ones, or its chart opened."""
    if row.section == "Hook calls":
        paths = [FIXTURES / "requests" / f"{row.name}.{hook}.json" for hook in row.hooks]
        return [request_file(path, bench().book) for path in paths]
    keys = bench().keys("patient-view", rule)
    path = FIXTURES / "charts" / f"{row.chart}.json"
    return [chart_request(path, bench().book, "patient-view", keys=keys)]


@by_name
def test_the_named_verdicts_are_those_of_the_rules(row: Row) -> None:
    rules = bench().book.by_id
    for rule, verdict in row.verdicts.items():
        for request in requests(row, rule) if rule in rules else []:
            decided = bench().examine(request, rule).conclusions[rule].verdict.value
            assert (rule, request.hook, decided) == (rule, request.hook, verdict)


def answer(path: Path) -> dict[str, Any]:
    """A chart sent to the served patient-view hook."""
    request = chart_request(path, bench().book, "patient-view")
    body = {
        "hook": "patient-view",
        "hookInstance": request.hook_instance,
        "context": {"userId": request.user, "patientId": request.patient_id},
        "prefetch": {key: json.loads(bytes(raw)) for key, raw in request.prefetch.items()},
    }
    response = app().test_client().post("/cds-services/ketamine-trd-patient-view", json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    got: dict[str, Any] = response.get_json()
    return got


@pytest.mark.parametrize("name", [row.name for row in told() if row.silent])
def test_a_healthy_chart_gets_no_card(name: str) -> None:
    assert answer(FIXTURES / "charts" / f"{name}.json")["cards"] == []


# Synthea.


@patients
def test_a_synthea_patient_is_a_dated_chart(path: Path) -> None:
    bundle = json.loads(path.read_text())
    assert (bundle["type"], bundle["timestamp"]) == ("collection", NOW)
    chart = ChartFile.read(path)
    assert {"Patient", "Condition", "Observation"} <= {seen["resourceType"] for seen in chart.resources}
    for seen in chart.resources:
        get_fhir_model_class(seen["resourceType"]).model_validate(seen)


def test_there_are_ten_synthea_patients_and_they_are_small() -> None:
    assert len(SYNTHEA) == 10
    assert sum(path.stat().st_size for path in SYNTHEA) < 3_000_000


@patients
def test_a_synthea_patient_gets_the_cards_its_readme_justifies_and_no_others(path: Path) -> None:
    lines = (path.parent / "README.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {path.stem} |")]
    entries = [
        entry for card in answer(path)["cards"] for entry in card["extension"]["org.cds-service.rules"]
    ]
    assert {entry["id"] for entry in entries if f"`{entry['id']}`" not in row} == set()
