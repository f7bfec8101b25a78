"""Facts made of facts: each mistake is told once, at its place; what is right passes."""

from __future__ import annotations

import pytest
from small_rulebook import RULE_FILE, Builder

from cds_service.errors import Problem
from cds_service.rulebook.checks.knowledge import FACT_ARGUMENTS
from cds_service.rulebook.views import VIEWS

FACTS = """\
  weight:
    ask: What does the patient weigh?
    view: body_weight
    give: latest value
    unit: kg
  target:
    ask: How much is half of it?
    calculate: 0.5 [1] * weight
    unit: mg
    round: 0.1
  per_visit:
    ask: How much is it per visit?
    calculate: target / visits
  pulse_pressure:
    ask: What is the pulse pressure?
    calculate: bp.systolic - bp.diastolic
    unit: mm[Hg]
  first_visit:
    ask: When was the first visit?
    find: Encounter
    give: earliest date
  later:
    ask: Was the illness noted later on?
    find: Condition
    code_in: illness
    after: first_visit + 40 minutes [2]
    before: bp
    give: exists
    record: partial
  orders:
    ask: What is being ordered?
    view: ordered_doses
    from: drafts
    code_in: illness
    with: {weight: weight}
    give: count
    record: partial
"""
USED = """\
    - per_visit >= 1
    - target > 30 mg [1]
    - pulse_pressure > 60 [1]
    - later
    - orders > 0
"""


@pytest.fixture
def made(book: Builder) -> Builder:
    """The rulebook with facts made of facts."""
    book.change(RULE_FILE, "  other:\n    ask", FACTS + "  other:\n    ask")
    book.change(RULE_FILE, "    - visits >= 1\n", "    - visits >= 1\n" + USED)
    return book


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, "\n".join(f"{problem} [{problem.code}]" for problem in problems)
    return problems[0]


def test_facts_made_of_facts_are_right(made: Builder) -> None:
    assert [str(problem) for problem in made.problems()] == []


CALC = "calculate: 0.5 [1] * weight"
AFTER = "after: first_visit + 40 minutes [2]"
ARGUMENT = "with: {weight: weight}"

# What is changed, the code, what stands at the place, message and hint in part.
MISTAKES = [
    (CALC, "calculate: 0.5 [1] * wieght", "data/undefined-fact", "0.5", "no fact 'wieght'", "'weight'"),
    (AFTER, "after: first_visits", "data/undefined-fact", "first_visits", "", "'first_visit'"),
    (ARGUMENT, "with: {weight: wieght}", "data/undefined-fact", "wieght", "no fact 'wieght'", "'weight'"),
    (CALC, "calculate: 0.5 [1] * target", "data/fact-cycle", "0.5", "target is made of itself", "another"),
    (AFTER, "after: later", "data/fact-cycle", "later", "later is made of itself", ""),
    (ARGUMENT, "with: {weight: orders}", "data/fact-cycle", "orders", "orders is made of itself", ""),
    (
        CALC,
        "calculate: weight * per_visit",
        "data/fact-cycle",
        "target / visits",
        "target → per_visit → target",
        "ask the chart itself",
    ),
    (CALC, "calculate: 0.5 [1] * illness", "data/operand-not-a-number", "0.5", "illness gives exists", ""),
    (CALC, "calculate: 0.5 [1] * other", "data/operand-not-a-number", "0.5", "other gives its verdict", ""),
    (CALC, "calculate: 0.5 [1] * last_visit", "data/operand-not-a-number", "0.5", "gives latest date", ""),
    (CALC, "calculate: 0.5 [1] * bp", "data/operand-not-a-number", "0.5", "several", "bp.systolic"),
    (CALC, "calculate: 0.5 [1] * bp.sistolic", "data/unknown-column", "0.5", "'sistolic'", "'systolic'"),
    (CALC, "calculate: 0.5 [1] * bp.status", "data/operand-not-a-number", "0.5", "bp.status is not", ""),
    (CALC, "calculate: weight.weight * 1", "data/operand-not-a-number", "weight", "no columns", "without"),
    (CALC, "calculate: weight / 0", "data/impossible-calculation", "weight / 0", "divided by 0", ""),
    (CALC, "calculate: 0.5 * weight", "evidence/number-without-citation", "0.5", "", '"0.5 [n] * weight"'),
    (CALC, "calculate: weight + 2", "evidence/number-without-citation", "weight", "", '"weight + 2 [n]"'),
    (CALC, "calculate: 0.5 [3] * weight", "evidence/citation-without-claim", "0.5", "source 3", ""),
    (CALC, "calculate: 0.5 [9] * weight [1]", "schema/bad-calculation", "0.5", "not a calculation", "weight"),
    (CALC, "calculate: half of weight", "schema/bad-calculation", "half", "is not a calculation", "0.5 [1]"),
    ("round: 0.1", "round: 0", "schema/out-of-range", "0", "more than 0 is expected", ""),
    ("round: 0.1", "record: complete", "schema/unknown-key", "record", "'record' is not a key", ""),
    (AFTER, "after: weight", "data/anchor-not-a-date", "weight", "gives latest value", "earliest date"),
    (AFTER, "after: other", "data/anchor-not-a-date", "other", "gives its verdict", ""),
    (AFTER, "after: target", "data/anchor-not-a-date", "target", "gives a calculated number", ""),
    (AFTER, "after: first_visit + 40 minutes", "evidence/number-without-citation", "first", "", "[n]"),
    (AFTER, "after: first_visit + 40 minutes [3]", "evidence/citation-without-claim", "first", "", ""),
    (AFTER, "after: first_visit + 2 months [2]", "schema/bad-anchor", "first", "names no moment", ""),
    (
        "    find: Patient\n    give: age\n",
        "    find: Patient\n    give: age\n    after: first_visit\n",
        "data/no-date",
        "after",
        "no date for after",
        "remove after",
    ),
    (ARGUMENT, "with: {weight: first_visit}", "data/wrong-argument", "first", "weight is a number", ""),
    (ARGUMENT, "with: {weight: 70}", "data/wrong-argument", "70", "the name of a fact", ""),
    ("- target > 30 mg [1]", "- target", "logic/type-mismatch", "target", "not a yes-no", ">= 2 [n]"),
    (
        "- target > 30 mg [1]",
        "- target.dose > 30 mg [1]",
        "logic/type-mismatch",
        "target.dose",
        "gives a calculated number, which has no columns",
        "",
    ),
    ("- target > 30 mg [1]", "- target > 30 kg [1]", "logic/unit-mismatch", "target", "is in mg", "kg"),
    ("Measured {bp.date}", "Is {target.date}", "card/unknown-placeholder", '"Is', "", "only .unit"),
]


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "message", "hint"),
    MISTAKES,
    ids=[f"{case[2]}:{case[1].strip()[:40]}" for case in MISTAKES],
)
def test_a_mistake_in_a_fact_made_of_facts_is_told_once_at_its_place(
    made: Builder, old: str, new: str, code: str, at: str, message: str, hint: str
) -> None:
    made.change(RULE_FILE, old, new)
    problem = next((one for one in made.problems() if one.code == code), None)
    problem = problem or only(made.problems())
    rest = [one for one in made.problems() if one != problem and one.code != "data/unused-fact"]
    assert rest == []
    assert problem.code == code
    assert made.at(problem).startswith(at)
    assert message in problem.message and hint in problem.hint


FINE = [
    (CALC, "calculate: weight - 1"),
    (CALC, "calculate: 0 + weight"),
    (CALC, "calculate: weight * age"),
    (CALC, "calculate: weight / visits"),
    (AFTER, "after: last_visit"),
    (AFTER, "after: bp - 1 hour [2]"),
    (ARGUMENT, "with: {weight: target}"),
    ("round: 0.1", "round: 5"),
    ("Measured {bp.date}", "Measured {bp.date}, {target} {target.unit}"),
]


@pytest.mark.parametrize(("old", "new"), FINE, ids=[new for _, new in FINE])
def test_what_is_right_passes(made: Builder, old: str, new: str) -> None:
    made.change(RULE_FILE, old, new)
    assert [str(one) for one in made.problems() if one.code != "data/unused-fact"] == []


def test_a_fact_used_only_by_another_fact_is_used(made: Builder) -> None:
    made.change(RULE_FILE, "    - target > 30 mg [1]\n", "")
    assert made.problems() == ()
    made.change(RULE_FILE, "    - per_visit >= 1\n", "")
    problem = only(made.problems())
    assert (problem.code, made.at(problem)) == ("data/unused-fact", "per_visit:")


def test_every_fact_a_view_takes_has_its_kind() -> None:
    taken = {
        (name, argument)
        for name, view in VIEWS.items()
        for argument, kind in view.arguments.items()
        if kind == "fact"
    }
    assert taken == FACT_ARGUMENTS.keys()


def test_a_refused_calculation_does_not_make_its_users_wrong(made: Builder) -> None:
    made.change(RULE_FILE, CALC, "calculate: half of weight")
    assert {one.code for one in made.problems()} == {"schema/bad-calculation"}
