"""The requirements on a CDS service by row, what we do about each, and the tests that show it.

`rows.yaml` says in our words what we do. A test here names its rows with `@row("D-1")`; a row may also name
tests that stand elsewhere (`tests:`), or say why there is nothing to test (`not_applicable:`).
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ruamel.yaml import YAML

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REFERENCE = ROOT.parent / "shared" / "reference" / "cds-hooks.md"
SECTIONS = {
    "G": "JSON",
    "D": "Discovery",
    "CORS": "Calls from a browser",
    "CACHE": "Caching",
    "R": "The call",
    "P": "Prefetch templates",
    "PF": "Prefetch as it arrives",
    "F": "Reads of the FHIR server",
    "H": "Status codes",
    "S": "The response",
    "C": "Cards",
    "SO": "Source of a card",
    "SG": "Suggestions",
    "A": "Actions",
    "L": "Links",
    "FB": "Feedback",
    "SEC": "Security",
    "K": "Hooks",
    "SB": "The public Sandbox as a client",
}
T = TypeVar("T", bound=Callable[..., Any])
_ROW = re.compile(r"^\| ((?:[A-Z]+)-\d+) \|", re.M)


def row(*ids: str) -> Callable[[T], T]:
    """Says which rows a test shows."""

    def mark(test: T) -> T:
        test.rows = ids  # type: ignore[attr-defined]
        return test

    return mark


@dataclass(frozen=True)
class Entry:
    """What we do about one row, the tests that show it, or why there are none."""

    id: str
    does: str
    tests: tuple[str, ...] = ()
    not_applicable: str = ""

    @property
    def section(self) -> str:
        return self.id.rpartition("-")[0]


@cache
def entries() -> tuple[Entry, ...]:
    """Every row of rows.yaml, with the tests of this folder that name it."""
    said = YAML(typ="safe").load((HERE / "rows.yaml").read_text(encoding="utf-8"))
    return tuple(_entry(id, value) for id, value in said.items())


def _entry(id: str, said: Any) -> Entry:
    said = {"does": said} if isinstance(said, str) else said
    others = tuple(f"{path}::{name}" for path, names in said.get("tests", {}).items() for name in names)
    named = (*marked().get(id, ()), *others)
    return Entry(id, said["does"], named, said.get("not_applicable", ""))


@cache
def marked() -> dict[str, tuple[str, ...]]:
    """The tests of this folder by the rows they name."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f".{path.stem}", __package__)
        for name, rows in _marked_in(module):
            for id in rows:
                found.setdefault(id, []).append(f"tests/conformance/{path.name}::{name}")
    return {id: tuple(tests) for id, tests in found.items()}


def _marked_in(module: ModuleType) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, value in vars(module).items():
        if name.startswith("test_") and hasattr(value, "rows"):
            yield name, value.rows


def exists(test: str) -> bool:
    """Whether `path::name` is a test that pytest would find."""
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in body)


def rows_of(reference: str) -> list[str]:
    """The rows of sections 1 to 6 and 8 of the reference, in order."""
    return _ROW.findall(re.sub(r"^## (?:7|9|10)\..*?(?=^## |\Z)", "", reference, flags=re.M | re.S))


def page() -> str:
    """The table of docs/conformance.md."""
    lines: list[str] = []
    for prefix, title in SECTIONS.items():
        lines += [f"## {title}", "", "| row | what we do | shown by |", "|---|---|---|"]
        lines += [_line(entry) for entry in entries() if entry.section == prefix]
        lines.append("")
    return "\n".join(lines)


def _line(entry: Entry) -> str:
    shown = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in entry.tests)
    if entry.not_applicable:
        shown = f"nothing: {entry.not_applicable}"
    return f"| {entry.id} | {entry.does} | {shown} |"
