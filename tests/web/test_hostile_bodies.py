"""Every kind of hostile value at every place of a call: a clear refusal or a correct answer, never a 500.

The values are raw bytes put in the place of one value of a legal call that gets three cards. The call also
carries another patient's resources, whose marker no answer may hold.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from .answers import (
    MARK,
    SCRIPT,
    SELECT,
    VIEW,
    assert_answered,
    assert_cards,
    assert_outcome,
    changed,
    fracture,
    mixed,
    order,
    searched,
    select_call,
    view_call,
    weight,
)

PLACE = "@@here@@"
CONDITION = "prefetch/conditions/entry/0/resource"
WEIGHT = "prefetch/observations-vital-signs/entry/0/resource"
DRAFT = "context/draftOrders/entry/0/resource"

# Where: the path, and the prefetch keys or `drafts` that the place belongs to ("" for all of the call).
PLACES: Mapping[str, str] = {
    "hook": "",
    "hookInstance": "",
    "fhirServer": "",
    "fhirAuthorization": "",
    "extension": "",
    "context": "",
    "context/userId": "",
    "context/patientId": "",
    "context/encounterId": "",
    "context/selections": "drafts",
    "context/draftOrders": "drafts",
    "context/draftOrders/entry": "drafts",
    "context/draftOrders/entry/0": "drafts",
    DRAFT: "drafts",
    f"{DRAFT}/id": "drafts",
    f"{DRAFT}/status": "drafts",
    f"{DRAFT}/subject": "drafts",
    f"{DRAFT}/medicationCodeableConcept": "drafts",
    "prefetch": "",
    "prefetch/unknown-key": "",
    "prefetch/patient": "",
    "prefetch/patient/id": "",
    "prefetch/patient/birthDate": "patient",
    "prefetch/conditions": "conditions",
    "prefetch/conditions/resourceType": "conditions",
    "prefetch/conditions/total": "conditions",
    "prefetch/conditions/link": "conditions",
    "prefetch/conditions/entry": "conditions",
    "prefetch/conditions/entry/0": "conditions",
    CONDITION: "conditions",
    f"{CONDITION}/resourceType": "conditions",
    f"{CONDITION}/id": "conditions",
    f"{CONDITION}/subject": "conditions",
    f"{CONDITION}/subject/reference": "conditions",
    f"{CONDITION}/code": "conditions",
    f"{CONDITION}/code/coding": "conditions",
    f"{CONDITION}/code/coding/0/display": "conditions",
    f"{CONDITION}/code/text": "conditions",
    f"{CONDITION}/onsetDateTime": "conditions",
    f"{CONDITION}/clinicalStatus": "conditions",
    f"{CONDITION}/verificationStatus": "conditions",
    f"{CONDITION}/extension": "conditions",
    f"{WEIGHT}/id": "observations",
    f"{WEIGHT}/status": "observations",
    f"{WEIGHT}/code": "observations",
    f"{WEIGHT}/effectiveDateTime": "observations",
    f"{WEIGHT}/valueQuantity": "observations",
    f"{WEIGHT}/valueQuantity/value": "observations",
    f"{WEIGHT}/valueQuantity/unit": "observations",
}

READS = {
    "heavy-patient": "observations",
    "fracture-on-record": "conditions",
    "drug-being-ordered": "drafts",
}
OTHER = [
    json.dumps(fracture("c1", MARK, MARK)),
    json.dumps(weight("o1", MARK, 80)),
    json.dumps(order("d1", MARK)),
    json.dumps({"resourceType": "Patient", "id": MARK, "birthDate": "1970-01-01"}),
    json.dumps(searched(fracture("c9", MARK, MARK))),
    json.dumps(
        {"patient": {"resourceType": "Patient", "id": MARK}, "conditions": searched(fracture("c9", MARK))}
    ),
    json.dumps({"resource": fracture("c9", MARK, MARK)}),
    json.dumps([{"resource": fracture("c9", MARK, MARK)}]),
    json.dumps({"reference": f"Patient/{MARK}", "display": MARK}),
    json.dumps("Patient/p2"),
]


def strings(*texts: str) -> list[bytes]:
    return [json.dumps(text).encode() for text in texts]


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return opening * depth + b"1" + closing * depth


HOSTILE: Mapping[str, list[bytes]] = {
    "wrong types": [b"0", b"7.5", b"true", b"false", b'"text"', b"[1]", b'{"a":1}', b'["text"]', b"[true]"],
    "null": [b"null", b"[null]", b'{"a":null}', b"[[null]]", b'{"coding":[null]}', b'{"reference":null}'],
    "empty": [b"{}", b"[]", b'""', b"[{}]", b"[[]]", b'[""]', b'{"coding":[]}', b'{"entry":{}}', b'"   "'],
    "huge numbers": [b"1e400", b"-1e400", b"9" * 5000, b"-0", b"1e-400", b"9223372036854775808", b"1" * 400],
    "deep nesting": [
        *(nested(depth, b"[", b"]") for depth in (60, 300, 700, 900, 950, 990, 100_000)),
        *(nested(depth, b'{"entry":[{"resource":', b"}]}") for depth in (60, 200, 320, 50_000)),
        nested(5_000, b'{"extension":[', b"]}"),
    ],
    "wrong encodings": [b'"\xff\xfe"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"caf\xe9"', "\ufeff1".encode()],
    "lone surrogates": [b'"\\ud800"', b'"\\udc00 and more text"', b'"\\ud800\\u0041"', b'{"\\ud800":1}'],
    "control characters": [
        *(
            b'"\x00"',
            b'"a\x1fb"',
            b'"\\u0000"',
            b'"\\u0000\\u001b[31m"',
            b'"a\\nb\\r\\nc"',
            b'"\\u202e\\u2028"',
        ),
        b'"\x7f"',
        b'"2025-05-01\\n"',
        b'"p1\\u0000"',
    ],
    "duplicate members": [
        b'{"a":1,"a":2}',
        b'{"id":"p1","id":"x"}',
        b'{"resourceType":"A","resourceType":"Patient"}',
    ],
    "another patient's resources": [text.encode() for text in OTHER],
    "nonsense dates": strings(
        *("2026-13-45", "0000-00-00", "yesterday", "9999-99-99T99:99:99Z", "-5000-01-01", "2025-02-30"),
        *("99999999999-01-01", "0001-01-01", "9999-12-31T23:59:59.999999999+14:00", "2025-05-01T25:61:61Z"),
        *("2025-05-01T10:00:00+99:99", "2025", "2025-5-1", "T", "2025-05-01T10:00:00-23:59"),
    ),
    "very long strings": [
        b'"' + b"x" * 1_000_000 + b'"',
        b'"' + b"\\u00e9" * 100_000 + b'"',
        b'"' + b"1" * 300 + b'"',
    ],
    "not a number": [b"NaN", b"Infinity", b"-Infinity", b"nan", b"+1", b"0x10", b"1.", b".5", b"01", b"'a'"],
    "injections": strings(
        SCRIPT,
        "[x](javascript:alert(1)) ![x](https://evil.example/x.png)",
        "../../etc/passwd",
        "{{context.patientId}} {weight} {0.__class__} %s ${x}",
        "'; DROP TABLE cards; --",
        "p1?x=1&patient=p2",
    ),
    "long lists": [b"[" + b"{}," * 20_000 + b"{}]", b'{"entry":[' + b"1," * 20_000 + b"1]}"],
    "no json": [b"", b"}", b"]", b",", b'"', b"{", b"undefined", b"/* x */ 1", b"1}", b'1,"a":'],
}


def planted(path: str, value: bytes, call: dict) -> bytes:
    """The call with the raw value at the place; a list is made where the legal call has none."""
    return json.dumps(changed(call, path, PLACE)).encode().replace(f'"{PLACE}"'.encode(), value)


def calls(path: str) -> Iterator[tuple[str, dict]]:
    yield SELECT, select_call()
    if not path.startswith("context/") or path.endswith("Id"):
        yield VIEW, view_call()


@pytest.fixture(autouse=True)
def nothing_of_a_patient_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
    assert MARK not in caplog.text


def test_the_legal_calls_get_their_cards(client: FlaskClient):
    """So that the matrix below starts from answers worth spoiling."""
    for address, call in (*calls("hook"),):
        assert len(assert_cards(client.post(address, json=call))["cards"]) == 2
        assert_cards(client.post(address, json=mixed(call)))


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_value_is_refused_or_answered_correctly(client: FlaskClient, kind: str, path: str):
    """A rule that does not read the place stays true; no condition, however odd, reads as clear."""
    for address, call in calls(path):
        for value in HOSTILE[kind]:
            seen = assert_answered(client, address, planted(path, value, call)) or {}
            assert seen.get("fracture-on-record") != "false"
            if PLACES[path]:
                assert all(verdict == "true" for rule, verdict in seen.items() if READS[rule] != PLACES[path])
            assert_answered(client, address, planted(path, value, mixed(call)))


@pytest.mark.parametrize("path", PLACES)
def test_fifty_megabytes_are_refused_as_too_large(client: FlaskClient, path: str):
    body = planted(path, b'"' + b"x" * 50_000_000 + b'"', select_call())
    assert_outcome(client.post(SELECT, data=body, content_type="application/json"), 413)


@pytest.mark.parametrize("path", [path for path in PLACES if not path.rpartition("/")[2].isdigit()])
@pytest.mark.parametrize("first", [True, False])
def test_a_member_given_twice_is_refused_wherever_it_stands(client: FlaskClient, path: str, first: bool):
    """Whichever stands first: parsers disagree on which of the two counts, so neither does."""
    name = json.dumps(path.rpartition("/")[2]).encode()
    for address, call in calls(path):
        twins = (b"{}", legal_value(call, path)) if first else (legal_value(call, path), b"{}")
        body = planted(path, twins[0] + b"," + name + b":" + twins[1], call)
        issue = assert_outcome(client.post(address, data=body, content_type="application/json"), 400)
        assert "twice" in issue["details"]["text"]


def legal_value(call: dict, path: str) -> bytes:
    """What stands at a place of a legal call."""
    found: Any = call
    for step in path.split("/"):
        found = found[int(step)] if isinstance(found, list) else found.get(step, "none")
    return json.dumps(found).encode()
