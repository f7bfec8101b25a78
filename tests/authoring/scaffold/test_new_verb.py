"""`cds new`: what it writes is clean and green at once, and it never writes over anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli
from cds_service.rulebook.rule import Kind
from cds_service.rulebook.schema import schema_text

KINDS = get_args(Kind)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def made(*words: str) -> None:
    result = run("new", *words)
    assert result.exit_code == 0, result.output


def left() -> list[str]:
    """What lint finds; each finding has to stand at a TODO."""
    found = json.loads(run("lint", "--format", "json").output)["problems"]
    for one in found:
        line = Path(one["file"]).read_text(encoding="utf-8").splitlines()[one["line"] - 1]
        assert "TODO" in line, one
    return [one["code"] for one in found]


def written() -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_a_new_rulebook_loads_without_a_rule() -> None:
    made("rulebook", "small")
    assert set(left()) == {"schema/todo-left"}
    assert Path("rules/rule.schema.json").read_text() == schema_text()


def test_a_new_rule_of_every_kind_is_clean_formatted_and_green() -> None:
    made("rulebook", "small")
    for kind in KINDS:
        made("rule", f"{kind}/new-{kind}")
    assert set(left()) == {"schema/todo-left"}
    for words in (["fmt", "--check"], ["test"]):
        result = run(*words)
        assert result.exit_code == 0, result.output
    assert f"{5 * len(KINDS)} passed" in run("test").output


def test_what_a_person_has_to_say_is_marked() -> None:
    made("rulebook", "small")
    made("rule", "caution/heavy-patient")
    text = Path("rules/small/cautions/heavy-patient.yaml").read_text()
    assert text.count("TODO:") >= 8
    assert "TODO:" in Path("rules/small/rulebook.yaml").read_text()


def test_a_new_rule_names_the_schema_for_editors() -> None:
    made("rulebook", "small")
    made("rule", "caution/heavy-patient")
    first = Path("rules/small/cautions/heavy-patient.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../rule.schema.json"


def test_the_day_of_tests_and_chart_can_be_given() -> None:
    made("rulebook", "small")
    made("rule", "caution/heavy-patient", "--today", "2026-03-01")
    chart = json.loads(Path("fhir_fixtures/charts/heavy-patient.json").read_text())
    assert chart["timestamp"] == "2026-03-01T12:00:00Z"
    assert "today: 2026-03-01" in Path("rules/small/cautions/heavy-patient.test.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rule", "caution/x"], "begin with cds new rulebook"),
        (["rulebook", "Not Good"], "lower case with hyphens"),
    ],
)
def test_wrong_use_in_an_empty_folder_says_what_to_do(words: list[str], told: str) -> None:
    result = run("new", *words)
    assert (result.exit_code, told in result.output) == (2, True), result.output
    assert written() == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rulebook", "small"], "rulebook.yaml is there already"),
        (["rule", "cauton/x-y"], "did you mean 'caution'?"),
        (["rule", "x-y"], "KIND/NAME"),
        (["rule", "caution/X"], "lower case with hyphens"),
        (["rule", "caution/../x"], "lower case with hyphens"),
        (["rule", "caution/taken"], "an id is never used twice"),
        (["rule", "monitoring/taken"], "an id is never used twice"),
    ],
)
def test_wrong_use_writes_nothing(words: list[str], told: str) -> None:
    made("rulebook", "small")
    made("rule", "caution/taken")
    before = written()
    result = run("new", *words)
    assert (result.exit_code, told in result.output) == (2, True), result.output
    assert written() == before


def test_of_several_rulebooks_one_is_named() -> None:
    made("rulebook", "one")
    made("rulebook", "two")
    assert run("new", "rule", "caution/heavy-patient").exit_code == 2
    made("rule", "caution/heavy-patient", "--rules", "rules/two")
    assert Path("rules/two/cautions/heavy-patient.yaml").is_file()
