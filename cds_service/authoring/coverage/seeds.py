"""Resources that a fact would find: those behind its rows in some case, else one made of its value sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from cds_service.authoring.charts import Json
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.fact import FindFact, InSet, RowsFact, ViewFact
from cds_service.rulebook.files import Code
from cds_service.rulebook.terminology import SYSTEMS
from cds_service.rulebook.views import VIEWS

_MEDICATION = "medicationCodeableConcept"
_MOMENT = {
    "Condition": "recordedDate",
    "AllergyIntolerance": "recordedDate",
    "MedicationRequest": "authoredOn",
    "MedicationStatement": "effectiveDateTime",
    "MedicationDispense": "whenHandedOver",
    "MedicationAdministration": "effectiveDateTime",
    "Procedure": "performedDateTime",
    "Observation": "effectiveDateTime",
}
_STATUS: dict[str, Json] = {
    "MedicationRequest": {"status": "active", "intent": "order"},
    "MedicationStatement": {"status": "active"},
    "MedicationDispense": {"status": "completed"},
    "MedicationAdministration": {"status": "completed"},
    "Procedure": {"status": "completed"},
    "Observation": {"status": "final"},
}
_LISTS = ("Condition", "AllergyIntolerance")
_OF_THE_CHART = frozenset(
    "subject patient encounter meta identifier requester performer recorder basedOn priorPrescription "
    "authorizingPrescription asserter hasMember".split()
)
"""Members that lead back to the chart a resource was taken from."""


def concept(code: Code) -> Json:
    """A code as a CodeableConcept."""
    if code.system == "text":
        return {"text": code.code}
    return {"coding": [{"system": SYSTEMS[code.system], "code": code.code}]}


def codes_of(book: Rulebook, valuesets: Sequence[str], most: int = 2) -> Iterator[Code]:
    """The first codes of each value set that are listed in full."""
    for name in valuesets:
        members = book.terminology.valuesets[name].include
        listed = [one for one in members if isinstance(one, Code) and one.system in (*SYSTEMS, "text")]
        yield from listed[:most]


def seeds(fact: RowsFact, book: Rulebook, as_of: datetime, found: Sequence[Json]) -> Iterator[Json]:
    """Resources for a fact; `found` are those behind its rows in the cases there are."""
    for resource in found[:3]:
        yield {key: value for key, value in resource.items() if key not in _OF_THE_CHART} | {"id": "probe"}
    kinds = (
        (fact.find,)
        if isinstance(fact, FindFact)
        else VIEWS[fact.view].reads
        if isinstance(fact, ViewFact)
        else ()
    )
    for kind in kinds:
        if kind in _MOMENT:
            for code in codes_of(book, fact.code_in or ()):
                yield from _made(kind, code, fact, book, as_of)


def _made(kind: str, code: Code, fact: RowsFact, book: Rulebook, as_of: datetime) -> Iterator[Json]:
    when = (as_of - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = _MEDICATION if kind.startswith("Medication") else "code"
    base: Json = {"resourceType": kind, "id": "probe", key: concept(code), _MOMENT[kind]: when}
    base |= _STATUS.get(kind, {})
    if kind in _LISTS:
        word = "condition" if kind == "Condition" else "allergyintolerance"
        base |= {"clinicalStatus": status(word + "-clinical", "active")}
        base |= {"verificationStatus": status(word + _verification(kind), "confirmed")}
    if fact.origin != "chart" and kind == "MedicationRequest":
        base["status"] = "draft"
    if kind != "Observation":
        yield from ({**base, **more} for more in _reasons(fact, book))
        return
    for value in values(fact, book):
        yield base | value


def _reasons(fact: RowsFact, book: Rulebook) -> Iterator[Json]:
    """The reason that the fact asks for, if it asks for one, and none."""
    test = fact.where.get("reason")
    if isinstance(test, InSet):
        yield from ({"reasonCode": [concept(one)]} for one in codes_of(book, test.valuesets, 1))
    yield {}


def _verification(kind: str) -> str:
    return "-ver-status" if kind == "Condition" else "-verification"


def status(system: str, code: str) -> Json:
    """A clinical or verification status."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def values(fact: RowsFact, book: Rulebook) -> Iterator[dict[str, Any]]:
    """Answers an observation of the fact may give."""
    yield {"valueBoolean": True}
    yield {"valueBoolean": False}
    for test in fact.where.values():
        if isinstance(test, InSet):
            yield from ({"valueCodeableConcept": concept(one)} for one in codes_of(book, test.valuesets))
