"""`cds test` says what was got beside what was expected, why, and ends with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_example import TESTS, chart, fracture, one_case, write_chart, write_tests
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli

BOOK = Path("rules/small")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["test", *arguments])


def failing(**case: Any) -> str:
    write_tests(BOOK, one_case(**case))
    result = run()
    assert result.exit_code == 1, result.output
    return result.output


def test_all_tests_of_all_rulebooks_pass(home: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert result.output == "9 passed, 0 failed\n"


def test_a_wrong_verdict_is_told_in_one_line_with_its_place(home: Path) -> None:
    output = failing(expect=False)
    line = output.splitlines()[0]
    assert line.startswith("rules/small/contraindications/broken-and-heavy.test.yaml:10:5: ")
    assert line.endswith("broken-and-heavy / the only case: verdict: expected false, got true")
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_a_failure_shows_the_tree_and_the_card(home: Path) -> None:
    output = failing(expect=False, given={"fracture": "Broken toe"})
    assert "broken-and-heavy 1.2.0: TRUE" in output
    assert "├── true     fracture" in output
    assert "Broken toe" in output
    assert 'card: when_true ("On record: Broken toe")' in output


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"card": False}, 'card: expected none, got when_true ("On record: unknown")'),
        ({"summary": "No"}, 'summary: expected "No", got "On record: unknown"'),
        (
            {"summary": {"contains": ["On", "toe"]}},
            'summary: expected a text with "toe", got "On record: unknown"',
        ),
        (
            {"given": {"heavy": False}, "expect": False, "summary": "No"},
            'summary: expected "No", got no card',
        ),
        (
            {"given": {"heavy": False}, "expect": False, "card": True},
            "card: expected one, got none (when_false is silent)",
        ),
        (
            {"given": {"fracture": "unknown"}, "expect": "unknown", "missing": ["drug"]},
            "missing: expected [drug], got [fracture]",
        ),
        ({"chart": "toe", "expect": "unknown"}, "verdict: expected unknown, got true"),
        ({"chart": "toe", "change": {"Condition/c9/x": 1}}, "got an error: the chart has no Condition/c9"),
    ],
)
def test_what_differs_is_told(home: Path, case: dict[str, Any], told: str) -> None:
    assert told in failing(**case)


def test_a_draft_rule_is_tested_as_if_it_were_active(home: Path) -> None:
    tests = {
        "rule": "tried-out",
        "today": "2026-03-01",
        "defaults": {"fractures": "2+"},
        "tests": [
            {"name": "facts", "expect": True, "card": True, "summary": "at least 2 fractures"},
            {"name": "a chart", "chart": "two", "expect": True, "card": True},
            {"name": "another chart", "chart": "toe", "expect": "unknown", "card": False},
        ],
    }
    write_chart(home, "two", chart(fracture("c1"), fracture("c2")))
    (BOOK / "cautions" / "tried-out.test.yaml").write_text(json.dumps(tests, indent=1))
    result = run("rules/small/cautions")
    assert (result.exit_code, result.output) == (0, "3 passed, 0 failed\n")


def test_words_choose_tests(home: Path) -> None:
    assert run("-k", "CHART fracture").output == "1 passed, 0 failed\n"


def test_no_test_is_a_failure(home: Path) -> None:
    result = run("-k", "nothing like it")
    assert result.exit_code == 1
    assert "no test is named like" in result.output
    write_tests(BOOK, TESTS).unlink()
    result = run()
    assert result.exit_code == 1
    assert "there is no test" in result.output


@pytest.mark.parametrize(
    "path",
    [
        "rules/small",
        "rules/small/contraindications",
        "rules/small/contraindications/broken-and-heavy.yaml",
        "rules/small/contraindications/broken-and-heavy.test.yaml",
    ],
)
def test_a_path_may_be_a_rulebook_a_folder_a_rule_or_a_test_file(home: Path, path: str) -> None:
    assert run(path).output == "9 passed, 0 failed\n"


def test_a_rule_is_tested_by_all_its_files(home: Path) -> None:
    (BOOK / "contraindications" / "broken-and-heavy.charts.test.yaml").write_text(one_case())
    for path in ("rules", "rules/small/contraindications/broken-and-heavy.yaml"):
        assert run(path).output == "10 passed, 0 failed\n"
    assert run("rules/small/contraindications/broken-and-heavy.charts.test.yaml").output.startswith(
        "1 passed"
    )


def test_one_name_in_two_files_of_a_rule_is_refused_where_it_stands(home: Path) -> None:
    part = BOOK / "contraindications" / "broken-and-heavy.charts.test.yaml"
    part.write_text(one_case(name="heavy with a fracture"))
    result = run()
    assert result.exit_code == 1
    assert "another test of broken-and-heavy is named 'heavy with a fracture'" in result.output
    assert "1 problem in the test files" in result.output


def test_a_file_named_twice_is_run_once(home: Path) -> None:
    assert run("rules/small", "rules/small/contraindications", "rules").output == "9 passed, 0 failed\n"


@pytest.mark.parametrize("path", ["nowhere", "fhir_fixtures", "rules/small/definitions/heavy.yaml"])
def test_a_path_without_tests_is_wrong_use(home: Path, path: str) -> None:
    assert run(path).exit_code == 2


def test_a_mistake_in_a_file_fails_and_the_other_files_are_run(home: Path) -> None:
    (BOOK / "cautions" / "tried-out.test.yaml").write_text("rule: tried-out\n")
    result = run()
    assert result.exit_code == 1
    assert "tried-out.test.yaml:" in result.output
    assert "9 passed, 0 failed; 2 problems in the test files" in result.output


def test_a_rulebook_that_does_not_load_says_why(home: Path) -> None:
    (BOOK / "cautions" / "tried-out.yaml").write_text("rule: tried-out\n")
    result = run()
    assert result.exit_code == 1
    assert "tried-out.yaml:" in result.output


def test_another_day_may_change_the_verdict_of_a_chart(home: Path) -> None:
    result = run("--today", "2026-06-01", "-k", "a whole chart")
    assert result.exit_code == 1
    assert "expected true, got unknown" in result.output
    assert run("--today", "soon").exit_code == 2


def test_the_report_is_json_for_programs(home: Path) -> None:
    write_tests(BOOK, one_case(expect=False))
    report = json.loads(run("--format", "json").output)
    assert (report["passed"], report["failed"], report["problems"]) == (0, 1, [])
    (told,) = report["tests"]
    assert (told["rule"], told["name"], told["line"]) == ("broken-and-heavy", "the only case", 10)
    assert told["differences"] == [{"what": "verdict", "expected": "false", "got": "true"}]
    assert "broken-and-heavy 1.2.0: TRUE" in told["why"]


def test_a_report_of_mistakes_is_json_too(home: Path) -> None:
    write_tests(BOOK, one_case(given={"fractur": True}))
    result = run("--format", "json")
    (problem,) = json.loads(result.output)["problems"]
    assert (problem["code"], problem["line"]) == ("tests/unknown-fact", 14)
    assert result.exit_code == 1


def test_a_recorded_call_is_tested_as_it_was_sent(home: Path) -> None:
    call = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}, "conditions": None},
    }
    path = home / "fhir_fixtures" / "requests" / "toe.patient-view.json"
    path.parent.mkdir()
    path.write_text(json.dumps(call))
    case = {"request": "toe.patient-view", "expect": "unknown", "missing": ["heavy", "fracture"]}
    write_tests(BOOK, one_case(**case))
    result = run()
    assert result.exit_code == 0, result.output


def test_what_was_given_as_unknown_was_not_searched_for(home: Path) -> None:
    write_tests(BOOK, one_case(given={"fracture": "unknown", "drug": "unknown"}))
    output = run().output
    assert output.count("given as unknown") == 2
    assert "searched" not in output
    assert "not obtained" not in output


@pytest.mark.parametrize("part", [".a.b", ".More Cases", ".Charts", ".two--hyphens", "."])
def test_what_a_part_may_be_called_is_said(home: Path, part: str) -> None:
    (BOOK / "contraindications" / f"broken-and-heavy{part}.test.yaml").write_text(one_case())
    output = run().output
    assert f"broken-and-heavy{part}.test.yaml is no name of tests of broken-and-heavy" in output
    assert "<part> is lower-case words or numbers joined by hyphens, without a dot" in output
