"""Small charts in a few words: resources as an EHR sends them, the call that brings them, what facts answer.

Everything belongs to the patient `p`; now is noon of 1 March 2026, UTC, unless a test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from pydantic import TypeAdapter

from cds_service.facts.chart import Chart
from cds_service.facts.extract import fact_reader
from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.facts.gather import gather
from cds_service.facts.meaning import Meanings
from cds_service.facts.prefetch import fact_keys, group_of, hook_keys
from cds_service.facts.request import HookRequest
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.rule import Fact
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS
from cds_service.truth import Span

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
LOINC, RXNORM = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
NO_RESPONSE, NOT_TOLERATED = "266721009", "407563006"
SERTRALINE, VENLAFAXINE, CITALOPRAM, ESCITALOPRAM = "312938", "313581", "200371", "349332"
"""Tablets or capsules of 100, 150, 20 and 10 mg."""
_numbers = count(1)
_fact: TypeAdapter[Any] = TypeAdapter(Fact)


@cache
def book() -> Rulebook:
    return load_rulebook(ROOT / "rules" / "ketamine-trd")


@cache
def meanings() -> Meanings:
    return Meanings(book().terminology)


# --- data types ----------------------------------------------------------------------------------


def coding(code: str, system: str | None = None, display: str = "") -> Json:
    """A coding; the system follows from the look of the code unless given."""
    if system is None:
        system = LOINC if "-" in code or code.startswith("LA") else ICD if code[:1].isalpha() else SNOMED
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codes: str | Json, text: str = "") -> Json:
    codings = [coding(code) if isinstance(code, str) else code for code in codes]
    return ({"coding": codings} if codings else {}) | ({"text": text} if text else {})


def quantity(value: float, unit: str = "", comparator: str = "") -> Json:
    """An amount in a UCUM unit."""
    made: Json = {"value": value}
    if unit:
        made |= {"unit": unit, "system": UCUM, "code": unit}
    return made | ({"comparator": comparator} if comparator else {})


def tablets(number: float = 1, times: float = 1, **more: Any) -> Json:
    """Dosage: so many tablets so many times a day."""
    return dosage(quantity(number, "{tbl}"), frequency=times, period=1, periodUnit="d") | more


def dosage(amount: Json | None = None, **repeat: Any) -> Json:
    made: Json = {"timing": {"repeat": repeat}} if repeat else {}
    return made | ({"doseAndRate": [{"doseQuantity": amount}]} if amount is not None else {})


# --- resources -----------------------------------------------------------------------------------


def _resource(kind: str, **members: Any) -> Json:
    """A resource of patient p; members given as None are left out."""
    made = {"resourceType": kind, "id": f"r{next(_numbers)}", "subject": {"reference": "Patient/p"}} | members
    return {name: value for name, value in made.items() if value is not None}


def patient(birth: str | None = "1980-05-05", **more: Any) -> Json:
    return _resource("Patient", id="p", subject=None, birthDate=birth) | more


def condition(
    code: str | Json | None = "F33.2",
    onset: str | None = None,
    recorded: str | None = None,
    *,
    clinical: str | None = "active",
    verification: str | None = "confirmed",
    **more: Any,
) -> Json:
    return _resource(
        "Condition",
        code=concept(code) if isinstance(code, str) else code,
        clinicalStatus=concept(coding(clinical, "urn:clinical")) if clinical else None,
        verificationStatus=concept(coding(verification, "urn:verification")) if verification else None,
        onsetDateTime=onset,
        recordedDate=recorded,
        **more,
    )


def observation(code: str | Json, value: Any = None, when: str | None = "2026-02-25", **more: Any) -> Json:
    """An observation; the value is a number, a yes or no, a text, or members such as {"valueInteger": 3}."""
    return _resource(
        "Observation",
        status="final",
        code=concept(code) if isinstance(code, str) else code,
        effectiveDateTime=when,
    ) | (valued(value) | more)


def valued(value: Any) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, (int, float)):
        return {"valueQuantity": quantity(value, "{score}")}
    if isinstance(value, str):
        return {"valueString": value}
    return value or {}


def response(*items: Json, when: str | None = "2026-02-25", status: str = "completed", **more: Any) -> Json:
    return _resource("QuestionnaireResponse", status=status, authored=when, item=list(items), **more)


def item(link: str, *answers: Json, items: Iterable[Json] = ()) -> Json:
    nested = list(items)
    return (
        {"linkId": link}
        | ({"answer": list(answers)} if answers else {})
        | ({"item": nested} if nested else {})
    )


def drug(code: str | Json) -> Json:
    """A medication element: an RXCUI, or the concept as it stands."""
    return concept(coding(code, RXNORM)) if isinstance(code, str) else code


def dispense(
    code: str | Json = SERTRALINE,
    day: str | None = "2025-02-01",
    days: int | Json | None = 84,
    *,
    dosage: Json | None = None,
    order: Json | None = None,
    status: str = "completed",
    **more: Any,
) -> Json:
    """A drug handed out; one tablet a day unless `dosage` or `order` says otherwise."""
    own = [tablets()] if dosage is None and order is None else [dosage] if dosage else None
    return _resource(
        "MedicationDispense",
        status=status,
        medicationCodeableConcept=drug(code),
        whenHandedOver=day,
        daysSupply=quantity(days, "d") if isinstance(days, int) else days,
        dosageInstruction=own,
        authorizingPrescription=[{"reference": f"MedicationRequest/{order['id']}"}] if order else None,
    ) | {name: value for name, value in more.items() if value is not None}


def order(
    code: str | Json = SERTRALINE,
    written: str | None = "2025-02-01",
    *,
    status: str = "stopped",
    why: str | None = None,
    dosage: Json | None = None,
    **more: Any,
) -> Json:
    return (
        _resource(
            "MedicationRequest",
            status=status,
            intent="order",
            medicationCodeableConcept=drug(code),
            authoredOn=written,
            statusReason=concept(why) if why else None,
            dosageInstruction=[dosage or tablets()],
        )
        | more
    )


def statement(
    code: str | Json = SERTRALINE,
    start: str | None = "2025-02-01",
    end: str | None = "2025-04-25",
    *,
    status: str = "stopped",
    why: str | None = None,
    dosage: Json | None = None,
    **more: Any,
) -> Json:
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    return (
        _resource(
            "MedicationStatement",
            status=status,
            medicationCodeableConcept=drug(code),
            effectivePeriod=period or None,
            statusReason=[concept(why)] if why else None,
            dosage=[dosage or tablets()],
        )
        | more
    )


def administration(code: str | Json, when: str | None, status: str = "completed", **more: Any) -> Json:
    return _resource(
        "MedicationAdministration",
        status=status,
        medicationCodeableConcept=drug(code),
        effectiveDateTime=when,
        **more,
    )


def encounter(status: str = "in-progress", **more: Any) -> Json:
    return _resource("Encounter", status=status, **{"class": coding("AMB", "urn:class")}) | more


def failed(code: str, start: str, days: int, **more: Any) -> list[Json]:
    """An order stopped for lack of response, and the supply it led to."""
    made = order(code, start, why=NO_RESPONSE)
    return [made, dispense(code, start, days, order=made, **more)]


# --- calls and answers ---------------------------------------------------------------------------


def bundle(*resources: Json, total: int | None = None, more: bool = False) -> Json:
    made: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r} for r in resources],
    }
    made |= {"total": total} if total is not None else {}
    return made | ({"link": [{"relation": "next", "url": "urn:next"}]} if more else {})


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value if isinstance(value, bytes) else json.dumps(value).encode())


def keys_of(resource: Json) -> list[str]:
    """The prefetch keys a resource comes in."""
    kind = resource["resourceType"]
    if kind != "Observation":
        return [KEY_OF_TYPE[kind]] if kind in KEY_OF_TYPE else []
    parts = [resource, *resource.get("component", [])]
    concepts = [part.get("code", {}) for part in parts]
    codes = [(c.get("system", ""), c.get("code", "")) for one in concepts for c in one.get("coding", [])]
    codes += [("text", one["text"]) for one in concepts if "text" in one]
    sets = frozenset[str]().union(*(book().terminology.sets_of(*code) for code in codes))
    return sorted({f"{OBSERVATIONS}-{group_of(name, book())}" for name in sets})


def request(
    *resources: Json,
    keys: Iterable[str] | None = None,
    prefetch: Mapping[str, Any] | None = None,
    without: Iterable[str] = (),
    drafts: Iterable[Json] | bytes | None = None,
    as_of: datetime = NOW,
    zone: tzinfo = UTC,
    hook: str = "patient-view",
    **more: Any,
) -> HookRequest:
    """The call that brings these resources, each under its key, every other key searched and empty.

    `prefetch` gives values of keys as they stand, `without` names keys not supplied.
    """
    found: dict[str, list[Json]] = {key: [] for key in (hook_keys(book(), hook) if keys is None else keys)}
    found.setdefault("patient", [])
    for resource in resources:
        for key in keys_of(resource):
            found.setdefault(key, []).append(resource)
    if not found["patient"]:
        found["patient"] = [patient()]
    brought: dict[str, Any] = {key: bundle(*held) for key, held in found.items()}
    brought |= {"patient": found["patient"][0]} | dict(prefetch or {})
    return HookRequest(
        hook=hook,
        hook_instance="00000000-0000-4000-8000-000000000000",
        service_id=f"ketamine-trd-{hook}",
        user="Practitioner/x",
        patient_id="p",
        as_of=as_of,
        zone=zone,
        prefetch={key: raw(value) for key, value in brought.items() if key not in set(without)},
        draft_orders=raw(drafts if isinstance(drafts, bytes) else bundle(*drafts))
        if drafts is not None
        else None,
        **more,
    )


def chart(*resources: Json, keys: Iterable[str] = (), explain: bool = True, **call: Any) -> Chart:
    """The chart gathered for some keys."""
    wanted = list(dict.fromkeys(["patient", *keys]))
    return gather(request(*resources, keys=wanted, **call), wanted, meanings(), explain=explain)


def fact(data: Mapping[str, Any]) -> Any:
    """A fact as a rule file writes it; `ask` may be left out."""
    return _fact.validate_python({"ask": "What does the test ask?", **data})


def ask(data: Mapping[str, Any], *resources: Json, explain: bool = True, **call: Any) -> Finding:
    """The answer to a fact from a chart of these resources."""
    asked = fact(data)
    held = chart(*resources, keys=fact_keys(asked, book()), explain=explain, **call)
    return fact_reader(asked, book())(held, {})


def span_of(finding: Finding) -> Span:
    assert isinstance(finding.value, Quantity)
    return finding.value.span


# --- antidepressant trials -----------------------------------------------------------------------

CURRENT = condition("F33.2", "2025-01-10", id="episode")


def trials_fact(**changes: Any) -> Json:
    """The rule's own call of the view, without its conditions."""
    rule = book().by_id["trd-definition-met"].data["failed_trials"]
    return {
        "view": "antidepressant_trials",
        "code_in": list(rule.code_in),
        "with": dict(rule.arguments) | changes,
        "give": "count",
        "record": "partial",
    }


ADEQUATE_AND_FAILED: Mapping[str, Any] = {
    "days_at_dose": ">= 42 [14]",
    "adherence": ">= 0.8 [13]",
    "outcome": ["failed"],
    "episode": ["current"],
}


def trials(*resources: Json, **call: Any) -> list[Row]:
    """Every row of the view: settled, open and rejected."""
    found = ask(trials_fact(), *resources, **call)
    return [*found.rows, *found.rejected]


def trial(*resources: Json, **call: Any) -> Row:
    """The only row of the view."""
    (row,) = trials(*resources, **call)
    return row


def failed_trials(*resources: Json, **call: Any) -> Span:
    """How many different drugs the rule counts as failed adequate trials of this episode."""
    where = {"where": ADEQUATE_AND_FAILED, "give": "count_distinct ingredient"}
    return span_of(ask(trials_fact() | where, *resources, **call))


def day(text: str, later: int = 0) -> str:
    return (date.fromisoformat(text) + timedelta(days=later)).isoformat()
