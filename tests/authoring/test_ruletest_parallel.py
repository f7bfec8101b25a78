"""`cds test -n` and `--junit`: the same results from several processes, and for build servers."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench_example import one_case, write_tests
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli
from cds_service.authoring.testrun import processes_of
from cds_service.errors import UsageError

BOOK = Path("rules/small")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["test", *arguments])


def report(path: str = "out/tests.xml") -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def test_several_processes_find_what_one_finds(home: Path) -> None:
    alone = run("--today", "2026-06-01", "--format", "json")
    assert alone.exit_code == 1, "one test depends on the day"
    together = run("--today", "2026-06-01", "--format", "json", "-n", "2")
    assert (together.exit_code, together.output) == (alone.exit_code, alone.output)


@pytest.mark.parametrize(("text", "processes"), [("1", 1), ("8", 8), ("auto", 3)])
def test_auto_is_one_process_a_core(text: str, processes: int) -> None:
    assert processes_of(text, lambda: 3) == processes


@pytest.mark.parametrize("text", ["0", "-1", "65", "many", "2.5"])
def test_another_number_of_processes_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="-n"):
        processes_of(text)


def test_the_junit_report_has_a_suite_a_rule_and_a_case_a_test(home: Path) -> None:
    assert run("--junit", "out/tests.xml").exit_code == 0
    root = report()
    (suite,) = root.findall("testsuite")
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("9", "0", "0")
    assert suite.get("name") == "broken-and-heavy"
    case = suite.findall("testcase")[0]
    assert case.get("file") == "rules/small/contraindications/broken-and-heavy.test.yaml"
    assert case.findall("failure") == []


def test_the_junit_report_tells_a_failure_with_its_why_tree(home: Path) -> None:
    write_tests(BOOK, one_case(expect=False, given={"fracture": "Broken \u0007 toe"}))
    assert run("--junit", "out/tests.xml").exit_code == 1
    failure = report().find("testsuite/testcase/failure")
    assert failure is not None and failure.text is not None
    assert failure.get("message") == "verdict: expected false, got true"
    assert "├── true     fracture" in failure.text


def test_the_junit_report_counts_a_mistake_in_a_file_as_an_error(home: Path) -> None:
    (BOOK / "cautions" / "tried-out.test.yaml").write_text("rule: tried-out\n")
    assert run("--junit", "out/tests.xml").exit_code == 1
    root = report()
    assert root.get("errors") == "2"
    errors = root.findall("testsuite/testcase/error")
    assert {error.get("type") for error in errors} == {"schema/missing-key"}


def test_a_report_that_cannot_be_written_is_wrong_use(home: Path) -> None:
    (home / "taken").write_text("")
    assert run("--junit", "taken/tests.xml").exit_code == 2
