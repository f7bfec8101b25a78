"""The shipped rules: everything they say is tried by a test beside them."""

from __future__ import annotations

from pathlib import Path

from cds_service.authoring.coverage.report import gaps_of
from cds_service.authoring.coverage.run import measure, suite_of
from cds_service.rulebook.book import Rulebook


def test_every_line_of_the_shipped_rules_is_tried(shipped: Rulebook, fixtures: Path) -> None:
    suite = suite_of(shipped.folder, fixtures)
    done = list(measure(suite, list(shipped.by_id), workers=1))
    assert [gap for rule in done for gap in gaps_of(rule)] == []
