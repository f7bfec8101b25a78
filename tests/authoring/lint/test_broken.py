"""Rulebooks with one mistake each: the right check says so at the right place, and nothing else is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from error_codes import ROOT
from ruamel.yaml import YAML
from snippets import CLEAN, TODAY

from cds_service.authoring.lint.run import lint_rulebook

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
HOMES = {"small": CLEAN, "ketamine-trd": ROOT / "rules"}


def test_there_are_thirty_or_more() -> None:
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_one_mistake_is_found_where_it_is_and_nothing_else(path: Path, tmp_path: Path) -> None:
    broken: dict[str, Any] = YAML(typ="safe").load(path)
    home = HOMES[broken["rulebook"]]
    shutil.copytree(home, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.test.yaml"))
    book = tmp_path / broken["rulebook"]
    spoilt = book / broken["file"]
    text = spoilt.read_text(encoding="utf-8")
    assert text.count(broken["change"]) == 1, "the text to change stands there once"
    spoilt.write_text(text.replace(broken["change"], broken["to"]), encoding="utf-8")
    found = [
        (one.code, Path(one.place.file).relative_to(book).as_posix(), one.place.line, one.place.column)
        for one in lint_rulebook(book, TODAY).problems
    ]
    where = broken.get("found_in", broken["file"])
    assert found == [(broken["expect"], where, broken["line"], broken["column"])]


@pytest.mark.parametrize("home", sorted(HOMES))
def test_unspoilt_they_are_clean(home: str) -> None:
    assert lint_rulebook(HOMES[home] / home, TODAY).problems == ()
