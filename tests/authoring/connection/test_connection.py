"""`cds check-connection` against a real FHIR server on this machine, well-behaved and not."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fixture_files import FIXTURES, STORIES, visit

from cds_service.authoring.charts import ChartFile, chart_request
from cds_service.authoring.cli import cli
from cds_service.authoring.fhirserver.app import Seen, create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.rulebook.load import load_rulebook

ROOT = Path(__file__).parents[3]
DAY = "2026-03-01T12:00:00Z"
MARK = "zq7mark"
TEXTS = {"display", "text", "family", "given", "valueString", "reference"}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CDS_DEADLINE_MS", "60000")  # this machine may be busy


@pytest.fixture(scope="module")
def served() -> Iterator[ServedRulebook]:
    made = ServedRulebook.prepare(load_rulebook(ROOT / "rules" / "ketamine-trd"))
    yield made
    made.close()


def chart(story: str) -> ChartFile:
    return ChartFile.read(FIXTURES / "charts" / f"{story}.json")


@contextmanager
def ehr(*charts: ChartFile, seen: list[Seen] | None = None, **faults: Any) -> Iterator[str]:
    noted = seen if seen is not None else []
    with serving(create_fhir_app(Store.of(charts), Knobs(**faults), seen=noted.append)) as base:
        yield base


def run(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["check-connection", *arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def checked(base: str, patient: str, *more: str) -> tuple[int, Any]:
    """The report as data: the only rulebook's part."""
    code, text = run("--fhir", base, "--patient", patient, "--today", DAY, "--format", "json", *more)
    (part,) = json.loads(text)["rulebooks"]
    return code, part


def results(part: Any) -> dict[str, str]:
    return {one["key"]: one["result"] for one in part["keys"]}


# --- a server that behaves -----------------------------------------------------------------------


def test_a_good_connection_obtains_every_key() -> None:
    with ehr(chart("v01-clear-trd")) as base:
        code, part = checked(base, "v01")
        text_code, text = run("--fhir", base, "--patient", "Patient/v01", "--today", DAY)
    assert (code, text_code) == (0, 0)
    assert part["obtained"] is True
    assert set(results(part).values()) == {"found", "empty", "not-asked"}
    assert {one["key"]: one["found"] for one in part["keys"]}["medication-requests"] == 2
    assert part["unknown_for_want_of_data"] == []
    assert "Every key obtained." in text
    assert re.search(r"^conditions +found +1 +\d+", text, re.M)
    assert re.search(r"^procedures +nothing recorded +0 +\d+", text, re.M)
    assert re.search(r"^encounter +not asked +name the visit with --encounter", text, re.M)


@pytest.mark.parametrize("story", STORIES[::20])
@pytest.mark.parametrize("page", [1000, 2])
def test_the_verdicts_are_those_of_the_chart_replayed(served: ServedRulebook, story: str, page: int) -> None:
    held, running = chart(story), visit(story)
    visited = ["--encounter", running["id"]] if running else []
    with ehr(held, page=page) as base:
        code, part = checked(base, held.patient, *visited)
    body = evaluate(chart_request(held, served.book, "patient-view"), served).body
    decision = body["extension"]["org.cds-service.decision"]
    counted = Counter(one["verdict"] for one in decision["verdicts"])
    assert code == 0
    assert part["verdicts"] == {verdict: counted[verdict] for verdict in ("true", "false", "unknown")}
    assert [card["indicator"] for card in part["cards"]] == [card["indicator"] for card in body["cards"]]


def test_the_visit_is_read_where_it_is_named() -> None:
    story = next(one for one in STORIES if visit(one))
    held, running = chart(story), visit(story)
    assert running is not None
    with ehr(held) as base:
        code, part = checked(base, held.patient, "--encounter", running["id"], "--hook", "encounter-start")
        missing, other = checked(base, held.patient, "--encounter", "no-such-visit")
    assert (code, results(part)["encounter"]) == (0, "found")
    assert (missing, results(other)["encounter"]) == (1, "failed")


# --- servers that do not -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "key", "result", "said"),
    [
        ({"fail": {"Condition": 503}}, "conditions", "failed", "HTTP 503"),
        ({"fail": {"Condition": 403}}, "conditions", "failed", "the token does not cover this type"),
        ({"drop": frozenset({"Procedure"})}, "procedures", "failed", "HTTP 404"),
        ({"truncate": {"MedicationRequest": 1}}, "medication-requests", "truncated", "more than came"),
        (
            {"fail": {"Observation?code=http://loinc.org|29463-7": 500}},
            "observations-body-weight",
            "failed",
            "HTTP 500",
        ),
    ],
)
def test_a_key_that_was_not_obtained_is_named_with_what_it_leaves_open(
    faults: dict[str, Any], key: str, result: str, said: str
) -> None:
    with ehr(chart("v01-clear-trd"), **faults) as base:
        code, part = checked(base, "v01")
        _, text = run("--fhir", base, "--patient", "v01", "--today", DAY)
    assert code == 1
    assert [one for one, how in results(part).items() if how not in ("found", "empty", "not-asked")] == [key]
    assert results(part)[key] == result
    because = [each for one in part["unknown_for_want_of_data"] for each in one["because"]]
    assert {each["key"] for each in because} <= {key}
    assert {each["reason"] for each in because} <= {result}
    line = next(line for line in text.splitlines() if line.startswith(key))
    assert said in line
    assert "14 of 15 keys obtained." in text


def test_rules_left_open_are_listed_with_their_key() -> None:
    with ehr(chart("v01-clear-trd"), fail={"Condition": 500}) as base:
        _, part = checked(base, "v01")
        _, text = run("--fhir", base, "--patient", "v01", "--today", DAY)
    open_rules = {one["rule"] for one in part["unknown_for_want_of_data"]}
    assert {"trd-definition-met", "contraindication-aneurysmal-disease"} <= open_rules
    assert re.search(r"^  trd-definition-met +conditions \(failed\)", text, re.M)
    assert part["cards"][0]["rules"]
    assert "could not be made" in text


def test_a_slow_search_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_DEADLINE_MS", "500")
    over = threading.Event()
    app = create_fhir_app(
        Store.of([chart("v01-clear-trd")]), Knobs(slow={"Procedure": 1}), pause=lambda _: over.wait()
    )
    with serving(app) as base:
        code, part = checked(base, "v01")
        over.set()
    assert (code, results(part)["procedures"]) == (1, "deadline")


def test_without_the_patient_nothing_is_decided() -> None:
    with ehr(chart("v01-clear-trd")) as base:
        code, part = checked(base, "nobody")
        _, text = run("--fhir", base, "--patient", "nobody", "--today", DAY)
    assert code == 1
    assert "verdicts" not in part
    assert "The service would refuse this call: the Patient could not be had" in text


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    with ehr(chart("v01-clear-trd")) as base:
        pass
    code, text = run("--fhir", base, "--patient", "v01", "--today", DAY)
    assert code == 1
    assert "no answer: is the server there?" in text
    assert "0 of 15" not in text  # the visit was not asked for
    assert "1 of 15 keys obtained." in text


def test_plain_http_to_a_public_address_is_not_tried(tmp_path: Path) -> None:
    """A connection would fail the test: the tests may reach this machine only."""
    code, part = checked("http://203.0.113.7/fhir", "v01", "--token-file", token_file(tmp_path))
    assert code == 1
    assert set(results(part).values()) == {"refused", "not-asked"}
    assert "The FHIR server was not asked: its address is neither" in part["refused"]


# --- what is never printed -----------------------------------------------------------------------


def token_file(folder: Path, token: str = MARK) -> str:
    path = folder / "token.txt"
    path.write_text(f"{token}\n")
    return str(path)


def test_the_token_is_sent_and_never_printed(tmp_path: Path) -> None:
    seen: list[Seen] = []
    for style in ("text", "json"):
        with ehr(chart("v01-clear-trd"), token=MARK, seen=seen) as base:
            options = ["--fhir", base, "--patient", "v01", "--today", DAY, "--format", style]
            code, text = run(*options, "--token-file", token_file(tmp_path))
            typed_code, typed_text = run(*options, "--token-file", "-", typed=f"Bearer {MARK}\n")
            wrong_code, wrong = run(*options, "--token-file", token_file(tmp_path, f"{MARK}-old"))
        assert (code, typed_code, wrong_code) == (0, 0, 1)
        assert MARK not in text + typed_text + wrong
    assert all(one.authorized for one in seen)
    assert "401" in wrong


def test_no_token_is_told_as_401() -> None:
    with ehr(chart("v01-clear-trd"), token="made-up") as base:
        code, text = run("--fhir", base, "--patient", "v01", "--today", DAY)
    assert code == 1
    assert "HTTP 401: the token is missing" in text


def marked(value: Any, name: str = "") -> Any:
    """The resource with every text of it replaced, references to the patient excepted."""
    if isinstance(value, dict):
        return {key: marked(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [marked(one, name) for one in value]
    texts = TEXTS - {"reference"} if str(value).startswith("Patient/") else TEXTS
    return MARK if name in texts else value


@pytest.mark.parametrize(
    "story", ["v01-clear-trd", "bp-168-102", "esketamine-week-6", "v09-trd-and-aneurysm"]
)
@pytest.mark.parametrize("style", ["text", "json"])
def test_nothing_of_a_resource_is_printed(story: str, style: str) -> None:
    held = chart(story)
    texts = ChartFile(held.name, held.now, held.patient, tuple(marked(one) for one in held.resources))
    with ehr(texts) as base:
        options = ["--fhir", base, "--patient", held.patient, "--today", DAY, "--format", style]
        _, text = run(*options)
    assert MARK not in text


def test_a_cards_summary_stands_without_the_values_of_the_chart() -> None:
    held = chart("bp-168-102")
    with ehr(held) as base:
        _, part = checked(base, held.patient)
    (summary,) = [one["summary"] for one in part["cards"] if one["rules"] == ["caution-blood-pressure"]]
    assert summary.startswith("Blood pressure …/…: ")
    assert "168" not in json.dumps(part["cards"])


# --- wrong use -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--patient", "v01"], "--fhir"),
        (["--fhir", "http://127.0.0.1:1/fhir"], "--patient"),
        (["--fhir", "ftp://127.0.0.1/fhir", "--patient", "v01"], "base URL"),
        (["--fhir", f"http://{MARK}@127.0.0.1/fhir", "--patient", "v01"], "without a user"),
        (["--fhir", "http://127.0.0.1:1/fhir?x=1", "--patient", "v01"], "base URL"),
        (["--fhir", "http://127.0.0.1:1/fhir", "--patient", f"{MARK}%2e"], "a FHIR id"),
        *(
            (["--fhir", "http://127.0.0.1:1/fhir", "--patient", text], "a FHIR id")
            for text in ("../v01", "/v01", "Patient/../v01", "Group/v01", "v01/", "..", "Patient/", "")
        ),
        (["--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--encounter", "../e1"], "--encounter"),
        (["--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--hook", "patient-vew"], "patient-view"),
        (
            ["--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--hook", "encounter-start"],
            "--encounter",
        ),
        (
            ["--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--token-file", "nowhere"],
            "--token-file",
        ),
        (["--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--rules", "nowhere"], "no folder"),
    ],
)
def test_wrong_use_says_what_to_try(arguments: list[str], said: str) -> None:
    code, text = run(*arguments)
    assert code == 2, text
    assert said in text
    assert MARK not in text


def test_a_file_that_holds_no_token_is_refused_without_repeating_it(tmp_path: Path) -> None:
    path = token_file(tmp_path, f"{MARK} {MARK}")
    code, text = run("--fhir", "http://127.0.0.1:1/fhir", "--patient", "v01", "--token-file", path)
    assert code == 2
    assert "one access token" in text
    assert MARK not in text
