"""The fixture files as read by their tests: charts, hook calls, and what the README says of each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from cds_service.rulebook.views import KEY_OF_TYPE

Json = dict[str, Any]
FIXTURES = Path(__file__).parents[1] / "fhir_fixtures"
EHR = "https://ehr.example.org/fhir/"
NOW = "2026-03-01T12:00:00Z"
STORIES = sorted(path.stem for path in (FIXTURES / "charts").glob("*.json"))
CALLS = sorted(path.stem for path in (FIXTURES / "requests").glob("*.json"))
WITH_ORDERS = [name for name in CALLS if name.endswith((".order-select", ".order-sign"))]
CSSRS_CODES = {"93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9", "93374-7"}
OBSERVATION_KEYS = {
    "observations-depression-scores": {"44261-6"},
    "observations-suicidality": {"44260-8"} | CSSRS_CODES,
    "observations-blood-pressure": {"85354-9", "8480-6", "8462-4"},
    "observations-body-weight": {"29463-7"},
    "observations-pregnancy": {"82810-3", "11449-6", "2112-1"},
}
TYPE_OF_KEY = {key: kind for kind, key in KEY_OF_TYPE.items() if kind != "Observation"}
_CELL = re.compile(r"`([a-z0-9-]+)` (true|false|unknown)")
_FIRST_TABLE = ("trd-definition-met", "suicidality-critical", "contraindication-aneurysmal-disease")


@dataclass(frozen=True)
class Row:
    """What the README says of a chart or a call: its section, its verdicts by rule, the hooks of a call."""

    name: str
    section: str
    chart: str
    verdicts: Json
    silent: bool = False
    hooks: tuple[str, ...] = field(default=("patient-view",))


@cache
def told() -> tuple[Row, ...]:
    """The rows of the README's tables, in order."""
    rows, section = [], ""
    for line in (FIXTURES / "charts" / "README.md").read_text().splitlines():
        section = line.removeprefix("## ") if line.startswith("## ") else section
        cells = [cell.strip() for cell in line.split("|")[1:-1]] if line.startswith("| ") else []
        if cells and cells[0] not in ("chart", "call"):
            rows.append(_row(section, cells))
    return tuple(rows)


def _row(section: str, cells: list[str]) -> Row:
    if section == "Hook calls":
        name, hooks, chart, _, verdicts = cells
        return Row(name, section, chart, dict(_CELL.findall(verdicts)), hooks=tuple(hooks.split(", ")))
    if len(cells) == 5:
        return Row(cells[0], section, cells[0], dict(zip(_FIRST_TABLE, cells[2:], strict=True)))
    name, _, verdicts = cells
    return Row(name, section, name, dict(_CELL.findall(verdicts)), silent=verdicts == "no card")


OTHER_CHART = {"v15b-missing-data-not-supplied": "v15a-missing-data-searched-empty"}
OTHER_CHART |= {row.name: row.chart for row in told() if row.section == "Hook calls"}


@cache
def bundle(story: str) -> Json:
    loaded: Json = json.loads((FIXTURES / "charts" / f"{story}.json").read_text())
    return loaded


@cache
def call(name: str) -> Json:
    loaded: Json = json.loads((FIXTURES / "requests" / f"{name}.json").read_text())
    return loaded


def resources(story: str, kind: str = "") -> list[Json]:
    every = [entry["resource"] for entry in bundle(story)["entry"]]
    return [found for found in every if kind in ("", found["resourceType"])]


def codes(element: Json) -> set[str]:
    return {coding["code"] for coding in element.get("coding", [])}


def story_of(name: str) -> tuple[str, str]:
    """The call's own story and the chart it was made from."""
    story = name.rpartition(".")[0]
    return story, OTHER_CHART.get(story, story)


def expected(story: str, key: str) -> list[Json]:
    """What this prefetch key would find in the chart; of the encounters only the one in progress."""
    if key == "encounter":
        return [found] if (found := visit(story)) else []
    if key in OBSERVATION_KEYS:
        wanted = OBSERVATION_KEYS[key]
        return [seen for seen in resources(story, "Observation") if codes(seen["code"]) & wanted]
    return resources(story, TYPE_OF_KEY[key])


def strings(value: Any, name: str) -> list[str]:
    """Every text under this member name, at any depth."""
    if isinstance(value, list):
        return [text for item in value for text in strings(item, name)]
    if not isinstance(value, dict):
        return []
    here = [value[name]] if isinstance(value.get(name), str) else []
    return here + [text for item in value.values() for text in strings(item, name)]


def fills(story: str, drug: str) -> list[tuple[datetime, int]]:
    """Day handed over and days supplied of a drug's completed dispenses, in order."""
    return sorted(
        (datetime.fromisoformat(fill["whenHandedOver"]), fill["daysSupply"]["value"])
        for fill in resources(story, "MedicationDispense")
        if drug in fill["id"] and fill["status"] == "completed"
    )


def gaps(story: str, drug: str) -> list[int]:
    """Days without supply between one fill's end and the next fill; negative where they overlap."""
    pairs = pairwise(fills(story, drug))
    return [(later - (start + timedelta(days=supply))).days for (start, supply), (later, _) in pairs]


def scores(story: str) -> list[int]:
    found = expected(story, "observations-depression-scores")
    return [_answer(seen) for seen in sorted(found, key=lambda seen: str(seen["effectiveDateTime"]))]


def answers(story: str) -> dict[str, Any]:
    """LOINC code of a question → its answer: an LA code, yes or no, or a number."""
    given: dict[str, Any] = {}
    for seen in resources(story, "Observation"):
        if seen["category"][0]["coding"][0]["code"] == "survey" and "hasMember" not in seen:
            given[seen["code"]["coding"][0]["code"]] = _answer(seen)
    for response in resources(story, "QuestionnaireResponse"):
        for item in response["item"]:
            given[item["linkId"].removeprefix("/")] = _answer(item["answer"][0])
    return given


def _answer(given: Json) -> Any:
    if "valueCodeableConcept" in given:
        code = given["valueCodeableConcept"]["coding"][0]["code"]
    elif "valueCoding" in given:
        code = given["valueCoding"]["code"]
    elif "valueQuantity" in given:
        return given["valueQuantity"]["value"]
    else:
        return given.get("valueBoolean", given.get("valueInteger"))
    return {"LA33-6": True, "LA32-8": False}.get(code, code)


def story_text(story: str) -> dict[str, Json]:
    """A chart's resources by id, the patient left out and its id replaced, to compare two charts."""
    patient = resources(story, "Patient")[0]["id"]
    text = json.dumps([seen for seen in resources(story) if seen["resourceType"] != "Patient"])
    same = re.sub(rf'(?<=["/]){patient}(?=[-"])', "p", text)
    return {seen["id"]: seen for seen in json.loads(same)}


def visit(story: str) -> Json | None:
    """The encounter in progress, if there is one."""
    running = (seen for seen in resources(story, "Encounter") if seen["status"] == "in-progress")
    return next(running, None)
