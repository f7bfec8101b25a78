"""`cds coverage --mutate` lists the mistakes no test notices, each with a case that would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_example import TESTS, one_case, write_tests
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli
from cds_service.authoring.coverage.edits import Edit, edits_of
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.yamlfile import read_yaml

BOOK = Path("rules/small")
RULE = BOOK / "contraindications/broken-and-heavy.yaml"
BESIDE = RULE.with_name("broken-and-heavy.test.yaml")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["coverage", "--workers", "1", "--mutate", *arguments])


def survivors(rule: str = "broken-and-heavy") -> dict[str, Any]:
    """By what was changed, the mutants no case kills."""
    [one] = json.loads(run("--rule", rule, "--format", "json").output)["rules"]
    return {f"{each['where']}: {each['after']}": each for each in one["mutants"]["survivors"]}


def edits(rule: str) -> list[Edit]:
    book = load_rulebook(BOOK)
    return list(edits_of(book.by_id[rule], read_yaml(book.paths[rule]).data))


def test_each_part_of_a_rule_is_changed_one_at_a_time(home: Path) -> None:
    assert [edit.after for edit in edits("broken-and-heavy")] == [
        "no unsure verificationStatus",
        "record: complete",
        "record: partial",
        "any",
        "without heavy",
        "without fracture",
        "without not drug",
        "without not",
        "no only_if",
    ]


def test_numbers_move_by_a_step_of_their_own_precision(home: Path) -> None:
    assert [edit.after for edit in edits("heavy")] == [
        "29 days",
        "31 days",
        "weight >= 99 kg",
        "weight >= 101 kg",
        "weight > 100 kg",
    ]


def test_a_count_has_no_second_comparator(home: Path) -> None:
    assert "fractures > 2" not in [edit.after for edit in edits("tried-out")]


def test_a_mutant_that_a_case_fails_on_is_killed(home: Path) -> None:
    write_tests(BOOK, TESTS)
    found = survivors()
    assert "logic.all.0: without heavy" not in found
    assert "logic.all.2.not: without not" not in found


def test_a_mutant_that_no_case_fails_on_survives(home: Path) -> None:
    write_tests(BOOK, TESTS)
    assert "data.fracture.unsure.verificationStatus: no unsure verificationStatus" in survivors()


def test_ruling_out_what_reading_sets_aside_is_no_mutant(home: Path) -> None:
    line = "where: {verificationStatus: {not: [refuted]}}"
    assert line in RULE.read_text()
    assert "no where verificationStatus" not in [edit.after for edit in edits("broken-and-heavy")]
    RULE.write_text(RULE.read_text().replace(line, "where: {verificationStatus: {not: [differential]}}"))
    assert "no where verificationStatus" in [edit.after for edit in edits("broken-and-heavy")]


@pytest.mark.parametrize(("asked", "made"), [("drug", False), ("{not: drug}", True)])
def test_the_record_of_a_question_asked_only_for_a_yes_is_no_mutant(
    home: Path, asked: str, *, made: bool
) -> None:
    text = RULE.read_text().replace("    - not: drug\n", "")
    RULE.write_text(text.replace("only_if: heavy", f"only_if: [heavy, {asked}]"))
    assert ("record: partial" in [edit.after for edit in edits("broken-and-heavy")]) is made


def test_every_proposed_case_kills_its_mutant_once_it_is_pasted(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    text = "".join(TESTS.partition("tests:\n")[:2]) + "  - {name: the first, expect: true}\n"
    write_tests(BOOK, text + "  - {name: a chart, chart: toe, expect: true}\n")
    before = survivors()
    proposed = {name: one["proposal"] for name, one in before.items() if one["proposal"]}
    assert len(proposed) >= 6
    start = BESIDE.read_text()
    for name, proposal in proposed.items():
        BESIDE.write_text(start + proposal)
        tested = CliRunner().invoke(cli, ["test"])
        assert tested.exit_code == 0, tested.output
        assert name not in survivors(), proposal


def test_a_proposal_is_printed_as_yaml_to_paste(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    output = run("--rule", "broken-and-heavy").output
    assert f"{RULE}:33: logic.all.0: heavy → without heavy: no case fails\n  - name: " in output


def test_a_survivor_with_a_reason_is_explained(home: Path) -> None:
    write_tests(BOOK, TESTS)
    line = "    unsure: {verificationStatus: [provisional]}"
    remark = "# cds: equivalent-mutant[no unsure verificationStatus] as sure as the others"
    RULE.write_text(RULE.read_text().replace(line, f"{line}  {remark}"))
    found = survivors()["data.fracture.unsure.verificationStatus: no unsure verificationStatus"]
    assert found["reason"] == "as sure as the others"
    assert found["proposal"] == ""


def test_a_reason_for_a_mutant_that_is_killed_is_a_finding(home: Path) -> None:
    write_tests(BOOK, TESTS)
    remark = "    - heavy # cds: equivalent-mutant[without heavy] does not matter\n"
    RULE.write_text(RULE.read_text().replace("    - heavy\n", remark))
    result = run("--rule", "broken-and-heavy", "--fail-under", "0")
    assert result.exit_code == 1
    assert f"{RULE}:33:13: equivalent-mutant[without heavy] excuses nothing: remove it" in result.output


def test_mutants_are_tried_only_when_the_cases_pass(home: Path) -> None:
    write_tests(BOOK, one_case(expect=False))
    [rule] = json.loads(run("--rule", "broken-and-heavy", "--format", "json").output)["rules"]
    assert "mutants" not in rule


def test_several_workers_find_what_one_finds(home: Path) -> None:
    one = run("--format", "json").output
    two = CliRunner().invoke(cli, ["coverage", "--workers", "2", "--mutate", "--format", "json"]).output
    assert json.loads(one) == json.loads(two)


@pytest.mark.parametrize("kind", ["number", "comparator", "join", "drop", "not", "condition", "record"])
def test_every_kind_of_edit_is_made_somewhere(home: Path, kind: str) -> None:
    assert kind in {edit.kind for rule in ("heavy", "broken-and-heavy") for edit in edits(rule)}


def test_no_proposal_takes_the_patient_out_of_a_chart(home: Path) -> None:
    before, _, after = RULE.read_text().partition("find: MedicationRequest\n    from: drafts\n")
    asked = "find: Patient\n    where: {gender: [female]}\n"
    RULE.write_text(before + asked + after.replace("    code_in: sample-drug\n", ""))
    head = "".join(TESTS.partition("tests:\n")[:2])
    write_tests(BOOK, head + "  - {name: a chart, chart: toe, expect: unknown}\n")
    result = run("--rule", "broken-and-heavy")
    assert not isinstance(result.exception, RuntimeError)
    assert "mutants killed" in result.output
