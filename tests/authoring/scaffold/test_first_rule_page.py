"""docs/first-rule.md typed word for word in an empty folder: its files, its commands, what they print."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from recipe_example import commit_as_base, recipe

from cds_service.authoring.cli import cli

PAGE = Path(__file__).parents[3] / "docs" / "first-rule.md"
BLOCK = re.compile(r"(?:^\*\*`(?P<file>[^`]+)`\*\*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


def typed(command: str) -> str:
    words = shlex.split(command)
    assert words[0] == "cds", command
    result = CliRunner().invoke(cli, words[1:])
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def followed(page: str) -> str:
    """Do what the page says; the page with what was really printed."""

    def done(block: re.Match[str]) -> str:
        if block["file"]:
            path = Path(block["file"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "console":
            command = block["text"].splitlines()[0].removeprefix("$ ")
            return f"```console\n$ {command}\n{typed(command)}\n```"
        return block[0]

    return BLOCK.sub(done, page)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """The folder after the page was followed, the page, and the page as it should be."""
    folder = tmp_path_factory.mktemp("hospital")
    page = PAGE.read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder, page, followed(page)


def test_every_command_prints_what_the_page_shows(made: tuple[Path, str, str]) -> None:
    _, page, fresh = made
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(fresh, encoding="utf-8")
    assert page == fresh or os.environ.get("UPDATE_DOCS"), "run UPDATE_DOCS=1 pytest on this file"


def test_the_rule_of_the_page_is_green_and_in_canonical_form(made: tuple[Path, str, str]) -> None:
    _, _, fresh = made
    blocks = [block["text"] for block in BLOCK.finditer(fresh) if block["kind"] == "console"]
    printed = {text.splitlines()[0]: text for text in blocks}
    assert "clean:" in printed["$ cds lint --today 2026-03-01"]
    assert "clean:" in printed["$ cds fmt --check"]
    assert "10 passed, 0 failed" in printed["$ cds test"]
    assert "100.0 % covered; 10 mutants: 10 killed" in printed["$ cds coverage --mutate"]


def test_the_rule_of_the_page_passes_the_recipe_it_is_sent_to(made: tuple[Path, str, str]) -> None:
    """Every command of the CI recipe, on a pull request that changes nothing."""
    folder, _, _ = made
    commit_as_base(folder)
    for command in recipe():
        today = " --today 2026-03-01" if command.startswith(("cds lint", "cds replay")) else ""
        typed(command + today)


def test_nothing_is_left_to_do(made: tuple[Path, str, str]) -> None:
    folder, _, _ = made
    assert [path for path in folder.rglob("*.yaml") if "TODO" in path.read_text(encoding="utf-8")] == []


def test_the_rulebook_of_the_page_is_served(made: tuple[Path, str, str]) -> None:
    """By the command of the page, at a free port."""
    folder, page, _ = made
    command = next(block["text"] for block in BLOCK.finditer(page) if block["kind"] == "sh").split()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cds = [sys.executable, "-m", "cds_service.authoring.cli"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    server = subprocess.Popen(
        [*cds, *command[1:]],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=plain | {"CDS_PORT": str(port), "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        started = any("Ctrl-C" in line for line in server.stdout)
        assert started, f"the server ended with {server.poll()}"
        (service,) = requests.get(f"http://127.0.0.1:{port}/cds-services", timeout=60).json()["services"]
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert (service["id"], service["hook"]) == ("lithium-patient-view", "patient-view")
    assert "observations-lithium" in service["prefetch"]
