"""What a repository of rules is told to run does run there: hooks before a commit, the CI recipe."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from recipe_example import blocks, commit_as_base, read, recipe

from cds_service.authoring.cli import VERBS, cli

ROOT = Path(__file__).parents[3]


def hooks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new repository with one new rule, filled in."""
    monkeypatch.chdir(tmp_path)
    for words in (["new", "rulebook", "ours"], ["new", "rule", "caution/heavy-patient"]):
        assert CliRunner().invoke(cli, words).exit_code == 0
    for path in tmp_path.rglob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("TODO: ", ""), encoding="utf-8")
    assert CliRunner().invoke(cli, ["fmt"]).exit_code == 0
    commit_as_base(tmp_path)
    return tmp_path


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_every_hook_runs_clean_in_a_new_repository(repository: Path, hook: dict[str, Any]) -> None:
    files = [path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()]
    chosen = [file for file in files if re.search(hook["files"], file)]
    assert chosen, "a hook that is for no file never runs"
    words = shlex.split(hook["entry"])[1:] + (chosen if hook.get("pass_filenames", True) else [])
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output


def test_the_page_names_every_hook() -> None:
    (config,) = [block for block in blocks() if "repos" in block]
    assert {hook["id"] for hook in config["repos"][0]["hooks"]} == {hook["id"] for hook in hooks()}


@pytest.mark.parametrize("command", recipe())
def test_every_command_of_the_recipe_runs_clean_in_a_new_repository(repository: Path, command: str) -> None:
    words = shlex.split(command)[1:]
    if words[0] not in VERBS:
        pytest.skip(f"cds {words[0]} is not part of this version")
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output


def test_the_recipe_compares_with_the_base_branch() -> None:
    against = [command for command in recipe() if "--against origin/main" in command]
    assert [shlex.split(command)[1] for command in against] == ["lint", "replay"]


def test_the_recipe_checks_form_tests_coverage_and_impact() -> None:
    assert [shlex.split(command)[1] for command in recipe()] == ["lint", "fmt", "test", "coverage", "replay"]
