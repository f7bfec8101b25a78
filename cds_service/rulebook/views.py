"""What a rule may ask for: resource types and elements of `find`, views with their columns and arguments.

Only signatures live here, so that rules can be checked without reading a chart; `facts/` does the reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ColumnKind = Literal["number", "text", "code", "date", "truth"]
ArgumentKind = Literal["amount", "duration", "valueset", "table", "fact", "text"]
OBSERVATIONS = "observations"

# One prefetch key per resource type; observations come in groups named by their value sets.
KEY_OF_TYPE: Mapping[str, str] = {
    "Patient": "patient",
    "Encounter": "encounter",
    "Condition": "conditions",
    "AllergyIntolerance": "allergies",
    "MedicationRequest": "medication-requests",
    "MedicationStatement": "medication-statements",
    "MedicationDispense": "medication-dispenses",
    "MedicationAdministration": "medication-administrations",
    "Procedure": "procedures",
    "QuestionnaireResponse": "questionnaire-responses",
    "Observation": OBSERVATIONS,
}

_STATUS: Mapping[str, frozenset[str]] = {
    "Condition.clinicalStatus": frozenset(
        ["active", "recurrence", "relapse", "inactive", "remission", "resolved"]
    ),
    "Condition.verificationStatus": frozenset(
        ["unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"]
    ),
    "MedicationRequest.status": frozenset(
        ["active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"]
    ),
    "MedicationRequest.intent": frozenset(
        [
            "proposal",
            "plan",
            "order",
            "original-order",
            "reflex-order",
            "filler-order",
            "instance-order",
            "option",
        ]
    ),
    "MedicationStatement.status": frozenset(
        ["active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"]
    ),
    "MedicationDispense.status": frozenset(
        [
            "preparation",
            "in-progress",
            "cancelled",
            "on-hold",
            "completed",
            "entered-in-error",
            "stopped",
            "declined",
            "unknown",
        ]
    ),
    "MedicationAdministration.status": frozenset(
        ["in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown"]
    ),
    "Observation.status": frozenset(
        [
            "registered",
            "preliminary",
            "final",
            "amended",
            "corrected",
            "cancelled",
            "entered-in-error",
            "unknown",
        ]
    ),
    "Procedure.status": frozenset(
        [
            "preparation",
            "in-progress",
            "not-done",
            "on-hold",
            "stopped",
            "completed",
            "entered-in-error",
            "unknown",
        ]
    ),
    "Encounter.status": frozenset(
        [
            "planned",
            "arrived",
            "triaged",
            "in-progress",
            "onleave",
            "finished",
            "cancelled",
            "entered-in-error",
            "unknown",
        ]
    ),
    "AllergyIntolerance.clinicalStatus": frozenset(["active", "inactive", "resolved"]),
    "AllergyIntolerance.verificationStatus": frozenset(
        ["unconfirmed", "confirmed", "refuted", "entered-in-error"]
    ),
    "AllergyIntolerance.type": frozenset(["allergy", "intolerance"]),
    "Patient.gender": frozenset(["male", "female", "other", "unknown"]),
}


@dataclass(frozen=True)
class FindSignature:
    """Elements that `where` and `unsure` may test, and dates that `within` may read, in order."""

    elements: tuple[str, ...]
    dates: tuple[str, ...] = ()

    def allowed(self, resource_type: str, element: str) -> frozenset[str]:
        """The element's required FHIR codes; empty if any text is legal."""
        return _STATUS.get(f"{resource_type}.{element}", frozenset())


FINDABLE: Mapping[str, FindSignature] = {
    "Patient": FindSignature(("gender",)),
    "Encounter": FindSignature(("status", "class", "type", "reasonCode"), ("period",)),
    "Condition": FindSignature(
        ("code", "clinicalStatus", "verificationStatus", "category", "severity"), ("onset", "recordedDate")
    ),
    "AllergyIntolerance": FindSignature(
        ("code", "clinicalStatus", "verificationStatus", "type", "category"), ("recordedDate", "onset")
    ),
    "MedicationRequest": FindSignature(
        ("code", "status", "intent", "reason", "doNotPerform"), ("authoredOn",)
    ),
    "MedicationStatement": FindSignature(("code", "status", "reason"), ("effective", "dateAsserted")),
    "MedicationDispense": FindSignature(("code", "status"), ("whenHandedOver", "whenPrepared")),
    "MedicationAdministration": FindSignature(("code", "status", "reason"), ("effective",)),
    "Procedure": FindSignature(("code", "status", "reason"), ("performed",)),
    "Observation": FindSignature(("code", "status", "category", "value"), ("effective", "issued")),
    "QuestionnaireResponse": FindSignature(("status",), ("authored",)),
}
FIND_COLUMNS: Mapping[str, ColumnKind] = {"day": "date", "number": "number"}


@dataclass(frozen=True)
class ViewSignature:
    """A view's columns and named arguments, the types it reads, the value sets it needs by name.

    `read_for` names the types that are read only if an argument asks for them; `units` are the UCUM units of
    number columns, "" for a plain number, where the view always tells the same. `labels` name columns and
    `words` their values in the reasons a clinician reads; "" is what is not known where a value is not.
    `possible` says when a row that may count lets a fact give `possible`: each by itself, only where all was
    obtained, or never. `merges` if a row may be made of several entries.
    """

    columns: Mapping[str, ColumnKind]
    reads: tuple[str, ...]
    arguments: Mapping[str, ArgumentKind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    needs_codes: bool = True
    valuesets: tuple[str, ...] = ()
    observation_arguments: tuple[str, ...] = ()
    read_for: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    answers: frozenset[str] = frozenset()
    possible: Literal["alone", "obtained", "never"] = "never"
    merges: bool = False


VIEWS: Mapping[str, ViewSignature] = {
    "answers": ViewSignature(
        columns={
            "code": "code",
            "answer": "code",
            "number": "number",
            "date": "date",
            "status": "text",
            "told": "text",
        },
        reads=("Observation", "QuestionnaireResponse"),
        arguments={"scores": "table", "plausible": "table"},
        value="number",
        answers=frozenset({"answer", "number"}),
        possible="alone",
    ),
    "blood_pressure": ViewSignature(
        columns={
            "systolic": "number",
            "diastolic": "number",
            "implausible": "truth",
            "unreadable": "truth",
            "dated_ahead": "truth",
            "without_day": "truth",
            "date": "date",
            "time": "date",
            "status": "text",
        },
        reads=("Observation",),
        arguments={"plausible": "table"},
        needs_codes=False,
        valuesets=("blood-pressure-panel", "systolic-blood-pressure", "diastolic-blood-pressure"),
        units={"systolic": "mm[Hg]", "diastolic": "mm[Hg]"},
        possible="obtained",
    ),
    "body_weight": ViewSignature(
        columns={"weight": "number", "date": "date", "status": "text"},
        reads=("Observation",),
        needs_codes=False,
        arguments={"agree_within": "amount", "jump": "amount", "jump_within": "duration"},
        valuesets=("body-weight",),
        value="weight",
        possible="obtained",
    ),
    "current_drugs": ViewSignature(
        columns={
            "drug": "text",
            "current": "truth",
            "kind": "text",
            "route": "code",
            "reason": "code",
            "start": "date",
            "end": "date",
            "low_dose": "truth",
        },
        reads=("MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"),
        arguments={"given_within": "duration", "minimum_dose": "table", "dose_column": "text"},
        read_for={"MedicationAdministration": "given_within"},
        possible="obtained",
    ),
    "ordered_doses": ViewSignature(
        columns={
            "drug": "text",
            "dose": "number",
            "dose_range": "truth",
            "line_dose": "number",
            "per_weight": "number",
            "duration": "number",
            "rate": "number",
            "per_week": "number",
            "highest_per_week": "number",
            "schedule": "code",
            "route": "code",
            "reason": "code",
            "status": "text",
            "order": "text",
            "lines": "number",
            "date": "date",
        },
        reads=("MedicationRequest",),
        arguments={"weight": "fact"},
        labels={
            "dose": "mg a dose",
            "line_dose": "mg in the line",
            "per_weight": "mg per kg",
            "duration": "minutes of infusion",
            "rate": "mg a minute",
            "per_week": "times a week",
            "highest_per_week": "times a week at most",
            "lines": "line(s) of dosage",
        },
        units={
            "dose": "mg",
            "line_dose": "mg",
            "per_weight": "mg/kg",
            "duration": "min",
            "rate": "mg/min",
            "per_week": "/wk",
            "highest_per_week": "/wk",
        },
        value="dose",
    ),
    "treatment_sessions": ViewSignature(
        columns={"day": "date", "start": "date", "drug": "text", "dose": "number"},
        reads=("MedicationAdministration", "Procedure", "MedicationDispense"),
        arguments={"procedures": "valueset", "supplies": "valueset"},
        read_for={"Procedure": "procedures", "MedicationDispense": "supplies"},
        merges=True,
        labels={"dose": "mg given that day"},
        units={"dose": "mg"},
    ),
    "score_change": ViewSignature(
        columns={
            "instrument": "code",
            "baseline": "number",
            "latest": "number",
            "fall": "number",
            "rise": "number",
            "baseline_date": "date",
            "date": "date",
        },
        reads=("Observation", "QuestionnaireResponse"),
        arguments={"since": "fact", "baseline_until": "duration", "plausible": "table"},
        required=("since",),
        labels={"fall": "percent less than at baseline", "rise": "percent more than at baseline"},
        units={"fall": "%", "rise": "%"},
        value="fall",
    ),
    "antidepressant_trials": ViewSignature(
        columns={
            "ingredient": "text",
            "days": "number",
            "days_at_dose": "number",
            "adherence": "number",
            "dose": "number",
            "outcome": "text",
            "indication": "text",
            "episode": "text",
            "start": "date",
            "end": "date",
        },
        reads=("MedicationDispense", "MedicationStatement", "MedicationRequest", "Condition", "Observation"),
        merges=True,
        arguments={
            "minimum_dose": "table",
            "dose_column": "text",
            "greatest_dose": "table",
            "same_drug": "table",
            "close_drugs": "table",
            "bridged_gap": "duration",
            "no_response_reasons": "valueset",
            "intolerance_reasons": "valueset",
            "reasons": "valueset",
            "scores": "valueset",
            "baseline_before": "duration",
            "follow_up_after": "duration",
            "follow_up_until": "duration",
            "response": "amount",
            "episode": "valueset",
            "episode_otherwise": "valueset",
            "plausible": "table",
        },
        required=(
            "minimum_dose",
            "bridged_gap",
            "no_response_reasons",
            "intolerance_reasons",
            "scores",
            "baseline_before",
            "follow_up_after",
            "follow_up_until",
            "response",
            "episode",
        ),
        observation_arguments=("scores",),
        labels={
            "days": "days of supply",
            "days_at_dose": "days at or above the minimum dose",
            "adherence": "of the days with the drug at hand",
            "dose": "as daily dose",
        },
        words={
            "days_at_dose": {"": "how many days were at or above the minimum dose"},
            "adherence": {"": "on how many days the drug was at hand"},
            "outcome": {
                "failed": "it failed",
                "responded": "the patient responded",
                "not-tolerated": "stopped for intolerance",
                "": "whether it failed",
            },
            "indication": {
                "named": "it was ordered for this illness",
                "other": "so it may be no trial for this illness",
                "": "what it was ordered for",
            },
            "episode": {
                "current": "in the current episode",
                "earlier": "in an earlier episode",
                "": "whether it was in this episode",
            },
        },
        units={"days": "", "days_at_dose": "", "adherence": "", "dose": "mg/d"},
    ),
}
