"""A rulebook of a few made-up drugs and a scale, and rules built in a test to ask views through the pipeline.

Resources come from `chart_builder`; now is noon of 1 March 2026, UTC.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from chart_builder import NOW, Json, bundle, coding, concept, dosage, order, patient, quantity, raw

from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.facts.prefetch import hook_keys
from cds_service.facts.request import HookRequest
from cds_service.pipeline import Evaluation, ServedRulebook, examine
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import Span

ALPHA, VIAL, TABLET, SPRAY, BETA, PACK = "1", "11", "12", "13", "2", "21"
"""An ingredient, its products of 10 MG/ML, 50 MG and 28 MG/ACTUAT; another, and a pack without a strength."""
INTO_VEIN, BY_MOUTH = "47625008", "26643006"
SESSION = "G2083"
_BOOK = """\
rulebook: small
title: Rules built by a test
description: Made-up drugs and a scale.
version: 1.0.0
publisher: tests
topic: {system: "urn:test", code: small, display: Small}
could_not_check:
  indicator: warning
  summary: Not all was checked
  detail: Look yourself.
  source: 1
  override_reasons: [not-so]
"""
_SOURCES = "1: {cite: A policy, short: Policy, kind: local-policy, listed: ours}\n"
_REASONS = "not-so: {display: It is not so}\n"
_DRUGS = """\
ingredient_rxcui,ingredient,rxcui,tty,name,strength,strength_unit
1,alpha,1,IN,alpha,,
1,alpha,11,SCD,alpha 10 MG/ML Injectable Solution,10,MG/ML
1,alpha,12,SCD,alpha 50 MG Oral Tablet,50,MG
1,alpha,13,SCD,alpha 28 MG/ACTUAT Nasal Spray,28,MG/ACTUAT
2,beta,2,IN,beta,,
2,beta,21,GPCK,beta pack,,
1,alpha,31,SCD,alpha 5 MG / beta 7 MG Oral Tablet,5,MG
2,beta,31,SCD,alpha 5 MG / beta 7 MG Oral Tablet,7,MG
9,omega,9,IN,omega,,
"""
_SETS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "alpha": ("", (("rxnorm", "1"),)),
    "beta": ("", (("rxnorm", "2"),)),
    "into-vein": ("", (("snomed", INTO_VEIN),)),
    "by-mouth": ("", (("snomed", BY_MOUTH),)),
    "reason": ("", (("icd-10-cm", "F33.2"),)),
    "session-procedure": ("", (("local", SESSION),)),
    "scale": ("scores", (("loinc", "44261-6"),)),
    "other-scale": ("scores", (("loinc", "89204-2"),)),
    "body-weight": ("vital-signs", (("loinc", "29463-7"),)),
}
_ROUTES = frozenset({"into-vein", "by-mouth"})
HOOKS = ["patient-view", "order-select", "order-sign"]
Facts = Mapping[str, Mapping[str, Any]]


# --- rules ---------------------------------------------------------------------------------------


def rule(name: str, facts: Facts, logic: Any) -> str:
    """A rule file, written as JSON, which is YAML too."""
    silent = dict.fromkeys(("when_true", "when_unknown", "when_false"), "silent")
    claim = {"claim": "So it is.", "direction": "for", "strength": "consensus", "certainty": "not-graded"}
    return json.dumps(
        {
            "rule": name,
            "title": f"The rule {name}",
            "version": "1.0.0",
            "status": "active",
            "kind": "caution",
            "about": {"purpose": "To test.", "population": "Everybody.", "owner": "tests"},
            "evidence": [{"source": 1, **claim}],
            "hooks": HOOKS,
            "data": {fact: whole(data) for fact, data in facts.items()},
            "logic": logic,
            "cards": silent,
        }
    )


def whole(data: Mapping[str, Any]) -> Json:
    """A fact with all it needs: unless it says more, whether there is a row, of a complete record."""
    if "calculate" in data:
        return {"ask": "What does the test ask?", **data}
    made = {"ask": "What does the test ask?", "give": "exists", **data}
    if made["give"].split()[0] in ("exists", "count", "count_distinct"):
        made.setdefault("record", "complete")
    if made.get("record") == "complete":
        made.setdefault("because", "A test says so.")
    return made


# A second rule, so that losing what the first one reads is never losing everything.
OTHER: Facts = {"allergic": {"find": "AllergyIntolerance"}}


@cache
def served(*rules: str, engine: str | None = None) -> ServedRulebook:
    """The rules in a rulebook, ready to answer calls."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "rules" / "small"
        files = {"rulebook.yaml": _BOOK, "sources.yaml": _SOURCES, "override-reasons.yaml": _REASONS}
        files |= {
            f"cautions/{json.loads(text)['rule']}.yaml": text
            for text in (*rules, rule("other", OTHER, "allergic"))
        }
        for name, (group, codes) in _SETS.items():
            include = [{"system": system, "code": code} for system, code in codes]
            made = {"valueset": name, "title": f"The {name}", "owner": "tests", "include": include}
            made |= {"group": group} if group else {}
            files[f"valuesets/{name}.yaml"] = json.dumps(
                made | ({"scale": "route"} if name in _ROUTES else {})
            )
        files["../terminology/rxnorm.csv"] = _DRUGS
        for name, text in files.items():
            path = book / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return ServedRulebook.prepare(load_rulebook(book), engine)


# --- calls ---------------------------------------------------------------------------------------


def key_of(resource: Json) -> str:
    kind = resource["resourceType"]
    if kind != "Observation":
        return KEY_OF_TYPE[kind]
    weight = any(code.get("code") == "29463-7" for code in resource["code"]["coding"])
    return "observations-vital-signs" if weight else "observations-scores"


def call(
    rulebook: ServedRulebook,
    *resources: Json,
    without: Iterable[str] = (),
    drafts: Iterable[Json] | None = None,
    hook: str = "patient-view",
    as_of: datetime = NOW,
    zone: tzinfo = UTC,
    selections: tuple[str, ...] = (),
) -> HookRequest:
    """The call that brings these resources, every other key of the hook searched and empty."""
    found: dict[str, list[Json]] = {key: [] for key in hook_keys(rulebook.book, hook)}
    for resource in resources:
        found.setdefault(key_of(resource), []).append(resource)
    brought: dict[str, Any] = {key: bundle(*held) for key, held in found.items()} | {"patient": patient()}
    return HookRequest(
        hook=hook,
        hook_instance="00000000-0000-4000-8000-000000000000",
        service_id=f"small-{hook}",
        user="Practitioner/x",
        patient_id="p",
        as_of=as_of,
        zone=zone,
        prefetch={key: raw(value) for key, value in brought.items() if key not in set(without)},
        draft_orders=raw(bundle(*drafts)) if drafts is not None else None,
        selections=selections,
    )


def asked(facts: Facts, logic: Any, *resources: Json, engine: str | None = None, **more: Any) -> Evaluation:
    """What one rule of these facts makes of these resources, through the whole pipeline."""
    rulebook = served(rule("asked", facts, logic), engine=engine)
    return examine(call(rulebook, *resources, **more), rulebook, explain=True)


def verdict(facts: Facts, logic: Any, *resources: Json, **more: Any) -> str:
    return str(asked(facts, logic, *resources, **more).conclusions["asked"].verdict)


def finding(fact: Mapping[str, Any], *resources: Json, beside: Facts | None = None, **more: Any) -> Finding:
    """The answer to one yes/no fact; `beside` are the facts it is made of."""
    return asked({**(beside or {}), "it": fact}, "it", *resources, **more).findings["asked"]["it"]


def rows(fact: Mapping[str, Any], *resources: Json, **more: Any) -> list[Row]:
    """Every row: settled, open and rejected."""
    found = finding(fact, *resources, **more)
    return [*found.rows, *found.rejected]


def only_row(fact: Mapping[str, Any], *resources: Json, **more: Any) -> Row:
    (row,) = rows(fact, *resources, **more)
    return row


def span(cell: object) -> Span | None:
    """The interval of a number, rounded; None if it is open."""
    if not isinstance(cell, Quantity):
        return None
    return Span(round(cell.span.low, 6), round(cell.span.high, 6))


def number(cell: object) -> float | None:
    """An exact number."""
    held = span(cell)
    assert held is None or held.exact, held
    return held.low if held is not None else None


# --- resources -----------------------------------------------------------------------------------


def draft(*lines: Json, code: str | Json = VIAL, **more: Any) -> Json:
    """An order being written, with these lines of dosage."""
    return order(code, None, status="draft") | {"dosageInstruction": list(lines)} | more


def line(
    dose: Json | None = None,
    rate: Mapping[str, Any] | None = None,
    *,
    route: str | None = None,
    **repeat: Any,
) -> Json:
    """A line of dosage: `rate` as members of doseAndRate, `repeat` as members of timing.repeat."""
    given = ({"doseQuantity": dose} if dose else {}) | dict(rate or {})
    made = dosage(None, **repeat) | ({"doseAndRate": [given]} if given else {})
    return made | ({"route": concept(route)} if route else {})


def mg(amount: float) -> Json:
    return quantity(amount, "mg")


def procedure(when: str | None, status: str = "completed", code: Json | None = None, **more: Any) -> Json:
    made = {
        "resourceType": "Procedure",
        "id": f"procedure-{when}-{status}",
        "subject": {"reference": "Patient/p"},
        "status": status,
        "code": code or concept(coding(SESSION, "urn:billing")),
    }
    return made | ({"performedDateTime": when} if when else {}) | more
