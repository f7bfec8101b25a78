"""What is refused in a file is told once, and what only follows from it is not told at all."""

from __future__ import annotations

import pytest
from small_rulebook import OTHER_FILE, RULE_FILE, Builder

from cds_service.rulebook.files import SourcesFile, ValueSetFile
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shapewalk import keys_at


def codes(book: Builder) -> list[str]:
    return [problem.code for problem in book.problems()]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    give: count\n", "", ["schema/missing-key"]),
        ("    give: count\n", "    give:\n", ["schema/empty-value"]),
        ("    give: count\n", "    give: !!str count\n", ["schema/tag"]),
        ("    give: count\n", "    give: &x count\n", ["schema/anchor"]),
        ("    view: blood_pressure\n", "    viw: blood_pressure\n", ["schema/bad-fact"]),
        ("  score:\n    ask", "  Score:\n    ask", ["schema/bad-form"]),
        ("cards:\n", "card:\n", ["schema/missing-key", "schema/unknown-key"]),
        ("data:\n", "dat:\n", ["schema/missing-key", "schema/unknown-key"]),
        ("evidence:\n", "evidenc:\n", ["schema/missing-key", "schema/unknown-key"]),
        ("logic:\n", "logik:\n", ["schema/missing-key", "schema/unknown-key"]),
        ("    strength: regulatory\n", "", ["schema/missing-key"]),
        ("  - source: 1\n", "  - source: one\n", ["schema/wrong-type"]),
        ("    - not: illness\n", "    - not: [illnes s]\n", ["schema/bad-criterion"]),
        ("    - not: illness\n", "    - not: []\n", ["schema/empty-value"]),
        ("    - not: illness\n", "    - {}\n", ["schema/bad-logic"]),
        ("    - not: illness\n", "    - 3\n", ["schema/wrong-type"]),
        ('        of: ["score >= 10 [2]", other]\n', "", ["schema/missing-key"]),
        ("    source: 1\n    merge", "    merge", ["schema/missing-key"]),
        ('of: ["score >= 10 [2]", other]', 'of: ["score >= 10 [2]", otter]', ["data/undefined-fact"]),
        ("rule: raised-pressure\n", "", ["schema/missing-key"]),
        ("  when_unknown:\n", "  when_unknow:\n", ["schema/missing-key", "schema/unknown-key"]),
        (
            "    where: {clinicalStatus: [active, relapse]}\n",
            "    where: {clinicalStatus: {absent: true}}\n",
            [],
        ),
        (
            "    where: {clinicalStatus: [active, relapse]}\n",
            "    where: {clinicalStatus: {absent: false}}\n",
            ["schema/not-a-choice"],
        ),
    ],
)
def test_one_mistake_has_no_echoes(book: Builder, old: str, new: str, expected: list[str]) -> None:
    book.change(RULE_FILE, old, new)
    assert sorted(codes(book)) == expected


def test_a_broken_rule_does_not_make_the_rules_that_use_it_wrong(book: Builder) -> None:
    book.write(OTHER_FILE, "rule: [\n")
    assert codes(book) == ["schema/syntax"]


def test_a_broken_file_of_sources_does_not_make_every_citation_wrong(book: Builder) -> None:
    book.write("sources.yaml", "1: [\n")
    assert codes(book) == ["schema/syntax"]


def test_mistakes_in_several_files_are_told_in_one_run(book: Builder) -> None:
    book.change(OTHER_FILE, "status: active", "status: on")
    book.change(RULE_FILE, "- age >= 18 [1]", "- age >= 18")
    book.change("sources.yaml", "kind: review", "kind: revue")
    book.change("valuesets/score.yaml", "owner: test@example.org\n", "")
    files = [problem.place.file.removeprefix(f"{book.folder}/") for problem in book.problems()]
    assert files == [RULE_FILE, OTHER_FILE, "sources.yaml", "valuesets/score.yaml"]


def test_the_second_mistake_of_a_card_is_told_beside_the_first(book: Builder) -> None:
    book.change(RULE_FILE, "    indicator: warning\n", "    indicator: red\n")
    book.change(RULE_FILE, "Measured {bp.date}", "Measured {bq.date}")
    assert codes(book) == ["schema/not-a-choice", "card/unknown-placeholder"]


def test_a_place_after_a_refused_item_is_still_right(book: Builder) -> None:
    book.change(RULE_FILE, "    - age >= 18 [1]\n", "    - age is 18\n")
    book.change(RULE_FILE, "    - visits >= 1\n", "    - visits >= 7\n")
    first, second = book.problems()
    assert book.at(first) == "age is 18" and book.at(second) == "visits >= 7"


@pytest.mark.parametrize(
    ("model", "loc", "some"),
    [
        (Rule, (), "evidence"),
        (Rule, ("data", "age", "<find>"), "code_in"),
        (Rule, ("data", "age", "<view>"), "with"),
        (Rule, ("cards", "when_true", 0, "detail", 0), "only_if"),
        (Rule, ("cards", "when_true", 0, "only_if", "<at_least>", "at_least"), "of"),
        (Rule, ("logic", "<all>", "all", 0, "<not>"), "not"),
        (SourcesFile, (3,), "cite"),
        (ValueSetFile, ("include", 0, "<starts_with>"), "starts_with"),
    ],
)
def test_the_known_keys_of_every_place_can_be_found(
    model: type[Rule], loc: tuple[str | int, ...], some: str
) -> None:
    assert some in keys_at(model, loc)


ILLNESS, PRESSURE = "    ask: Is the illness on the problem list?\n", "    view: blood_pressure\n"
FIND, CODES, GIVE = "    find: Condition\n", "    code_in: illness\n", "    give: exists\n"
CLAIM, CITED, TYPE = "    claim: Above 140 is raised.\n", "  - source: 2\n", "          - type: create\n"
CODE_TYPO = (CODES, "    code_in: ilness\n", "data/unknown-valueset")
VIEW_TYPO = (PRESSURE, "    view: blood_presure\n", "data/view-unknown")
TEMPLATE_TYPO = ("{template: visit}", "{template: visti}", "data/unknown-template")
SOURCE_TYPO = (CITED, "  - source: 9\n", "evidence/unknown-source")
WHERE_TYPO = ("{clinicalStatus: [active, relapse]}", "{clinicalState: [active]}", "data/unknown-element")


@pytest.mark.parametrize(
    ("refused", "beside"),
    [
        ((FIND, "    find: Conditon\n", "data/unknown-type"), CODE_TYPO),
        ((GIVE, "", "schema/missing-key"), CODE_TYPO),
        ((GIVE, "    give: exsits\n", "schema/bad-give"), CODE_TYPO),
        ((GIVE, "", "schema/missing-key"), WHERE_TYPO),
        ((GIVE, "", "schema/missing-key"), (FIND, "    find: Conditon\n", "data/unknown-type")),
        ((FIND, "", "schema/bad-fact"), CODE_TYPO),
        ((FIND, FIND + PRESSURE, "schema/bad-fact"), CODE_TYPO),
        ((ILLNESS, "", "schema/missing-key"), CODE_TYPO),
        (("    give: latest reading\n", "    give: latest\n", "schema/bad-give"), VIEW_TYPO),
        (("    unit: mm[Hg]\n", "    units: mm[Hg]\n", "schema/unknown-key"), VIEW_TYPO),
        ((CLAIM, "", "schema/missing-key"), SOURCE_TYPO),
        (("    direction: against\n", "    direction: agin\n", "schema/not-a-choice"), SOURCE_TYPO),
        ((CLAIM, "", "schema/missing-key"), ("age >= 18 [1]", "age >= 18 [7]", "evidence/unknown-source")),
        ((TYPE, TYPE.replace("create", "creat"), "schema/not-a-choice"), TEMPLATE_TYPO),
        (
            ("      - label: Plan a visit\n        actions", "      - actions", "schema/missing-key"),
            TEMPLATE_TYPO,
        ),
        (("    indicator: warning\n", "    indicator: red\n", "schema/not-a-choice"), TEMPLATE_TYPO),
    ],
)
def test_what_is_refused_hides_no_other_mistake_beside_it(
    book: Builder, refused: tuple[str, str, str], beside: tuple[str, str, str]
) -> None:
    for old, new, _ in (beside, refused):
        book.change(RULE_FILE, old, new)
    assert {refused[2], beside[2]} <= set(codes(book))


def test_a_claim_is_looked_up_where_the_rulebook_keeps_a_table(book: Builder) -> None:
    book.change(RULE_FILE, CLAIM, CLAIM + "    claims: [K01, K09, S01]\n")
    assert codes(book) == []
    book.write("claims.yaml", "known: {K: 2}\n")
    first, second = book.problems()
    assert (first.code, book.at(first)) == ("evidence/unknown-claim", "K09, S01]")
    assert "claims.yaml has no claim K09" in first.message and "K0" in first.hint
    assert (second.code, book.at(second)) == ("evidence/unknown-claim", "S01]")
    book.write("claims.yaml", "known: {X: 2}\n")
    assert codes(book) == ["schema/not-a-choice"]
