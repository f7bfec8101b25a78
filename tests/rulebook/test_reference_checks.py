"""Each check between the files of a rulebook: refused where it should be, at the right place, once."""

from __future__ import annotations

import pytest
from small_rulebook import OTHER, OTHER_FILE, RULE_FILE, Builder, change, valueset

from cds_service.errors import Problem


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, "\n".join(f"{problem} [{problem.code}]" for problem in problems)
    return problems[0]


# One mistake each: what is changed in the rule, the code, what stands at the place, message and hint in part.
MISTAKES = [
    # facts and criteria
    ("- age >= 18 [1]", "- ages >= 18 [1]", "data/undefined-fact", "ages >= 18", "no fact 'ages'", "'age'"),
    ("- visits >= 1", "- visits", "logic/type-mismatch", "visits", "not a yes-no question", "visits >= 2"),
    (
        "- not: illness",
        "- illness >= 2 [2]",
        "logic/type-mismatch",
        "illness >= 2",
        "yes-no",
        "illness alone",
    ),
    ('"score >= 10 [2]", other]', '"score >= 10 [2]", other == 1]', "logic/type-mismatch", "other", "", ""),
    ("bp.systolic > 140 [1]", "bp > 140 [1]", "logic/type-mismatch", "bp > 140", "several", "bp.systolic"),
    ("bp.systolic > 140 [1]", "bp.sistolic > 140 [1]", "data/unknown-column", "bp.si", "", "'systolic'"),
    ("bp.systolic > 140 [1]", "bp.status > 140 [1]", "logic/type-mismatch", "bp.st", "not a number", ""),
    ("bp.systolic > 140 [1]", "bp.systolic", "logic/type-mismatch", "bp.sys", "not a yes-no", ""),
    ("- visits >= 1", "- visits.day >= 1", "logic/type-mismatch", "visits.day", "no columns", "without .day"),
    ("- age >= 18 [1]", "- age >= 18 months [1]", "logic/unit-mismatch", "age", "in years", "remove months"),
    ("< 4 weeks [2]", "< 4 [2]", "logic/unit-mismatch", "last_visit < 4 [2]", "is a date", "7 days"),
    ("< 4 weeks [2]", "< 4 kg [2]", "logic/unit-mismatch", "last_visit < 4 kg", "is a date", "7 days"),
    ("90 mm[Hg] [1]", "90 kPa [1]", "logic/unit-mismatch", "bp.dia", "in mm[Hg]", "remove kPa"),
    ("score >= 10 [2]", "score >= 10 kg [2]", "logic/unit-mismatch", '"score', "in {score}", "remove kg"),
    ("n: 1\n", "n: 3\n", "logic/impossible-count", "3", "at least 3 of 2", "2 or fewer"),
    (
        "conclusion: other-rule",
        "conclusion: other-rul",
        "data/unknown-conclusion",
        "other-rul",
        "",
        "'other-rule'",
    ),
    # sources of facts
    ("find: Condition", "find: Conditions", "data/unknown-type", "Conditions", "", "'Condition'"),
    ("view: blood_pressure", "view: bloodpressure", "data/view-unknown", "bloodp", "", "'blood_pressure'"),
    ("code_in: illness", "code_in: ilness", "data/unknown-valueset", "ilness", "no value set", "'illness'"),
    ("    code_in: score\n", "", "data/code-missing", "score:", "Observation needs", "code_in"),
    (
        "find: Encounter\n    give: count",
        "find: Encounter\n    code_in: score\n    give: count",
        "data/code-without-meaning",
        "score",
        "not found by code",
        "remove",
    ),
    (
        "{clinicalStatus: [",
        "{clinicalState: [",
        "data/unknown-element",
        "clinicalState",
        "",
        "'clinicalStatus'",
    ),
    (
        "[active, relapse]",
        "[activ, relapse]",
        "data/impossible-where",
        "activ",
        "never be 'activ'",
        "'active'",
    ),
    (
        "[provisional]",
        "{not: [refuted, provisonal]}",
        "data/impossible-where",
        "provisonal",
        "",
        "'provisional'",
    ),
    ("[active, relapse]", '">= 6 [2]"', "data/impossible-where", '">= 6', "not a number", "list"),
    ("[active, relapse]", "active", "schema/bad-comparison", "active", "", "[final, amended]"),
    (
        "{clinicalStatus: [",
        "{code: {in: illness, or_unreadable: true}, clinicalStatus: [",
        "data/impossible-where",
        "true}",
        "cannot pass unread",
        "second fact",
    ),
    (
        "    view: blood_pressure\n",
        "    view: blood_pressure\n    where: {systolic: {unreadable: true}}\n",
        "data/impossible-where",
        "{unreadable",
        "systolic holds no codes",
        "absent",
    ),
    ("[active, relapse]", "{in: ilness}", "data/unknown-valueset", "ilness", "", "'illness'"),
    ("date: [onset,", "date: [onset, start,", "data/unknown-element", "start", "no date 'start'", "known"),
    (
        "    find: Patient\n",
        "    find: Patient\n    within: 30 days [2]\n",
        "data/no-date",
        "within",
        "no date",
        "remove",
    ),
    (
        "    view: blood_pressure\n",
        "    view: blood_pressure\n    with: {a: 1}\n",
        "data/unknown-argument",
        "a",
        "",
        "known: ",
    ),
    ("give: latest value", "give: age", "data/impossible-give", "age", "cannot give age", "latest value"),
    ("give: latest reading", "give: latest value", "data/impossible-give", "latest value", "", ""),
    ("    record: partial\n", "", "data/record-undecided", "visits:", "nothing means", "record: complete"),
    (
        "    because: The list is reconciled at every visit [2].\n",
        "",
        "data/complete-without-because",
        "complete",
        "needs its reason",
        "because",
    ),
    ("    - visits >= 1\n", "", "", "", "", ""),
    # evidence
    ("- age >= 18 [1]", "- age >= 18", "evidence/number-without-citation", "age >= 18", "without its", "[n]"),
    ("- visits >= 1", "- visits >= 2", "evidence/number-without-citation", "visits >= 2", "", ""),
    (
        "date: [onset, recordedDate]\n    within: 30 days [2]",
        "within: 30 days",
        "evidence/number-without-citation",
        "30 days",
        "",
        "",
    ),
    ("- age >= 18 [1]", "- age >= 18 [3]", "evidence/citation-without-claim", "age", "source 3", "claim"),
    (
        '"Measured {bp.date} [1]."',
        '"Measured {bp.date} [3]."',
        "evidence/citation-without-claim",
        '"Mea',
        "",
        "",
    ),
    ("every visit [2].", "every visit [3].", "evidence/citation-without-claim", "The list", "", ""),
    # cards
    ("Measured {bp.date}", "Measured {bpp.date}", "card/unknown-placeholder", '"Mea', "{bpp.date}", "'bp'"),
    ("Measured {bp.date}", "Measured {bp.dat}", "card/unknown-placeholder", '"Mea', "{bp.dat}", "'date'"),
    ("visits {visits}", "visits {visits} {other.date}", "card/unknown-placeholder", '"Score', "", "no parts"),
    ("{missing_count}", "{missing_counts}", "card/unknown-placeholder", '"{miss', "", "'missing_count'"),
    ("label: Plan a visit", "label: Plan {a visit}", "card/unknown-placeholder", "Plan", "", ""),
    ("description: Plan a visit", "description: Plan {a}", "card/unknown-placeholder", "Plan", "", ""),
    ("item(s) missing", "item(s) missing" + "!" * 124, "card/summary-too-long", '"{miss', "140", "detail"),
    ("    override_reasons: [remeasured-lower]\n", "", "card/override-reasons-missing", "warning", "", ""),
    (
        "[remeasured-lower]",
        "[remeasured-low]",
        "card/unknown-override-reason",
        "remeasured-low",
        "",
        "lower'",
    ),
    ("{template: visit}", "{template: vist}", "data/unknown-template", "vist", "", "'visit'"),
    ("type: create", "type: delete", "card/action-not-whole", "delete", "needs no resource", "from: <fact>"),
    ("merge: before-start", "merge: before", "card/unknown-merge-group", "before", "", ""),
    (
        "hooks: [patient-view, ",
        "hooks: [patient-vew, ",
        "identity/unknown-hook",
        "patient-vew",
        "",
        "'patient-view'",
    ),
    (
        "hooks: [patient-view, ",
        "hooks: [order-review, ",
        "identity/unknown-hook",
        "order-review",
        "is not a hook",
        "it became order-sign",
    ),
    (
        "hooks: [patient-view, ",
        "hooks: [chart-close, ",
        "identity/unknown-hook",
        "chart-close",
        "is not a hook",
        "like org.example.hook",
    ),
    ("    hooks: [order-sign]\n", "    hooks: [order-select]\n", "card/never-shown", "order-select", "", ""),
]


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "message", "hint"),
    [case for case in MISTAKES if case[2]],
    ids=[f"{case[2]}:{case[1].strip()[:30]}" for case in MISTAKES if case[2]],
)
def test_a_mistake_is_told_once_at_its_place(
    book: Builder, old: str, new: str, code: str, at: str, message: str, hint: str
) -> None:
    book.change(RULE_FILE, old, new)
    problem = only(book.problems())
    assert problem.code == code
    assert book.at(problem).startswith(at)
    assert message in problem.message and hint in problem.hint


# What looks like a mistake and is none.
FINE = [
    ("- age >= 18 [1]", "- age >= 18 years [1]"),
    ("- visits >= 1", "- visits > 0"),
    ("- visits >= 1", "- visits >= 2 [2]"),
    ("score >= 10 [2]", "score >= 10 {score} [2]"),
    ("< 4 weeks [2]", "< 4 months [2]"),
    ("[active, relapse]", "{not: [resolved]}"),
    ("[active, relapse]", "{not_in: [illness, score]}"),
    ("clinicalStatus: [active, relapse]", "category: [anything]"),
    ("hooks: [patient-view, ", "hooks: [org.example.my-hook, "),
    (
        "Measured {bp.date}",
        "{line_count}: {bp.systolic} {bp.display} {bp.unit} {bp.rows} {bp.rejected} {illness}",
    ),
    ("item(s) missing", "item(s) missing" + "!" * 123),
    ("status: active", "status: draft"),
    ('    detail: "{missing_questions}"\n', ""),
    (
        "find: Encounter\n    give: latest date",
        "find: Procedure\n    code_in: illness\n    give: earliest date",
    ),
    ("    find: Condition\n", "    find: Condition\n    from: drafts-and-chart\n"),
]


@pytest.mark.parametrize(("old", "new"), FINE, ids=[case[1].strip()[:40] for case in FINE])
def test_what_is_right_is_not_refused(book: Builder, old: str, new: str) -> None:
    book.change(RULE_FILE, old, new)
    assert [str(problem) for problem in book.problems()] == []


def test_a_file_that_would_never_be_read_is_told(book: Builder) -> None:
    book.write("cautions/late.yml", OTHER)
    book.write("late.yaml", OTHER)
    book.write("cautions/.late.yaml", "an editor's own: [")
    assert [problem.code for problem in book.problems()] == ["schema/stray-file"] * 2


def test_a_fact_that_nobody_uses_is_refused_at_its_name(book: Builder) -> None:
    book.change(RULE_FILE, "    - age >= 18 [1]\n", "")
    problem = only(book.problems())
    assert (problem.code, book.at(problem)) == ("data/unused-fact", "age:")


def test_a_fact_used_only_in_a_text_is_used(book: Builder) -> None:
    book.change(RULE_FILE, "    - age >= 18 [1]\n", "")
    book.change(RULE_FILE, "Measured {bp.date}", "Aged {age}, measured {bp.date}")
    assert book.problems() == ()


def test_a_source_that_is_not_listed_is_refused_wherever_it_is_cited(book: Builder) -> None:
    book.change("sources.yaml", "2: {", "22: {")
    problems = book.problems()
    assert {problem.code for problem in problems} == {"evidence/unknown-source"}
    assert "it has 1, 3, 22" in problems[0].hint
    assert {book.at(problem).split(" ")[0] for problem in problems} >= {"2", "30", "last_visit", "The"}


def test_two_rules_with_one_title_are_refused(book: Builder) -> None:
    book.change(OTHER_FILE, "The other rule is true", "the blood pressure is Raised")
    problem = only(book.problems())
    assert problem.code == "identity/duplicate-title" and OTHER_FILE in problem.message + problem.place.file


def test_two_rules_with_one_id_are_refused(book: Builder) -> None:
    book.write("monitoring/other-rule.yaml", change(OTHER, "The other rule is true", "Another title"))
    problem = only(book.problems())
    assert problem.code == "identity/duplicate-id" and "definitions/other-rule.yaml" in problem.message


def test_a_rule_is_named_like_its_file(book: Builder) -> None:
    (book.folder / RULE_FILE).rename(book.folder / "cautions" / "pressure.yaml")
    problem = only(book.problems())
    assert problem.code == "identity/file-name-is-id" and book.at(problem) == "raised-pressure"


def test_a_value_set_is_named_like_its_file(book: Builder) -> None:
    book.write("valuesets/more.yaml", valueset("other"))
    assert only(book.problems()).code == "identity/file-name-is-id"


def test_a_retired_rule_is_used_by_none_that_runs(book: Builder) -> None:
    book.change(OTHER_FILE, "status: active", "status: retired")
    assert only(book.problems()).code == "identity/retired-still-used"
    book.change(RULE_FILE, "status: active", "status: retired")
    assert book.problems() == ()


@pytest.mark.parametrize("status", ["active", "shadow"])
def test_a_draft_is_used_by_none_that_is_served(book: Builder, status: str) -> None:
    book.change(OTHER_FILE, "status: active", "status: draft")
    book.change(RULE_FILE, "status: active", f"status: {status}")
    problem = only(book.problems())
    assert problem.code == "identity/draft-still-used" and book.at(problem) == "other-rule"


def test_a_draft_may_rest_on_a_draft(book: Builder) -> None:
    book.change(OTHER_FILE, "status: active", "status: draft")
    book.change(RULE_FILE, "status: active", "status: draft")
    assert book.problems() == ()


@pytest.mark.parametrize("status", ["active", "shadow"])
def test_a_served_rule_with_a_text_left_to_be_written_is_refused_where_it_stands(
    book: Builder, status: str
) -> None:
    book.change(RULE_FILE, "status: active", f"status: {status}")
    book.change(RULE_FILE, "title: The blood pressure is raised", 'title: "TODO: say what is raised"')
    problem = only(book.problems())
    assert (problem.code, problem.level) == ("schema/todo-left", "error")
    assert "TODO" in book.at(problem)


def test_a_draft_may_hold_a_text_left_to_be_written(book: Builder) -> None:
    book.change(RULE_FILE, "status: active", "status: draft")
    book.change(RULE_FILE, "title: The blood pressure is raised", 'title: "TODO: say what is raised"')
    assert book.problems() == ()


def _many_conclusions(book: Builder, number: int) -> None:
    lines = ["data:"]
    for index in range(number):
        name = f"r{index}"
        text = change(OTHER, "rule: other-rule", f"rule: {name}")
        book.write(f"definitions/{name}.yaml", change(text, "The other rule is true", f"Title of {name}"))
        lines += [f"  f{index}:", "    ask: Does it hold?", f"    conclusion: {name}"]
    listed = ", ".join(f"f{index}" for index in range(number))
    start, end = OTHER.index("data:"), OTHER.index("cards:")
    text = OTHER[:start] + "\n".join(lines) + f"\nlogic: [{listed}]\n" + OTHER[end:]
    text = change(text, "rule: other-rule", "rule: many")
    book.write("definitions/many.yaml", change(text, "The other rule is true", "Title of many"))


def test_a_rule_takes_at_most_fifteen_conclusions(book: Builder) -> None:
    _many_conclusions(book, 15)
    assert book.problems() == ()
    _many_conclusions(book, 16)
    problem = only(book.problems())
    assert problem.code == "logic/too-many-conclusions" and "16" in problem.message


def test_conclusions_only_cards_name_are_not_counted(book: Builder) -> None:
    _many_conclusions(book, 16)
    book.change("definitions/many.yaml", ", f15]", "]")
    assert [problem.code for problem in book.problems()] == ["data/unused-fact"]


def test_logic_has_at_most_twenty_five_criteria(book: Builder) -> None:
    line = "logic: age >= 18 [1]"
    book.change(OTHER_FILE, line, "logic: [" + ", ".join(["'age >= 18 [1]'"] * 25) + "]")
    assert book.problems() == ()
    book.change(OTHER_FILE, "logic: [", "logic: ['age >= 18 [1]', ")
    problem = only(book.problems())
    assert problem.code == "logic/too-large" and book.at(problem).startswith("logic:")


def test_a_card_without_a_hook_never_appears(book: Builder) -> None:
    book.change(RULE_FILE, "hooks: [patient-view, order-sign]\n", "")
    assert {problem.code for problem in book.problems()} == {"card/never-shown"}
