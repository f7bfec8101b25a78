"""The shipped rules and requests, with any value spoiled anywhere: a refusal or cards, never a 500."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.settings import Settings
from cds_service.web.app import create_app

from .answers import MARK, NOW, assert_answered, assert_cards

ROOT = Path(__file__).parents[2]
REQUESTS = sorted((ROOT / "fhir_fixtures" / "requests").glob("*.json"))
LONG = "x" * 5000

spoiling = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [{}, [], [None], {"a": 1}, [[]], "", " ", LONG, 10**400, -1, 1e308, "<script>alert(1)</script>"]
    ),
    st.sampled_from(["2026-02-30", "9999-12-31", "0001-01-01", "2025", "2026-03-01T12:00:00+14:00", "24:00"]),
    st.sampled_from(
        [{"reference": f"Patient/{MARK}"}, {"resourceType": "Condition", "id": "x"}, {"value": "1"}]
    ),
)


@pytest.fixture(scope="module")
def shipped() -> FlaskClient:
    return create_app(Settings(rules=ROOT / "rules", today=NOW)).test_client()


def paths(value: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if here:
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from paths(inner, (*here, name))


def address(call: dict[str, Any]) -> str:
    return f"/cds-services/ketamine-trd-{call['hook']}"


@pytest.mark.parametrize("file", REQUESTS, ids=lambda file: file.stem)
def test_every_shipped_request_gets_an_answer(shipped: FlaskClient, file: Path):
    call = json.loads(file.read_text())
    assert_cards(shipped.post(address(call), json=call))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_request_with_spoiled_values_is_refused_or_answered(shipped: FlaskClient, data: st.DataObject):
    call = json.loads(data.draw(st.sampled_from(REQUESTS)).read_text())
    where = address(call)
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled = copy.deepcopy(call)
        *steps, last = data.draw(st.sampled_from(list(paths(spoiled))))
        place = spoiled
        for step in steps:
            place = place[step]
        place[last] = data.draw(spoiling)
        call = spoiled
    assert_answered(shipped, where, json.dumps(call).encode())
