"""What a site changed is seen by everybody: explained, tested, formatted, served under another digest."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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


def commit(home: Path) -> None:
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "as it was")):
        name = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")
        subprocess.run(["git", *name, *words], cwd=home, check=True)


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


REWORDED = (
    HEAD
    + "numbers:\n"
    + '  - {rule: broken-and-heavy, fact: weight, shipped: "30 days [1]", local: "60 days [1]"}\n'
    + "texts:\n"
    + '  - {rule: broken-and-heavy, shipped: "Within 30 days [1].", local: "Within 60 days [1]."}\n'
    + '  - {rule: broken-and-heavy, shipped: "Is there one of 30 days?", local: "Is there one of 60 days?"}\n'
    + "  - rule: broken-and-heavy\n"
    + "    shipped: All 30 days are kept [1].\n"
    + "    local: All 30 days are kept [1].\n"
)


@pytest.fixture
def reworded(home: Path) -> Path:
    """A rule that says its number in its card and its questions, and a site that says another."""
    rule = home / "rules/small/contraindications/broken-and-heavy.yaml"
    text = rule.read_text().replace("So it is [1].", "Within 30 days [1].")
    text = text.replace(
        "  drug:\n",
        "  weight:\n    ask: Is there one of 30 days?\n    find: Observation\n    code_in: body-weight\n"
        "    within: 30 days [1]\n    give: exists\n    record: complete\n"
        "    because: All 30 days are kept [1].\n  drug:\n",
    )
    rule.write_text(text.replace("    - fracture\n", "    - fracture\n    - weight\n", 1))
    change(REWORDED)
    return home


def test_an_explanation_marks_the_words_that_were_changed_in_lines_and_card(reworded: Path) -> None:
    output = run("explain", "broken-and-heavy", "--chart", chart(reworded)).output
    place = "(rules/local/small.yaml:"
    assert f"local words in detail: Within [-30-]{{+60+}} days [1]. {place}6:" in output
    assert f"local words in ask: Is there one of [-30-]{{+60+}} days? {place}7:" in output
    assert "words in because" not in output, "it was given, and stays as it was"
    shown = run("explain", "broken-and-heavy", "--chart", chart(reworded), "--card").output
    assert "local words in detail" in shown
    body = json.loads(
        run("explain", "broken-and-heavy", "--chart", chart(reworded), "--format", "json").output
    )
    (note,) = body["card"]["notes"]
    assert note.startswith("local words in detail")


def test_words_of_another_card_are_not_marked(reworded: Path) -> None:
    path = reworded / "fhir_fixtures/charts/toe.json"
    body = json.loads(path.read_text())
    body["entry"] = [one for one in body["entry"] if one["resource"]["resourceType"] != "Observation"]
    path.write_text(json.dumps(body))
    output = run("explain", "broken-and-heavy", "--chart", "toe").output
    assert "words in ask" in output
    assert "words in detail" not in output


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


@pytest.mark.parametrize("named", ["rules/local/small.yaml", "rules/local"])
def test_an_overlay_can_be_linted_alone(home: Path, named: str) -> None:
    change(HEAD + "valuesets: {body-weigt: {}}\n")
    rule = home / "rules/small/definitions/heavy.yaml"
    rule.write_text(rule.read_text().replace("code_in: body-weight", "code_in: no-such-set"))
    result = run("lint", named)
    assert result.exit_code == 1
    assert "rules/local/small.yaml:3:" in result.output
    assert "heavy.yaml" not in result.output
    assert "heavy.yaml" in run("lint").output


def test_an_overlay_can_be_linted_where_it_lies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(HEAD + "valuesets: {body-weigt: {}}\n")
    monkeypatch.chdir(home / "rules/local")
    result = run("lint", "small.yaml")
    assert result.exit_code == 1
    assert "small.yaml:3:" in result.output


def test_an_overlay_of_no_rulebook_is_wrong_use(home: Path) -> None:
    change(HEAD, Path("rules/local/other.yaml"))
    assert run("lint", "rules/local/other.yaml").exit_code == 2


def test_what_a_site_changes_is_no_new_version_of_a_rule(lighter: Path) -> None:
    overlay = LOCAL.read_text()
    LOCAL.unlink()
    commit(lighter)
    change(overlay)
    told = run("lint", "--against", "HEAD", "--format", "json")
    codes = {one["code"] for one in json.loads(told.output)["problems"]}
    assert "identity/version-not-bumped" not in codes
    heavy = lighter / "rules/small/definitions/heavy.yaml"
    heavy.write_text(heavy.read_text().replace("within: 60 days", "within: 61 days"))
    told = run("lint", "--against", "HEAD", "--format", "json")
    assert "identity/version-not-bumped" in {one["code"] for one in json.loads(told.output)["problems"]}


def test_replay_of_one_rulebook_takes_the_changes_of_both_versions(lighter: Path) -> None:
    change(LOCAL.read_text().replace("50 kg", "130 kg"))
    commit(lighter)
    told = run("replay", "--against", "HEAD", "--rules", "rules/small")
    assert told.exit_code == 0, told.output
    LOCAL.unlink()
    told = run("replay", "--against", "HEAD", "--rules", "rules/small")
    assert "weight >= 130 kg [1] is false (120 kg) → weight >= 100 kg [1] is true" in told.output


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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped rules with the example of the page, in a working directory; where the overlay stands."""
    for name in ("ketamine-trd", "terminology"):
        shutil.copytree(ROOT / "rules" / name, tmp_path / "rules" / name)
    page = (ROOT / "docs/local-overlay.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    path = Path("rules/local/ketamine-trd.yaml")
    change(example, path)
    return path


def dialling(path: Path, line: str, remark: str = "") -> list[str]:
    """What `cds lint` says, a line each, where the crisis line is said so."""
    said = re.sub(r"crisis-line: .*", f"crisis-line: {json.dumps(line)}{remark}", path.read_text())
    change(said, path)
    result = run("lint", "--format", "compact", "--persona", "auditor")
    return [one for one in result.output.splitlines() if not one.startswith("set aside: rules/ketamine")]


def test_the_example_of_the_page_is_a_sound_overlay(site: Path) -> None:
    book, problems = check_rulebook(Path("rules/ketamine-trd"))
    assert [str(problem) for problem in problems] == []
    assert book is not None
    assert {one.target for one in book.local} >= {
        "ketamine-treatment-procedure",
        "monitoring-urinary-and-cognitive",
        "suicidality-critical",
    }
    assert run("lint", "--persona", "auditor", "--fail-level", "warning").exit_code == 0


@pytest.mark.parametrize("number", ["116 123", "0800 1110111", "13 11 14", "0800-111 0 111, day or night"])
def test_no_claim_has_to_hold_a_telephone_number(site: Path, number: str) -> None:
    (told,) = dialling(site, f"Call {number} [13].")
    assert told.startswith("clean: ")


@pytest.mark.parametrize(("amount", "said"), [("999 mg", "999 mg"), ("1234567 days", "1234567 days")])
def test_an_amount_in_a_phrase_is_no_telephone_number(site: Path, amount: str, said: str) -> None:
    told, *_ = dialling(site, f"Call 116 123, not above {amount} [13].")
    assert told.startswith(f"{site}:") and f": {said} stands in no claim of [13]" in told


def test_a_remark_in_an_overlay_sets_aside_what_is_found_on_its_line(site: Path) -> None:
    remark = "  # cds: ignore[evidence/text-number-not-in-claim] our own policy"
    (aside, last) = dialling(site, "Call 116 123, not above 999 mg [13].", remark)
    assert aside.startswith(f"set aside: {site}:") and aside.endswith(": our own policy")
    assert last.startswith("clean: ")
    told, *_ = dialling(site, "Call 116 123 [13].", remark)
    assert told.startswith(f"{site}:") and "finds nothing in this line" in told


def test_a_committee_is_told_what_a_site_takes_out(site: Path) -> None:
    taken = '\n  mao-inhibitor:\n    remove:\n      - {system: rxnorm, code: "8123"}REMARK\nnumbers:'
    text = site.read_text()

    def told(remark: str = "", persona: str = "auditor") -> list[str]:
        change(text.replace("\nnumbers:", taken.replace("REMARK", remark)), site)
        output = run("lint", "--format", "compact", "--persona", persona).output
        return [line for line in output.splitlines() if "[overlay/code-removed]" in line]

    (line,) = told()
    assert line.startswith(f"{site}:13:")
    assert "mao-inhibitor no longer holds rxnorm 8123 phenelzine" in line
    assert told(persona="regular") == []
    (line,) = told("  # cds: ignore[overlay/code-removed] our formulary has none")
    assert line.startswith(f"set aside: {site}:13:")
