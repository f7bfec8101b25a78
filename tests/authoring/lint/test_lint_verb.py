"""`cds lint` around the checks: for whom, how it is printed, what is set aside, what it exits with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from snippets import copied
from test_pages import commit, committed

from cds_service.authoring.cli import cli

RULE = "cautions/raised-pressure.yaml"
OTHER = "definitions/other-rule.yaml"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A copy of the small rulebook."""
    return copied(tmp_path)


def lint(book: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["lint", str(book), "--today", "2026-11-23", *options])


def change(book: Path, file: str, old: str, new: str) -> None:
    text = (book / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (book / file).write_text(text.replace(old, new), encoding="utf-8")


def report(book: Path, *options: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(lint(book, "--format", "json", *options).output)
    return made


def codes(book: Path, *options: str) -> list[str]:
    return [problem["code"] for problem in report(book, *options)["problems"]]


def double_negation(book: Path, comment: str = "") -> None:
    change(book, OTHER, "logic: age >= 18 [1]", f'logic: {{not: {{not: "age >= 18 [1]"}}}}{comment}')


# --- clean ---------------------------------------------------------------------------------------


CLEAN = "clean: 3 rules, 6 value sets, 1 table, 1 template, 3 sources\n"


@pytest.mark.parametrize("style", ["pretty", "compact"])
def test_a_clean_rulebook_says_what_was_checked(book: Path, style: str) -> None:
    result = lint(book, "--format", style)
    assert (result.exit_code, result.output) == (0, CLEAN)


def test_a_folder_of_rulebooks_is_checked_whole(book: Path) -> None:
    assert lint(book.parent).output == CLEAN


def test_json_of_a_clean_rulebook_holds_no_problems(book: Path) -> None:
    assert report(book) == {"problems": [], "setAside": []}


# --- for whom ------------------------------------------------------------------------------------


def test_each_persona_sees_what_the_one_before_sees_and_more(book: Path) -> None:
    double_negation(book)
    change(book, OTHER, "  limits: It knows the age only.\n", "")
    change(
        book, "sources.yaml", "kind: review, listed: ours, checked: 2026-11-01", "kind: review, listed: ours"
    )
    assert codes(book) == ["logic/double-negation"]
    assert set(codes(book, "--persona", "pedantic")) == {"logic/double-negation", "about/limits-missing"}
    assert set(codes(book, "--persona", "auditor")) == {
        "logic/double-negation",
        "about/limits-missing",
        "evidence/source-never-checked",
    }


def test_a_warning_fails_only_where_that_is_asked_for(book: Path) -> None:
    double_negation(book)
    assert lint(book).exit_code == 0
    assert lint(book, "--fail-level", "warning").exit_code == 1


def test_a_pedantic_finding_fails_only_at_its_own_level(book: Path) -> None:
    change(book, OTHER, "  limits: It knows the age only.\n", "")
    assert lint(book, "--persona", "pedantic", "--fail-level", "warning").exit_code == 0
    assert lint(book, "--persona", "pedantic", "--fail-level", "pedantic").exit_code == 1


def test_an_unseen_finding_does_not_fail(book: Path) -> None:
    change(book, OTHER, "  limits: It knows the age only.\n", "")
    assert lint(book, "--fail-level", "pedantic").exit_code == 0


@pytest.mark.parametrize(
    ("today", "level"), [("2027-11-01", None), ("2027-11-02", "warning"), ("2028-01-30", "warning")]
)
def test_a_review_is_overdue_from_the_day_after(book: Path, today: str, level: str | None) -> None:
    assert {one["level"] for one in overdue(book, today)} == ({level} if level else set())


def test_ninety_days_later_it_is_an_error(book: Path) -> None:
    assert {one["level"] for one in overdue(book, "2028-01-31")} == {"error"}


def overdue(book: Path, today: str) -> list[dict[str, Any]]:
    found = report(book, "--today", today)["problems"]
    return [one for one in found if one["code"] == "about/review-overdue"]


# --- set aside -----------------------------------------------------------------------------------


def test_a_comment_with_a_reason_sets_a_finding_aside_and_is_counted(book: Path) -> None:
    double_negation(book, "   # cds: ignore[logic/double-negation] as the guideline puts it")
    result = lint(book)
    assert result.exit_code == 0
    assert result.output.endswith("; 1 set aside on the line\n")
    assert report(book)["setAside"][0]["reason"] == "as the guideline puts it"


def test_an_auditor_reads_what_was_set_aside_and_why(book: Path) -> None:
    double_negation(book, "   # cds: ignore[logic/double-negation] as the guideline puts it")
    line = lint(book, "--persona", "auditor").output.splitlines()[0]
    assert line.startswith("set aside: ") and line.endswith(
        "[logic/double-negation]: as the guideline puts it"
    )


def test_a_comment_sets_aside_nothing_on_another_line(book: Path) -> None:
    double_negation(book)
    change(book, OTHER, "kind: definition", "kind: definition   # cds: ignore[logic/double-negation] here")
    assert codes(book) == ["lint/unused-ignore", "logic/double-negation"]


def test_one_comment_can_set_several_checks_aside(book: Path) -> None:
    both = "lint/none, logic/double-negation"
    double_negation(book, f"   # cds: ignore[{both}] as the guideline puts it")
    assert codes(book) == ["lint/unused-ignore"]


def test_the_same_words_inside_a_text_are_no_comment(book: Path) -> None:
    change(
        book, OTHER, "It knows the age only.", '"# cds: ignore[about/limits-missing] is how to set it aside"'
    )
    assert codes(book, "--persona", "auditor") == []


@pytest.mark.parametrize(
    "comment", ["# cds: ignore", "# cds: ignore[] so", "# cds: skip[logic/double-negation] so"]
)
def test_a_comment_that_names_no_check_is_told(book: Path, comment: str) -> None:
    double_negation(book, f"   {comment}")
    assert {"lint/unused-ignore", "logic/double-negation"} <= set(codes(book))


@pytest.mark.parametrize("kind", ["equivalent-mutant[without age >= 18]", "unreachable[unknown]"])
def test_a_remark_for_coverage_names_no_check_and_needs_none(book: Path, kind: str) -> None:
    change(book, OTHER, "kind: definition", f"kind: definition   # cds: {kind} the birth date is known")
    assert codes(book, "--persona", "auditor") == []


def test_what_the_loader_refuses_cannot_be_set_aside(book: Path) -> None:
    change(book, RULE, "status: active", "status: activ   # cds: ignore[schema/not-a-choice] soon")
    assert codes(book) == ["schema/not-a-choice"]
    assert lint(book).exit_code == 1


def test_setting_aside_a_check_of_the_loader_is_told_as_useless(book: Path) -> None:
    change(book, RULE, "status: active", "status: active   # cds: ignore[schema/not-a-choice] soon")
    assert codes(book) == ["lint/unused-ignore"]


def test_a_check_that_did_not_run_does_not_make_its_comment_useless(book: Path) -> None:
    change(
        book,
        OTHER,
        "version: 1.0.0",
        "version: 1.0.0   # cds: ignore[identity/version-not-bumped] words only",
    )
    assert codes(book) == []


# --- against -------------------------------------------------------------------------------------


def test_against_a_commit_a_changed_rule_needs_a_new_version(book: Path) -> None:
    committed(book)
    change(book, OTHER, "title: The other rule is true", "title: The other rule holds")
    assert codes(book, "--against", "HEAD") == ["identity/version-not-bumped"]
    change(book, OTHER, "version: 1.0.0", "version: 1.0.1")
    assert codes(book, "--against", "HEAD") == []


def test_against_a_commit_a_moved_rule_keeps_its_id(book: Path) -> None:
    committed(book)
    (book / "more").mkdir()
    (book / OTHER).rename(book / "more" / "other-rule.yaml")
    commit(book)
    assert codes(book, "--against", "HEAD") == []


def test_against_reads_git_and_leaves_the_files_alone(book: Path) -> None:
    committed(book)
    change(book, OTHER, "title: The other rule is true", "title: The other rule holds")
    before = (book / OTHER).read_text(encoding="utf-8")
    lint(book, "--against", "HEAD")
    assert (book / OTHER).read_text(encoding="utf-8") == before


@pytest.mark.parametrize("revision", ["no-such-commit", "--output=x", ""])
def test_a_commit_that_is_not_there_is_wrong_use(book: Path, revision: str) -> None:
    committed(book)
    result = lint(book, f"--against={revision}")
    assert result.exit_code == 2
    assert not (book / "x").exists()


def test_outside_a_repository_against_is_wrong_use(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(book.parents[1]))
    result = lint(book, "--against", "HEAD")
    assert result.exit_code == 2 and "git repository" in result.output


# --- formats -------------------------------------------------------------------------------------


def test_pretty_shows_the_line_with_a_mark_and_the_page(book: Path) -> None:
    double_negation(book, "   # a comment")
    assert lint(book).output == (
        f"warning[logic/double-negation]: a criterion is negated twice\n"
        f"  --> {book / OTHER}:19:8\n"
        f"   |\n"
        f'19 | logic: {{not: {{not: "age >= 18 [1]"}}}}   # a comment\n'
        f"   |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ remove both not, or say what is meant\n"
        f"   = help: docs/lint/logic/double-negation.md\n"
        f"\n"
        f"1 problem in 1 file\n"
    )


def test_pretty_shows_a_problem_of_a_whole_file_without_a_line(book: Path) -> None:
    (book / "sources.yaml").unlink()
    output = lint(book).output
    assert (
        f"--> {book / 'sources.yaml'}:0:0\n = try: add the file\n = help: docs/lint/schema/missing" in output
    )


def test_github_marks_the_line_and_escapes_what_would_end_a_command(book: Path) -> None:
    double_negation(book)
    output = lint(book, "--format", "github").output
    assert output.startswith(f"::warning file={book / OTHER},line=19,col=8,title=logic/double-negation::")
    assert output.count("\n") == 1


def test_a_clean_book_prints_nothing_for_github(book: Path) -> None:
    assert lint(book, "--format", "github").output == ""


def test_sarif_has_the_members_that_its_standard_requires(book: Path) -> None:
    double_negation(book)
    change(
        book,
        RULE,
        "visits >= 1\n",
        "visits >= 1\n    - visits >= 1   # cds: ignore[logic/duplicate-criterion] so\n",
    )
    log = json.loads(lint(book, "--format", "sarif").output)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "cds lint"
    found, aside = run["results"]
    assert found["message"]["text"].startswith("a criterion is negated twice")
    assert driver["rules"][found["ruleIndex"]]["id"] == found["ruleId"] == "logic/double-negation"
    assert found["level"] == "warning" and "suppressions" not in found
    (place,) = found["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 19, "startColumn": 8}
    assert aside["suppressions"] == [{"kind": "inSource", "justification": "so"}]


def test_json_names_the_page_of_each_finding(book: Path) -> None:
    double_negation(book)
    (found,) = report(book)["problems"]
    assert found["help"] == "docs/lint/logic/double-negation.md"


def test_naming_a_file_prints_only_what_stands_in_it(book: Path) -> None:
    double_negation(book, "   # cds: ignore[logic/double-negation] so")
    named = CliRunner().invoke(cli, ["lint", str(book / RULE), "--today", "2026-11-23"])
    assert named.output == CLEAN


# --- files of cases ------------------------------------------------------------------------------


def test_a_file_of_cases_is_read_where_it_is_named(book: Path) -> None:
    cases = "cautions/raised-pressure.test.yaml"
    text = (book / cases).read_text()
    (book / cases).write_text(text.replace("rule: raised-pressure", "rule: raised-presure"))
    assert lint(book).exit_code == 0, "cds test tells it"
    result = lint(book / cases, "--format", "compact")
    assert result.exit_code == 1
    assert f"{cases}:1:7: there is no rule 'raised-presure'" in result.output
    assert "error[tests/unknown-rule]" in result.output
    (book / cases).write_text(text)
    assert lint(book / cases).exit_code == 0


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow"])
def test_a_day_that_is_none_is_told_in_our_own_words(book: Path, day: str) -> None:
    result = CliRunner().invoke(cli, ["lint", str(book), "--today", day])
    assert result.exit_code == 2
    assert result.output.startswith(f"cds: --today: seen {day!r}, expected a date or an instant")
