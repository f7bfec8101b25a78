"""A test file is read as strictly as a rule: every mistake has its place and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench_example import TESTS, one_case, write_tests

from cds_service.authoring.testfile import Item, path_beside, paths_beside, read_tests
from cds_service.errors import Problem
from cds_service.rulebook.book import Rulebook

FIXTURES = Path("fhir_fixtures")


def read(book: Rulebook, text: str) -> tuple[tuple[Item, ...], tuple[Problem, ...]]:
    return read_tests(write_tests(book.folder, text), book, FIXTURES)


def test_a_sound_file_gives_its_cases_with_their_places(small: Rulebook) -> None:
    items, problems = read(small, TESTS)
    assert not problems
    assert [item.case.name for item in items][:2] == ["heavy with a fracture", "the fracture has a name"]
    assert items[0].place.line == 5
    assert items[0].id == "broken-and-heavy / heavy with a fracture"
    assert items[0].hook == "patient-view"


def test_the_tests_of_a_rule_stand_beside_it() -> None:
    assert path_beside(Path("a/b.yaml")) == Path("a/b.test.yaml")


def test_the_tests_of_a_rule_may_stand_in_several_files(tmp_path: Path) -> None:
    names = ("a.test.yaml", "a.doses.test.yaml", "a.by-words.test.yaml")
    others = (
        "a-b.test.yaml",
        "a-b.doses.test.yaml",
        "b.test.yaml",
        "a.yaml",
        "a.x.y.test.yaml",
        "a.X.test.yaml",
    )
    for name in (*names, *others):
        (tmp_path / name).touch()
    assert [path.name for path in paths_beside(tmp_path / "a.yaml")] == [names[0], names[2], names[1]]


def test_a_part_of_the_tests_is_read_as_they_are(small: Rulebook) -> None:
    whole = write_tests(small.folder, one_case())
    part = whole.with_name("broken-and-heavy.charts.test.yaml")
    part.write_text(TESTS)
    items, problems = read_tests(part, small, FIXTURES)
    assert len(items) == 9
    assert not problems


@pytest.mark.parametrize(
    ("case", "code", "told"),
    [
        ({"given": {"fractur": True}}, "unknown-fact", "did you mean 'fracture'?"),
        ({"missing": ["fractur"], "expect": "unknown"}, "unknown-fact", "did you mean 'fracture'?"),
        ({"given": {"fracture": 3}}, "value-does-not-fit", "write true, false or unknown"),
        ({"chart": "tow"}, "unknown-chart", "did you mean 'toe'?"),
        ({"request": "toe.patient-view"}, "unknown-request", "holds none"),
        ({"chart": "toe", "given": {"drug": True}}, "facts-and-chart", "change and remove"),
        ({"chart": "toe", "hook": "order-selct"}, "unknown-hook", "did you mean 'order-select'?"),
        ({"request": "toe", "hook": "order-select"}, "hook-and-request", "remove hook"),
        ({"chart": "toe", "request": "toe"}, "chart-and-request", "keep one"),
        ({"remove": ["Condition/c1"]}, "no-chart", "add chart"),
        ({"summary": "So", "card": False}, "summary-without-card", "remove one"),
        ({"missing": ["fracture"]}, "missing-but-decided", "remove missing"),
        ({"expect": "maybe"}, "bad-verdict", "write true, false or unknown"),
        ({"summary": ["So"]}, "bad-summary", "contains"),
        ({"summary": {"contains": []}}, "bad-summary", "contains"),
        ({"given": {"fracture": ["x"]}}, "bad-given", "write true"),
        ({"charts": "toe"}, "unknown-key", "did you mean 'chart'?"),
        ({"name": ""}, "too-short", "at least 3"),
    ],
)
def test_a_mistake_in_a_case_is_located(small: Rulebook, case: dict[str, Any], code: str, told: str) -> None:
    items, problems = read(small, one_case(**case))
    assert not items
    assert problems
    assert code in {problem.code.partition("/")[2] for problem in problems}
    assert any(told in str(problem) for problem in problems)
    assert all(problem.place.line > 1 and problem.place.file.endswith(".test.yaml") for problem in problems)


def test_a_fact_without_a_value_is_not_taken_for_unknown(small: Rulebook) -> None:
    text = one_case().replace(',\n    "drug": false', "")
    (problem,) = read(small, text)[1]
    assert problem.message == "no value is given for drug"


def test_two_tests_of_one_name_are_refused(small: Rulebook) -> None:
    text = TESTS.replace("the fracture has a name", "heavy with a fracture")
    assert [problem.code for problem in read(small, text)[1]] == ["tests/duplicate-name"]


def test_a_file_for_a_rule_that_is_not_there_names_the_nearest(small: Rulebook) -> None:
    (problem,) = read(small, TESTS.replace("rule: broken-and-heavy", "rule: broken-or-heavy"))[1]
    assert (problem.code, problem.place.line) == ("tests/unknown-rule", 1)
    assert "did you mean 'broken-and-heavy'?" in problem.hint


def test_the_tests_of_another_rule_are_in_the_wrong_place(small: Rulebook) -> None:
    (problem,) = read(small, TESTS.replace("rule: broken-and-heavy", "rule: heavy"))[1]
    assert problem.code == "tests/not-beside-its-rule"
    assert "heavy.test.yaml" in problem.hint


@pytest.mark.parametrize("text", ["", "rule: [", "tests: []\nrule: heavy\ntoday: soon\n", "- 1\n"])
def test_what_is_no_test_file_is_a_problem_never_a_crash(small: Rulebook, text: str) -> None:
    items, problems = read(small, text)
    assert not items
    assert problems
