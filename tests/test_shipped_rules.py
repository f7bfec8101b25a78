"""The shipped rules load clean, and every test beside them passes, each as an item of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cds_service.authoring.reach import reachable
from cds_service.authoring.ruletest import Suite, read_suite
from cds_service.authoring.testfile import Item, path_beside, paths_beside
from cds_service.errors import RuleError
from cds_service.rulebook.load import check_rulebook, find_rulebooks, load_rulebook
from cds_service.rulebook.rule import Rule

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fhir_fixtures"
BOOKS = find_rulebooks(ROOT / "rules")


@cache
def suite(folder: Path) -> Suite:
    return read_suite(folder, None, FIXTURES)


def loaded() -> list[tuple[Path, Suite]]:
    """The rulebooks that load; one that does not fails its own test, not the collection."""
    found = []
    for folder in BOOKS:
        try:
            found.append((folder, suite(folder)))
        except RuleError:
            continue
    return found


CASES = [(folder, item) for folder, held in loaded() for item in held.items]
RULES = [(folder, rule) for folder, held in loaded() for rule in held.runner.bench.book.rules]


def case_id(case: tuple[Path, Item]) -> str:
    return f"{case[1].rule.rule}/{case[1].case.name}"


def rule_id(rule: tuple[Path, Rule]) -> str:
    return rule[1].rule


def items_of(folder: Path, rule: Rule) -> list[Item]:
    return [item for item in suite(folder).items if item.rule.rule == rule.rule]


@pytest.mark.parametrize("folder", BOOKS, ids=lambda folder: folder.name)
def test_a_shipped_rulebook_loads_without_a_problem(folder: Path) -> None:
    assert [str(problem) for problem in check_rulebook(folder)[1]] == []
    assert load_rulebook(folder).rules


@pytest.mark.parametrize("folder", BOOKS, ids=lambda folder: folder.name)
def test_the_test_files_of_a_shipped_rulebook_hold_no_mistake(folder: Path) -> None:
    assert [str(problem) for problem in suite(folder).problems] == []


def test_there_are_shipped_rules_and_tests() -> None:
    assert len(RULES) >= 8
    assert len(CASES) >= 100


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_shipped_rule_decides_as_its_test_says(case: tuple[Path, Item]) -> None:
    folder, item = case
    result = suite(folder).runner.run(item)
    assert result.passed, f"{result}\n{result.why}"


@pytest.mark.parametrize("rule", RULES, ids=rule_id)
def test_a_shipped_rule_has_tests_beside_it(rule: tuple[Path, Rule]) -> None:
    folder, one = rule
    path = suite(folder).runner.bench.book.paths[one.rule]
    assert paths_beside(path), f"write {path_beside(path)}"


@pytest.mark.parametrize("rule", RULES, ids=rule_id)
def test_every_verdict_a_shipped_rule_can_reach_is_tested(rule: tuple[Path, Rule]) -> None:
    folder, one = rule
    tested = {item.case.expect for item in items_of(folder, one)}
    possible = reachable(one, suite(folder).runner.bench.book.by_id)
    assert possible <= tested, f"untested: {sorted(possible - tested)}"


@pytest.mark.parametrize("rule", RULES, ids=rule_id)
def test_a_shipped_rule_is_tried_on_a_whole_chart(rule: tuple[Path, Rule]) -> None:
    folder, one = rule
    assert any(item.case.whole_chart for item in items_of(folder, one)), f"{one.rule} has no chart case"
