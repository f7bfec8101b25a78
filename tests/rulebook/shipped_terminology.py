"""The shipped value sets, tables and drugs, read once for the tests of their content."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cds_service.rulebook.drugs import DrugTable
from cds_service.rulebook.files import Code, Prefix, TableFile, ValueSetFile
from cds_service.rulebook.terminology import SYSTEMS, Terminology

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "rules" / "ketamine-trd"
CODES_CSV = Path("/work/shared/terminology/codes.csv")
ICD, SNOMED, LOINC = (SYSTEMS[name] for name in ("icd-10-cm", "snomed", "loinc"))
NAMELESS = ("text", "local", "boolean")
UNVERIFIED = ("recalled", "local policy")
YES = {"affirmative-answers", "pregnancy-status-positive-answers"}
NO = {"negative-answers", "pregnancy-status-negative-answers", "suicide-risk-lower-answers"}

yaml = YAML(typ="safe")
SETS = {
    one.valueset: one
    for one in (ValueSetFile.model_validate(yaml.load(path)) for path in (BOOK / "valuesets").glob("*.yaml"))
}
TABLES = {
    one.table: one
    for one in (TableFile.model_validate(yaml.load(path)) for path in (BOOK / "tables").glob("*.yaml"))
}
DRUGS = DrugTable.read(ROOT / "rules" / "terminology" / "rxnorm.csv")
TERMINOLOGY = Terminology.build(SETS, DRUGS)
MEMBERS = [(name, member) for name, one in sorted(SETS.items()) for member in (*one.include, *one.exclude)]

needs_working_lists = pytest.mark.skipif(not CODES_CSV.is_file(), reason="the working lists are not here")


def working_codes() -> dict[tuple[str, str], set[str]]:
    """Displays by system and code of the working list."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    with CODES_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["system"], row["code"]].add(row["display"])
    return found


WORKING = working_codes() if CODES_CSV.is_file() else {}


def codes(name: str) -> set[tuple[str, str]]:
    return {(one.system, one.code) for one in SETS[name].include if isinstance(one, Code)}


def holds(name: str, system: str, *wanted: str) -> bool:
    return all(name in TERMINOLOGY.sets_of(system, code) for code in wanted)


def lacks(name: str, system: str, *unwanted: str) -> bool:
    return all(name not in TERMINOLOGY.sets_of(system, code) for code in unwanted)


def spelled(member: Code | Prefix) -> str:
    return member.code if isinstance(member, Code) else member.starts_with
