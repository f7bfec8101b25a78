"""A hook call with one prefetch key lost, in each of the ways an EHR can lose one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from cds_service.authoring.charts import chart_request, request_file
from cds_service.errors import RequestError
from cds_service.facts.prefetch import fact_keys, hook_keys
from cds_service.facts.request import HookRequest
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.rulebook.book import Rulebook, consumed
from cds_service.rulebook.load import load_rulebook

ROOT = Path(__file__).parents[2]
CHARTS = sorted((ROOT / "fhir_fixtures" / "charts").glob("*.json"))
# Recorded calls of the hooks that a chart alone does not replay.
CALLS = sorted(
    path
    for path in (ROOT / "fhir_fixtures" / "requests").glob("*.json")
    if not path.name.endswith(".patient-view.json")
)
DECISION = "org.cds-service.decision"
STRANGER = "someone-else"


@cache
def book() -> Rulebook:
    return load_rulebook(ROOT / "rules" / "ketamine-trd")


@cache
def served() -> ServedRulebook:
    return ServedRulebook.prepare(book(), "direct")


def call(chart: Path, hook: str = "patient-view") -> HookRequest:
    return chart_request(chart.read_bytes(), book(), hook)


def decide(request: HookRequest) -> dict[str, Any] | None:
    """The body of the answer; None if the call is refused with 400 or 412."""
    try:
        return evaluate(request, served()).body
    except RequestError:
        return None


def verdicts(body: Mapping[str, Any]) -> dict[str, str]:
    return {item["rule"]: item["verdict"] for item in body["extension"][DECISION]["verdicts"]}


# --- ways to lose a key --------------------------------------------------------------------------


def _absent(value: Any) -> Any:
    return ...


def _outcome(value: Any) -> Any:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def _other_patient(value: Any) -> Any:
    """Every resource of the key becomes a stranger's."""
    text = json.dumps(value)
    return json.loads(text.replace('"reference": "Patient/', f'"reference": "Patient/{STRANGER}-'))


def _next_link(value: Any) -> Any:
    return {**value, "link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}


def _short_of_total(value: Any) -> Any:
    return {**value, "total": len(value.get("entry", [])) + 1}


def _drugs_not_sent(value: Any) -> Any:
    """Each drug is told by a reference to a Medication that does not come along."""
    entries = [{**one, "resource": _referring(one["resource"])} for one in value.get("entry", [])]
    return {**value, "entry": entries} if entries else value


def _referring(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as it is, unless it is a valid one about a drug."""
    told = {name: value for name, value in resource.items() if name != "medicationCodeableConcept"}
    if told == resource or resource.get("status") == "entered-in-error" or resource.get("doNotPerform"):
        return dict(resource)
    return told | {"medicationReference": {"reference": "urn:uuid:not-sent"}}


def _withheld(value: Any) -> Any:
    """The server keeps everything back, says so in a warning, and counts nothing."""
    issue = {"severity": "warning", "code": "suppressed"}
    report = {"resourceType": "OperationOutcome", "issue": [issue]}
    return {**value, "total": 0, "entry": [{"resource": report, "search": {"mode": "outcome"}}]}


def _redacted(value: Any) -> Any:
    return {**value, "meta": {"security": [{"code": "REDACTED"}]}, "total": 0, "entry": []}


def _as_r5(value: Any) -> Any:
    """Each drug stands where R5 has it."""
    entries = [{**one, "resource": _newer(one["resource"])} for one in value.get("entry", [])]
    return {**value, "entry": entries} if entries else value


def _newer(resource: Mapping[str, Any]) -> dict[str, Any]:
    newer = dict(resource)
    drug = newer.pop("medicationCodeableConcept", None)
    return newer | ({"medication": {"concept": drug}} if drug is not None else {})


def _may_mean_otherwise(value: Any) -> Any:
    """Each entry says by an extension that it does not mean what it seems to."""
    modifier = {"modifierExtension": [{"url": "https://ehr.example.org/negated", "valueBoolean": True}]}
    entries = [{**one, "resource": one["resource"] | modifier} for one in value.get("entry", [])]
    return {**value, "entry": entries} if entries else value


LOSSES: Mapping[str, Callable[[Any], Any]] = {
    "absent": _absent,
    "OperationOutcome": _outcome,
    "other patient": _other_patient,
    "next link": _next_link,
    "total above entries": _short_of_total,
    "drugs not sent": _drugs_not_sent,
    "withheld": _withheld,
    "redacted": _redacted,
    "as R5": _as_r5,
    "may mean otherwise": _may_mean_otherwise,
}


def without(request: HookRequest, key: str, loss: str) -> HookRequest | None:
    """The call with a key lost; None where that loss cannot happen to the key's value."""
    value = json.loads(bytes(request.prefetch[key]))
    is_bundle = isinstance(value, dict) and value.get("resourceType") == "Bundle"
    if not is_bundle and loss not in ("absent", "OperationOutcome"):
        return None
    lost = LOSSES[loss](value)
    if lost == value:
        return None
    prefetch = dict(request.prefetch)
    if lost is ...:
        del prefetch[key]
    else:
        prefetch[key] = msgspec.Raw(json.dumps(lost).encode())
    return replace(request, prefetch=prefetch)


@cache
def reads(rule: str) -> frozenset[str]:
    """The keys a rule reads, itself or through the rules it consumes."""
    found = book().by_id[rule]
    keys = {key for fact in found.data.values() for key in fact_keys(fact, book())}
    return frozenset(keys.union(*(reads(other) for other in consumed(found))))


def losses(request: HookRequest) -> Iterator[tuple[str, str, HookRequest]]:
    for key in sorted(request.prefetch.keys() & set(hook_keys(book(), request.hook))):
        for loss in LOSSES:
            if key == "encounter" and loss == "absent" and not request.encounter_id:
                continue  # a call without an encounter lacks nothing
            if loss in ("drugs not sent", "as R5") and revised(request, key):
                continue  # what the call itself says anew was not lost
            lost = without(request, key, loss)
            if lost is not None:
                yield key, loss, lost


def revised(request: HookRequest, key: str) -> bool:
    """Whether every resource of a key stands in the drafts of the call, too."""
    drafts = json.loads(bytes(request.draft_orders)) if request.draft_orders is not None else {}
    return identified(json.loads(bytes(request.prefetch[key]))) <= identified(drafts)


def identified(bundle: Any) -> set[tuple[str, str]]:
    entries = bundle.get("entry", ()) if isinstance(bundle, dict) else ()
    return {(one["resource"]["resourceType"], one["resource"].get("id", "")) for one in entries}


def story_call(path: Path) -> HookRequest:
    """The hook call of a chart (patient-view) or of a recorded call (its own hook)."""
    if path.parent.name == "charts":
        return call(path)
    return request_file(path, book(), charts=ROOT / "fhir_fixtures" / "charts")
