"""What a site changed is seen by everybody: explained, tested, formatted, served under another digest."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli
from cds_service.rulebook.load import check_rulebook, load_rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

ROOT = Path(__file__).parents[2]
LOCAL = Path("rules/local/small.yaml")
HEAD = "overlay: small\nowner: site@example.org\n"
TESTS = """\
rule: broken-and-heavy
today: 2026-03-01

tests:
  - name: the site's own case
    chart: toe
    expect: true
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def change(text: str, path: Path = LOCAL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def lighter(home: Path) -> Path:
    """A source of local policy, a number of it in the rule, and another number here."""
    heavy = home / "rules/small/definitions/heavy.yaml"
    heavy.write_text(heavy.read_text().replace("within: 30 days", "within: 60 days"))
    change(
        HEAD + 'numbers:\n  - {rule: heavy, shipped: "weight >= 100 kg [1]", local: "weight >= 50 kg [1]"}\n'
    )
    return home


def chart(home: Path) -> str:
    return next(path.stem for path in sorted((home / "fhir_fixtures/charts").glob("*.json")))


def test_an_explanation_marks_the_line_that_was_changed(lighter: Path) -> None:
    result = run("explain", "heavy", "--chart", chart(lighter))
    assert result.exit_code == 0, result.output
    told = 'local: "weight >= 50 kg [1]", shipped as "weight >= 100 kg [1]" (rules/local/small.yaml:4:5)'
    assert told in result.output
    body = json.loads(run("explain", "heavy", "--chart", chart(lighter), "--format", "json").output)
    assert told in body["criteria"][0]["notes"]


def test_an_explanation_marks_a_changed_value_set(home: Path) -> None:
    change(HEAD + 'valuesets: {body-weight: {add: [{system: loinc, code: "3141-9"}]}}\n')
    output = run("explain", "heavy", "--chart", chart(home)).output
    assert "local: loinc 3141-9 added to body-weight (rules/local/small.yaml:3:" in output


def test_without_changes_an_explanation_says_nothing_of_them(home: Path) -> None:
    assert "local:" not in run("explain", "heavy", "--chart", chart(home)).output


def test_a_site_tests_its_changes_in_place_of_the_shipped_tests(home: Path) -> None:
    assert run("test").output == "9 passed, 0 failed\n"
    change(TESTS, Path("rules/local/small/broken-and-heavy.test.yaml"))
    assert run("test", "-k", "site's own").output == "1 passed, 0 failed\n"
    assert run("test").output == "1 passed, 0 failed\n"
    for path in ("rules/local/small", "rules/local/small/broken-and-heavy.test.yaml"):
        assert run("test", path).output == "1 passed, 0 failed\n"


def test_a_mistake_in_an_overlay_is_linted_with_its_place(home: Path) -> None:
    change(HEAD + "valuesets: {body-weigt: {}}\n")
    result = run("lint")
    assert result.exit_code == 1
    assert "rules/local/small.yaml:3:" in result.output
    assert "did you mean 'body-weight'?" in result.output


def test_an_overlay_is_formatted_with_its_rulebook(home: Path) -> None:
    change("owner: me\noverlay: 'small'\n")
    assert run("fmt", "--check").exit_code == 1
    assert run("fmt", str(LOCAL)).exit_code == 0
    assert LOCAL.read_text() == "overlay: small\nowner: me\n"


def test_the_service_says_by_its_digest_that_the_rules_are_local(lighter: Path) -> None:
    def digest() -> str:
        body = create_app(Settings(rules=Path("rules"))).test_client().get("/readyz").get_json()
        return str(body["rulebooks"][0]["digest"])

    local = digest()
    LOCAL.unlink()
    assert digest() != local


def test_the_crisis_line_of_the_shipped_rules_can_be_said_for_another_country(tmp_path: Path) -> None:
    for name in ("ketamine-trd", "terminology"):
        shutil.copytree(ROOT / "rules" / name, tmp_path / "rules" / name)
    line = "Crisis line: call 116 123 [13]."
    text = f'overlay: ketamine-trd\nowner: me\nwording: {{crisis-line: "{line}"}}\n'
    change(text, tmp_path / "rules/local/ketamine-trd.yaml")
    book = load_rulebook(tmp_path / "rules/ketamine-trd")
    lines = [one.text for rule in book.rules for card in rule.cards.when_true for one in card.detail]
    assert not any("988" in text for text in lines)
    assert sum(line in text for text in lines) == len([text for text in lines if "Crisis line" in text]) > 1


def test_the_example_of_the_page_is_a_sound_overlay(tmp_path: Path) -> None:
    for name in ("ketamine-trd", "terminology"):
        shutil.copytree(ROOT / "rules" / name, tmp_path / "rules" / name)
    page = (ROOT / "docs/local-overlay.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    change(example, tmp_path / "rules/local/ketamine-trd.yaml")
    book, problems = check_rulebook(tmp_path / "rules/ketamine-trd")
    assert [str(problem) for problem in problems] == []
    assert book is not None
    assert {one.target for one in book.local} >= {
        "ketamine-treatment-procedure",
        "monitoring-urinary-and-cognitive",
        "suicidality-critical",
    }
