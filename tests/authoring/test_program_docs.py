"""`cds docs --program`: each key, command and setting stands on a page that is what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.authoring.cli import VERBS, cli
from cds_service.rulebook.schema import rule_schema
from cds_service.settings import MEANINGS, NAMES

ROOT = Path(__file__).parents[2]
PAGES = ("cli.md", "rule-reference.md", "settings.md")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["docs", "--program", *words])


@pytest.fixture
def written(home: Path) -> Path:
    result = run()
    assert result.exit_code == 0, result.output
    return home / "docs"


def test_the_pages_of_the_program_are_fresh(written: Path) -> None:
    for name in PAGES:
        held = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert held == (written / name).read_text(encoding="utf-8"), f"{name}: run cds docs --program"


def test_every_command_has_its_section(written: Path) -> None:
    text = (written / "cli.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"## `cds {verb}`" not in text] == []
    assert "## `cds new rule`" in text


def test_every_key_of_a_rule_is_explained(written: Path) -> None:
    text = (written / "rule-reference.md").read_text(encoding="utf-8")
    schema = rule_schema()
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    keys = {key for part in parts for key in part["properties"]}
    assert [key for key in keys if f"`{key}`" not in text] == []
    assert "| **`rule`** |" in text and "| `hooks` |" in text


def test_every_setting_has_its_meaning_and_its_default(written: Path) -> None:
    text = (written / "settings.md").read_text(encoding="utf-8")
    assert set(MEANINGS) == set(NAMES)
    assert all(f"| `{name}` | {MEANINGS[name]} |" in text for name in NAMES)
    assert "| `CDS_PORT` | the port to listen on | `5000` |" in text


def test_a_stale_page_of_the_program_fails_the_check(written: Path) -> None:
    assert run("--check").exit_code == 0
    page = written / "settings.md"
    page.write_text(page.read_text(encoding="utf-8").replace("5000", "5001"), encoding="utf-8")
    result = run("--check")
    assert result.exit_code == 1
    assert "docs/settings.md: the page is out of date" in result.output
    page.unlink()
    assert "docs/settings.md: the page is missing" in run("--check").output


def test_without_the_option_only_the_rules_have_pages(home: Path) -> None:
    assert CliRunner().invoke(cli, ["docs"]).exit_code == 0
    assert [path.name for path in Path("docs").iterdir()] == ["rules"]
