"""docs/rules says what the shipped rules say."""

from __future__ import annotations

from pathlib import Path

from cds_service.authoring.docs import OUT, rule_pages, stale

ROOT = Path(__file__).parents[1]


def test_the_pages_of_the_shipped_rules_are_fresh() -> None:
    found = stale(rule_pages(ROOT / "rules", ROOT / OUT), ROOT / OUT)
    assert [f"{one.file}: {one.problem}" for one in found] == [], "run cds docs"
