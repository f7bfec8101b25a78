"""The documents say what is: their commands run, their links lead somewhere, samples are what one sees.

Samples stand between `<!-- sample: name -->` and `<!-- end -->`. UPDATE_DOCS=1 writes
them anew; read the diff.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.authoring.cli import VERBS, cli
from cds_service.facts.read import DEADLINE, FAILED, NOT_SUPPLIED, OTHER_PATIENT, TRUNCATED
from cds_service.facts.views import READERS, READERS_OF_FACTS
from cds_service.rulebook.views import VIEWS
from cds_service.settings import NAMES, Settings
from tests.doc_samples import DECISION, ROOT, SAMPLES, WIDTH, answer

DOCS = ROOT / "docs"
TEMPORARY = {"house-rules.md"}
PAGES = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"))
    if path.name not in TEMPORARY
)
FOLDERS = ("cds_service", "rules", "fhir_fixtures", "tests", "docs", "benchmarks", ".ci")
RUNNERS = {"make", "cds", "pytest", "curl", "python"}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the documents is meant to be typed in the folder of the README."""
    monkeypatch.chdir(ROOT)


# --- commands ------------------------------------------------------------------------------------


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command in the page's sh blocks, without settings and the path of the venv."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if words:
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def is_path(word: str) -> bool:
    return word.startswith(tuple(f"{folder}/" for folder in FOLDERS))


@cache
def options(verb: str) -> frozenset[str]:
    """The options a verb's help lists."""
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    return frozenset(re.findall(r"(?<!\w)--?[a-z][a-z-]*", result.output))


@pages
def test_every_command_of_a_page_is_one_we_ship(page: Path) -> None:
    for words in commands(page):
        assert words[0] in RUNNERS, words
        if words[0] == "make":
            named = {word for word in words[1:] if "=" not in word}
            assert named <= targets(), words
        if words[0] == "cds":
            used = {word for word in words[2:] if word.startswith("-")}
            assert words[1] in VERBS, words
            assert used <= options(words[1]), words


@pages
def test_every_file_a_command_names_exists(page: Path) -> None:
    for words in commands(page):
        for word in words[1:]:
            path = word.removeprefix("@")
            if is_path(path):
                assert (ROOT / path).exists(), words


def test_the_readme_begins_with_the_two_commands() -> None:
    assert list(commands(ROOT / "README.md"))[:2] == [["make", "run"], ["make", "test"]]


@pages
def test_every_cds_command_of_a_page_runs_clean(page: Path) -> None:
    """Servers would not end, `check-connection` needs one, and `test` is what `make test` runs.

    `replay` ends with 1 while rules are being edited, `coverage` until nothing is left to try.
    """
    for words in commands(page):
        if words[0] == "cds" and words[1] not in ("serve", "fhir-server", "check-connection", "test"):
            result = CliRunner().invoke(cli, words[1:])
            assert result.exit_code in ((0, 1) if words[1] in ("replay", "coverage") else (0,)), (
                words,
                result.output,
            )


# --- links and names -----------------------------------------------------------------------------


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pages
def test_every_link_and_every_file_named_exists(page: Path) -> None:
    text = prose(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target
    for name in re.findall(r"`([^`\s]+)`", text):
        if is_path(name) and not re.search(r"[<>*{…]|NAME", name):
            assert (ROOT / name).exists(), name
        if re.fullmatch(r"[a-z_]+(/[a-z_]+)*\.py", name):
            assert any((folder / name).exists() for folder in (ROOT, ROOT / "cds_service")), name


@pages
def test_every_setting_named_exists(page: Path) -> None:
    assert set(re.findall(r"\bCDS_[A-Z_]+\b", page.read_text(encoding="utf-8"))) <= set(NAMES)


def test_every_setting_has_its_row_with_its_default() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(CDS_[A-Z_]+)` \| [^|]+ \| ([^|]+) \|", text, re.M))
    assert set(rows) == set(NAMES)
    plain = {name: default.strip("`") for name, default in rows.items() if default.startswith("`")}
    told = Settings.from_environment({name: default for name, default in plain.items() if " " not in default})
    assert replace(told, timezone=UTC) == Settings()


@pages
def test_no_line_of_prose_is_too_long(page: Path) -> None:
    text = re.sub(r"<!-- sample: .*?<!-- end -->", "", prose(page), flags=re.S)
    long = [line for line in text.splitlines() if len(line) > WIDTH and not line.startswith("|")]
    assert long == []


def test_every_view_has_its_section_with_its_columns_and_arguments() -> None:
    sections = re.split(r"^## ", (DOCS / "views.md").read_text(encoding="utf-8"), flags=re.M)
    by_name = {section.split("\n")[0].strip("` "): section for section in sections}
    for name in (*READERS, *READERS_OF_FACTS):
        view = VIEWS[name]
        assert name in by_name, f"docs/views.md has no section for the view {name}"
        words = [*view.columns, *view.arguments, *view.reads]
        assert [word for word in words if f"`{word}`" not in by_name[name]] == [], name


def test_every_decision_is_listed_and_numbered_without_a_gap() -> None:
    records = sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (DOCS / "decisions/README.md").read_text())
    assert listed == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))


def test_every_decision_says_why_what_was_measured_and_what_follows() -> None:
    for record in (DOCS / "decisions").glob("0*.md"):
        headings = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.M)
        assert headings == ["Context", "Decision", "Measurement", "Consequences"], record.name


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)} ", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_the_examples_about_missing_data_run() -> None:
    failed, tried = doctest.testfile(str(DOCS / "missing-data.md"), module_relative=False)
    assert tried > 10
    assert failed == 0


@pytest.mark.parametrize("state", [NOT_SUPPLIED, FAILED, TRUNCATED, OTHER_PATIENT, DEADLINE])
@pytest.mark.parametrize("name", ["missing-data.md", "ehr.md"])
def test_every_state_of_a_key_is_explained(name: str, state: str) -> None:
    assert f"`{state}`" in (DOCS / name).read_text(encoding="utf-8")


def members(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from members(one)
    elif isinstance(value, list):
        for one in value:
            yield from members(one)


def test_every_member_of_the_decision_is_explained() -> None:
    text = (DOCS / "ehr.md").read_text(encoding="utf-8")
    calls = [json.loads(path.read_bytes()) for path in (ROOT / "fhir_fixtures/requests").glob("*.json")]
    calls.append(calls[0] | {"context": calls[0]["context"] | {"userId": "Patient/1"}})
    for call in calls:
        body = answer(call)
        assert {name for name in members(body["extension"][DECISION]) if f"`{name}`" not in text} == set()
        codes = {note["code"] for note in body["extension"][DECISION].get("notes", [])}
        assert {code for code in codes if f"`{code}`" not in text} == set()


# --- samples -------------------------------------------------------------------------------------

_SAMPLE = re.compile(r"(<!-- sample: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.S)


@pages
def test_every_sample_is_what_one_sees(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fresh = _SAMPLE.sub(lambda match: f"{match[1]}{SAMPLES[match[2]]()}\n{match[4]}", text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(fresh, encoding="utf-8")
    assert text == fresh or os.environ.get("UPDATE_DOCS"), "run UPDATE_DOCS=1 pytest tests/test_docs.py"


def test_every_sample_stands_in_some_page() -> None:
    shown = {name for page in PAGES for _, name, _, _ in _SAMPLE.findall(page.read_text(encoding="utf-8"))}
    assert shown == set(SAMPLES)
