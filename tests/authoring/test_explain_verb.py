"""`cds explain` shows why a rule decides a chart as it does; for what is not there it names the nearest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_example import TOE, chart, fracture, weight, write_chart
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *arguments])


def explained(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_verdict_comes_first_the_card_last(home: Path) -> None:
    assert explained("broken-and-heavy", "--chart", "toe").splitlines() == [
        "broken-and-heavy 1.2.0: TRUE  rules/small/contraindications/broken-and-heavy.yaml",
        "├── true     heavy     rule heavy 1.0.0",
        "│   └── true     weight >= 100 kg [1]  120 kg  29463-7, Observation/o1, 2026-02-20",
        "├── true     fracture  yes               125605004 Fracture of toe, Condition/c1, 2025-05-01",
        "└── true     not drug  none found        the record is complete: A call carries all orders [1].",
        'card: when_true ("On record: Fracture of toe")',
    ]


def test_an_open_question_is_asked_and_says_why(home: Path) -> None:
    write_chart(home, "no-fracture", chart(weight("o1", 120, "2026-02-20")))
    output = explained("broken-and-heavy", "--chart", "no-fracture")
    assert "└── UNKNOWN" not in output
    assert "├── UNKNOWN  fracture  not known" in output
    assert "│            ask: Is there a fracture?" in output
    assert "│            searched, but the record is partial: silence is no answer" in output
    assert output.endswith('card: when_unknown ("Ask about 1 thing(s)"), merged into together\n')


def test_rows_that_do_not_count_say_why(home: Path) -> None:
    old = weight("o0", 130, "2025-01-01")
    maybe = fracture("c2", "Perhaps a fracture") | {
        "verificationStatus": {"coding": [{"code": "provisional"}]}
    }
    write_chart(home, "older", chart(old, maybe))
    output = explained("broken-and-heavy", "--chart", "older")
    assert "not counted: 29463-7, Observation/o0, 2025-01-01: dated 2025-01-01" in output
    assert "searched, none on record" in output
    assert "undecided: 125605004 Perhaps a fracture, Condition/c2, 2025-05-01: marked as unsure" in output


def test_what_was_not_obtained_is_named_with_its_reason(home: Path) -> None:
    path = home / "fhir_fixtures" / "requests" / "toe.patient-view.json"
    path.parent.mkdir()
    call = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}, "conditions": None},
    }
    path.write_text(json.dumps(call))
    for name in ("toe.patient-view", path.as_posix()):
        output = explained("broken-and-heavy", "--request", name)
        assert "not obtained: observations-vital-signs (not-supplied)" in output
        assert "silence is no answer" in output


@pytest.mark.parametrize(
    ("resources", "hook", "told"),
    [
        ([], "patient-view", "card: none (when_unknown is hidden: only_if heavy is unknown)"),
        ([weight("o1", 50, "2026-02-20")], "patient-view", "card: none (when_false is silent)"),
    ],
)
def test_the_reason_for_no_card_is_told(home: Path, resources: list[Any], hook: str, told: str) -> None:
    write_chart(home, "case", chart(*resources))
    assert explained("broken-and-heavy", "--chart", "case", "--hook", hook).endswith(told + "\n")


def test_a_patient_who_died_gets_no_card(home: Path) -> None:
    dead = json.loads(json.dumps(TOE))
    dead["entry"][0]["resource"]["deceasedBoolean"] = True
    write_chart(home, "dead", dead)
    output = explained("broken-and-heavy", "--chart", "dead")
    assert output.endswith(
        'card: none (the patient has died; otherwise when_true ("On record: Fracture of toe"))\n'
    )


def test_a_draft_rule_is_explained_and_says_that_it_shows_nothing(home: Path) -> None:
    write_chart(home, "two", chart(fracture("c1"), fracture("c2")))
    output = explained("tried-out", "--chart", "two")
    assert "tried-out 0.1.0: TRUE" in output
    assert 'card: none (status draft shows nothing; otherwise when_true ("at least 2 fractures"))' in output


def test_a_rule_without_hooks_is_explained(home: Path) -> None:
    output = explained("heavy", "--chart", "toe")
    assert output.splitlines()[0].startswith("heavy 1.0.0: TRUE")
    assert output.endswith("card: none (the rule names no hook)\n")


def test_a_rule_is_explained_on_a_hook_it_is_not_for(home: Path) -> None:
    output = explained("tried-out", "--chart", "toe", "--hook", "order-select")
    assert output.endswith("card: none (the rule is for patient-view, this is order-select)\n")


def test_the_day_may_be_given(home: Path) -> None:
    assert "heavy 1.0.0: UNKNOWN" in explained("heavy", "--chart", "toe", "--today", "2026-05-01")


def test_words_of_a_chart_cannot_command_a_terminal(home: Path) -> None:
    write_chart(home, "hostile", chart(fracture("c1", "\x1b[31mred\nCondition [bold]x[/bold]")))
    output = explained("tried-out", "--chart", "hostile")
    assert "\x1b" not in output
    assert "125605004 [31mred Condition [bold]x[/bold]" in output


def test_the_same_explanation_is_json_for_programs(home: Path) -> None:
    told = json.loads(explained("broken-and-heavy", "--chart", "toe", "--format", "json"))
    assert (told["verdict"], told["missing"], told["hook"]) == ("true", [], "patient-view")
    heavy, broken, drug = told["criteria"]
    assert heavy["children"][0]["seen"][0]["reference"] == "Observation/o1"
    assert broken["seen"] == [
        {"reference": "Condition/c1", "day": "2025-05-01", "code": "125605004", "words": "Fracture of toe"}
    ]
    assert drug["text"] == "not drug"
    assert told["card"] == {"outcome": "when_true", "shown": True, "summary": "On record: Fracture of toe"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("broken-or-heavy", "--chart", "toe"), "did you mean 'broken-and-heavy'?"),
        (("heavy", "--chart", "tow"), "did you mean 'toe'?"),
        (("heavy", "--request", "toe"), "holds none"),
        (("heavy", "--chart", "toe", "--hook", "patient-vew"), "did you mean 'patient-view'?"),
        (("heavy",), "one of --chart NAME and --request NAME"),
        (("heavy", "--chart", "toe", "--request", "toe"), "one of --chart NAME and --request NAME"),
        (("heavy", "--request", "toe", "--hook", "patient-view"), "names its own hook"),
        (("heavy", "--chart", "toe", "--today", "soon"), "--today"),
        (("heavy", "--chart", "toe", "--rules", "nowhere"), "no rulebook in nowhere"),
    ],
)
def test_wrong_use_says_what_to_try(home: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_a_chart_may_be_given_by_its_path(home: Path) -> None:
    assert "TRUE" in explained("heavy", "--chart", "fhir_fixtures/charts/toe.json")
