"""The engine knows no drug, no diagnosis and no number of the clinic: rules and their tables hold them."""

from __future__ import annotations

import re
import tokenize
from pathlib import Path

import pytest

from cds_service.rulebook.files import Code
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.walk import everything

ROOT = Path(__file__).parents[1]
BOOK = load_rulebook(ROOT / "rules" / "ketamine-trd")
# The documented views may know what a trial or a reading is, and the signatures name them.
VIEWS = {"trials.py", "outcome.py", "vital_signs.py"}
CODE = [
    path
    for path in sorted((ROOT / "cds_service").rglob("*.py"))
    if not (path.parent.name == "views" and path.name in VIEWS)
]
# Names of the contract: a view, what views need, and the kind of rule named after a symptom (DESIGN 3, 5).
CONTRACT = re.compile(
    r"antidepressant_trials|blood[_-]pressure|body[_-]weight|suicidality|"
    r"stroke(?=:|-width)|"  # the line of a drawing
    # Help texts show real commands: ids of shipped rules and value sets are names, not knowledge.
    + "|".join(
        sorted({rule.rule for rule in BOOK.rules} | set(BOOK.terminology.valuesets), key=len, reverse=True)
    ),
    re.I,
)
# Cited somewhere, and here: percent, the width of help texts, the longest summary and question.
TECHNICAL = {"100", "110", "140", "160"}
WORDS = re.compile(
    r"\b(depressi(on|ve)|suicid\w*|ketamine|esketamine|psychos[ie]s|aneurysm\w*|pregnan\w*)\b", re.I
)


def names() -> set[str]:
    """Every drug and diagnosis name of the value sets that is a word of its own."""
    displays = {
        member.display.casefold()
        for name, valueset in BOOK.terminology.valuesets.items()
        if not name.endswith(("-answers", "-route", "-encounter")) and valueset.group is None
        for member in valueset.include
        if isinstance(member, Code) and member.display and member.system in ("icd-10-cm", "snomed", "rxnorm")
    }
    ingredients = {
        one.name.casefold() for entry in BOOK.terminology.drugs.entries.values() for one in entry.ingredients
    }
    plain = {
        "yes",
        "no",
        "high",
        "low",
        "oral",
        "nasal",
        "emergency",
        "positive",
        "negative",
        "intravenous",
        "true",
    }
    return {name for name in displays | ingredients if len(name) > 4 and name not in plain}


def cited_numbers() -> set[str]:
    """The numbers that carry a citation in some rule and are peculiar enough to be looked for."""
    found: set[str] = set()
    for rule in BOOK.rules:
        for _, value in everything(rule):
            number, sources = getattr(value, "number", None), getattr(value, "sources", ())
            if isinstance(number, (int, float)) and sources:
                found.add(f"{number:g}")
    return {number for number in found if "." in number or (len(number) > 2 and number not in ("300",))}


def literals(path: Path) -> set[str]:
    """The numbers in the code itself; examples in texts and comments are not constants."""
    with path.open("rb") as file:
        numbers = {
            token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NUMBER
        }
    return {number.replace("_", "") for number in numbers} - TECHNICAL


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_names_no_drug_no_diagnosis_and_no_cited_number(path: Path) -> None:
    text = CONTRACT.sub("", path.read_text(encoding="utf-8"))
    assert not WORDS.findall(text)
    folded = text.casefold()
    words = set(re.findall(r"[a-z][a-z-]+", folded))
    assert sorted(name for name in names() if (name in words if " " not in name else name in folded)) == []
    assert sorted(literals(path) & cited_numbers()) == []


def test_the_names_and_numbers_looked_for_are_many() -> None:
    assert len(names()) > 200
    assert {"0.55", "0.45", "140"} <= cited_numbers()
