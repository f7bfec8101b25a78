"""The shipped rules: everything they say is tried by a test beside them."""

from __future__ import annotations

from pathlib import Path

from cds_service.authoring.coverage.edits import edits_of
from cds_service.authoring.coverage.excuse import read_excuses
from cds_service.authoring.coverage.report import gaps_of
from cds_service.authoring.coverage.run import measure, suite_of
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.yamlfile import read_yaml


def test_every_line_of_the_shipped_rules_is_tried(shipped: Rulebook, fixtures: Path) -> None:
    suite = suite_of(shipped.folder, fixtures)
    done = list(measure(suite, list(shipped.by_id), workers=1))
    assert [gap for rule in done for gap in gaps_of(rule)] == []


def test_few_mutants_are_explained_away(shipped: Rulebook) -> None:
    made, explained = 0, 0
    for rule in shipped.rules:
        path = shipped.paths[rule.rule]
        made += len(list(edits_of(rule, read_yaml(path).data)))
        explained += sum(one.kind == "equivalent-mutant" for one in read_excuses(path))
    assert explained <= 0.05 * made
