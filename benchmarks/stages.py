"""Where the time of a hook call goes, inside one process, without HTTP.

    python -m benchmarks.stages [--requests N] [--json | --markdown]

Medians of processor time in microseconds. The stages are run one after another with the functions the
pipeline calls, so their sum is close to `whole`, which is the pipeline itself. `new chart` is `whole` for a
chart the process has not seen before, whose dates and codes no memory holds yet.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from functools import partial
from statistics import median
from time import process_time_ns
from typing import Any

import msgspec

from benchmarks.bodies import HOOK, NOW, SERVICE, SIZES, answer, patient_view, shipped
from benchmarks.figures import done, progress, show, style_of
from cds_service.cards.decision import Decision
from cds_service.cards.response import answer as answer_of
from cds_service.facts.gather import gather
from cds_service.facts.read import Owner, read_key
from cds_service.facts.request import HookRequest
from cds_service.facts.shelf import build_shelves
from cds_service.pipeline import HookPlan, ServedRulebook, decision_id, examine
from cds_service.web.request import read_request

STAGES = ("read_request", "read keys", "shelves", "facts", "infer", "cards", "encode", "whole", "new chart")
_TOP = 10
_WARM_UP = 20
_encode = msgspec.json.Encoder().encode

Times = dict[str, list[int]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="calls per size [300]")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="resources [20 100 500]"
    )
    parser.add_argument("--engine", default=None, help="durable or direct")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md")
    args = parser.parse_args(argv)
    served = shipped(args.engine)
    stages, facts = [], []
    for size in args.sizes:
        progress(f"{size} resources …")
        stages.append({"resources": size, **stage_times(size, served, args.requests)})
        facts.append(fact_times(size, served, args.requests))
    done()
    show(f"Stages, µs of processor time, engine {served.engine}", stages, style_of(args))
    for size, slowest in zip(args.sizes, facts, strict=True):
        show(f"The slowest facts at {size} resources, µs", slowest, style_of(args))


def stage_times(size: int, served: ServedRulebook, calls: int) -> dict[str, float]:
    """The median time of every stage."""
    body = patient_view(size)
    times: Times = {stage: [] for stage in STAGES}
    for number in range(-min(_WARM_UP, calls), calls):
        seen: Times = times if number >= 0 else {stage: [] for stage in STAGES}
        _run(body, served, seen)
        _timed(seen, "whole", partial(_whole, body, served))
    for number in range(max(3, calls // 10)):
        _timed(times, "new chart", partial(_whole, patient_view(size, seed=1_000_000 + number), served))
    return {stage: round(median(found) / 1000, 1) for stage, found in times.items()}


def _whole(body: bytes, served: ServedRulebook) -> bytes:
    return _encode(answer(body, served))


def _run(body: bytes, served: ServedRulebook, times: Times) -> None:
    """One call, stage by stage."""
    plan = served.plans[HOOK]
    request = _timed(
        times,
        "read_request",
        lambda: read_request(body, service_id=SERVICE, hook=HOOK, as_of=NOW, zone=UTC),
    )
    owner = Owner(request.patient_id, request.fhir_server)
    supplied = _timed(
        times,
        "read keys",
        lambda: {key: read_key(key, request.prefetch.get(key), owner) for key in plan.keys},
    )
    _timed(times, "shelves", lambda: build_shelves(supplied, served.meanings, frozenset()))
    chart = gather(request, plan.keys, served.meanings)
    findings = plan.extraction(chart)
    states = _timed(times, "facts", lambda: plan.needed.of(plan.extraction(chart), NOW, UTC))
    plan.needed.of(findings, NOW, UTC)
    conclusions = _timed(times, "infer", lambda: plan.engine.infer(states))

    def cards() -> Mapping[str, Any]:
        decision = Decision(
            id=decision_id(request, served.book),
            book=served.cards,
            request=request,
            rules=plan.rules,
            findings=findings,
            conclusions=conclusions,
            not_obtained=chart.not_obtained(plan.keys),
            notes=chart.notes,
        )
        return answer_of(decision)

    made = _timed(times, "cards", cards)
    _timed(times, "encode", lambda: _encode(made))


def _timed(times: Times, stage: str, work: Callable[[], Any]) -> Any:
    before = process_time_ns()
    made = work()
    times[stage].append(process_time_ns() - before)
    return made


def fact_times(size: int, served: ServedRulebook, calls: int) -> list[dict[str, Any]]:
    """The facts read that take longest. Equal facts are read once; a view pays at its first fact."""
    plan = served.plans[HOOK]
    body = patient_view(size)
    request = read_request(body, service_id=SERVICE, hook=HOOK, as_of=NOW, zone=UTC)
    times: dict[int, list[int]] = {number: [] for number in _read(request, plan, served)}
    for _ in range(calls):
        findings = plan.extraction(gather(request, plan.keys, served.meanings))
        for number, found in times.items():
            before = process_time_ns()
            findings.answer(number)
            found.append(process_time_ns() - before)
    names = _names(plan)
    medians = sorted(((median(found) / 1000, index) for index, found in times.items()), reverse=True)
    return [
        {"fact": names[index], "µs": round(spent, 1), "first asked by": _asked_by(plan, index)}
        for spent, index in medians[:_TOP]
    ]


def _read(request: HookRequest, plan: HookPlan, served: ServedRulebook) -> list[int]:
    """The numbers of the facts that the verdicts and cards of a call make the service read."""
    findings = plan.extraction(gather(request, plan.keys, served.meanings))
    silent = set(findings.read())
    plan.needed.of(findings, NOW, UTC)
    answer_of(replace(examine(request, served).decision, findings=findings))
    return [number for number in findings.read() if number not in silent]


def _names(plan: HookPlan) -> dict[int, str]:
    return {number: askers[0][1] for number, askers in enumerate(plan.extraction.askers)}


def _asked_by(plan: HookPlan, index: int) -> str:
    return plan.extraction.askers[index][0][0]


if __name__ == "__main__":
    main()
