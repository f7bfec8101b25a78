"""Every code has a page, and each page is true: what to avoid is found, what to prefer is not.

UPDATE_DOCS=1 writes the index anew; read the diff.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from error_codes import ROOT, codes
from snippets import TODAY, copied, problems_of, put, snippets_in

from cds_service.authoring.lint.against import rules_at
from cds_service.authoring.lint.registry import every_check
from cds_service.errors import Problem

PAGES = ROOT / "docs" / "lint"
INDEX = PAGES / "README.md"
IN_MESSAGES = {"cards/cardbook.py", "web/auth/clientfile.py"}
"""Modules whose codes stand in docs/messages.md where they have no page of their own."""
IN_WORDS = {
    "logic/too-many-conclusions": "it takes sixteen rules to show",
    "schema/missing-folder": "there is no file to show",
    "schema/not-accepted": "stands for what nobody foresaw",
    "schema/not-utf-8": "a page is UTF-8",
    "schema/too-large": "it takes a million bytes to show",
    "schema/unreadable": "the machine refuses the file",
}
"""Pages that show no snippet, and why; tests/rulebook/ shows these mistakes to the loader."""
REMOVED = "definitions/removed-rule.yaml"
_WHO = {"regular": "every author", "pedantic": "a reviewer", "auditor": "a committee"}


def page(code: str) -> str:
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")


def part(code: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page(code), re.M | re.S)
    return found.group(1) if found else ""


def field(code: str, name: str) -> str:
    found = re.search(rf"^\| {name} \| (.*) \|$", page(code), re.M)
    assert found, f"{code} has no {name}"
    return found.group(1)


def paged() -> list[str]:
    return sorted(f"{path.parent.name}/{path.stem}" for path in PAGES.glob("*/*.md"))


every_page = pytest.mark.parametrize("code", paged())
shown = pytest.mark.parametrize("code", [code for code in paged() if code not in IN_WORDS])


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    told = {code for code, modules in codes().items() if not modules <= IN_MESSAGES}
    assert told | set(every_check()) == set(paged())


def test_every_check_is_where_its_id_says() -> None:
    for name, check in every_check().items():
        category, _, stem = name.partition("/")
        assert check.look.__module__.endswith(f"checks.{category}.{stem.replace('-', '_')}")


@every_page
def test_a_page_has_its_parts(code: str) -> None:
    assert page(code).startswith(f"# {code}\n\n")
    assert field(code, "Category") == code.split("/")[0]
    parts = (
        ["Rationale", "Exceptions"] if code in IN_WORDS else ["Avoid", "Prefer", "Rationale", "Exceptions"]
    )
    assert re.findall(r"^## (.*)$", page(code), re.M) == parts


@every_page
def test_a_page_names_level_and_audience(code: str) -> None:
    check = every_check().get(code)
    assert field(code, "Level") == (check.level if check else "error")
    assert field(code, "For").startswith(
        _WHO[check.persona] if check else "every author; it cannot be set aside"
    )


@shown
def test_what_a_page_says_to_avoid_is_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    assert {problem.code for problem in found_in(code, "Avoid", tmp_path)} == {code}


@shown
def test_what_a_page_says_to_prefer_is_clean(code: str, tmp_path: Path) -> None:
    assert [str(problem) for problem in found_in(code, "Prefer", tmp_path)] == []


def found_in(code: str, heading: str, folder: Path) -> list[Problem]:
    snippets = snippets_in(part(code, heading))
    assert snippets, f"{code} shows nothing to {heading.lower()}"
    book = copied(folder)
    check = every_check().get(code)
    compared = check is not None and check.needs_earlier
    if compared:
        committed(book)
    for snippet in snippets:
        put(snippet, book)
    earlier = rules_at(book, "HEAD") if compared else None
    return problems_of(book, tests=any(".test." in snippet.file for snippet in snippets), earlier=earlier)


def committed(book: Path) -> None:
    """Make the small rulebook the last commit of a repository in which a rule was removed before."""
    removed = book / REMOVED
    removed.write_text("rule: removed-rule\n", encoding="utf-8")
    git(book, "init", "-q")
    commit(book)
    removed.unlink()
    commit(book)


def commit(book: Path) -> None:
    git(book, "add", "-A")
    git(book, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a commit")


def git(book: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(book), *arguments], check=True, capture_output=True)


# --- the index -----------------------------------------------------------------------------------


def index() -> Iterator[str]:
    yield (
        INDEX.read_text(encoding="utf-8").split("<!-- index -->")[0].rstrip() if INDEX.exists() else "# Lint"
    )
    yield "\n<!-- index -->\n"
    yield "| code | level | for | what |"
    yield "|---|---|---|---|"
    for code in paged():
        summary = " ".join(page(code).split("\n\n")[1].split())
        who = field(code, "For").split(" (")[0].split(";")[0]
        yield f"| [{code}]({code}.md) | {field(code, 'Level')} | {who} | {summary} |"


def test_the_index_lists_every_page() -> None:
    expected = "\n".join(index()) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        INDEX.write_text(expected, encoding="utf-8")
    assert INDEX.read_text(encoding="utf-8") == expected, "UPDATE_DOCS=1 writes it anew"


def test_the_small_rulebook_is_clean(tmp_path: Path) -> None:
    assert problems_of(copied(tmp_path), tests=True) == []
    assert TODAY.isoformat() == "2026-11-23"
