"""A small rulebook in a folder of its own, and the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench_example import write_files

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with rules/small and fhir_fixtures."""
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(home: Path) -> Rulebook:
    return load_rulebook(Path("rules/small"))


@pytest.fixture(scope="session")
def shipped() -> Rulebook:
    return load_rulebook(ROOT / "rules" / "ketamine-trd")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return ROOT / "fhir_fixtures"
