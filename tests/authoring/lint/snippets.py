"""Puts the snippets of a page, or of a broken rulebook, into the small rulebook beside this file.

A snippet begins with a comment that names its file. If it begins with the file's id (rule:, valueset:, …) it
is the whole file; else it takes the place of what it shows: whole keys, and below data, cards and about whole
entries. What is not there yet is added.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date
from pathlib import Path
from typing import NamedTuple

from cds_service.authoring.lint.against import Earlier
from cds_service.authoring.lint.run import lint_rulebook
from cds_service.authoring.testfile import read_tests
from cds_service.errors import Problem
from cds_service.rulebook.load import load_rulebook

HERE = Path(__file__).parent
CLEAN = HERE / "clean"
FIXTURES = HERE.parents[2] / "fhir_fixtures"
TODAY = date(2026, 11, 23)
_WHOLE = ("rule", "valueset", "table", "template", "rulebook")
_NESTED = ("data", "cards", "about", "could_not_check")
_BLOCK = re.compile(r"^```(?:yaml|csv)\n# (\S+)(?: (is removed))?\n(.*?)^```", re.M | re.S)
Keyed = list[tuple[str, str]]


class Snippet(NamedTuple):
    """A file of the small rulebook, and what stands in the snippet; None if the file is taken away."""

    file: str
    text: str | None


def snippets_in(text: str) -> list[Snippet]:
    """The snippets of a part of a page."""
    return [Snippet(file, None if removed else body) for file, removed, body in _BLOCK.findall(text)]


def copied(folder: Path) -> Path:
    """A copy of the small rulebook."""
    shutil.copytree(CLEAN, folder, dirs_exist_ok=True)
    return folder / "small"


def put(snippet: Snippet, book: Path) -> None:
    """Put one snippet into a copy."""
    path = book / snippet.file
    if snippet.text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(merged(path, snippet.text), encoding="utf-8")


def merged(path: Path, snippet: str) -> str:
    """The text of a file with the snippet in it."""
    whole = snippet.split(":")[0] in _WHOLE or path.suffix != ".yaml" or not path.is_file()
    if whole:
        return snippet
    return "".join(
        text for _, text in _spliced(_keys(path.read_text(encoding="utf-8"), 0), _keys(snippet, 0), 0)
    )


def _spliced(held: Keyed, new: Keyed, depth: int) -> Keyed:
    made = list(held)
    for key in dict.fromkeys(key for key, _ in new):
        text = "".join(block for name, block in new if name == key)
        at = next((index for index, (name, _) in enumerate(made) if name == key), None)
        if at is None:
            made.append((key, text))
        elif depth == 0 and key in _NESTED and _opens(text) and _opens(made[at][1]):
            first, inner = _opened(made[at][1])
            made[at] = (key, first + "".join(block for _, block in _spliced(inner, _opened(text)[1], 2)))
        else:
            made[at] = (key, text)
    return made


def _opens(text: str) -> bool:
    return text.split("\n", 1)[0].rstrip().endswith(":")


def _opened(text: str) -> tuple[str, Keyed]:
    first, rest = text.split("\n", 1)
    return first + "\n", _keys(rest, 2)


def _keys(text: str, indent: int) -> Keyed:
    """The keys at one depth, each with its lines."""
    found: Keyed = []
    for line in text.splitlines(keepends=True):
        key = re.match(rf"^ {{{indent}}}([^\s#-][^:]*):", line)
        if key or not found:
            found.append((key.group(1) if key else "", line))
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def problems_of(book: Path, *, tests: bool = False, earlier: Earlier | None = None) -> list[Problem]:
    """Everything found in a rulebook for those who want to see everything; with its tests, if asked for."""
    found = list(lint_rulebook(book, TODAY, earlier).problems)
    if tests and not any(problem.level == "error" for problem in found):
        loaded = load_rulebook(book)
        for path in sorted(book.rglob("*.test.yaml")):
            found += read_tests(path, loaded, FIXTURES, UTC)[1]
    return found
