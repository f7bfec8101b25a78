"""An edit of a rule, replayed: exactly the charts whose cards change are named, each with what decided it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from replay_example import (
    CALL,
    chart,
    commit_all,
    edit,
    fracture,
    git,
    impact,
    replay,
    replayed,
    weight,
    write_call,
    write_chart,
)

HEAVY = "definitions/heavy.yaml"
BROKEN = "contraindications/broken-and-heavy.yaml"


@pytest.fixture
def repository(home: Path) -> Path:
    """Three charts (120, 105 and 60 kg, all with a fracture), committed."""
    write_chart(home, "middling", chart(fracture("c1"), weight("o1", 105, "2026-02-20")))
    write_chart(home, "slight", chart(fracture("c1"), weight("o1", 60, "2026-02-20")))
    commit_all(home)
    return home


def test_the_charts_whose_cards_change_are_named_and_no_others(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    found = impact("--against", "HEAD")
    assert found["callsWithCardChanges"] == ["middling.patient-view"]
    assert found["replayed"] == 3
    kinds = {(one["rule"], one["call"]): one["kind"] for one in found["changes"]}
    assert kinds == {
        ("heavy", "middling.patient-view"): "verdict",
        ("broken-and-heavy", "middling.patient-view"): "removed",
    }


def test_the_deciding_criterion_is_shown_before_and_after(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    text = replayed("--against", "HEAD")
    assert "middling.patient-view  true → false" in text
    told = "weight >= 100 kg [1] is true (105 kg) → weight >= 110 kg [1] is false (105 kg)"
    assert f"      {told}" in text
    assert f"      in heavy: {told}" in text
    assert "      - [critical] On record: Fracture of toe" in text


def test_the_edited_rule_comes_first(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    found = impact("--against", "HEAD")
    assert found["edited"] == ["heavy"]
    assert [one["rule"] for one in found["changes"]] == ["heavy", "broken-and-heavy"]


def test_a_card_that_appears_is_added(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 50 kg")
    (card,) = [one for one in impact("--against", "HEAD")["changes"] if one["kind"] != "verdict"]
    assert (card["call"], card["kind"], card["before"]["card"]) == ("slight.patient-view", "added", None)
    assert card["after"]["card"]["indicator"] == "critical"


def test_tone_and_words_are_told_apart(repository: Path) -> None:
    edit(repository, BROKEN, "So it is [1].", "So it seems [1].")
    assert {one["kind"] for one in impact("--against", "HEAD")["changes"]} == {"words"}
    assert "detail: So it [-is-]{+seems+} [1]" in replayed("--against", "HEAD")
    edit(repository, BROKEN, "indicator: critical", "indicator: warning")
    assert {one["kind"] for one in impact("--against", "HEAD")["changes"]} == {"tone"}
    assert "tone: critical → warning" in replayed("--against", "HEAD")


def test_a_card_beside_its_words_may_change_too(repository: Path) -> None:
    path = repository / "rules" / "small" / "override-reasons.yaml"
    path.write_text(path.read_text().replace("It is not so", "It is otherwise"))
    assert {one["kind"] for one in impact("--against", "HEAD")["changes"]} == {"beside"}


def test_a_new_version_number_alone_changes_nobodys_card(repository: Path) -> None:
    edit(repository, BROKEN, "version: 1.2.0", "version: 1.3.0")
    found = impact("--against", "HEAD", code=0)
    assert (found["changes"], found["edited"]) == ([], ["broken-and-heavy"])


def test_where_a_verdict_stays_the_reason_for_the_card_is_told(repository: Path) -> None:
    write_chart(repository, "unhurt", chart(weight("o1", 120, "2026-02-20")))
    edit(repository, BROKEN, "    only_if: heavy\n", "    hide_if: heavy\n")
    text = replayed("--against", "HEAD")
    assert "was card: when_unknown" in text
    assert "now card: none (when_unknown is hidden: hide_if heavy is true)" in text


def test_a_changed_value_set_counts(repository: Path) -> None:
    edit(repository, "valuesets/fracture.yaml", '"125605004"', '"71620000"')
    found = impact("--against", "HEAD")
    assert found["callsWithCardChanges"] == ["middling.patient-view", "toe.patient-view"]
    assert found["edited"] == []


def test_a_new_rule_and_one_that_is_gone_are_not_evaluated_elsewhere(repository: Path) -> None:
    edit(repository, BROKEN, "status: active", "status: draft")
    found = impact("--against", "HEAD")
    assert {one["rule"]: one["after"] for one in found["changes"]}["broken-and-heavy"] is None
    assert "true → not evaluated" in replayed("--against", "HEAD")


def test_the_same_rules_change_nothing(repository: Path) -> None:
    assert replayed("--against", "HEAD", code=0) == (
        f"HEAD ({git(repository, 'rev-parse', 'HEAD')[:10]}) → rules: 3 calls replayed, nothing changes\n"
    )


def test_a_call_that_cannot_be_replayed_fails_also_under_the_same_rules(repository: Path) -> None:
    (repository / "fhir_fixtures" / "charts" / "bad.json").write_text("{")
    told = replayed("--against", "HEAD")
    assert "4 calls replayed, nothing changes, 1 could not be replayed\n" in told
    assert "1 could not be replayed" in replayed()
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    assert [one["call"] for one in impact("--against", "HEAD")["failures"]] == ["bad.patient-view"]


def test_a_folder_may_be_compared_with(repository: Path, tmp_path: Path) -> None:
    (repository / "rules").rename(repository / "before")
    git(repository, "checkout", "-q", "--", "rules")
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    for folder in ("before", "before/small"):
        found = impact("--against", folder)
        assert (found["before"], found["callsWithCardChanges"]) == (folder, ["middling.patient-view"])


def test_one_rulebook_of_a_revision_comes_with_its_drug_table(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    write_call(repository)
    found = impact("--against", "HEAD", "--rules", "rules/small")
    assert found["callsWithCardChanges"] == ["middling.patient-view"]


def test_the_work_tree_and_the_index_are_left_alone(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    (repository / "new").write_text("not committed")
    before = git(repository, "status", "--porcelain")
    replayed("--against", "HEAD")
    assert git(repository, "status", "--porcelain") == before
    assert git(repository, "stash", "list") == git(repository, "worktree", "list").partition("\n")[2] == ""


def test_two_processes_say_what_one_says_and_twice_the_same(repository: Path) -> None:
    edit(repository, HEAVY, ">= 100 kg", ">= 50 kg")
    one = replayed("--against", "HEAD", "--jobs", "1")
    assert one == replayed("--against", "HEAD", "--jobs", "2") == replayed("--against", "HEAD", "--jobs", "1")


def test_markdown_is_a_table_with_nothing_of_a_chart_that_is_markup(repository: Path) -> None:
    write_chart(repository, "odd", chart(fracture("c1", "a|b `x` <b>"), weight("o1", 105, "2026-02-20")))
    edit(repository, HEAVY, ">= 100 kg", ">= 110 kg")
    text = replayed("--against", "HEAD", "--format", "markdown")
    assert "| middling.patient-view | card removed | true → false | weight \\>= 100 kg" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def test_html_needs_nothing_else_and_escapes_what_a_chart_says(repository: Path) -> None:
    write_chart(
        repository, "odd", chart(fracture("c1", "<script>x</script>"), weight("o1", 105, "2026-02-20"))
    )
    edit(repository, BROKEN, "On record:", "Found:")
    page = replayed("--against", "HEAD", "--format", "html")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<del>On record</del>" in page
    assert "<ins>Found</ins>" in page


def test_a_chart_that_cannot_be_replayed_is_told_and_fails(repository: Path) -> None:
    (repository / "fhir_fixtures" / "charts" / "bad.json").write_text("{")
    edit(repository, HEAVY, "Everybody.", "Everyone.")
    found = impact("--against", "HEAD")
    assert [one["call"] for one in found["failures"]] == ["bad.patient-view"]
    assert found["changes"] == []


def test_a_call_that_one_version_refuses_is_told(repository: Path) -> None:
    body = json.loads(json.dumps(CALL)) | {"prefetch": {"patient": CALL["prefetch"]["patient"]}}
    write_call(repository, "bare.order-select", body)
    edit(
        repository,
        BROKEN,
        "  all:\n    - heavy\n    - fracture\n    - not: drug",
        "  any:\n    - heavy\n    - fracture\n    - not: drug",
    )
    edit(repository, BROKEN, '"On record: {fracture.display}"', "Drug")
    edit(repository, BROKEN, "    only_if: heavy\n", "")
    (refused,) = impact("--against", "HEAD")["refused"]
    assert (refused["call"], refused["after"]) == ("bare.order-select", "")
    assert refused["before"].startswith("412: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--against", "nowhere"), "neither a folder nor a revision"),
        (("--against", "-x"), "neither a folder nor a revision"),
        (("--against", "HEAD", "--accept"), "without --against"),
        (("--format", "html"), "give --against REV"),
        (("--hook", "order-sing"), "no rule is for it"),
        (("rules", "--against", "HEAD"), "nothing to replay"),
        (("--against", "fhir_fixtures"), "no rulebook in fhir_fixtures"),
    ],
)
def test_wrong_use_ends_with_two(repository: Path, arguments: tuple[str, ...], told: str) -> None:
    result = replay(*arguments)
    assert (result.exit_code, told in result.output) == (2, True), result.output


def test_an_older_revision_this_version_cannot_read_is_wrong_use(repository: Path) -> None:
    edit(repository, HEAVY, "logic: weight", "logics: weight")
    git(repository, "commit", "-qam", "broken")
    git(repository, "checkout", "-q", "HEAD~1", "--", "rules")
    result = replay("--against", "HEAD")
    assert result.exit_code == 2
    assert "cannot be read by this version" in result.output
