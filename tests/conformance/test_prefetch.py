"""Rows PF and CACHE-2: what of a chart was not obtained is never taken for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from web.answers import (
    SELECT,
    VIEW,
    assert_cards,
    assert_outcome,
    changed,
    decision,
    fracture,
    searched,
    select_call,
    verdicts,
    view_call,
)

from .rows import row

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
REMARK = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
NEXT = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
VITALS, CONDITIONS = "observations-vital-signs", "conditions"


def judged(client: FlaskClient, key: str, value: Any) -> tuple[str, str, bool]:
    """Verdict of the rule that reads the key, why it is unknown, and whether all was obtained."""
    body = assert_cards(client.post(VIEW, json=changed(view_call(), f"prefetch/{key}", value)))
    rule = {VITALS: "heavy-patient", CONDITIONS: "fracture-on-record"}[key]
    (line,) = [line for line in decision(body)["verdicts"] if line["rule"] == rule]
    reason = {one["key"]: one["reason"] for one in line.get("because", [])}.get(key, "")
    return line["verdict"], reason, decision(body)["complete"]


@row("PF-1", "R-11")
def test_none_some_and_all_keys_are_legal(sample: FlaskClient) -> None:
    for none in (..., {}, None):
        assert_outcome(sample.post(VIEW, json=changed(view_call(), "prefetch", none)), 412)
    assert judged(sample, CONDITIONS, ...)[0] == "unknown"
    assert assert_cards(sample.post(VIEW, json=view_call()))["cards"]
    for wrong in ([], "x", 5):
        assert_outcome(sample.post(VIEW, json=changed(view_call(), "prefetch", wrong)), 400)


@row("PF-2")
def test_a_key_nobody_asked_for_is_no_evidence(sample: FlaskClient) -> None:
    call = changed(view_call(), "prefetch/conditions", None)
    without = assert_cards(sample.post(VIEW, json=call))
    call["prefetch"]["problems"] = searched(fracture("c1", "p1"))
    assert assert_cards(sample.post(VIEW, json=call)) == without
    call["prefetch"]["conditions"] = call["prefetch"].pop("problems")
    assert verdicts(assert_cards(sample.post(VIEW, json=call)))["fracture-on-record"] == "true"


@row("PF-3", "PF-7", "SB-5")
def test_each_key_that_is_missing_is_missing_for_itself(sample: FlaskClient) -> None:
    assert judged(sample, CONDITIONS, ...) == ("unknown", "not-supplied", False)
    body = assert_cards(sample.post(VIEW, json=changed(view_call(), "prefetch/conditions", ...)))
    assert verdicts(body)["heavy-patient"] == "true"


@row("PF-4", "P-11")
@pytest.mark.parametrize(
    "empty", [None, searched(), {"resourceType": "Bundle", "type": "searchset"}, {"resourceType": "Bundle"}]
)
def test_searched_and_empty_is_known(sample: FlaskClient, empty: Any) -> None:
    assert judged(sample, CONDITIONS, empty)[1:] == ("", True)
    assert judged(sample, CONDITIONS, ...)[1:] == ("not-supplied", False)


@row("PF-5")
def test_a_failed_search_is_never_an_empty_one(sample: FlaskClient) -> None:
    assert judged(sample, CONDITIONS, FAILED) == ("unknown", "failed", False)
    reported = searched() | {"entry": [{"resource": FAILED, "search": {"mode": "outcome"}}]}
    assert judged(sample, CONDITIONS, reported) == ("unknown", "failed", False)
    remarked = searched(fracture("c1", "p1"))
    remarked["entry"].append({"resource": REMARK, "search": {"mode": "outcome"}})
    assert judged(sample, CONDITIONS, remarked) == ("true", "", True)
    withheld = {"severity": "warning", "code": "suppressed"}
    withheld = searched() | {"entry": [{"resource": FAILED | {"issue": [withheld]}}]}
    assert judged(sample, CONDITIONS, withheld) == ("unknown", "truncated", False)


@row("PF-6")
def test_a_page_proves_presence_only(sample: FlaskClient) -> None:
    vitals = view_call()["prefetch"][VITALS]
    assert judged(sample, VITALS, vitals) == ("true", "", True)
    assert judged(sample, VITALS, vitals | {"link": NEXT}) == ("unknown", "truncated", False)
    assert judged(sample, CONDITIONS, searched(link=NEXT)) == ("unknown", "truncated", False)
    assert judged(sample, CONDITIONS, searched(fracture("c1", "p1"), link=NEXT))[0] == "true"


@row("PF-9")
def test_values_wrapped_as_the_first_drafts_did_are_refused_clearly(sample: FlaskClient) -> None:
    wrapped = {
        key: {"response": {"status": "200 OK"}, "resource": value}
        for key, value in view_call()["prefetch"].items()
    }
    assert_outcome(sample.post(VIEW, json=changed(view_call(), "prefetch", wrapped)), 412)


@row("PF-10")
def test_resources_of_another_fhir_version_are_not_read_as_r4(sample: FlaskClient) -> None:
    old = {"resourceType": "MedicationOrder", "id": "m1", "patient": {"reference": "Patient/p1"}}
    assert judged(sample, CONDITIONS, searched(old)) == ("unknown", "failed", False)
    dstu2 = {"resourceType": "Condition", "id": "c1", "patient": {"reference": "Patient/p1"}}
    assert judged(sample, CONDITIONS, searched(dstu2)) == ("unknown", "other-patient", False)
    call = select_call()
    (entry,) = call["context"]["draftOrders"]["entry"]
    entry["resource"]["medication"] = {"concept": entry["resource"].pop("medicationCodeableConcept")}
    assert_outcome(sample.post(SELECT, json=call), 412)


@row("CACHE-2")
def test_a_client_that_kept_older_templates_still_gets_an_answer(sample: FlaskClient) -> None:
    """An older answer of discovery had a key that is gone, and lacked one that is new."""
    call = changed(view_call(), "prefetch/conditions", ...)
    call["prefetch"]["problem-list"] = searched(fracture("c1", "p1"))
    body = assert_cards(sample.post(VIEW, json=call))
    assert (verdicts(body)["heavy-patient"], decision(body)["complete"]) == ("true", False)
