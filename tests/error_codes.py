"""The codes a reader can meet, found in the program itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cds_service"
_CODE = re.compile(
    r"(schema|identity|about|evidence|data|logic|card|tests|table|terminology|lint|overlay)/[a-z0-9]+(-[a-z0-9]+)*"
)
# Codes put together where they are used: by function, the argument that says the rest, what
# stands before, and where.
_PUT_TOGETHER = {
    "mistake": (0, "schema/", ""),
    "unknown_file": (2, "data/unknown-", ""),
    "_missing": (0, "card/unknown-", "cards/"),
    "self._problem": (1, "tests/", "authoring/"),
    "self._refuse": (1, "overlay/", "rulebook/overlay"),
}
_SPELT_OUT = {"tests/unknown-{key}": ("tests/unknown-chart", "tests/unknown-request")}


def codes() -> dict[str, set[str]]:
    """Every code of a problem with the modules that hold it."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        for code in _codes_in(ast.parse(path.read_text(encoding="utf-8")), module):
            found.setdefault(code, set()).add(module)
    return found


def _codes_in(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg == "custom_error_type":
            yield f"schema/{_kebab(ast.literal_eval(node.value))}"
        elif isinstance(node, ast.Call):
            yield from _of_call(node, module)


def _of_call(call: ast.Call, module: str) -> Iterator[str]:
    name = ast.unparse(call.func)
    at, before, where = _PUT_TOGETHER.get(name, (len(call.args), "", ""))
    if len(call.args) <= at or not module.startswith(where):
        return
    given = call.args[at]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield before + _kebab(given.value)
    elif isinstance(given, ast.JoinedStr):
        yield from _SPELT_OUT.get(before + ast.unparse(given)[2:-1], ())


def _kebab(text: str) -> str:
    return text.replace("value set", "valueset").replace("_", "-").replace(" ", "-")
