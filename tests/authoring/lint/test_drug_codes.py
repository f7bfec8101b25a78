"""Codes of drugs that no product leads to, since the drug table does not have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from snippets import Snippet, copied, problems_of, put

from cds_service.errors import Problem

SET = """\
valueset: alpha
title: Alpha
owner: test@example.org
include:
  - {system: rxnorm, code: "11", display: alpha, checked: x}
"""
OVERLAY = """\
overlay: small
owner: me
valuesets:
  alpha:
    add:
      - {system: rxnorm, code: "CODE", display: DISPLAY, checked: x}
"""


def found(book: Path) -> list[tuple[str, str, int, int]]:
    return [(one.code.split("/")[1], one.place.file, one.place.line, one.place.column) for one in told(book)]


def told(book: Path) -> list[Problem]:
    return [one for one in problems_of(book) if one.code.startswith("terminology/")]


def test_the_message_names_the_code_of_the_table(tmp_path: Path) -> None:
    book = copied(tmp_path)
    put(
        Snippet("valuesets/alpha.yaml", SET.replace('"11"', '"12"').replace(": alpha, ch", ": Alpha, ch")),
        book,
    )
    (one,) = told(book)
    assert one.message == "the drug table does not know 12, and has Alpha as 11"


@pytest.mark.parametrize(
    ("code", "display", "check"),
    [("12", "alpha", "drug-code-mistyped"), ("13", "gamma", "drug-not-in-table")],
)
def test_a_code_that_a_site_adds_is_told_at_the_overlay(
    tmp_path: Path, code: str, display: str, check: str
) -> None:
    book = copied(tmp_path)
    path = book.parent / "local" / "small.yaml"
    path.parent.mkdir()
    path.write_text(OVERLAY.replace("CODE", code).replace("DISPLAY", display))
    assert found(book) == [(check, path.as_posix(), 6, 32)]


def test_what_is_excluded_is_looked_at_too(tmp_path: Path) -> None:
    book = copied(tmp_path)
    put(
        Snippet(
            "valuesets/alpha.yaml",
            SET + 'exclude: [{system: rxnorm, code: "12", display: alpha, checked: x}]\n',
        ),
        book,
    )
    assert [one[0] for one in found(book)] == ["drug-code-mistyped"]


def test_without_a_drug_table_nothing_is_said(tmp_path: Path) -> None:
    book = copied(tmp_path)
    (book.parent / "terminology" / "rxnorm.csv").unlink()
    assert found(book) == []
