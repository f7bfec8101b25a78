"""A home with rules, fixtures and a git repository around them, and the verb run in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from bench_example import TOE, Json, chart, fracture, of_patient, weight, write_chart
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli

__all__ = ["TOE", "Json", "chart", "fracture", "of_patient", "weight", "write_chart"]

SEARCHSET = {"resourceType": "Bundle", "type": "searchset"}
CALL: Json = {
    "hook": "order-select",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {
        "userId": "Practitioner/1",
        "patientId": "p1",
        "selections": [],
        "draftOrders": {"resourceType": "Bundle", "type": "collection"},
    },
    "prefetch": {
        "patient": TOE["entry"][0]["resource"],
        "conditions": SEARCHSET | {"entry": [TOE["entry"][1]]},
        "observations-vital-signs": {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [TOE["entry"][2]],
        },
    },
}


def replay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["replay", *arguments])


def replayed(*arguments: str, code: int = 1) -> str:
    result = replay(*arguments)
    assert result.exit_code == code, result.output
    return result.stdout


def impact(*arguments: str, code: int = 1) -> Any:
    return json.loads(replayed(*arguments, "--format", "json", code=code))


def git(folder: Path, *arguments: str) -> str:
    name = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")
    done = subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit_all(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "as it was")


def edit(home: Path, name: str, old: str, new: str) -> None:
    path = home / "rules" / "small" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def write_call(home: Path, name: str = "toe.order-select", body: Json = CALL) -> Path:
    path = home / "fhir_fixtures" / "requests" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body))
    return path
