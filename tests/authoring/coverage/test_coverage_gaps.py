"""`cds coverage` names each line of a rule that its tests leave untried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_example import TESTS, one_case, write_tests
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli

BOOK = Path("rules/small")
RULE = BOOK / "contraindications/broken-and-heavy.yaml"
HEAVY = BOOK / "definitions/heavy.yaml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["coverage", *arguments])


def gaps(rule: str = "broken-and-heavy") -> str:
    result = run("--rule", rule)
    assert result.exit_code == 1, result.output
    return result.output


def report(*arguments: str) -> dict[str, Any]:
    return json.loads(run("--format", "json", *arguments).output)


def test_a_criterion_that_was_never_false_is_named_with_its_line(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    assert f"{RULE}:33: heavy: never false or unknown\n" in gaps()


def test_a_criterion_that_cannot_be_false_need_not_be(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    assert f"{RULE}:34: fracture: never unknown\n" in gaps()


def test_a_criterion_on_which_no_verdict_hung_is_named(home: Path) -> None:
    write_tests(BOOK, one_case(given={"heavy": False, "drug": True}, expect=False))
    assert f"{RULE}:34: fracture: never unknown, no verdict hangs on it\n" in gaps()


def test_a_verdict_no_case_reaches_is_named(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    assert "when_unknown: no case reaches it" in gaps()


def test_a_card_no_case_shows_is_named(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    output = gaps()
    assert "Ask about {missing_count} thing(s): no case shows it" in output
    assert "On record" not in output


def test_a_line_under_a_condition_must_be_shown_and_hidden(home: Path) -> None:
    told = 'detail: [{text: "So it is [1].", only_if: drug}]'
    RULE.write_text(RULE.read_text().replace('detail: "So it is [1]."', told))
    assert "So it is [1].: never shown\n" in gaps()


def test_a_rule_without_tests_is_covered_by_nothing(home: Path) -> None:
    [rule] = report("--rule", "heavy")["rules"]
    assert (rule["cases"], rule["seen"]) == (0, 0)
    assert rule["wanted"] > 0


def test_both_sides_of_a_number_are_asked_for(home: Path) -> None:
    text = "rule: heavy\ntoday: 2026-03-01\ntests:\n"
    cases = "".join(
        f"  - {{name: weight {kg}, given: {{weight: {kg}}}, expect: {'true' if kg >= 100 else 'false'}}}\n"
        for kg in (100, 120)
    )
    HEAVY.with_name("heavy.test.yaml").write_text(text + cases)
    output = gaps("heavy")
    assert "weight >= 100 kg: no case tells it from weight >= 99 kg\n" in output
    assert "30 days: no case tells it from 29 days, 31 days\n" in output


def test_a_number_in_the_data_is_tried_by_charts(home: Path) -> None:
    text = """\
rule: heavy
today: 2026-03-01
tests:
  - {name: the last day, chart: toe, change: {Observation/o1/effectiveDateTime: "2026-01-30"}, expect: true}
  - {name: a day old, chart: toe, change: {Observation/o1/effectiveDateTime: "2026-01-29"}, expect: unknown}
"""
    HEAVY.with_name("heavy.test.yaml").write_text(text)
    assert "30 days" not in gaps("heavy")


def test_a_reason_on_the_line_excuses_what_cannot_be(home: Path) -> None:
    write_tests(BOOK, one_case(expect=True))
    excuse = "    - fracture  # cds: unreachable[unknown] nobody would ask\n"
    RULE.write_text(RULE.read_text().replace("    - fracture\n", excuse))
    assert "fracture: never" not in gaps()


@pytest.mark.parametrize(
    ("remark", "told"),
    [("[true] the case shows it", "excuses nothing"), ("[unknown]", "gives no reason")],
)
def test_an_excuse_that_excuses_nothing_is_a_finding(home: Path, remark: str, told: str) -> None:
    write_tests(BOOK, one_case(expect=True))
    RULE.write_text(
        RULE.read_text().replace("    - fracture\n", f"    - fracture # cds: unreachable{remark}\n")
    )
    assert told in gaps()


def test_a_failing_case_is_told_and_fails_the_run(home: Path) -> None:
    write_tests(BOOK, one_case(expect=False))
    result = run("--rule", "broken-and-heavy", "--fail-under", "0")
    assert result.exit_code == 1
    assert "the case 'the only case' fails; run cds test" in result.output


def test_enough_may_be_less_than_everything(home: Path) -> None:
    assert run("--rule", "broken-and-heavy", "--fail-under", "50").exit_code == 0


def test_the_codes_no_chart_holds_are_listed_on_request(home: Path) -> None:
    output = run("--codes", "--fail-under", "0").output
    assert "value set fracture: every code (1) in some chart\n" in output
    assert "value set sample-drug: 0 of 1 codes in some chart, in none: 161\n" in output


def test_the_json_says_which_case_showed_what(home: Path) -> None:
    write_tests(BOOK, TESTS)
    [rule] = report("--rule", "broken-and-heavy")["rules"]
    fracture = next(one for one in rule["targets"] if one["text"] == "fracture")
    assert "heavy with a fracture" in fracture["seen"]["true"]
    assert fracture["line"] == 34


def test_the_page_holds_the_rule_and_names_the_cases(home: Path) -> None:
    run("--html", "out.html", "--rule", "broken-and-heavy")
    text = Path("out.html").read_text()
    assert "<code>    - fracture</code>" in text
    assert "true: heavy with a fracture" in text
    assert "http" not in text.split("</style>")[0]


def test_an_unknown_rule_is_wrong_use_and_the_nearest_is_named(home: Path) -> None:
    result = run("--rule", "broken-and-havy")
    assert result.exit_code == 2
    assert "broken-and-heavy" in result.output


def test_a_mistake_in_a_test_file_is_a_finding_as_it_is_for_the_tests(home: Path) -> None:
    path = home / "rules/small/contraindications/broken-and-heavy.test.yaml"
    path.write_text(path.read_text().replace("expect: true", "expekt: true", 1))
    result = run()
    assert result.exit_code == 1
    assert "broken-and-heavy.test.yaml:" in result.output
    assert CliRunner().invoke(cli, ["test"]).exit_code == 1
