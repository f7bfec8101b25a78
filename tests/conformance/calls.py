"""A good call of every hook, with the sample rulebook's data."""

from __future__ import annotations

import copy
from typing import Any

from web.answers import INSTANCE, order, view_call

from cds_service.rulebook.hooks import HOOKS

Json = dict[str, Any]
OWN = "org.example.chart-close"
EVERY_HOOK = (*HOOKS, OWN)

USER, PATIENT, ENCOUNTER = {"userId": "Practitioner/1"}, {"patientId": "p1"}, {"encounterId": "e1"}
DRAFTS = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order("d1", "p1")}]}
TASK = {"resourceType": "Task", "status": "draft", "focus": {"reference": "ServiceRequest/s1"}}
ALLERGY = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}}
CONTEXTS: dict[str, Json] = {
    "patient-view": USER | PATIENT,
    "order-select": USER | PATIENT | {"selections": ["MedicationRequest/d1"], "draftOrders": DRAFTS},
    "order-sign": USER | PATIENT | {"draftOrders": DRAFTS},
    "order-dispatch": PATIENT | {"dispatchedOrders": ["ServiceRequest/s1"], "performer": "Organization/o1"},
    "encounter-start": USER | PATIENT | ENCOUNTER,
    "encounter-discharge": USER | PATIENT | ENCOUNTER,
    "appointment-book": USER | PATIENT | {"appointments": {"resourceType": "Bundle", "entry": []}},
    "problem-list-item-create": USER | PATIENT | {"conditions": {"resourceType": "Bundle", "entry": []}},
    "allergyintolerance-create": USER | PATIENT | {"allergyIntolerance": ALLERGY},
    "medication-refill": PATIENT | {"medications": DRAFTS},
    "medication-verify": USER | PATIENT | {"medication": order("d1", "p1")},
    OWN: PATIENT,
}


def address(hook: str) -> str:
    """Where the sample rulebook answers a hook."""
    return f"/cds-services/sample-{hook}"


def call(hook: str, **context: Any) -> Json:
    """A good call of a hook with fields of the context changed; `...` takes one out."""
    fields = CONTEXTS[hook] | {name.replace("__", "-"): value for name, value in context.items()}
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": copy.deepcopy({name: value for name, value in fields.items() if value is not ...}),
        "prefetch": view_call()["prefetch"],
    }
