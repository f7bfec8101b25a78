"""The shipped rules: how much of what they say is tried by a test beside them. It may only rise."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.authoring.coverage.edits import edits_of
from cds_service.authoring.coverage.excuse import read_excuses
from cds_service.authoring.coverage.report import percent
from cds_service.authoring.coverage.run import Measured, measure, suite_of
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.yamlfile import read_yaml

LEAST = 100.0
"""Percent; `cds coverage` names what is left."""


@pytest.fixture(scope="module")
def done(shipped: Rulebook, fixtures: Path) -> list[Measured]:
    suite = suite_of(shipped.folder, fixtures)
    return list(measure(suite, list(shipped.by_id), workers=1))


def test_the_shipped_rules_are_covered_at_least_as_far_as_before(done: list[Measured]) -> None:
    assert percent([rule.coverage for rule in done]) >= LEAST


def test_every_case_passes_and_no_excuse_is_stale(done: list[Measured]) -> None:
    assert [one for rule in done for one in (*rule.coverage.failed, *rule.coverage.stale)] == []


def test_few_mutants_are_explained_away(shipped: Rulebook) -> None:
    made, explained = 0, 0
    for rule in shipped.rules:
        path = shipped.paths[rule.rule]
        made += len(list(edits_of(rule, read_yaml(path).data)))
        explained += sum(one.kind == "equivalent-mutant" for one in read_excuses(path))
    assert explained <= 0.05 * made
