"""A small rulebook with its tests and a chart, written to a folder. Nothing here is clinical."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BOOK = """\
rulebook: small
title: Small rules of the author's tools
description: Weight, fractures and an order.
version: 1.0.0
publisher: Tests
topic: {system: "urn:cds-service:topic", code: small, display: Small}
could_not_check:
  indicator: warning
  summary: Not all was checked
  detail: Look yourself.
  source: 1
  override_reasons: [not-so]
merge:
  together: {title: Two things at once}
"""
SOURCES = '1: {cite: "A policy", short: "Policy", kind: local-policy, listed: ours}\n'
REASONS = 'not-so: {display: "It is not so"}\n'
_ABOUT = """\
about: {purpose: To test., population: Everybody., owner: tests}
evidence:
  - {source: 1, claim: So it is., direction: for, strength: consensus, certainty: not-graded}
"""
HEAVY = f"""\
rule: heavy
title: The patient weighs a lot
version: 1.0.0
status: active
kind: definition
{_ABOUT}
data:
  weight:
    ask: What does the patient weigh?
    find: Observation
    code_in: body-weight
    within: 30 days [1]
    give: latest value
    unit: kg
logic: weight >= 100 kg [1]
cards: {{when_true: silent, when_unknown: silent, when_false: silent}}
"""
BROKEN = f"""\
rule: broken-and-heavy
title: A heavy patient has a fracture
version: 1.2.0
status: active
kind: contraindication
{_ABOUT}
hooks: [patient-view, order-select]
data:
  heavy:
    ask: Is the patient heavy?
    conclusion: heavy
  fracture:
    ask: Is there a fracture?
    find: Condition
    code_in: fracture
    where: {{verificationStatus: {{not: [refuted]}}}}
    unsure: {{verificationStatus: [provisional]}}
    give: exists
    record: partial
  drug:
    ask: Is the drug being ordered?
    find: MedicationRequest
    from: drafts
    code_in: sample-drug
    give: exists
    record: complete
    because: A call carries all orders [1].
logic:
  all:
    - heavy
    - fracture
    - not: drug
cards:
  when_true:
    indicator: critical
    summary: "On record: {{fracture.display}}"
    detail: "So it is [1]."
    source: 1
    override_reasons: [not-so]
  when_unknown:
    only_if: heavy
    indicator: warning
    merge: together
    summary: "Ask about {{missing_count}} thing(s)"
    detail: "{{missing_questions}}"
    source: 1
    override_reasons: [not-so]
  when_false: silent
"""
TRIED = f"""\
rule: tried-out
title: A rule that is still being written
version: 0.1.0
status: draft
kind: caution
{_ABOUT}
hooks: [patient-view]
data:
  fractures:
    ask: How many fractures are on record?
    find: Condition
    code_in: fracture
    give: count
    record: partial
logic: fractures >= 2 [1]
cards:
  when_true:
    indicator: info
    summary: "{{fractures}} fractures"
    detail: "Many [1]."
    source: 1
    override_reasons: [not-so]
  when_unknown: silent
  when_false: silent
"""
SETS = {
    "body-weight": ("vital-signs", "loinc", "29463-7"),
    "fracture": ("", "snomed", "125605004"),
    "sample-drug": ("", "rxnorm", "161"),
}
TESTS = """\
rule: broken-and-heavy
today: 2026-03-01
defaults: {heavy: true, fracture: true, drug: false}
tests:
  - name: heavy with a fracture
    expect: true
    card: true
  - name: the fracture has a name
    given: {fracture: Broken toe}
    expect: true
    summary: "On record: Broken toe"
  - name: nobody knows of a fracture
    given: {fracture: unknown}
    expect: unknown
    missing: [fracture]
    summary: {contains: [Ask about, "1"]}
  - name: not heavy
    given: {heavy: false, fracture: unknown}
    expect: false
    card: false
  - name: a whole chart
    chart: toe
    expect: true
    summary: "On record: Fracture of toe"
  - name: the same chart without its fracture
    chart: toe
    remove: [Condition/c1]
    expect: unknown
    missing: [fracture]
  - name: a day too old
    chart: toe
    change: {Observation/o1/effectiveDateTime: "2026-01-29"}
    expect: unknown
    missing: [heavy]
  - name: on the last day
    chart: toe
    change: {Observation/o1/effectiveDateTime: "2026-01-30"}
    expect: true
  - name: the drug is being ordered
    chart: toe
    hook: order-select
    change:
      MedicationRequest/new:
        status: draft
        intent: order
        medicationCodeableConcept:
          coding: [{system: "http://www.nlm.nih.gov/research/umls/rxnorm", code: "161"}]
    drafts: [MedicationRequest/new]
    expect: false
"""


def of_patient(kind: str, identity: str, **members: Any) -> Json:
    """A resource about the patient."""
    return {"resourceType": kind, "id": identity, "subject": {"reference": "Patient/p1"}, **members}


def coded(system: str, code: str, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def weight(identity: str, kg: float, day: str) -> Json:
    unit = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    code = coded("http://loinc.org", "29463-7")
    value = {"value": kg} | unit
    return of_patient(
        "Observation", identity, status="final", code=code, effectiveDateTime=day, valueQuantity=value
    )


def fracture(identity: str, display: str = "Fracture of toe") -> Json:
    code = coded("http://snomed.info/sct", "125605004", display)
    return of_patient("Condition", identity, code=code, onsetDateTime="2025-05-01")


def chart(*resources: Json, now: str | None = "2026-03-01T12:00:00Z") -> Json:
    """A chart of patient p1, who was born in 1980."""
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"}
    entries = [{"resource": one} for one in (patient, *resources)]
    body: Json = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return body | ({"timestamp": now} if now else {})


TOE = chart(fracture("c1"), weight("o1", 120, "2026-02-20"))


def encoded(bundle: Json) -> bytes:
    return json.dumps(bundle).encode()


def write_files(folder: Path) -> Path:
    """Write the rulebook to `rules/small` and its fixtures to `fhir_fixtures`; the rulebook's folder."""
    book = folder / "rules" / "small"
    files = {
        "rulebook.yaml": BOOK,
        "sources.yaml": SOURCES,
        "override-reasons.yaml": REASONS,
        "definitions/heavy.yaml": HEAVY,
        "contraindications/broken-and-heavy.yaml": BROKEN,
        "contraindications/broken-and-heavy.test.yaml": TESTS,
        "cautions/tried-out.yaml": TRIED,
    }
    for name, (group, system, code) in SETS.items():
        line = f"group: {group}\n" if group else ""
        files[f"valuesets/{name}.yaml"] = (
            f"valueset: {name}\ntitle: A set\nowner: tests\n{line}include:\n"
            f'  - {{system: {system}, code: "{code}"}}\n'
        )
    for name, text in files.items():
        path = book / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_chart(folder, "toe", TOE)
    write_drugs(folder)
    return book


def write_drugs(folder: Path) -> None:
    path = folder / "rules" / "terminology" / "rxnorm.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "ingredient_rxcui,ingredient,rxcui,tty,name,strength,strength_unit\n"
    path.write_text(head + "161,acetaminophen,161,IN,acetaminophen,,\n")


def write_chart(folder: Path, name: str, bundle: Json) -> Path:
    path = folder / "fhir_fixtures" / "charts" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(bundle))
    return path


def write_tests(book: Path, text: str) -> Path:
    path = book / "contraindications" / "broken-and-heavy.test.yaml"
    path.write_text(text)
    return path


def one_case(**case: Any) -> str:
    """A test file of one case, written as JSON, which is YAML too."""
    whole = {
        "rule": "broken-and-heavy",
        "today": "2026-03-01",
        "defaults": {"heavy": True, "fracture": True, "drug": False},
        "tests": [{"name": "the only case", "expect": True} | case],
    }
    return json.dumps(whole, indent=2)


def without(bundle: Json, reference: str) -> Json:
    """The chart without one resource."""
    bundle = copy.deepcopy(bundle)
    bundle["entry"] = [
        one
        for one in bundle["entry"]
        if f"{one['resource']['resourceType']}/{one['resource']['id']}" != reference
    ]
    return bundle
