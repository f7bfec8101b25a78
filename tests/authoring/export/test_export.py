"""A rulebook as FHIR: valid, complete, read back equal; and what is disclosed follows from what is read."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.cli import cli
from cds_service.authoring.export.parts import export_bundle, pattern
from cds_service.authoring.export.readback import Exported, of_rule, of_set, read_bundle
from cds_service.authoring.export.transparency import NOT_STATED, transparency
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.rule import FindFact

Json = dict[str, Any]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["export", *arguments])


def plans(bundle: Json) -> dict[str, Json]:
    held = [entry["resource"] for entry in bundle["entry"]]
    return {one["id"]: one for one in held if one["resourceType"] == "PlanDefinition"}


@pytest.fixture(scope="module")
def exported(shipped: Rulebook) -> Json:
    return export_bundle(shipped)


def test_every_resource_is_valid_on_its_own(exported: Json) -> None:
    for entry in exported["entry"]:
        resource = entry["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert entry["fullUrl"] == resource["url"]


def _same(book: Rulebook, found: Exported) -> None:
    assert (found.id, found.version, found.title) == (book.id, book.about.version, book.about.title)
    assert found.rules == {rule.rule: of_rule(rule) for rule in book.rules}
    assert found.valuesets == {name: of_set(one) for name, one in book.terminology.valuesets.items()}
    assert found.sources == {number: (one.cite, one.url or "") for number, one in book.sources.items()}


def test_the_shipped_rules_are_read_back_equal(shipped: Rulebook, exported: Json) -> None:
    _same(shipped, read_bundle(json.loads(json.dumps(exported))))


def test_every_date_and_name_of_review_is_read_back(home: Path) -> None:
    path = home / "rules/small/contraindications/broken-and-heavy.yaml"
    about = (
        "owner: tests, limits: Much., reviewer: Dr A, reviewed: 2026-01-02, review_by: 2027-01-02, "
        "approved_by: Dr B, approved_on: 2026-01-03}"
    )
    path.write_text(path.read_text().replace("owner: tests}", about))
    book = load_rulebook(home / "rules/small")
    bundle = export_bundle(book)
    _same(book, read_bundle(bundle))
    plan = plans(bundle)["broken-and-heavy"]
    assert (plan["approvalDate"], plan["lastReviewDate"]) == ("2026-01-03", "2026-01-02")
    assert read_bundle(bundle).rules["broken-and-heavy"].review_by == date(2027, 1, 2)


def test_what_nobody_approved_has_no_approval_date(exported: Json, shipped: Rulebook) -> None:
    for rule in shipped.rules:
        plan = plans(exported)[rule.rule]
        assert ("approvalDate" in plan) == bool(rule.about.approved_by)
        assert ("endorser" in plan) == bool(rule.about.approved_by)


def test_a_rule_names_its_hooks_and_the_rules_it_needs(exported: Json) -> None:
    plan = plans(exported)["trd-definition-met"]
    (action,) = plan["action"]
    assert action["trigger"] == [{"type": "named-event", "name": "patient-view"}]
    assert "failed_trials >= 2 [1] [4]" in action["condition"][0]["expression"]["expression"]
    needs = [one["resource"] for one in plan["relatedArtifact"] if one["type"] == "depends-on"]
    known = {entry["resource"]["url"] for entry in exported["entry"]}
    assert needs
    assert set(needs) <= known
    assert set(plan["library"]) <= known


def test_the_export_is_the_same_every_time(shipped: Rulebook, exported: Json) -> None:
    assert json.dumps(export_bundle(shipped)) == json.dumps(exported)


@given(
    st.from_regex(r"[A-Z][0-9]{1,2}(\.[0-9?]{0,2})?", fullmatch=True),
    st.from_regex(r"[0-9]{0,2}", fullmatch=True),
)
def test_a_filter_takes_what_begins_so_with_or_without_the_dot(stem: str, rest: str) -> None:
    code = stem.replace("?", "7") + rest
    assert re.fullmatch(pattern(stem), code)
    assert re.fullmatch(pattern(stem), code.replace(".", ""))
    assert not re.fullmatch(pattern(stem), f"x{code}")


# --- transparency --------------------------------------------------------------------------------


def test_personal_data_is_what_the_facts_read(shipped: Rulebook) -> None:
    used = transparency(shipped)["dataUsed"]
    of_patient = {
        (rule.rule, name)
        for rule in shipped.rules
        for name, fact in rule.data.items()
        if isinstance(fact, FindFact) and fact.find == "Patient"
    }
    told = [used["date of birth"], used["sex"]]
    assert {(one["rule"], name) for users in told for one in users for name in one["facts"]} == of_patient
    assert used["race"] == used["ethnicity"] == []


def test_what_nobody_stated_is_said_to_be_not_stated(shipped: Rulebook) -> None:
    found = transparency(shipped)
    assert (found["funding"], found["released"]) == (NOT_STATED, NOT_STATED)
    told = transparency(shipped, funding="None", released=date(2026, 11, 23))
    assert (told["funding"], told["released"]) == ("None", "2026-11-23")


def test_the_verb_prints_json_and_markdown(home: Path) -> None:
    assert json.loads(run().output)["resourceType"] == "Bundle"
    assert json.loads(run("--transparency").output)["developer"] == "Tests"
    text = run("--transparency", "--format", "markdown", "--released", "2026-11-23").output
    assert text.startswith("# Small rules of the author's tools\n")
    assert "- Released: 2026-11-23" in text
    assert "- date of birth: not used" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--funding", "x"), "belong to --transparency"),
        (("--rules", "nowhere"), "no rulebook in nowhere"),
        (("--transparency", "--released", "soon"), "--released"),
    ],
)
def test_wrong_use_ends_with_two(home: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, told in result.output) == (2, True), result.output
