"""Checks of views and of the files that rules share: refused where it should be, at the right place, once."""

from __future__ import annotations

import pytest
from small_rulebook import OTHER_FILE, RULE_FILE, Builder

from cds_service.errors import Problem


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, "\n".join(f"{problem} [{problem.code}]" for problem in problems)
    return problems[0]


# --- views ---------------------------------------------------------------------------------------

TRIALS = """\
  trials:
    ask: How many trials were there?
    view: antidepressant_trials
    code_in: illness
    with:
      minimum_dose: least-dose
      dose_column: minimum
      bridged_gap: 14 days [2]
      no_response_reasons: illness
      intolerance_reasons: [illness, score]
      scores: score
      baseline_before: 4 weeks [2]
      follow_up_after: 28 days [2]
      follow_up_until: 84 days [2]
      response: 50 % [2]
      episode: illness
    where:
      days: ">= 42 days [2]"
      dose: ">= minimum in least-dose [1]"
    give: count_distinct ingredient
    record: partial
"""


@pytest.fixture
def trials(book: Builder) -> Builder:
    """The rulebook with a fact that reads a view with arguments."""
    book.change(RULE_FILE, "  other:\n    ask", TRIALS + "  other:\n    ask")
    book.change(RULE_FILE, "    - visits >= 1\n", "    - visits >= 1\n    - trials >= 2 [2]\n")
    return book


def test_a_view_with_all_its_arguments_is_right(trials: Builder) -> None:
    assert [str(problem) for problem in trials.problems()] == []


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ("bridged_gap: 14 days [2]", "bridged_gap: 14 dogs [2]", "data/wrong-argument", "14 dogs"),
        ("bridged_gap: 14 days [2]", "bridged_gap: 3 months [2]", "data/wrong-argument", "3 months"),
        ("bridged_gap: 14 days [2]", "bridged_gap: 14 days", "evidence/number-without-citation", "14 days"),
        (
            "bridged_gap: 14 days [2]",
            "bridged_gap: 14 days [3]",
            "evidence/citation-without-claim",
            "14 days",
        ),
        ("response: 50 % [2]", "response: half", "data/wrong-argument", "half"),
        ("response: 50 % [2]", "response: 50", "evidence/number-without-citation", "50"),
        ("minimum_dose: least-dose", "minimum_dose: most-dose", "data/unknown-table", "most-dose"),
        ("minimum_dose: least-dose", "minimum_dose: [least-dose]", "data/wrong-argument", "[least"),
        ("scores: score", "scores: scores", "data/unknown-valueset", "scores"),
        ("scores: score", "scores: 7", "data/wrong-argument", "7"),
        ("[illness, score]", "[illness, scores]", "data/unknown-valueset", "scores"),
        ("dose_column: minimum", "dose_column: 7", "data/wrong-argument", "7"),
        ("      episode: illness\n", "", "data/missing-argument", "trials:"),
        ("count_distinct ingredient", "count_distinct ingrediant", "data/unknown-column", "count_distinct"),
        (">= minimum in least-dose", ">= minimum in most-dose", "data/unknown-table", '">= min'),
        (">= minimum in least-dose", ">= least in least-dose", "data/unknown-column", '">= least'),
        ('days: ">= 42 days [2]"', "days: [42 days]", "data/impossible-where", "[42"),
        ('days: ">= 42 days [2]"', "start: [now]", "data/impossible-where", "[now]"),
        ('days: ">= 42 days [2]"', 'day: ">= 42 days [2]"', "data/unknown-element", "day:"),
        ('days: ">= 42 days [2]"', 'days: ">= 42 days"', "evidence/number-without-citation", '">= 42'),
    ],
)
def test_a_mistake_in_a_view_is_told_once_at_its_place(
    trials: Builder, old: str, new: str, code: str, at: str
) -> None:
    trials.change(RULE_FILE, old, new)
    problem = only(trials.problems())
    assert problem.code == code and trials.at(problem).startswith(at)


def test_the_value_sets_a_view_needs_are_in_the_rulebook(book: Builder) -> None:
    (book.folder / "valuesets" / "systolic-blood-pressure.yaml").unlink()
    problem = only(book.problems())
    assert problem.code == "data/unknown-valueset" and "systolic-blood-pressure" in problem.message


# --- shared files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "at"),
    [
        ("tables/least-dose.yaml", "{minimum: 20}", "{}", "table/column-missing", "values"),
        ("tables/least-dose.yaml", "minimum: 20", "minimum: 20, most: 3", "table/unknown-column", "most"),
        ("tables/least-dose.yaml", "source: 1", "source: 9", "evidence/unknown-source", "9"),
        ("rulebook.yaml", "  source: 2", "  source: 9", "evidence/unknown-source", "9"),
        ("rulebook.yaml", "[2].", "[9].", "evidence/unknown-source", '"Not obtained'),
        ("rulebook.yaml", "{keys}", "{key}", "card/unknown-placeholder", '"Not obtained'),
        ("rulebook.yaml", "[checked-in-chart]", "[checked]", "card/unknown-override-reason", "checked"),
        ("rulebook.yaml", "[other-rule]", "[other]", "data/unknown-conclusion", "other"),
        (
            "rulebook.yaml",
            "  override_reasons: [checked-in-chart]\n",
            "",
            "card/override-reasons-missing",
            "warning",
        ),
        (
            "rulebook.yaml",
            "could not be made",
            "could not be made" + "!" * 120,
            "card/summary-too-long",
            "Some",
        ),
        ("templates/visit.yaml", "{patient_id}", "{patient}", "card/unknown-placeholder", '"Patient/'),
        ("templates/visit.yaml", "intent: order", "intend: order", "card/invalid-fhir-action", "intend"),
        (
            "templates/visit.yaml",
            "ServiceRequest",
            "ServiceReques",
            "card/invalid-fhir-action",
            "ServiceReques",
        ),
        ("templates/visit.yaml", "{now}", "soon", "card/invalid-fhir-action", "authoredOn"),
        ("valuesets/illness.yaml", 'code: "A"', 'code: ""', "schema/empty-value", '""'),
        ("valuesets/illness.yaml", 'code: "A"', "code: 71", "schema/wrong-type", "71"),
        ("valuesets/illness.yaml", 'code: "A"', 'cod: "A"', "schema/bad-member", "{system"),
        ("valuesets/illness.yaml", "loinc", "loink", "schema/not-a-choice", "loink"),
        ("sources.yaml", "kind: review", "kind: revue", "schema/not-a-choice", "revue"),
        ("sources.yaml", "3: {", "0: {", "schema/out-of-range", "0: {"),
        (
            "override-reasons.yaml",
            "remeasured-lower: {display: Measured again and lower}",
            "remeasured-lower: {}",
            "schema/missing-key",
            "remeasured-lower",
        ),
    ],
)
def test_a_mistake_in_a_shared_file_is_told_at_its_place(
    book: Builder, name: str, old: str, new: str, code: str, at: str
) -> None:
    book.change(name, old, new)
    problems = book.problems()
    assert code in [problem.code for problem in problems]
    problem = next(problem for problem in problems if problem.code == code)
    assert problem.place.file.endswith(name) and book.at(problem).startswith(at)
    assert len(problems) == 1, "\n".join(map(str, problems))


def test_a_file_with_a_mistake_is_still_known_to_those_that_name_it(book: Builder) -> None:
    book.change(OTHER_FILE, "status: active", "status: activ")
    book.change("valuesets/illness.yaml", "title: illness", "title: [")
    assert {problem.code for problem in book.problems()} == {"schema/not-a-choice", "schema/syntax"}
