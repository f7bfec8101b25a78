"""`cds lint`: every problem of a run, located, in words an author can use; and the command line around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_rulebook import RULE_FILE, Builder, change

from cds_service.authoring.cli import VERBS, cli

TEN_MISTAKES = """\
rule: ten-mistakes
title: Ten mistakes stand in this rule
version: 1.0
status: activ
kind: caution
about:
  purpose: Show what lint says.
  population: Authors.
evidence:
  - {source: 1, claim: Above 140 is raised., direction: for, strength: regulatory, certainty: not-graded}
hooks: [patient-view]
data:
  age:
    ask: How old is the patient?
    find: Patient
    give: age
    gives: age
  illness:
    ask: Is the illness on the problem list?
    find: Condition
    code_in: ilness
    where: {clinicalStatus: [activ]}
    give: exists
    record: complete
logic:
  all:
    - age >= 18
    - ilness
    - not: illness > 2 [1]
cards:
  when_true:
    indicator: warning
    summary: "Seen at {agee}"
    source: 7
  when_unknown: silent
"""

TEN_MESSAGES = """\
3:10: version is text, not 1.0 (put quotes round it)
4:9: status is one of draft, shadow, active, retired, not 'activ' (did you mean 'active'?)
6:1: about has no key 'owner' (add owner: who answers mail about it)
17:5: 'gives' is not a key of age (did you mean 'give'?)
21:14: there is no value set 'ilness' (did you mean 'illness'?)
22:30: clinicalStatus can never be 'activ' (did you mean 'active'?)
24:13: a complete record needs its reason (add because: why nothing found means no)
27:7: 'age >= 18' has a number without its source (add the number of the source: "age >= 18 [n]")
28:7: this rule has no fact 'ilness'; it has age, illness (did you mean 'illness'?)
29:12: illness is a yes-no question, there is nothing to compare (write illness alone)
30:1: cards has no key 'when_false' (add when_false: silent, a card, or a list of cards)
32:16: a warning card needs reasons to override it \
(add override_reasons: [...] with ids of override-reasons.yaml)
33:14: nothing can be filled in for {agee} (did you mean 'age'?)
34:13: sources.yaml has no source 7 (it has 1, 2, 3)
34:13: [7] is cited, but evidence says nothing of source 7 (add an entry with source: 7 and its claim)
"""


def lint(*arguments: str | Path) -> Result:
    style = () if "--format" in arguments else ("--format", "compact")
    return CliRunner().invoke(cli, ["lint", *map(str, arguments), *style])


def test_a_file_with_ten_mistakes_is_told_all_of_them_in_one_run(book: Builder) -> None:
    path = book.write("cautions/ten-mistakes.yaml", TEN_MISTAKES)
    result = lint(book.folder)
    assert result.exit_code == 1
    *lines, summary = result.output.splitlines()
    told = [line.removeprefix(f"{path}:").rpartition(" error[")[0] for line in lines]
    assert sorted(told) == sorted(TEN_MESSAGES.splitlines())
    assert summary == "15 problems in 1 file"


def test_problems_stand_in_the_order_of_the_file(book: Builder) -> None:
    book.write("cautions/ten-mistakes.yaml", TEN_MISTAKES)
    found = json.loads(lint(book.folder, "--format", "json").output)["problems"]
    places = [(problem["line"], problem["column"]) for problem in found]
    assert places == sorted(places) and len(places) == 15


def test_rules_is_the_default(book: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(book.folder.parent.parent)
    book.change(RULE_FILE, "status: active", "status: activ")
    result = lint()
    assert result.output.startswith(f"rules/small/{RULE_FILE}:4:9: status is one of")
    assert result.output.endswith("1 problem in 1 file\n")


def test_json_tells_everything_machines_need(book: Builder) -> None:
    book.change(RULE_FILE, "status: active", "status: activ")
    result = lint(book.folder, "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.output)["problems"] == [
        {
            "file": str(book.folder / RULE_FILE),
            "line": 4,
            "column": 9,
            "code": "schema/not-a-choice",
            "level": "error",
            "message": "status is one of draft, shadow, active, retired, not 'activ'",
            "hint": "did you mean 'active'?",
            "help": "docs/lint/schema/not-a-choice.md",
        }
    ]


def test_naming_a_file_prints_only_its_problems(book: Builder) -> None:
    book.change(RULE_FILE, "status: active", "status: activ")
    book.change("sources.yaml", "kind: review", "kind: revue")
    assert "activ" in lint(book.folder / RULE_FILE).output
    assert "revue" not in lint(book.folder / RULE_FILE).output
    clean = lint(book.folder / "tables")
    assert (clean.exit_code, clean.output) == (0, "clean: nothing to mend in the files named\n")


def test_output_without_a_terminal_has_no_colours(book: Builder) -> None:
    book.change(RULE_FILE, "status: active", "status: activ")
    assert "\x1b" not in lint(book.folder).output


MISTAKES_OF_FORM = [
    (
        "    - not: illness\n",
        "    - {not: illness, any: [other]}\n",
        "68:7: this is neither a criterion nor exactly one of all, any, not, at_least (write one "
        "criterion, a list (all must hold), or a mapping with one of these keys)",
    ),
    (
        "    - visits >= 1\n",
        "    - visits is 1\n",
        "69:7: 'visits is 1' is not a criterion (write `fact`, `fact >= 2 [2]`, `fact < 7 days "
        "[3]` or `reading.column > 140 [7]`)",
    ),
    (
        "    - visits >= 1\n",
        "    - [visits >= 1 [2]]\n",
        "69:20: a citation inside [ ] or { } needs quotes: YAML stops at the inner bracket (put "
        'quotes round the whole line: "visits >= 1 [2]")',
    ),
    (
        "    conclusion: other-rule\n",
        "    conclusion: other-rule\n    find: Patient\n",
        "60:5: a fact has exactly one of find, view, like, calculate, conclusion (find: a resource type, "
        "view: a view, calculate: a calculation, conclusion: a rule's id, like: a fact above)",
    ),
    (
        "where: {clinicalStatus: [active, relapse]}",
        "where: {clinicalStatus: {no: [active]}}",
        "31:29: this is not a condition (write a list, {not: [...]}, {in: value-set}, {not_in: "
        "value-set}, {absent: true}, {unreadable: true} or a comparison in quotes)",
    ),
    (
        "title: The blood pressure is raised",
        "title: Pressure!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        "2:8: title has 88 characters, at most 80 are allowed (shorten it)",
    ),
    (
        "    ask: How old is the patient?\n",
        "    ask: Old?\n",
        "24:10: ask has 4 characters, at least 8 are expected (write a whole sentence)",
    ),
    (
        "version: 1.0.0",
        "version: '1.0'",
        "3:10: '1.0' is not well formed: a version is three numbers (write it like 1.0.0)",
    ),
    (
        "rule: raised-pressure",
        "rule: Raised_Pressure",
        "1:7: 'Raised_Pressure' is not well formed: an id is lower-case words joined by hyphens "
        "(for example aneurysmal-disease)",
    ),
    (
        "  owner: test@example.org\n",
        "  owner:\n",
        "9:3: nothing stands after owner (write its value, or remove it)",
    ),
    (
        "  owner: test@example.org\n",
        "  owner: test@example.org\n  reviewed: 16.11.2026\n",
        "10:13: '16.11.2026' is not a day of the calendar (write year-month-day: 2026-11-16)",
    ),
    (
        "  owner: test@example.org\n",
        "  owner: test@example.org\n  reviewed: 2026-02-30\n",
        "10:13: '2026-02-30' is not a day of the calendar (write year-month-day: 2026-11-16)",
    ),
    (
        "hooks: [patient-view, order-sign]",
        "hooks: patient-view",
        "21:8: hooks is a list, not 'patient-view' (write [a, b], or one item per line after a hyphen)",
    ),
    (
        "  when_false: silent",
        "  when_false: quiet",
        "97:15: 'quiet' is not an outcome (write silent, a card, or a list of cards)",
    ),
    (
        "    within: 30 days [2]\n    give: exists",
        "    within: a month [2]\n    give: exists",
        "34:13: 'a month [2]' is not an amount (write a number, a unit, a source: \"14 days [13]\")",
    ),
    (
        "    give: count\n",
        "    give: counts\n",
        "41:11: 'counts' is not something a fact can give (write exists, count, count_distinct "
        "<column>, latest value, latest reading, latest date, earliest date, any_yes, possible or age)",
    ),
    (
        "  last_visit:\n    ask",
        "  last-visit:\n    ask",
        "43:3: 'last-visit' is not well formed: a name is lower-case words joined by underscores "
        "(for example adequate_trials)",
    ),
    (
        "        n: 1\n",
        "        n: '1'\n",
        "72:12: n is a whole number, not '1' (write it without quotes)",
    ),
    (
        "        n: 1\n",
        "        n: 0\n",
        "72:12: n is 0, at least 1 is expected",
    ),
    (
        "hooks: [patient-view, order-sign]\n",
        "hooks: [patient-view, order-sign]\nhooks: []\n",
        "22:1: the key 'hooks' stands here a second time (keep one of the two; the first is in line 21)",
    ),
]


@pytest.mark.parametrize(("old", "new", "line"), MISTAKES_OF_FORM)
def test_a_mistake_of_form_is_told_in_plain_words(book: Builder, old: str, new: str, line: str) -> None:
    book.change(RULE_FILE, old, new)
    result = lint(book.folder / RULE_FILE)
    told = [one.removeprefix(f"{book.folder / RULE_FILE}:") for one in result.output.splitlines()[:-1]]
    assert [one.rpartition(" error[")[0] for one in told] == [line]


def test_a_mistake_inside_a_list_of_cards_is_told_at_its_place(book: Builder) -> None:
    text = change(
        (book.folder / RULE_FILE).read_text(encoding="utf-8"),
        "  when_false: silent\n",
        "  when_false:\n    - indicator: info\n      summary: a\n      source: 1\n"
        "    - {indicator: red, summary: b, source: 1, only_if: [other, not]}\n",
    )
    book.write(RULE_FILE, text)
    output = lint(book.folder).output
    assert "101:19: indicator is one of info, warning, critical, not 'red'" in output
    assert "101:64: this rule has no fact 'not'" in output


# --- the command line ----------------------------------------------------------------------------


def test_help_lists_every_verb_without_importing_one() -> None:
    code = (
        "import sys\nfrom cds_service.authoring.cli import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = ('pydantic', 'flask', 'ruamel', 'fhir', 'rich')\n"
        "print([name for name in sys.modules if name.split('.')[0] in heavy])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(verb in done.stdout for verb in VERBS)
    assert done.stdout.strip().endswith("[]")


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0 and result.output.startswith("cds ")


@pytest.mark.parametrize(
    "arguments", [["no-such-verb"], ["lint", "--no-such-option"], ["lint", "--format", "xml"]]
)
def test_wrong_use_ends_with_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, arguments).exit_code == 2


def test_a_path_that_is_not_there_is_wrong_use_told_in_one_line(tmp_path: Path) -> None:
    result = lint(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert result.stdout == "" and result.stderr.startswith("cds: there is no ")
    assert result.stderr.count("\n") == 1


def test_a_folder_without_a_rulebook_is_wrong_use(tmp_path: Path) -> None:
    result = lint(tmp_path)
    assert result.exit_code == 2 and "rulebook.yaml" in result.stderr


def test_every_verb_has_help() -> None:
    result = CliRunner().invoke(cli, ["lint", "--help"])
    assert result.exit_code == 0 and "PATHS" in result.output
