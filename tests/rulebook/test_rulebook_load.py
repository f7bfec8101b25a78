"""Loading: a clean rulebook, the order of its rules, its digest, and where rulebooks are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_rulebook import OTHER, OTHER_FILE, RULE, RULE_FILE, Builder, change

from cds_service.errors import RuleError
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.load import check_rulebook, find_rulebooks, load_rulebook
from cds_service.rulebook.rule import All, Not


def test_a_rulebook_without_mistakes_has_no_problems(book: Builder) -> None:
    assert book.problems() == ()


def test_a_loaded_rulebook_holds_every_file(book: Builder) -> None:
    loaded = book.load()
    assert loaded.id == "small"
    assert set(loaded.sources) == {1, 2, 3}
    assert set(loaded.override_reasons) == {"checked-in-chart", "remeasured-lower"}
    assert set(loaded.tables) == {"least-dose"} and set(loaded.templates) == {"visit"}
    assert "illness" in loaded.terminology.valuesets
    assert loaded.paths["raised-pressure"] == book.folder / RULE_FILE


def test_lists_of_criteria_mean_all(book: Builder) -> None:
    book.change(RULE_FILE, "    - not: illness\n", "    - [visits >= 1, {not: illness}]\n")
    logic = book.load().by_id["raised-pressure"].logic
    assert isinstance(logic, All)
    part = logic.all[2]
    assert isinstance(part, All) and isinstance(part.all[0], Criterion) and isinstance(part.all[1], Not)


def test_a_rule_stands_after_those_it_consumes(book: Builder) -> None:
    (book.folder / OTHER_FILE).rename(book.folder / "cautions" / "other-rule.yaml")
    book.write("definitions/a-rule.yaml", _named("a-rule", "raised-pressure"))
    order = [rule.rule for rule in book.load().rules]
    assert order == ["other-rule", "raised-pressure", "a-rule"]


def test_rules_without_conclusions_keep_the_order_of_folders_then_names(book: Builder) -> None:
    for folder in ("data-gaps", "zebra", "definitions", "suicidality"):
        for letter in ("b", "a"):
            name = f"{letter}-{folder}"
            text = change(OTHER, "rule: other-rule", f"rule: {name}")
            book.write(f"{folder}/{name}.yaml", change(text, "The other rule is true", f"Title of {name}"))
    order = [rule.rule for rule in book.load().rules]
    assert order == [
        "a-definitions",
        "b-definitions",
        "other-rule",
        "a-suicidality",
        "b-suicidality",
        "raised-pressure",
        "a-data-gaps",
        "b-data-gaps",
        "a-zebra",
        "b-zebra",
    ]


def _named(name: str, conclusion: str) -> str:
    """A rule that rests on another."""
    text = change(OTHER, "rule: other-rule", f"rule: {name}")
    text = change(text, "The other rule is true", f"Title of {name}")
    return change(
        text,
        "logic: age >= 18 [1]",
        f"  it:\n    ask: Does the rule hold?\n    conclusion: {conclusion}\nlogic: [it, 'age >= 18 [1]']",
    )


def test_a_cycle_is_refused_with_its_path(book: Builder) -> None:
    book.write("definitions/a.yaml", _named("a", "b"))
    book.write("definitions/b.yaml", _named("b", "c"))
    book.write("definitions/c.yaml", _named("c", "a"))
    (problem,) = book.problems()
    assert problem.code == "logic/conclusion-cycle"
    assert "a → b → c → a" in problem.message
    assert problem.place.file.endswith("c.yaml") and book.at(problem) == "a"


def test_a_rule_that_waits_for_itself_is_a_cycle(book: Builder) -> None:
    book.write("definitions/a.yaml", _named("a", "a"))
    (problem,) = book.problems()
    assert "a → a" in problem.message


def _told(name: str, conclusion: str) -> str:
    """A rule whose card, and only its card, names another rule's verdict."""
    text = change(OTHER, "rule: other-rule", f"rule: {name}")
    text = change(text, "The other rule is true", f"Title of {name}")
    text = change(
        text,
        "logic: age >= 18 [1]",
        f"  it:\n    ask: Does the rule hold?\n    conclusion: {conclusion}\nlogic: age >= 18 [1]",
    )
    start = text.index("cards:")
    keys = ("only_if: it", "indicator: info", "summary: It holds", "detail: It does [1].", "source: 1")
    card = "".join(f"\n    {key}" for key in keys)
    cards = (
        f"hooks: [patient-view]\ncards:\n  when_true:{card}\n  when_unknown: silent\n  when_false: silent\n"
    )
    return text[:start] + cards


def test_a_conclusion_only_a_card_names_makes_no_cycle(book: Builder) -> None:
    book.write("definitions/a.yaml", _told("a", "b"))
    book.write("definitions/b.yaml", _named("b", "a"))
    assert book.problems() == ()
    loaded = book.load()
    assert [rule.rule for rule in loaded.rules if rule.rule in "ab"] == ["a", "b"]
    assert {"a", "b"} <= {rule.rule for rule in loaded.for_hook("patient-view")}
    assert [rule.rule for rule in loaded.with_taken(["a"], "order-sign")] == ["a"]  # no card there


def test_tests_beside_rules_are_not_read_as_rules(book: Builder) -> None:
    book.write("cautions/raised-pressure.test.yaml", "rule: raised-pressure\n")
    book.write("claims.yaml", "known: {K: 2}\n")
    assert book.problems() == ()


def test_a_rulebook_with_problems_cannot_be_loaded(book: Builder) -> None:
    book.change(RULE_FILE, "status: active", "status: activ")
    with pytest.raises(RuleError) as refused:
        book.load()
    assert [problem.code for problem in refused.value.problems] == ["schema/not-a-choice"]


def test_a_missing_file_is_named(book: Builder) -> None:
    (book.folder / "sources.yaml").unlink()
    (problem,) = book.problems()
    assert "no sources.yaml" in problem.message


def test_a_missing_folder_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    loaded, problems = check_rulebook(tmp_path / "nowhere")
    assert loaded is None and problems[0].code == "schema/missing-folder"


def test_rulebooks_are_found_in_a_folder_and_as_the_folder(book: Builder) -> None:
    rules = book.folder.parent
    (rules / "terminology").mkdir()
    assert find_rulebooks(rules) == (book.folder,)
    assert find_rulebooks(book.folder) == (book.folder,)
    assert find_rulebooks(rules / "terminology") == ()


DRUGS = (
    "ingredient_rxcui,ingredient,rxcui,tty,name,strength,strength_unit\n"
    "36437,sertraline,312940,SCD,sertraline 50 MG Oral Tablet,50,MG\n"
)


def _drugs(book: Builder, text: str = DRUGS) -> None:
    path = book.folder.parent / "terminology" / "rxnorm.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_drug_table_is_read_from_beside_the_rulebook(book: Builder) -> None:
    _drugs(book)
    from cds_service.rulebook.terminology import Coded

    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    assert book.load().terminology.drug([Coded(rxnorm, "312940")]).ingredients[0].name == "sertraline"


def test_a_broken_drug_table_is_a_problem(book: Builder) -> None:
    _drugs(book, "nothing,useful\n1,2\n")
    assert [problem.code for problem in book.problems()] == ["terminology/bad-drug-table"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (RULE_FILE, "bp.systolic > 140", "bp.systolic > 141"),
        ("sources.yaml", "The label", "The other label"),
        ("rulebook.yaml", "version: 1.0.0", "version: 1.0.1"),
        ("override-reasons.yaml", "Checked in the chart", "Checked"),
        ("valuesets/illness.yaml", '"A"', '"B"'),
        ("tables/least-dose.yaml", "minimum: 20", "minimum: 21"),
        ("templates/visit.yaml", "status: draft", "status: active"),
    ],
)
def test_the_digest_changes_with_the_meaning_of_any_file(
    book: Builder, name: str, old: str, new: str
) -> None:
    before = book.load().digest
    book.change(name, old, new)
    assert book.load().digest != before


def test_the_digest_changes_with_the_drug_table(book: Builder) -> None:
    _drugs(book)
    before = book.load().digest
    _drugs(book, DRUGS.replace(",50,", ",100,"))
    assert book.load().digest != before


def test_the_digest_does_not_change_with_spaces_comments_or_line_ends(book: Builder) -> None:
    _drugs(book)
    before = book.load().digest
    book.change(RULE_FILE, "kind: caution", "kind:   caution   # said twice")
    path = book.folder / OTHER_FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    _drugs(book, DRUGS.replace("\n", "\r\n"))
    assert book.load().digest == before


def test_the_digest_does_not_change_with_the_order_files_are_written_in(
    book: Builder, tmp_path: Path
) -> None:
    again = Builder(tmp_path / "again" / "small")
    for path in sorted(book.folder.rglob("*.yaml"), reverse=True):
        again.write(path.relative_to(book.folder).as_posix(), path.read_text(encoding="utf-8"))
    assert again.load().digest == book.load().digest
    assert book.load().digest.startswith("sha256:")


def test_the_rules_of_this_project_load() -> None:
    folders = find_rulebooks(Path(__file__).parents[2] / "rules")
    assert folders
    for folder in folders:
        assert load_rulebook(folder).rules


def test_the_example_rule_is_the_one_the_tests_change(book: Builder) -> None:
    assert (book.folder / RULE_FILE).read_text(encoding="utf-8") == RULE
