"""Value sets that nothing of what a fact looks through can be in."""

from __future__ import annotations

from pathlib import Path

import pytest
from snippets import Snippet, copied, problems_of, put

CODE = "data/valueset-of-another-kind"


def told(folder: Path, fact: str) -> list[str]:
    """What is said of a fact put into a rule as `illness`."""
    book = copied(folder)
    lines = "".join(f"    {line}\n" for line in fact.split("; "))
    asked = (
        f"data:\n  illness:\n    ask: Is it so, or is it not?\n{lines}    give: exists\n    record: partial\n"
    )
    put(Snippet("cautions/raised-pressure.yaml", asked), book)
    return [one.message for one in problems_of(book) if one.code == CODE]


@pytest.mark.parametrize(
    "fact",
    [
        "find: MedicationRequest; code_in: score",
        "find: MedicationDispense; code_in: illness",
        "find: Condition; code_in: alpha",
        "find: Condition; code_in: [illness, score]",
        "find: Procedure; code_in: alpha",
        "find: Observation; code_in: alpha",
        "find: AllergyIntolerance; code_in: score",
        "find: Condition; code_in: illness; where: {code: {not_in: score}}",
        "find: Condition; code_in: illness; unsure: {code: {in: [illness, score]}}",
        "view: current_drugs; code_in: illness",
        "view: answers; code_in: alpha",
        "view: treatment_sessions; code_in: alpha; with: {procedures: alpha}",
    ],
)
def test_a_set_that_can_never_match_is_told(tmp_path: Path, fact: str) -> None:
    (message,) = told(tmp_path, fact)
    assert "is never one" in message


@pytest.mark.parametrize(
    "fact",
    [
        "find: MedicationRequest; code_in: alpha",
        "find: AllergyIntolerance; code_in: [alpha, illness]",
        "find: Observation; code_in: [score, illness]",
        "view: treatment_sessions; code_in: alpha; with: {procedures: illness, supplies: alpha}",
        "view: ordered_doses; code_in: alpha; where: {route: {in: illness}}",
    ],
)
def test_a_set_that_may_match_is_not(tmp_path: Path, fact: str) -> None:
    assert told(tmp_path, fact) == []


def test_one_member_that_may_match_is_enough(tmp_path: Path) -> None:
    book = copied(tmp_path)
    path = book / "valuesets" / "alpha.yaml"
    path.write_text(path.read_text().replace("include: [", 'include: [{system: loinc, code: "222-0"}, '))
    assert CODE not in {one.code for one in problems_of(book)}
