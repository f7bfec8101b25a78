"""Members that stand twice are found wherever they are, and nothing else is taken for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import RequestError
from cds_service.facts.members import refuse_duplicates, twins_in

TEXTS = st.text(max_size=6) | st.sampled_from([":", '":', '"a":1', "\\u003a", "{", "é", "12:00:00Z"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
WRITTEN = st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])


def written(value: Any, style: dict[str, Any]) -> bytes:
    return json.dumps(value, **style).encode("utf-8", "surrogatepass")


@given(OBJECTS, WRITTEN)
def test_what_has_no_twins_passes_however_it_is_written(value: Any, style: dict[str, Any]) -> None:
    assert twins_in(written(value, style)) is None


@given(OBJECTS, WRITTEN, VALUES, VALUES, TEXTS, st.lists(st.sampled_from(["entry", "other", 0]), max_size=4))
def test_twins_are_found_however_deep(
    around: dict[str, Any], style: dict[str, Any], one: Any, other: Any, name: str, path: list[Any]
) -> None:
    label = json.dumps(name)
    inner = "{" + f"{label}:{json.dumps(one)}, {label} : {json.dumps(other)}" + "}"
    for step in path:
        inner = f"[{inner}]" if step == 0 else "{" + f'"{step}":{inner}' + "}"
    text = written(around | {"here": "@@"}, style).replace(b'"@@"', inner.encode())
    assert twins_in(text) is not None


@pytest.mark.parametrize("colon", ["\\u003a", "\\u003A"])
def test_a_colon_written_as_an_escape_hides_no_twins(colon: str) -> None:
    """One more colon when written anew would make up for the member that was dropped."""
    twins = '{"b": {"a": 1, "a": 2}}'
    assert twins_in(f'{{"text": "{colon}", "object": {twins}}}'.encode()) == ""
    assert twins_in(f'{{"text": "{colon}"}}'.encode()) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"context": {"a": 1, "a": 1}}', "context"),
        (
            b'{"prefetch": {"conditions": {"entry": [{}, {"resource": {"id": "a", "id": "b"}}]}}}',
            "prefetch.conditions.entry[1].resource",
        ),
        (b'{"prefetch": {"of-a-patient": {"a": 1, "a": 1}}}', "prefetch"),
        (b'{"extension": {"entry": {"a": 1, "a": 1}}}', ""),
    ],
)
def test_the_place_is_told_down_to_the_first_name_that_is_not_ours(text: bytes, place: str) -> None:
    with pytest.raises(RequestError, match="given twice") as refused:
        refuse_duplicates(text)
    assert (refused.value.where, refused.value.status) == (place, 400)
    assert "of-a-patient" not in str(refused.value)


@pytest.mark.parametrize("text", [b"[" * 200_000 + b"]" * 200_000, b'{"a": nonsense}', b'{"a": "\xff"}'])
def test_what_cannot_be_read_in_full_is_refused(text: bytes) -> None:
    with pytest.raises(RequestError, match="cannot be read in full"):
        refuse_duplicates(text)


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5000, b"-0", b"1E5", b"0.10"])
def test_numbers_of_any_size_are_no_matter(number: bytes) -> None:
    assert twins_in(b'{"a": ' + number + b"}") is None
    assert twins_in(b'{"a": {"b": ' + number + b', "b": 1}}') == ""
