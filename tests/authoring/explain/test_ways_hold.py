"""What `cds explain --card` offers is tried: with every change made in every rule, a card shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench_example import chart, weight, write_chart
from click.testing import CliRunner

from cds_service.authoring.bench import Bench
from cds_service.authoring.cardways import CardWay, card_ways
from cds_service.authoring.charts import chart_request
from cds_service.authoring.cli import cli
from cds_service.authoring.reach import answers
from cds_service.authoring.samefact import Answer, Claim, follows, span_of
from cds_service.authoring.ways import Flip
from cds_service.cards.build import build
from cds_service.cards.reading import Record
from cds_service.facts.finding import Finding, Quantity
from cds_service.infer.conclusion import Conclusion
from cds_service.infer.criteria import rule_states
from cds_service.infer.direct import conclude
from cds_service.infer.program import logic_of
from cds_service.pipeline import Evaluation
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, exactly

HOOK = "patient-view"
CHARTS = ("v01-clear-trd", "v03-short-trials", "v09-trd-and-aneurysm")
ANSWER = Answer("How old?", "", "")


def tried(book: Rulebook, fixtures: Path, name: str) -> Evaluation:
    """A chart with every rule of the hook decided."""
    request = chart_request(fixtures / "charts" / f"{name}.json", book, HOOK)
    return Bench.of(book).examine(request, "trd-definition-met")


def asked(rule: Rule, name: str) -> tuple[object, ...]:
    """A question without its words, and those it is made of."""
    fact = rule.data[name]
    bare = fact.model_copy(update={"ask": "", "because": ""})
    used = getattr(fact, "calculate", None)
    return (bare, rule.rule if used is not None else "")


def found(criterion: Criterion, needed: Truth) -> Finding:
    """An answer for which the criterion is what is needed."""
    if needed is UNKNOWN or criterion.number is None:
        return Finding(needed)
    near = (criterion.number + step for step in (0, 1, -1))
    unit = criterion.unit or "a"
    pairs = (
        (one, follows(Claim(ANSWER, criterion.comparator, criterion.number), exactly(one))) for one in near
    )
    return Finding(TRUE, Quantity(exactly(next(one for one, truth in pairs if truth is needed)), unit))


def changed(record: Record, way: CardWay) -> Mapping[str, Mapping[str, Finding]]:
    """The findings with every change of a way made in every rule that asks the same."""
    findings = {rule: dict(held) for rule, held in record.findings.items()}
    for flip in way.way:
        wanted = found(Criterion.parse(flip.criterion), flip.needed)
        question = asked(record.rules[flip.rule], flip.fact)
        for rule, held in findings.items():
            for name in held:
                if asked(record.rules[rule], name) == question:
                    held[name] = wanted
    return findings


def decided(evaluation: Evaluation, findings: Mapping[str, Mapping[str, Finding]]) -> Record:
    """Every rule decided anew from other findings."""
    record, done = evaluation.decision.record, dict[str, Conclusion]()
    for rule in evaluation.decision.rules:
        states = rule_states(logic_of(rule), findings[rule.rule], record.as_of, record.zone)
        done[rule.rule] = conclude(logic_of(rule), states, done)
    return replace(record, findings=findings, conclusions=done)


def simple(flip: Flip) -> bool:
    """Whether the answer is a yes, a no or a plain number."""
    criterion = Criterion.parse(flip.criterion)
    return not criterion.column and criterion.unit not in ("minutes", "hours", "days", "weeks", "months")


def offered(evaluation: Evaluation) -> Iterator[tuple[str, CardWay]]:
    for rule in evaluation.decision.rules:
        if rule.status == "active":
            for way in card_ways(evaluation, rule.rule):
                if way.way and all(simple(flip) for flip in way.way):
                    yield rule.rule, way


@pytest.mark.parametrize("name", CHARTS)
def test_every_way_can_be_and_makes_a_card(shipped: Rulebook, fixtures: Path, name: str) -> None:
    evaluation = tried(shipped, fixtures, name)
    ways = list(offered(evaluation))
    assert len(ways) > 20
    for rule, way in ways:
        for flip in way.way:
            possible = answers(Criterion.parse(flip.criterion), shipped.by_id[flip.rule], shipped.by_id)
            assert flip.needed in possible, flip
        record = decided(evaluation, changed(evaluation.decision.record, way))
        cards = evaluation.decision.book
        assert build(cards.rules[rule], record, HOOK, cards) is not None, (rule, way)


def test_a_criterion_of_two_rules_is_not_changed_in_one_of_them(shipped: Rulebook, fixtures: Path) -> None:
    """Younger than 18 is no candidate, but meets no definition either; so there is nothing to hold."""
    ways = card_ways(tried(shipped, fixtures, "v09-trd-and-aneurysm"), "treatment-options")
    assert [[flip.fact for flip in way.way] for way in ways] == [["aneurysm"]]


def test_a_record_that_is_not_final_is_never_a_yes(shipped: Rulebook, fixtures: Path) -> None:
    ways = card_ways(tried(shipped, fixtures, "v01-clear-trd"), "suicidality-critical")
    flips = {flip.fact: flip.needed for way in ways for flip in way.way}
    assert "not_final" not in flips
    assert flips["not_final_seen"] is TRUE


def test_where_no_is_no_answer_it_is_told(home: Path, shipped: Rulebook) -> None:
    root = Path(__file__).parents[3]
    words = ["--rules", str(root / "rules"), "--fixtures", str(root / "fhir_fixtures")]
    given = ["explain", "treatment-options", "--chart", "v09-trd-and-aneurysm", "--card", *words]
    assert "aneurysm were unknown, it is never false (in" in CliRunner().invoke(cli, given).output


def test_of_a_patient_who_has_died_no_way_is_offered(home: Path) -> None:
    dead: dict[str, Any] = chart(weight("o1", 60, "2026-02-20"))
    dead["entry"][0]["resource"]["deceasedBoolean"] = True
    write_chart(home, "dead", dead)
    given = ["explain", "broken-and-heavy", "--chart", "dead", "--card"]
    assert CliRunner().invoke(cli, given).output.splitlines()[1:] == [
        "No criterion would change that: the patient has died."
    ]


# --- what one comparison says of another ---------------------------------------------------------


def claim(comparator: Any, number: float) -> Claim:
    return Claim(ANSWER, comparator, number)


@pytest.mark.parametrize(
    ("flipped", "other", "expected"),
    [
        ((claim(">=", 18), FALSE), claim("<", 18), TRUE),
        ((claim(">=", 18), FALSE), claim(">=", 65), FALSE),
        ((claim(">=", 18), TRUE), claim(">=", 65), UNKNOWN),
        ((claim(">", 140), TRUE), claim("<=", 140), FALSE),
        ((claim("<=", 140), FALSE), claim(">", 140), TRUE),
        ((claim("==", 3), TRUE), claim(">", 2), TRUE),
        ((claim("!=", 3), FALSE), claim("==", 3), TRUE),
        ((claim("!=", 3), TRUE), claim("==", 4), UNKNOWN),
        ((Claim(ANSWER), TRUE), claim("==", 4), UNKNOWN),
    ],
)
def test_one_comparison_settles_another_of_the_same_answer(
    flipped: tuple[Claim, Truth], other: Claim, expected: Truth
) -> None:
    span = span_of([flipped])
    assert span is not None
    assert follows(other, span) is expected


def test_no_number_is_on_both_sides() -> None:
    assert span_of([(claim(">=", 18), TRUE), (claim("<", 18), TRUE)]) is None
    assert span_of([(claim(">=", 18), TRUE), (claim("<=", 18), TRUE)]) == Span(18, 18)
