"""Every row of the reference has its entry, every entry a test that exists, and the page is made of them."""

from __future__ import annotations

import os

import pytest

from .rows import (
    HERE,
    REFERENCE,
    ROOT,
    SECTIONS,
    entries,
    exists,
    marked,
    page,
    rows_of,
)

PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- rows -->", "<!-- end of rows -->"


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference is not on this machine")
def test_every_row_of_the_reference_has_an_entry_in_its_order() -> None:
    rows = rows_of(REFERENCE.read_text(encoding="utf-8"))
    assert len(rows) > 150
    known = [entry.id for entry in entries()]
    assert [id for id in rows if id not in known] == []
    assert [id for id in known if id not in rows] == []


def test_every_entry_is_shown_by_a_test_or_says_why_none_is_possible() -> None:
    assert [entry.id for entry in entries() if not entry.tests and not entry.not_applicable] == []
    assert [entry.id for entry in entries() if entry.section not in SECTIONS] == []


def test_every_test_an_entry_names_exists() -> None:
    assert [test for entry in entries() for test in entry.tests if not exists(test)] == []
    assert not exists("tests/conformance/test_rows.py::test_nobody_wrote")
    assert not exists("tests/nowhere.py::test_x")


def test_every_row_a_test_names_has_an_entry() -> None:
    assert set(marked()) - {entry.id for entry in entries()} == set()


def test_a_row_that_is_missing_would_be_noticed() -> None:
    text = "## 1. A\n| D-1 | x |\n| D-2 | x |\n## 7. B\n| X-1 | x |\n## 8. C\n| SB-1 | x |\n"
    assert rows_of(text) == ["D-1", "D-2", "SB-1"]


def test_no_entry_is_copied_from_the_reference() -> None:
    if REFERENCE.is_file():
        reference = REFERENCE.read_text(encoding="utf-8")
        assert [entry.id for entry in entries() if entry.does.rstrip(".") in reference] == []


def test_the_page_is_made_of_the_entries() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    fresh = f"{head}{BEGIN}\n\n{page()}\n{END}{rest.partition(END)[2]}"
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(fresh, encoding="utf-8")
    assert text == fresh or os.environ.get("UPDATE_DOCS"), (
        f"run UPDATE_DOCS=1 pytest {HERE.name}/test_rows.py"
    )
