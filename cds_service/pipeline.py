"""The whole story on one page: a hook call in, cards out. Pure apart from the FHIR reads it has to make."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from typing import Any
from uuid import UUID

from cds_service.cards.cardbook import CardBook
from cds_service.cards.decision import Decision
from cds_service.cards.response import answer
from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts.ahead import notes_ahead, reports_ahead
from cds_service.facts.chart import Chart
from cds_service.facts.coding import reference_tail
from cds_service.facts.ended import notes_unclear
from cds_service.facts.extract import Extraction, Findings
from cds_service.facts.fhir import MedicationRequest
from cds_service.facts.finding import DRAFTS
from cds_service.facts.findings import ChartFindings
from cds_service.facts.gather import gather, nothing_but_the_patient
from cds_service.facts.meaning import Meanings
from cds_service.facts.prefetch import hook_keys, templates
from cds_service.facts.read import NOT_SUPPLIED
from cds_service.facts.readback import ReadBack
from cds_service.facts.request import HookRequest
from cds_service.facts.server.source import FhirSource
from cds_service.facts.unread import Places, answer_facts, unread_answers
from cds_service.facts.views.pressures_told import notes_unread
from cds_service.infer.conclusion import Conclusion
from cds_service.infer.criteria import rule_states
from cds_service.infer.engine import Engine, make_engine
from cds_service.infer.needed import NeededStates
from cds_service.infer.program import Program, compile_program
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.rule import Rule
from cds_service.truth import TRUE

_NOT_CLINICIANS = ("Patient/", "RelatedPerson/")


@dataclass(frozen=True)
class HookPlan:
    """What one hook needs, compiled once: its rules, prefetch keys and templates, fact readers and engine."""

    rules: tuple[Rule, ...]
    keys: tuple[str, ...]
    templates: Mapping[str, str]
    extraction: Extraction
    answers: Places
    program: Program
    needed: NeededStates
    engine: Engine

    @classmethod
    def prepare(cls, book: Rulebook, hook: str, engine: str | None) -> HookPlan:
        """Do all work that depends on the rules alone."""
        rules = book.for_hook(hook)
        program, extraction = compile_program(rules), Extraction.compile(rules, book)
        return cls(
            rules,
            hook_keys(book, hook),
            templates(book, hook),
            extraction,
            answer_facts(rules, book.terminology),
            program,
            NeededStates.compile(program, extraction),
            make_engine(program, engine),
        )


@dataclass(frozen=True)
class ServedRulebook:
    """A rulebook ready to answer calls; immutable, shared by all requests of a process."""

    book: Rulebook
    cards: CardBook
    plans: Mapping[str, HookPlan]

    @classmethod
    def prepare(cls, book: Rulebook, engine: str | None = None) -> ServedRulebook:
        """Compile every hook. Raises InferenceError or UsageError if the engine cannot take the rules."""
        plans = {hook: HookPlan.prepare(book, hook, engine) for hook in book.hooks}
        return cls(book, CardBook.compile(book), plans)

    @cached_property
    def meanings(self) -> Meanings:
        """The memory of what codes mean."""
        return Meanings(self.book.terminology)

    @cached_property
    def engine(self) -> str:
        """The engine in use."""
        return next((plan.engine.name for plan in self.plans.values()), "direct")

    def close(self) -> None:
        """Free what the engines hold."""
        for plan in self.plans.values():
            plan.engine.close()


@dataclass(frozen=True)
class Evaluation:
    """Everything one call led to, for the answer and for the explanation.

    `engine` is the name of the engine that inferred; `seconds` is how long each step took.
    """

    chart: Chart
    findings: Findings
    conclusions: Mapping[str, Conclusion]
    decision: Decision
    engine: str
    seconds: Mapping[str, float] = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """The answer to one hook call: `body` is the JSON object to send with status 200.

    `seconds` is how long each step took, by its name: gather, decide, cards.
    """

    body: dict[str, Any]
    evaluation: Evaluation
    seconds: Mapping[str, float] = field(compare=False)


def evaluate(request: HookRequest, served: ServedRulebook, fhir: FhirSource | None = None) -> Outcome:
    """Answer one hook call; what it did not bring is read from `fhir`, if given.

    Raises RequestError (400: another patient), DataUnavailable (412), InferenceError.
    """
    evaluation = examine(request, served, fhir)
    begun = perf_counter()
    body = answer(evaluation.decision)
    return Outcome(body, evaluation, {**evaluation.seconds, "cards": perf_counter() - begun})


def examine(
    request: HookRequest, served: ServedRulebook, fhir: FhirSource | None = None, *, explain: bool = False
) -> Evaluation:
    """Read the chart, answer the facts, infer. Raises what `evaluate` raises."""
    plan = served.plans.get(request.hook)
    if plan is None:
        raise RequestError("no rule of this rulebook is for this hook", where="hook")
    back = ReadBack(fhir, plan.templates) if fhir is not None else None
    begun = perf_counter()
    chart = gather(request, plan.keys, served.meanings, explain=explain, back=back)
    gathered = perf_counter()
    findings, conclusions = decide(plan, chart, request, explain=explain)
    seconds = {"gather": gathered - begun, "decide": perf_counter() - gathered}
    _refuse_an_empty_chart(chart, conclusions, back.not_asked(request) if back is not None else "")
    decision = Decision(
        id=decision_id(request, served.book),
        book=served.cards,
        request=request,
        rules=plan.rules,
        findings=findings,
        conclusions=conclusions,
        not_obtained=chart.lacking((*plan.keys, DRAFTS)),
        notes=(
            *chart.notes,
            *notes_ahead(chart),
            *notes_unclear(chart),
            *notes_unread(chart),
            *unread_answers(plan.answers, findings, chart.terminology),
        ),
        hidden=_withheld(chart, request),
        drafts=chart.draft_raw,
        unread={key: len(entries) for key, entries in chart.unread.items()},
    )
    return Evaluation(chart, findings, conclusions, decision, plan.engine.name, seconds)


def decide(
    plan: HookPlan, chart: Chart, request: HookRequest, *, explain: bool = False
) -> tuple[Findings, Mapping[str, Conclusion]]:
    """The findings and conclusions of a chart.

    Results dated after the call may count; a rule that is true without them is answered without them
    (decision 19).
    """
    findings = plan.extraction(chart)
    conclusions = infer(plan, findings, request, explain=explain)
    if not reports_ahead(chart):
        return findings, conclusions
    by_now = plan.extraction(replace(chart, by_now=True, cache={}))
    concluded = infer(plan, by_now, request, explain=explain)
    stand = [rule for rule, one in concluded.items() if one.verdict is TRUE]
    return (
        {**findings, **{rule: by_now[rule] for rule in stand}},
        {**conclusions, **{rule: concluded[rule] for rule in stand}},
    )


def infer(
    plan: HookPlan, findings: ChartFindings, request: HookRequest, *, explain: bool = False
) -> Mapping[str, Conclusion]:
    """The conclusion of every rule of the hook; facts are read as far as a verdict hangs on them."""
    as_of, zone = request.as_of, request.zone
    if explain:
        rules = plan.program.rules
        return plan.engine.infer(
            {rule.id: rule_states(rule, findings[rule.id], as_of, zone) for rule in rules}
        )
    return plan.engine.infer(plan.needed.of(findings, as_of, zone))


def _refuse_an_empty_chart(chart: Chart, conclusions: Mapping[str, Conclusion], not_asked: str) -> None:
    """412 if nothing but the patient was obtained and no rule is true (DESIGN 4.4)."""
    keys = nothing_but_the_patient(chart)
    if keys and not any(conclusion.verdict is TRUE for conclusion in conclusions.values()):
        states = {key: chart.states[key] for key in keys}
        why = not_asked if NOT_SUPPLIED in states.values() else ""
        raise DataUnavailable(
            f"nothing but the Patient was obtained: send the data of these prefetch keys{why}", states
        )


def _withheld(chart: Chart, request: HookRequest) -> str:
    """Why nobody sees cards: the patient has died, or who asks is no clinician (DESIGN 4.16)."""
    person = chart.patient
    if person is not None and (person.deceased_boolean or person.deceased_date_time):
        return "deceased"
    asking = (request.user,) if request.user else _who_asked(chart)
    return "not-a-clinician" if any(one.startswith(_NOT_CLINICIANS) for one in asking) else ""


def _who_asked(chart: Chart) -> Iterator[str]:
    """Who asked for the unsigned orders, as `Type/id` or `Type/`: the user of a call that names none."""
    for shelf in chart.drafts.values():
        for order in shelf.resources:
            if isinstance(order, MedicationRequest) and (person := order.requester or order.recorder):
                yield reference_tail(person.reference) if person.reference else f"{person.type}/"


def decision_id(request: HookRequest, book: Rulebook) -> str:
    """The id of one decision: the same call at the same instant under the same rules has the same id."""
    parts = (
        request.hook_instance,
        request.service_id,
        book.digest,
        request.as_of.isoformat(),
        request.patient_id,
    )
    raw = bytearray(hashlib.sha256("\0".join(parts).encode()).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))
