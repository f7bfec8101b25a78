"""docs/messages.md names every family of errors, every issue type, and every code without a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from error_codes import PACKAGE, ROOT, codes

from cds_service.web import outcome

PAGE = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
MADE_BY = ("RequestError", "operation_outcome", "__init__")


def trees() -> Iterator[ast.AST]:
    """Every node of the program."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


@cache
def families() -> frozenset[str]:
    """The names of every class of error of this product, the first and those made of it."""
    classes = [node for node in trees() if isinstance(node, ast.ClassDef)]
    found, size = {"CdsError"}, 0
    while size != len(found):
        size = len(found)
        found |= {one.name for one in classes if {ast.unparse(base) for base in one.bases} & found}
    return frozenset(found)


def issue_types() -> set[str]:
    """Every issue type of an answer: given where an error is made, the default, and those of HTTP itself."""
    found = {"invalid", *outcome._CODES.values()}
    calls = (node for node in trees() if isinstance(node, ast.Call))
    for call in calls:
        if ast.unparse(call.func).split(".")[-1] in MADE_BY:
            found.update(texts(call))
    return found


def texts(call: ast.Call) -> Iterator[str]:
    """The issue types a call names: its `code`, or the second thing that operation_outcome is given."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    given += call.args[1:2] if ast.unparse(call.func).endswith("operation_outcome") else []
    yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_the_walk_finds_what_is_known_to_be_there() -> None:
    assert {
        "structure",
        "required",
        "value",
        "login",
        "incomplete",
        "transient",
        "exception",
    } <= issue_types()


@pytest.mark.parametrize("name", sorted(families()))
def test_every_family_of_errors_has_its_heading(name: str) -> None:
    assert re.search(rf"^### {name}$", PAGE, re.M)


@pytest.mark.parametrize("kind", sorted(issue_types()))
def test_every_issue_type_is_explained(kind: str) -> None:
    assert f"`{kind}`" in PAGE


def test_every_code_has_a_page_or_stands_here() -> None:
    pages = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "docs" / "lint").glob("*/*.md")}
    assert [code for code in codes() if code not in pages and f"`{code}`" not in PAGE] == []


def test_nothing_is_explained_that_cannot_be_met() -> None:
    told = set(re.findall(r"^\| `([a-z]+/[a-z-]+)`", PAGE, re.M))
    assert told <= set(codes())
    assert set(re.findall(r"^### (\w+Error|\w+Unavailable)$", PAGE, re.M)) == families()
