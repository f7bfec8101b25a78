"""The shipped rules are in canonical form, and each names the schema that explains its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.authoring.fmt.text import MODELINE, formatted
from cds_service.rulebook.load import find_rulebooks
from cds_service.rulebook.shelf import rule_paths

ROOT = Path(__file__).parents[3]
BOOKS = find_rulebooks(ROOT / "rules")
FILES = [path for folder in BOOKS for path in sorted(folder.rglob("*.yaml"))]
RULES = [path for folder in BOOKS for path in rule_paths(folder)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_shipped_file_is_in_canonical_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text, path) == text, "run cds fmt"


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_shipped_rule_names_the_schema_beside_its_rulebook(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(MODELINE)
    assert (path.parent / first.removeprefix(MODELINE)).resolve() == ROOT / "rules" / "rule.schema.json"
