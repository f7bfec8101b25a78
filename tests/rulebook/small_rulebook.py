"""A small rulebook without a mistake, written file by file so that one mistake can be put into it."""

from __future__ import annotations

from pathlib import Path

from cds_service.errors import Problem
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import check_rulebook, load_rulebook

BOOK = """\
rulebook: small
title: A small rulebook
description: For tests.
version: 1.0.0
publisher: test@example.org
topic: {system: "urn:test", code: small, display: Small}
could_not_check:
  indicator: warning
  summary: Some checks could not be made
  detail: "Not obtained: {keys} [2]."
  source: 2
  override_reasons: [checked-in-chart]
  only_if_rules: [other-rule]
merge:
  before-start: {title: Before the start}
"""
SOURCES = """\
1: {cite: The label, short: Label, kind: drug-label, listed: ours}
2: {cite: Local policy, short: Policy, kind: local-policy, listed: ours}
3: {cite: A review, short: Review, kind: review, listed: article}
"""
REASONS = """\
checked-in-chart: {display: Checked in the chart}
remeasured-lower: {display: Measured again and lower}
"""
TABLE = """\
table: least-dose
title: Least dose
unit: mg/d
owner: test@example.org
columns: [minimum]
rows:
  "1": {name: one, values: {minimum: 20}, source: 1}
"""
TEMPLATE = """\
template: visit
title: A visit
owner: test@example.org
resource:
  resourceType: ServiceRequest
  status: draft
  intent: order
  subject: {reference: "Patient/{patient_id}"}
  authoredOn: "{now}"
"""
OTHER = """\
rule: other-rule
title: The other rule is true
version: 1.0.0
status: active
kind: definition
about: {purpose: To be used by another., population: Everybody., owner: test@example.org}
evidence:
  - {source: 1, claim: Adults only., direction: for, strength: regulatory, certainty: not-graded}
data:
  age:
    ask: How old is the patient?
    find: Patient
    give: age
logic: age >= 18 [1]
cards: {when_true: silent, when_unknown: silent, when_false: silent}
"""
RULE = """\
rule: raised-pressure
title: The blood pressure is raised
version: 1.0.0
status: active
kind: caution
about:
  purpose: Show a raised pressure.
  population: Adults.
  owner: test@example.org
evidence:
  - source: 1
    claim: Above 140 is raised.
    direction: against
    strength: regulatory
    certainty: not-graded
  - source: 2
    claim: A reading counts for 30 days.
    direction: for
    strength: consensus
    certainty: not-graded
hooks: [patient-view, order-sign]
data:
  age:
    ask: How old is the patient?
    find: Patient
    give: age
  illness:
    ask: Is the illness on the problem list?
    find: Condition
    code_in: illness
    where: {clinicalStatus: [active, relapse]}
    unsure: {verificationStatus: [provisional]}
    date: [onset, recordedDate]
    within: 30 days [2]
    give: exists
    record: complete
    because: The list is reconciled at every visit [2].
  visits:
    ask: How many visits were there?
    find: Encounter
    give: count
    record: partial
  last_visit:
    ask: When was the last visit?
    find: Encounter
    give: latest date
  score:
    ask: What is the latest score?
    find: Observation
    code_in: score
    give: latest value
    unit: "{score}"
  bp:
    ask: What is the latest blood pressure?
    view: blood_pressure
    within: 30 days [2]
    give: latest reading
    unit: mm[Hg]
  other:
    ask: Does the other rule hold?
    conclusion: other-rule
logic:
  all:
    - age >= 18 [1]
    - any:
        - bp.systolic > 140 [1]
        - bp.diastolic > 90 mm[Hg] [1]
    - not: illness
    - visits >= 1
    - last_visit < 4 weeks [2]
    - at_least:
        n: 1
        of: ["score >= 10 [2]", other]
cards:
  when_true:
    indicator: warning
    summary: "Blood pressure {bp.systolic}/{bp.diastolic}"
    detail:
      - "Measured {bp.date} [1]."
      - text: "Score {score} {score.unit}, visits {visits}, last {last_visit}."
        only_if: {not: illness}
    source: 1
    merge: before-start
    suggestions:
      - label: Plan a visit
        actions:
          - type: create
            description: Plan a visit
            resource: {template: visit}
    override_reasons: [remeasured-lower]
  when_unknown:
    indicator: info
    summary: "{missing_count} item(s) missing"
    detail: "{missing_questions}"
    source: 2
    hooks: [order-sign]
  when_false: silent
"""


def valueset(name: str, code: str = "A") -> str:
    """A value set of one code."""
    return (
        f"valueset: {name}\ntitle: {name}\nowner: test@example.org\n"
        f'include: [{{system: loinc, code: "{code}"}}]\n'
    )


def change(text: str, old: str, new: str) -> str:
    """The text with one place changed; the test is wrong if there is not exactly one."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


class Builder:
    """Writes a rulebook and reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """Write one file of the rulebook."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def change(self, name: str, old: str, new: str) -> None:
        """Change one place of a file."""
        path = self.folder / name
        path.write_text(change(path.read_text(encoding="utf-8"), old, new), encoding="utf-8")

    def problems(self) -> tuple[Problem, ...]:
        """Every problem of the rulebook."""
        return check_rulebook(self.folder)[1]

    def load(self) -> Rulebook:
        """The rulebook."""
        return load_rulebook(self.folder)

    def at(self, problem: Problem) -> str:
        """What stands at the place of a problem, to the end of the line."""
        lines = Path(problem.place.file).read_text(encoding="utf-8").splitlines()
        return lines[problem.place.line - 1][problem.place.column - 1 :]


RULE_FILE = "cautions/raised-pressure.yaml"
OTHER_FILE = "definitions/other-rule.yaml"
FILES = {
    "rulebook.yaml": BOOK,
    "sources.yaml": SOURCES,
    "override-reasons.yaml": REASONS,
    "tables/least-dose.yaml": TABLE,
    "templates/visit.yaml": TEMPLATE,
    OTHER_FILE: OTHER,
    RULE_FILE: RULE,
}
SETS = (
    "illness",
    "score",
    "blood-pressure-panel",
    "systolic-blood-pressure",
    "diastolic-blood-pressure",
    "body-weight",
)
