"""Bytes to HookRequest: what is required, what is lenient, and no message repeats a value."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import RequestError
from cds_service.facts.request import HookRequest
from cds_service.rulebook.hooks import HOOKS
from cds_service.web.request import read_request

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
MARK = "zq7marker"
DRAFTS = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "d1"}}],
}
FULL_CONTEXT = {
    "userId": "Practitioner/1",
    "patientId": "p1",
    "encounterId": "e1",
    "selections": ["MedicationRequest/d1"],
    "draftOrders": DRAFTS,
    "dispatchedOrders": ["ServiceRequest/s1"],
    "performer": "Organization/o1",
    "appointments": {"resourceType": "Bundle"},
    "conditions": {"resourceType": "Bundle"},
    "allergyIntolerance": {"resourceType": "AllergyIntolerance"},
    "medications": DRAFTS,
    "medication": {"resourceType": "MedicationRequest"},
}
"""Every field any hook has: each reads its own."""


WITHOUT_USER = ("order-dispatch", "medication-refill")


def call(hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
    """A legal call; a change to `...` removes the member."""
    body = {"hook": hook, "hookInstance": INSTANCE, "context": FULL_CONTEXT, "prefetch": {}} | changes
    return {name: value for name, value in body.items() if value is not ...}


def context(hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
    fields = {name: value for name, value in (FULL_CONTEXT | changes).items() if value is not ...}
    return call(hook, context=fields)


def read(body: Any, hook: str = "patient-view") -> HookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(raw, service_id=f"book-{hook}", hook=hook, as_of=NOW, zone=UTC)


def refused(body: Any, hook: str = "patient-view") -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body, hook)
    assert caught.value.status == 400
    assert MARK not in str(caught.value)
    assert not re.search(r"\b(str|int|float|bool|dict|none)\b", str(caught.value), re.IGNORECASE)
    return caught.value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (call(hook={}), "Wrong type at hook: expected string | null, got object."),
        (call(hook=True), "Wrong type at hook: expected string | null, got true/false."),
        (call(hook=1), "Wrong type at hook: expected string | null, got number."),
        (call(hook=1.5), "Wrong type at hook: expected string | null, got number."),
        (call(prefetch=MARK), "Wrong type at prefetch: expected object | null, got string."),
        ([], "Wrong type at the body: expected object, got array."),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_json(body: Any, said: str):
    assert str(refused(body)) == said


def test_a_legal_call_is_read():
    seen = read(
        call(fhirServer="https://ehr.example/fhir", prefetch={"patient": {"id": "p1"}, "conditions": None})
    )
    assert seen.hook == "patient-view"
    assert seen.service_id == "book-patient-view"
    assert (seen.user, seen.patient_id, seen.encounter_id) == ("Practitioner/1", "p1", "e1")
    assert seen.fhir_server == "https://ehr.example/fhir"
    assert {key: json.loads(bytes(raw)) for key, raw in seen.prefetch.items()} == {
        "patient": {"id": "p1"},
        "conditions": None,
    }
    assert seen.as_of == NOW
    assert seen.zone is UTC


def test_the_drafts_keep_the_bytes_that_came():
    raw = json.dumps(context("order-select"), indent=1).encode()
    seen = read(raw, "order-select")
    assert seen.draft_orders is not None
    assert bytes(seen.draft_orders) in raw
    assert json.loads(bytes(seen.draft_orders)) == DRAFTS
    assert seen.selections == ("MedicationRequest/d1",)


@pytest.mark.parametrize("prefetch", [..., {}, None])
def test_prefetch_may_be_absent_empty_or_null(prefetch: Any):
    assert read(call(prefetch=prefetch)).prefetch == {}


@pytest.mark.parametrize("prefetch", [[], "x", 5, True])
def test_prefetch_must_be_an_object(prefetch: Any):
    assert refused(call(prefetch=prefetch)).where == "prefetch"


@pytest.mark.parametrize("hook", [..., None, "", MARK, "order-sign", 5, ["patient-view"], {}])
def test_the_hook_must_be_the_services(hook: Any):
    assert refused(call(hook=hook)).where == "hook"


@pytest.mark.parametrize("instance", [INSTANCE.upper(), f"urn:uuid:{INSTANCE}", f"URN:UUID:{INSTANCE}"])
def test_a_hook_instance_in_any_case_and_prefix_is_the_same(instance: str):
    assert read(call(hookInstance=instance)).hook_instance == INSTANCE


@pytest.mark.parametrize(
    "instance", [..., None, "", MARK, 7, INSTANCE[:-1], INSTANCE + "0", INSTANCE + "\n", [INSTANCE]]
)
def test_a_missing_or_wrong_hook_instance_is_refused(instance: Any):
    assert refused(call(hookInstance=instance)).where == "hookInstance"


def test_a_repeated_hook_instance_is_read_again():
    assert read(call()) == read(call())


@pytest.mark.parametrize("value", [..., None, {}, [], "x", 3])
def test_the_context_must_be_an_object_with_members(value: Any):
    assert refused(call(context=value)).where == "context"


@pytest.mark.parametrize(
    "patient",
    [..., None, "", 5, [MARK], {"id": MARK}, f"Patient/{MARK}", "../x", "a b", "a\n", "x" * 65, "\u0661"],
)
def test_the_patient_must_be_a_bare_fhir_id(patient: Any):
    assert refused(context(patientId=patient)).where == "context.patientId"


def test_a_patient_with_its_type_gets_a_hint():
    assert "without a resource type" in str(refused(context(patientId="Patient/1")))


@pytest.mark.parametrize("hook", [name for name in HOOKS if name not in WITHOUT_USER])
def test_a_user_is_required_where_the_hook_says_so(hook: str):
    assert refused(context(hook, userId=...), hook).where == "context.userId"


@pytest.mark.parametrize("hook", ["medication-refill", "org.example.own-hook"])
def test_a_user_is_optional_on_other_hooks(hook: str):
    assert read(context(hook, userId=...), hook).user == ""


@pytest.mark.parametrize(
    "user", ["Practitioner/1", "PractitionerRole/A-b.9", "Patient/p1", "RelatedPerson/r_1"]
)
def test_a_user_of_any_type_is_read(user: str):
    assert read(context(userId=user)).user == user


@pytest.mark.parametrize(
    "user", [MARK, "Practitioner/", "/1", "practitioner/1", "Practitioner/a/b", 5, ["P/1"]]
)
def test_a_user_that_is_no_reference_is_refused(user: Any):
    assert refused(context(userId=user)).where == "context.userId"


def test_a_user_with_the_address_of_a_server_gets_a_hint():
    sent = context(userId="https://ehr.example.org/fhir/Practitioner/1")
    assert "without the address of a server" in str(refused(sent))


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
@pytest.mark.parametrize("encounter", [..., None, "", "Encounter/1", 7])
def test_an_encounter_is_required_where_the_hook_says_so(hook: str, encounter: Any):
    assert refused(context(hook, encounterId=encounter), hook).where == "context.encounterId"


@pytest.mark.parametrize("encounter", [..., None, ""])
def test_an_encounter_is_optional_elsewhere(encounter: Any):
    assert read(context(encounterId=encounter)).encounter_id == ""


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("drafts", [..., None, {}, [], "x", {"resourceType": "Patient"}, [DRAFTS]])
def test_an_order_hook_needs_a_bundle_of_drafts(hook: str, drafts: Any):
    assert refused(context(hook, draftOrders=drafts), hook).where == "context.draftOrders"


def test_drafts_need_no_type_no_entries_and_no_selections_on_signing():
    assert read(context("order-sign", draftOrders={"resourceType": "Bundle"}, selections=...), "order-sign")


@pytest.mark.parametrize(
    "selections", [..., None, "MedicationRequest/1", [5], [MARK], [["MedicationRequest/1"]]]
)
def test_a_selecting_hook_needs_a_list_of_references(selections: Any):
    error = refused(context("order-select", selections=selections), "order-select")
    assert error.where in ("context.selections", "context.selections[0]")


def test_unknown_members_and_extensions_are_ignored_everywhere():
    odd = context(newField={"a": [1]}) | {"extension": {"org.example": {}}, "unheardOf": [1, {"hook": "x"}]}
    assert read(odd) == read(context())


def test_an_authorization_without_server_is_refused():
    assert refused(call(fhirAuthorization={"access_token": MARK})).where == "fhirServer"


def test_an_authorization_for_another_patient_is_refused():
    authorization = {"access_token": MARK, "patient": MARK, "scope": "patient/Patient.rs"}
    body = call(fhirServer="https://ehr.example", fhirAuthorization=authorization)
    assert refused(body).where == "fhirAuthorization.patient"
    assert read(body | {"fhirAuthorization": authorization | {"patient": "p1"}}).fhir_server


@pytest.mark.parametrize(
    "server", ["ehr.example", "ftp://x", "javascript:x", "https://", "https://a b", 5, ["x"]]
)
def test_a_server_must_be_a_web_address(server: Any):
    assert refused(call(fhirServer=server)).where == "fhirServer"


# --- the bytes themselves ------------------------------------------------------------------------

LEGAL = json.dumps(call()).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        LEGAL + b"x",
        LEGAL[:-1],
        LEGAL[:-1] + b",}",
        LEGAL[:-1] + b',"a":NaN}',
        LEGAL[:-1] + b',"a":-Infinity}',
        LEGAL[:-1] + b',"a":01}',
        LEGAL[:-1] + b',"a":"\x01"}',
        LEGAL[:-1] + b',"a":"\xff"}',
        LEGAL[:-1] + b',"a\xc0":1}',
        LEGAL[:-1] + b',"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        LEGAL.replace(b'"p1"', b'"\\ud800 and more text after it"'),
        b"\xef\xbb\xbf" + LEGAL,
        LEGAL.decode().encode("utf-16"),
        LEGAL.decode().encode("utf-32"),
        b"// note\n" + LEGAL,
    ],
)
def test_bytes_that_are_no_json_object_are_refused(body: bytes):
    refused(body)


@pytest.mark.parametrize(
    "tail",
    [
        b'"hook":"patient-view"',
        b'"context":{"patientId":"p2","userId":"Practitioner/1"}',
        b'"prefetch":{}',
        b'"\\u0068ook":"patient-view"',
        b'"hookInstance" : "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"',
        b'"other":1,"other":2',
        b'"other":1,"other":1',
        b'"other":12,"other":1',
        b'"extension":{},"extension":{"a":"}"}',
    ],
)
def test_a_member_given_twice_is_refused(tail: bytes):
    assert "twice" in str(refused(LEGAL[:-1] + b"," + tail + b"}"))


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        ("context", b'"patientId": "p1"', b'"patientId": "p2", "patientId": "p1"'),
        ("context", b'"patientId": "p1"', b'"patientId": "p1", "patientId": "p1"'),
        ("prefetch", b'"prefetch": {}', b'"prefetch": {"patient": {"id": "p2"}, "patient": {"id": "p1"}}'),
    ],
)
def test_a_member_given_twice_inside_is_refused_with_its_place(place: str, old: bytes, new: bytes):
    body = LEGAL.replace(old, new)
    assert body != LEGAL
    error = refused(body)
    assert error.where == place
    assert "twice" in str(error)


def test_the_same_name_at_different_places_is_no_repetition():
    assert read(call(extension={"hook": 1, "prefetch": {}}, prefetch={"hook": {"hook": {"hook": 1}}}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
members = st.dictionaries(st.text(max_size=6), json_values, max_size=5)


@given(extra=members, prefetch=members, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_any_json_without_repetition_is_read_whole(extra, prefetch, indent, ascii_only):
    body = {**extra, **call(prefetch=prefetch)}
    raw = json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode()
    seen = read(raw)
    assert {key: json.loads(bytes(value)) for key, value in seen.prefetch.items()} == json.loads(raw)[
        "prefetch"
    ]


@given(extra=st.dictionaries(st.text(max_size=6), json_values, min_size=1, max_size=4), data=st.data())
def test_any_repetition_is_found(extra, data):
    again = data.draw(st.sampled_from(sorted(extra)))
    other = data.draw(json_values)
    pairs = [*call(prefetch={}).items(), *extra.items(), (again, other)]
    position = data.draw(st.integers(0, len(pairs) - 1))
    pairs.insert(position, pairs.pop())
    raw = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    refused(raw.encode())


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_worse(body: bytes):
    refused(body)


@given(st.lists(st.tuples(st.integers(0, len(LEGAL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_call_is_read_or_refused_and_nothing_worse(damage):
    body = bytearray(LEGAL)
    for position, byte in damage:
        body[position] = byte
    try:
        read(bytes(body))
    except RequestError as error:
        assert error.status == 400
