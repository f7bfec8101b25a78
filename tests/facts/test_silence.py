"""What the index of a chart says of facts that need not be read is what reading them would say."""

from __future__ import annotations

from typing import Any

from chart_builder import Json, condition, encounter, order, patient, request
from evaluated import served
from generated_charts import LOSSES, as_needed, charts, drugs, losable, lose, starts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding
from cds_service.facts.gather import gather
from cds_service.facts.request import HookRequest
from cds_service.pipeline import examine

HOOK = st.sampled_from(["patient-view", "order-sign", "encounter-start"])
many = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def chart_of(call: HookRequest, *, explain: bool = False) -> Chart:
    return gather(call, served().plans[call.hook].keys, served().meanings, explain=explain)


def every_answer(call: HookRequest) -> list[Finding]:
    """The answers by number, each read."""
    answers: list[Finding] = []
    chart = chart_of(call)
    for question in served().plans[call.hook].extraction.questions:
        answers.append(question.read(chart, {name: answers[number] for name, number in question.uses}))
    return answers


@st.composite
def calls(draw: st.DrawFn) -> HookRequest:
    hook, drafts = draw(HOOK), st.builds(order, drugs, starts, dosage=as_needed)
    signed = draw(st.lists(drafts, max_size=2)) if hook == "order-sign" else None
    call = request(*draw(charts()), hook=hook, drafts=signed)
    for key in draw(st.lists(st.sampled_from(losable(call)), max_size=2, unique=True)):
        call = lose(call, key, draw(st.sampled_from(LOSSES)), draw(st.lists(st.booleans(), min_size=1)))
    return call


@many
@given(calls())
def test_facts_that_are_not_read_have_the_answer_that_reading_gives(call: HookRequest) -> None:
    extraction = served().plans[call.hook].extraction
    findings = extraction(chart_of(call))
    assert [findings.answer(number) for number in range(len(extraction.questions))] == every_answer(call)


@many
@given(calls())
def test_verdicts_and_what_is_missing_are_those_of_every_fact_read(call: HookRequest) -> None:
    def told(*, explain: bool) -> Any:
        try:
            conclusions = examine(call, served(), explain=explain).conclusions
        except Exception as error:
            return repr(error)
        return {name: (one.verdict, one.missing) for name, one in conclusions.items()}

    assert told(explain=False) == told(explain=True)


def read_in(*resources: Json, explain: bool = False) -> int:
    call = request(patient("1980-01-01"), *resources)
    plan = served().plans[call.hook]
    findings = plan.extraction(chart_of(call, explain=explain))
    before = len(findings.read())
    plan.needed.of(findings, call.as_of, call.zone)
    return len(plan.extraction.questions) - before


def test_an_entry_of_a_value_set_makes_its_facts_be_read_and_others_not() -> None:
    assert read_in() < read_in(condition("F33.2")) < read_in(condition("F33.2"), condition("I67.1")) < 40


def test_facts_about_any_resource_of_a_type_are_read_where_there_is_one() -> None:
    signs = served().plans["patient-view"].extraction.signs
    bare = request(patient("1980-01-01"))
    visited = request(patient("1980-01-01"), encounter(), encounter_id="e1")
    assert signs.seen_in(chart_of(bare)) < signs.seen_in(chart_of(visited))


def test_the_explanation_reads_every_fact() -> None:
    assert read_in(explain=True) == len(served().plans["patient-view"].extraction.questions)


def test_an_order_of_the_call_makes_the_facts_about_such_orders_be_read() -> None:
    plan = served().plans["order-sign"]
    drafted = request(patient("1980-01-01"), hook="order-sign", drafts=[order("238082", "2026-03-01")])
    bare = request(patient("1980-01-01"), hook="order-sign", drafts=[])
    signs = plan.extraction.signs
    assert signs.seen_in(chart_of(bare)) < signs.seen_in(chart_of(drafted))
