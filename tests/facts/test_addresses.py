"""References across servers: a resource of another server is never taken for the caller's of the same id."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from chart_builder import (
    RXNORM,
    SERTRALINE,
    Json,
    ask,
    chart,
    coding,
    concept,
    condition,
    dispense,
    order,
    raw,
    span_of,
    trials_fact,
)

from cds_service.facts.address import base_of, server_of
from cds_service.facts.fhir import Entry
from cds_service.facts.read import Owner, read_key
from cds_service.facts.reasons import reasons_of
from cds_service.facts.references import missing_medications
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

HOME, OTHER = "https://ehr.example.org/fhir", "https://other.example.net/fhir"
KETAMINE = "238082"
UNREAD = (("medications", "not-supplied"),)
ORDERED: Json = {
    "find": "MedicationRequest",
    "code_in": ["antidepressant"],
    "give": "count",
    "record": "complete",
}
called = pytest.mark.parametrize("call", [{"fhir_server": f"{HOME}/"}, {}], ids=["server named", "not named"])


def product(code: str, **more: Any) -> Json:
    return {"resourceType": "Medication", "id": "m1", "code": concept(coding(code, RXNORM))} | more


def referring(reference: str, **more: Any) -> Json:
    made = order(id="o1", status="active") | {"medicationReference": {"reference": reference}} | more
    del made["medicationCodeableConcept"]
    return made


def at(base: str, resource: Json) -> Json:
    """An entry whose address is on that server."""
    return {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", "resource": resource}


def answered(*entries: Json, **call: Any) -> tuple[Span, Any]:
    made = {"resourceType": "Bundle", "type": "searchset", "entry": list(entries)}
    found = ask(ORDERED, prefetch={"medication-requests": made}, **call)
    drafts = [entry["resource"] for entry in entries if "fullUrl" not in entry]
    if len(drafts) == len(entries):
        assert ask(ORDERED | {"from": "drafts"}, drafts=drafts, **call).because == found.because
    return span_of(found), found.because


@called
@pytest.mark.parametrize("local", [at(HOME, product(SERTRALINE)), {"resource": product(SERTRALINE)}])
@pytest.mark.parametrize("holder", [at(HOME, referring(f"{OTHER}/Medication/m1")), None])
def test_a_medication_of_another_server_is_not_the_local_one(local: Json, holder: Any, call: Json) -> None:
    held = holder or {"resource": referring(f"{OTHER}/Medication/m1")}
    assert answered(held, local, **call) == (Span(0, 1), UNREAD)


@called
def test_a_relative_reference_means_the_server_of_its_own_entry(call: Json) -> None:
    ours, theirs = at(HOME, product(SERTRALINE)), at(OTHER, product(KETAMINE))
    for entries in permutations([at(HOME, referring("Medication/m1")), ours, theirs]):
        assert answered(*entries, **call) == (Span(1, 1), ())
    for entries in permutations([at(OTHER, referring("Medication/m1")), ours, theirs]):
        assert answered(*entries, **call) == (Span(0, 0), ())
    assert answered(at(OTHER, referring("Medication/m1")), ours, **call) == (Span(0, 1), UNREAD)


def test_an_entry_without_an_address_is_on_the_server_of_the_call() -> None:
    held, call = {"resource": referring("Medication/m1")}, {"fhir_server": HOME}
    ours, theirs = {"resource": product(SERTRALINE)}, at(OTHER, product(KETAMINE))
    for entries in permutations([held, ours, theirs]):
        assert answered(*entries, **call) == (Span(1, 1), ())
    assert answered(held, theirs, **call) == (Span(0, 1), UNREAD)
    absolute = {"resource": referring(f"{HOME}/Medication/m1")}
    assert answered(absolute, ours, theirs, **call) == (Span(1, 1), ())


@called
def test_a_name_that_two_drugs_have_is_nobodys(call: Json) -> None:
    held = {"resource": referring("Medication/m1")}
    same, other = {"resource": product(SERTRALINE)}, {"resource": product(KETAMINE)}
    assert answered(held, same, same, **call) == (Span(1, 1), ())
    assert answered(held, same, other, **call) == (Span(0, 1), UNREAD)
    inside = {"resource": referring("#m1", contained=[same["resource"], other["resource"]])}
    assert answered(inside, **call) == (Span(0, 1), UNREAD)


def test_two_versions_are_told_apart_by_their_version() -> None:
    versions = [
        {"resource": product(SERTRALINE, meta={"versionId": "1"})},
        {"resource": product(KETAMINE, meta={"versionId": "2"})},
    ]
    for number, span in (("1", Span(1, 1)), ("2", Span(0, 0)), ("3", Span(0, 1))):
        held = {"resource": referring(f"Medication/m1/_history/{number}")}
        assert answered(held, *versions)[0] == span


def test_an_address_within_the_bundle_is_found_whatever_the_server() -> None:
    urn = "urn:uuid:11111111-1111-1111-1111-111111111111"
    held = {"fullUrl": "urn:uuid:2", "resource": referring(urn)}
    assert answered(held, {"fullUrl": urn, "resource": product(SERTRALINE)}, fhir_server=HOME)[0] == Span(
        1, 1
    )


def test_only_what_is_on_the_callers_server_is_asked_for_there() -> None:
    def wanted(entry: Json) -> tuple[str, ...]:
        made = raw({"resourceType": "Bundle", "entry": [entry]})
        return missing_medications(read_key("medication-requests", made, Owner("p", f"{HOME}/")))

    for reference in ("Medication/m1", f"{HOME}/Medication/m1/_history/2"):
        assert wanted({"resource": referring(reference)}) == ("Medication/m1",)
        assert wanted(at(HOME, referring(reference))) == ("Medication/m1",)
    assert wanted(at(OTHER, referring(f"{HOME}/Medication/m1"))) == ("Medication/m1",)
    assert wanted(at(OTHER, referring("Medication/m1"))) == ()
    assert wanted(at(HOME, referring(f"{OTHER}/Medication/m1"))) == ()


@pytest.mark.parametrize(
    ("reference", "state"),
    [
        ("Condition/c1", TRUE),
        (f"{HOME}/Condition/c1", TRUE),
        (f"{HOME}/Condition/c1/_history/2", TRUE),
        (f"{OTHER}/Condition/c1", UNKNOWN),
    ],
)
def test_a_reason_on_another_server_is_not_the_local_problem(reference: str, state: Any) -> None:
    reason = {"reasonReference": [{"reference": reference}]}
    asked = ORDERED | {"give": "exists", "where": {"reason": {"in": "depression-or-suicidality-reason"}}}
    made = order(status="active", **reason)
    found = ask(asked, made, condition("F33.2", id="c1"), fhir_server=HOME)
    assert found.state is state


ASKED = ORDERED | {"give": "exists", "where": {"reason": {"in": "depression-or-suicidality-reason"}}}
URN = "urn:uuid:22222222-2222-2222-2222-222222222222"


def reasoned(reference: str, *conditions: Json, fhir_server: str = "", **more: Any) -> Any:
    """Whether an unsigned order and one on record, for a reason by that reference, are for depression."""
    problems = {"resourceType": "Bundle", "type": "searchset", "entry": list(conditions)}
    made = order(status="active", reasonReference=[{"reference": reference}]) | more
    call: Json = {"prefetch": {"conditions": problems}, "fhir_server": fhir_server}
    drafted = ask(ASKED | {"from": "drafts"}, drafts=[made], **call)
    assert ask(ASKED, made, **call).state is drafted.state
    return drafted.state


@pytest.mark.parametrize("server", [HOME, ""])
@pytest.mark.parametrize(
    ("reference", "state"),
    [
        (f"{HOME}/Condition/c1", TRUE),
        (f"{HOME}/Condition/c1/_history/2", TRUE),
        (URN, TRUE),
        (f"{OTHER}/Condition/c1", UNKNOWN),
        (f"{HOME}/Condition/c2", UNKNOWN),
        ("urn:uuid:3", UNKNOWN),
    ],
)
def test_a_reason_is_found_by_the_address_its_condition_came_with(
    reference: str, state: Any, server: str
) -> None:
    entries = at(HOME, condition("F33.2", id="c1")), {"fullUrl": URN, "resource": condition("F33.2")}
    assert reasoned(reference, *entries, fhir_server=server) is state


def test_an_address_is_that_of_one_condition_that_counts() -> None:
    first, name = condition("F33.2", id="c1"), f"{HOME}/Condition/c1"
    assert reasoned(name, at(HOME, first), at(OTHER, condition("R52", id="c1"))) is TRUE
    assert reasoned(f"{OTHER}/Condition/c1", at(HOME, condition("R52", id="c1")), at(OTHER, first)) is UNKNOWN
    assert (
        reasoned(URN, *[{"fullUrl": URN, "resource": condition(code)} for code in ("F33.2", "R52")])
        is UNKNOWN
    )
    assert reasoned(name, at(HOME, first | {"verificationStatus": {"text": "refuted"}})) is UNKNOWN
    stranger = first | {"subject": {"reference": "Patient/someone-else"}}
    assert reasoned(name, at(HOME, stranger)) is UNKNOWN


def inside(code: str = "F33.2", **more: Any) -> Json:
    return condition(code, id="cc", subject=None) | more


@called
@pytest.mark.parametrize(
    ("contained", "state"),
    [
        ([inside()], TRUE),
        ([inside(subject={"reference": "Patient/p"})], TRUE),
        ([product(SERTRALINE), inside()], TRUE),
        ([inside("R52")], FALSE),
        ([inside(), inside("R52")], UNKNOWN),
        ([inside(id="other")], UNKNOWN),
        ([], UNKNOWN),
        ([inside(subject={"reference": "Patient/someone-else"})], UNKNOWN),
        ([inside(verificationStatus={"text": "entered-in-error"})], UNKNOWN),
        ([inside(modifierExtension=[{"url": "urn:x", "valueBoolean": True}])], UNKNOWN),
        ([{"resourceType": "Observation", "id": "cc"}], UNKNOWN),
    ],
)
def test_a_reason_may_stand_inside_its_order(contained: list[Json], state: Any, call: Json) -> None:
    assert reasoned("#cc", contained=contained, **call) is state


def test_a_procedure_may_hold_its_reason_too() -> None:
    done = {
        "resourceType": "Procedure",
        "id": "x",
        "subject": {"reference": "Patient/p"},
        "status": "completed",
        "code": concept("1234567"),
        "reasonReference": [{"reference": "#cc"}],
        "contained": [inside()],
    }
    read = read_key("procedures", raw({"resourceType": "Bundle", "entry": [{"resource": done}]}), Owner("p"))
    codes = [*reasons_of(read.resources[0], chart())]
    assert [code.code for code in codes[0]] == ["F33.2"]


def test_a_prescription_of_another_server_is_not_the_local_order() -> None:
    """The local order says that the drug was taken only when needed: no trial."""
    made = order(id="o1", dosage={"asNeededBoolean": True})
    for address, counts in ((f"{HOME}/MedicationRequest/o1", FALSE), (f"{OTHER}/MedicationRequest/o1", TRUE)):
        supply = dispense(order=made, dosage=None) | {"authorizingPrescription": [{"reference": address}]}
        found = ask(trials_fact(), made, supply, fhir_server=HOME)
        (row,) = [*found.rows, *found.rejected]
        assert row.counts is counts


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (f"{HOME}/Medication/m1", HOME),
        (f"{HOME}/Medication/m1/_history/3", HOME),
        ("https://ehr.example.org/Medication/m1", "https://ehr.example.org"),
        ("urn:uuid:1", ""),
        ("Medication/m1", ""),
        ("https://ehr.example.org", ""),
        ("", ""),
    ],
)
def test_the_server_of_an_address(url: str, base: str) -> None:
    assert base_of(url) == base


def test_the_server_of_a_call_that_names_none_is_the_only_one_in_the_bundle() -> None:
    ours, theirs, urn = Entry(f"{HOME}/A/1"), Entry(f"{OTHER}/A/1"), Entry("urn:uuid:1")
    assert server_of([ours, ours, urn], "") == HOME
    assert server_of([ours, theirs], "") == server_of([urn], "") == ""
    assert server_of([theirs], f"{HOME}/") == HOME
