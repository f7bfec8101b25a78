"""`cds docs` writes a page per rule that says in words what the rule asks, decides and shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench_example import write_files
from click.testing import CliRunner, Result
from test_orders_and_calculations import RULE

from cds_service.authoring.cli import cli
from cds_service.authoring.page import WIDTH, item, quoted

OUT = Path("docs/rules")
SUGGESTION = """\
    suggestions:
      - label: "Set it to {target}"
        for_each: chosen
        only_if: target < 900 mg [1]
        actions:
          - type: update
            description: "Set the dose to {target}"
            resource: {from: chosen, set: {"dosageInstruction[0].text": "{target} mg"}}
      - label: Take it away
        recommended: true
        actions:
          - {type: delete, description: Remove the order, from: chosen}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["docs", *arguments])


def page(rule: str) -> str:
    """The page of a rule as one line, so that no test minds where a line breaks."""
    return " ".join((OUT / f"{rule}.md").read_text(encoding="utf-8").replace("\n>", "\n").split())


@pytest.fixture
def written(home: Path) -> Path:
    text = RULE.replace("    source: 1\n  when_unknown", f"    source: 1\n{SUGGESTION}  when_unknown")
    (home / "rules/small/cautions/dosed.yaml").write_text(text)
    result = run()
    assert result.exit_code == 0, result.output
    return home


def test_every_rule_has_its_page_and_the_index_leads_to_it(written: Path) -> None:
    names = sorted(path.name for path in OUT.iterdir())
    assert names == ["README.md", "broken-and-heavy.md", "dosed.md", "heavy.md", "tried-out.md"]
    index = (OUT / "README.md").read_text(encoding="utf-8")
    assert "- [A heavy patient has a fracture](broken-and-heavy.md)" in index
    assert all(f"]({name})" in index for name in names[1:])


def test_the_logic_is_an_indented_list_of_questions_and_answers(written: Path) -> None:
    lines = (OUT / "broken-and-heavy.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("## What makes it true")
    assert lines[start + 2 : start + 6] == [
        "- All of these:",
        "  - Is the patient heavy? **yes** (rule [The patient weighs a lot](heavy.md))",
        "  - Is there a fracture? **yes**",
        "  - Is the drug being ordered? **no**",
    ]
    assert "- What does the patient weigh? **at least 100 kg** [1]" in page("heavy")


def test_each_question_says_where_it_looks_and_what_silence_means(written: Path) -> None:
    told = page("broken-and-heavy")
    assert "Where it looks: diagnoses and problems, in the chart, with a code of [A set](" in told
    assert "Counts only if: verification status is not refuted." in told
    assert "Only maybe if: verification status is provisional." in told
    assert "Silence: nothing found means unknown, never no." in told
    assert "Where it looks: medication orders, among the orders being written" in told
    assert "Silence: nothing found means no, because: A call carries all orders [1]." in told
    assert "How far back: 30 days [1]." in page("heavy")


def test_what_is_shown_is_told_for_all_three_outcomes(written: Path) -> None:
    told = page("broken-and-heavy")
    assert "### When it is true A **critical** card: **On record: ‹fracture: its words›**" in told
    assert "A **warning** card; shown only if: Is the patient heavy? **yes**" in told
    assert "**Ask about ‹number of open questions› thing(s)**" in told
    assert "Shown as one card with others: “Two things at once”." in told
    assert "Reasons to dismiss it: It is not so." in told
    assert "### When it is false Nothing." in told


def test_calculations_moments_and_buttons_are_said_in_words(written: Path) -> None:
    told = page("dosed")
    assert "Calculation: 0.5 [1] × ‹weight›, in mg, rounded to 0.1." in told
    assert "Silence: unknown where a part is unknown." in told
    assert "Not before: the answer to “When was the first fracture?”, + 2 days [1]." in told
    assert "medication orders, among the orders selected" in told
    assert "What is twice as much?** - Calculation: 2 [1] × ‹target›, in mg." in told
    assert "Use: in the texts of the card only" in told
    assert (
        "Button **Set it to ‹target›** (one for each entry of “Is the drug among the orders selected?”; "
        "offered only if: What is half a milligram per kilogram? **less than 900 mg** [1]):" in told
    )
    assert "Set the dose to ‹target› (changes `dosageInstruction[0].text` of the order)" in told
    assert "Button **Take it away** (recommended): - Remove the order (removes the order)" in told


def test_evidence_sources_owner_and_tests_are_named(written: Path) -> None:
    told = page("broken-and-heavy")
    assert "| [1] Policy | So it is. | – | for | consensus | not graded |" in told
    assert "- [1] A policy (Added by the authors of the rules.)" in told
    assert "Owner: tests. - Not reviewed yet. - No clinician has approved it yet" in told
    assert "- heavy with a fracture: true" in told
    assert "None yet." in page("dosed")
    assert "Used by.** [A heavy patient has a fracture](broken-and-heavy.md)." in page("heavy")


def test_writing_twice_changes_nothing(written: Path) -> None:
    before = {path.name: path.read_bytes() for path in OUT.iterdir()}
    assert run().output == "docs/rules: 5 pages, 0 of them changed\n"
    assert {path.name: path.read_bytes() for path in OUT.iterdir()} == before


def test_every_link_of_a_page_leads_to_a_file(written: Path) -> None:
    (written / "docs/views.md").write_text("# Views\n")
    for path in OUT.iterdir():
        text = path.read_text(encoding="utf-8")
        targets = [part.split(")")[0].partition("#")[0] for part in text.split("](")[1:]]
        assert [one for one in targets if not (OUT / one).is_file()] == [], path.name


# --- checking ------------------------------------------------------------------------------------


def test_fresh_pages_are_clean(written: Path) -> None:
    result = run("--check")
    assert (result.exit_code, result.output) == (0, "clean: 5 pages\n")


def test_stale_missing_and_left_over_pages_are_told_and_nothing_is_written(written: Path) -> None:
    rule = written / "rules/small/definitions/heavy.yaml"
    rule.write_text(rule.read_text().replace(">= 100 kg", ">= 90 kg"))
    (OUT / "dosed.md").unlink()
    (OUT / "gone.md").write_text((OUT / "tried-out.md").read_text())
    (OUT / "notes.md").write_text("# Somebody's own page\n")
    result = run("--check")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "docs/rules/dosed.md: the page is missing (run cds docs)",
        "docs/rules/gone.md: nothing is behind this page (run cds docs)",
        "docs/rules/heavy.md: the page is out of date (run cds docs)",
    ]
    assert not (OUT / "dosed.md").exists()
    assert run().exit_code == 0
    assert run("--check").exit_code == 0
    assert sorted(path.name for path in OUT.glob("*o*.md"))[-1] == "tried-out.md"
    assert not (OUT / "gone.md").exists()
    assert (OUT / "notes.md").exists()


def test_findings_are_json_for_programs(written: Path) -> None:
    (OUT / "dosed.md").unlink()
    result = run("--check", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [{"file": "docs/rules/dosed.md", "problem": "the page is missing"}]


def test_no_rulebook_is_wrong_use_and_one_that_does_not_load_says_why(home: Path) -> None:
    assert run("--rules", "nowhere").exit_code == 2
    (home / "rules/small/cautions/tried-out.yaml").write_text("rule: tried-out\n")
    result = run()
    assert result.exit_code == 1
    assert "tried-out.yaml:" in result.output
    assert not OUT.exists()


def test_two_rulebooks_may_not_share_a_rule(home: Path) -> None:
    write_files(home / "other")
    (home / "other/rules/small").rename(home / "rules/other")
    book = home / "rules/other/rulebook.yaml"
    book.write_text(book.read_text().replace("rulebook: small", "rulebook: other"))
    result = run()
    assert result.exit_code == 2
    assert "two rulebooks have a rule 'heavy'" in result.output


# --- layout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["- a", "# a", "> a", "1. a", "2026) a", "+ a", "* a"])
def test_a_line_that_breaks_before_a_mark_begins_no_list(word: str) -> None:
    text = "x" * (WIDTH - 3) + f" {word}"
    second = quoted(text)[1].removeprefix("> ")
    assert second.replace("\\", "", 1) == word and "\\" in second
    assert "\\" in item(text)[1]
    assert "\\" not in item(f"{word} b")[0]
