"""The first text of each file. A line with `TODO:` waits for a person; everything else stands already."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from cds_service.rulebook.rule import SAFETY_KINDS, Kind


def rulebook_text(name: str) -> str:
    """rulebook.yaml."""
    return f"""\
rulebook: {name}
title: "TODO: what this rulebook is about"
description: "TODO: what its rules recognise and check, for whom."
version: 0.1.0
publisher: "TODO: who answers for it, with a mail address"
topic:
  system: urn:cds-service:topic
  code: {name}
  display: "TODO: the topic in words, shown with every card"
usage: "TODO: for whom it is; what it does not see."

could_not_check:
  indicator: warning
  summary: Some safety checks could not be made
  detail: >
    Part of the chart did not reach this service. Read the absence of other cards as not checked, never as
    clear [1].
  source: 1
  override_reasons: [checked-in-chart]
"""


SOURCES = """\
# Numbered once, never renumbered. A rule cites [n]; the card shows the short form. `checked` is the day on
# which somebody read the source; leave it out until then.
1:
  cite: "TODO: the policy of your site for numbers that nobody published, with its date"
  short: Local policy
  kind: local-policy
  listed: ours
"""
REASONS = """\
# Reasons a clinician may give for dismissing a card; an id is never reused with another meaning.
checked-in-chart: {display: I have checked the chart myself}
already-considered: {display: Already considered for this patient}
"""


def rule_text(name: str, kind: Kind, today: date) -> str:
    """A rule about adults, to be rewritten from top to bottom."""
    hooks = "" if kind == "definition" else "hooks: [patient-view]\n\n"
    return f"""\
rule: {name}
title: "TODO: a statement on {name} that is true or false"
version: 0.1.0
status: draft
kind: {kind}

about:
  purpose: "TODO: what the rule is for."
  population: "TODO: for whom it is."
  owner: "TODO: who answers mail about it"
  review_by: {today.year + 1}-{today.month:02}-01
  limits: "TODO: what it cannot see."

evidence:
  - source: 1
    claim: "TODO: what the source says, with every number the rule takes from it: 18 years."
    direction: for
    strength: consensus
    certainty: not-graded

{hooks}data:
  age:                                  # TODO: ask what the rule needs to know
    ask: How old is the patient?
    find: Patient
    give: age

logic: age >= 18 [1]                    # TODO: the criteria, every number with its source

cards:
{_cards(kind)}"""


def _cards(kind: Kind) -> str:
    if kind == "definition":
        return "  when_true: silent\n  when_unknown: silent\n  when_false: silent\n"
    unknown = _UNKNOWN if kind in SAFETY_KINDS else "  when_unknown: silent\n"
    return _TRUE + unknown + "  when_false: silent\n"


_TRUE = """\
  when_true:
    indicator: info
    summary: "TODO: one line, what is so (age {age})"
    detail: "TODO: why it matters and what to do, with its source [1]."
    source: 1
    override_reasons: [already-considered]

"""
_UNKNOWN = """\
  when_unknown:
    indicator: info
    summary: "TODO: one line, what to look up"
    detail: "{missing_questions}"
    source: 1
    override_reasons: [checked-in-chart]

"""


def tests_text(name: str, kind: Kind, today: date) -> str:
    """The tests of that rule: each verdict, both sides of its number, a whole chart."""
    card = "" if kind == "definition" else "    card: true\n"
    return f"""\
rule: {name}
today: {today.isoformat()}

defaults:
  age: 44

tests:
  - name: an adult                      # TODO: the case for which the rule is made
    expect: true
{card}
  - name: age 18
    given: {{age: 18}}
    expect: true

  - name: age 17
    given: {{age: 17}}
    expect: false

  - name: no date of birth
    given: {{age: unknown}}
    expect: unknown
    missing: [age]

  - name: a whole chart
    chart: {name}
    expect: true
"""


def chart_text(name: str, today: date) -> str:
    """A chart of one made-up adult; its timestamp is its "now"."""
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": "Fixture", "given": ["Made-up"]}],
        "gender": "unknown",
        "birthDate": f"{today.year - 44}-01-01",
    }
    bundle = {
        "resourceType": "Bundle",
        "id": name,
        "type": "collection",
        "timestamp": f"{today.isoformat()}T12:00:00Z",
        "entry": [{"fullUrl": f"https://ehr.example.org/fhir/Patient/{name}", "resource": patient}],
    }
    return json.dumps(bundle, indent=2) + "\n"
