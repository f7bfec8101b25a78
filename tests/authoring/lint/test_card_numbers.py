"""What is read as a number with its unit, and which citation of a card's text stands for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from error_codes import ROOT
from snippets import TODAY

from cds_service.authoring.lint.cited import numbers_of
from cds_service.authoring.lint.quantities import quantities_in, stands_in
from cds_service.authoring.lint.run import lint_rulebook


def held(said: str, claim: str) -> bool:
    return all(stands_in(one, quantities_in(claim)) for one in quantities_in(said))


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        ("40 min", "over 40 minutes"),
        ("28 days", "four weeks"),
        ("56 mg", "56 or 84 mg"),
        ("0.5 g", "500 mg"),
        ("80 %", "a share of at least 0.8"),
        ("0.8", "80 percent"),
        ("42 days", "42 or more"),
        ("-2", "2 days before"),
        ("two sessions", "2 a week"),
        ("1,000 mg", "1000 mg"),
        ("50 mg a day", "50 mg/d"),
        ("2 years", "24 months"),
        ("140 mmHg", "140 mm[Hg]"),
    ],
)
def test_the_same_amount_in_other_words_stands_in_a_claim(said: str, claim: str) -> None:
    assert held(said, claim)


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        ("5 mg/kg", "0.5 mg/kg over 40 minutes"),
        ("560 mg", "56 mg on day 1"),
        ("30 months", "30 days"),
        ("90 hours", "90 days"),
        ("7 mg", "0.25 to 7 mg/kg"),
        ("28 days", "28 hours, or 28 mg"),
        ("50 mg", "50 mg a day"),
        ("3 sessions", "two sessions a week"),
    ],
)
def test_another_amount_or_unit_does_not(said: str, claim: str) -> None:
    assert not held(said, claim)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 mg/kg over 40 min [1]", [("0.5 mg/kg", (1,)), ("40 min", (1,))]),
        ("42 days [14], on 80 % of them [13]", [("42 days", (14,)), ("80 %", (13,))]),
        ("Two drugs [1][4].", [("2", (1, 4))]),
        ("A series is 6. It holds [5].", [("6", (5,))]),
        ("As the label says [7], for 2 hours. It holds [5].", [("2 hours", (7,))]),
        ("It holds [5]. Give 7 mg/kg.", [("7 mg/kg", ())]),
        ("{dose} mg, {a.date}; PHQ-9, CYP3A4 [1]", []),
        ("Which of two that differ; no two scores [1]", []),
    ],
)
def test_a_citation_covers_what_stands_before_it_and_the_rest_of_its_sentence(
    text: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(one.text, sources) for one, sources in numbers_of(text)] == expected


@pytest.mark.parametrize(
    ("file", "text", "slipped", "said"),
    [
        ("treatment/treatment-options", "0.5 mg/kg over 40 min [1]", "5 mg/kg over 40 min [1]", "5 mg/kg"),
        ("treatment/treatment-options", "dosing: 56 mg", "dosing: 560 mg", "560 mg"),
        ("treatment/dose-check-ketamine-oral", "above 7 mg/kg [2].", "above 7 mg/kg.", "7 mg/kg"),
        ("monitoring/monitoring-response", "MADRS for 28 days in", "MADRS within 72 hours in", "72 hours"),
    ],
)
def test_a_slip_on_a_shipped_card_is_found(
    tmp_path: Path, file: str, text: str, slipped: str, said: str
) -> None:
    shutil.copytree(ROOT / "rules", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "ketamine-trd" / f"{file}.yaml"
    before = path.read_text(encoding="utf-8")
    assert text in before
    path.write_text(before.replace(text, slipped), encoding="utf-8")
    found = lint_rulebook(tmp_path / "ketamine-trd", TODAY).problems
    assert found
    assert all(one.message.startswith(f"{said} ") for one in found)
