"""The why-tree of shipped rules on shipped charts: every line says what the chart says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cds_service.authoring.bench import Bench
from cds_service.authoring.charts import chart_request
from cds_service.authoring.explain import card_of, explain_text
from cds_service.authoring.whytree import Why, why_tree
from cds_service.pipeline import Evaluation
from cds_service.rulebook.book import Rulebook
from cds_service.truth import TRUE, UNKNOWN

Explain = Callable[[str, str], Evaluation]


@pytest.fixture(scope="session")
def bench(shipped: Rulebook) -> Bench:
    return Bench.of(shipped)


@pytest.fixture
def examined(bench: Bench, fixtures: Path) -> Explain:
    def examine(rule: str, story: str) -> Evaluation:
        keys = bench.keys("patient-view", rule)
        request = chart_request(fixtures / "charts" / f"{story}.json", bench.book, "patient-view", keys=keys)
        return bench.examine(request, rule)

    return examine


def tree(evaluation: Evaluation, rule: str) -> Why:
    return why_tree(evaluation.decision.record, rule, evaluation.chart)


def line(evaluation: Evaluation, rule: str, start: str) -> Why:
    return next(one for one in tree(evaluation, rule).walk() if one.text.startswith(start))


def test_an_age_points_at_the_patient(examined: Explain) -> None:
    found = line(examined("trd-definition-met", "v01-clear-trd"), "trd-definition-met", "age")
    assert (found.truth, found.value) == (TRUE, "41")
    assert [seen.reference for seen in found.seen] == ["Patient/v01"]


def test_a_diagnosis_has_its_code_words_reference_and_day(examined: Explain) -> None:
    found = line(examined("trd-definition-met", "v01-clear-trd"), "trd-definition-met", "mdd_active")
    (seen,) = found.seen
    assert (seen.reference, seen.code, seen.day) == ("Condition/v01-mdd", "F33.2", "2025-01-10")
    assert "Major depressive disorder" in seen.words


def test_trials_that_did_not_count_say_by_how_much(examined: Explain) -> None:
    found = line(examined("trd-definition-met", "v03-short-trials"), "trd-definition-met", "failed_trials")
    assert found.truth is UNKNOWN
    assert found.ask.startswith("How many different antidepressants")
    told = "\n".join(str(row) for row in found.refused)
    assert "18 days at or above the minimum dose, needs at least 42" in told
    assert "25 days at or above the minimum dose" in told


def test_a_refuted_entry_is_named_as_refuted(examined: Explain) -> None:
    rule = "contraindication-aneurysmal-disease"
    found = line(examined(rule, "v17-refuted-and-error"), rule, "aneurysm")
    assert found.truth is UNKNOWN
    assert any("refuted" in row.why for row in found.refused)


def test_a_consumed_rule_is_shown_once(examined: Explain) -> None:
    rule = "contraindication-aneurysmal-disease"
    lines = list(tree(examined(rule, "v01-clear-trd"), rule).walk())
    for used in {one.rule for one in lines if one.rule}:
        assert sum(bool(one.children) for one in lines if one.rule == used) <= 1, used
    again = [one for one in lines if "(shown above)" in one.value]
    assert again
    assert not any(one.children for one in again)


def test_lines_that_no_longer_matter_are_marked(examined: Explain) -> None:
    rule = "contraindication-aneurysmal-disease"
    top = tree(examined(rule, "v01-clear-trd"), rule)
    assert [one.decides for one in top.children] == [False, True]


def test_every_rule_on_every_chart_has_an_explanation(
    bench: Bench, examined: Explain, fixtures: Path
) -> None:
    for path in sorted((fixtures / "charts").glob("*.json")):
        for rule in bench.book.by_id:
            evaluation = examined(rule, path.stem)
            told = explain_text(evaluation, rule)
            verdict = evaluation.conclusions[rule].verdict
            shown = "UNKNOWN" if verdict is UNKNOWN else verdict.value.upper()
            assert told.splitlines()[0].startswith(f"{rule} {bench.book.by_id[rule].version}: {shown}  ")
            assert told.splitlines()[-1] == str(card_of(evaluation, rule))
            assert tree(evaluation, rule).truth is verdict


def test_every_open_line_asks_or_says_why(bench: Bench, examined: Explain, fixtures: Path) -> None:
    for path in sorted((fixtures / "charts").glob("*.json")):
        for rule in bench.book.by_id:
            for one in tree(examined(rule, path.stem), rule).walk():
                if one.truth is UNKNOWN and not one.children and "(shown above)" not in one.value:
                    assert one.ask, (path.stem, rule, one.text)
                    assert one.notes or one.maybe or one.seen, (path.stem, rule, one.text)


def test_the_explanation_is_always_the_same(examined: Explain) -> None:
    rule = "contraindication-aneurysmal-disease"
    one, other = (explain_text(examined(rule, "v09-trd-and-aneurysm"), rule) for _ in range(2))
    assert one == other
