"""`cds fhir-server`: the command, and the real program on a free port of this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from fhir_examples import ids, store_of

from cds_service.authoring.cli import cli
from cds_service.authoring.fhirserver.verb import places, start_message

ROOT = Path(__file__).parents[3]
RULES = ROOT / "rules"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["fhir-server", *arguments])
    return result.exit_code, result.output


def test_the_list_tells_each_chart_and_its_patient() -> None:
    code, text = run("--list", "--chart", "v01-clear-trd", "--chart", "healthy-arthritis-67")
    assert code == 0
    assert text.splitlines() == ["v01-clear-trd         v01", "healthy-arthritis-67  healthy-arthritis-67"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "try 127.0.0.1"),
        (["--host", "cds.example.org"], "try 127.0.0.1"),
        (["--chart", "v01-clear-td"], "v01-clear-trd"),
        (["--charts", "nowhere"], "no folder 'nowhere'"),
        (["--charts", "docs"], "holds no charts"),
        (["--slow", "Condition"], "WHERE= and a whole number"),
        (["--slow", "Condition=soon"], "from 1 to 600000"),
        (["--fail", "Condition=200"], "from 400 to 599"),
        (["--fail", "observations-suicidalty=500"], "observations-suicidality"),
        (["--drop", "MedicationDispens"], "MedicationDispense"),
        (["--page", "0"], "--page"),
        (["--require-token", "two words"], "made-up word"),
    ],
)
def test_wrong_use_says_what_to_try(arguments: list[str], said: str) -> None:
    code, text = run(*arguments)
    assert code == 2, text
    assert said in text


def test_a_taken_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = run("--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "is in use" in text


def test_places_are_types_or_prefetch_keys() -> None:
    given = ["Condition=1", "allergies=2", "observations-body-weight=3", "Observation=4"]
    assert places("--slow", given, RULES, 1, 9) == {
        "Condition": 1,
        "AllergyIntolerance": 2,
        "Observation?code=http://loinc.org|29463-7": 3,
        "Observation": 4,
    }


def test_the_start_message_names_the_patients_of_a_few_charts() -> None:
    text = start_message("http://127.0.0.1:8090/fhir", store_of())
    assert "Serving 1 chart as FHIR R4 at http://127.0.0.1:8090/fhir" in text
    assert "example: Patient/p1" in text
    assert "curl -s 'http://127.0.0.1:8090/fhir/Condition?patient=p1'" in text


@pytest.fixture
def heard() -> Iterator[None]:
    """Children hear SIGINT, even where the tests run in the background of a shell that has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_the_program_serves_until_it_is_interrupted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--chart", "v01-clear-trd", "--fail", "observations-body-weight=503"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service", "fhir-server", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        base = re.search(r"http://\S+/fhir", process.stdout.readline())
        assert base is not None
        found = requests.get(f"{base[0]}/Condition", params={"patient": "v01"}, timeout=10).json()
        weight = {"patient": "v01", "code": "http://loinc.org|29463-7"}
        failed = requests.get(f"{base[0]}/Observation", params=weight, timeout=10)
    finally:
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
    assert ids(found) == ["v01-mdd"]
    assert failed.status_code == 503
    assert process.returncode == 0
    assert log.splitlines() == ["GET Condition?patient 200, 1 found", "GET Observation?patient&code 503"]
