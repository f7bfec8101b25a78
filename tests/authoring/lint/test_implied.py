"""What follows from what, by the form of the conditions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from cds_service.authoring.lint.implied import follows
from cds_service.rulebook.logic import Logic

LOGIC: TypeAdapter[Logic] = TypeAdapter(Logic)


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ("a", "a"),
        ("a", ["a", "b"]),
        ({"any": ["a", "b"]}, "a"),
        ({"any": ["a", {"not": "a"}]}, "a"),
        ("n > 5 [1]", "n >= 10 [1]"),
        (["a", "b"], ["c", "b", "a"]),
        ("a", {"any": [["a", "b"], ["a", "c"]]}),
        ({"any": ["a", "b"]}, {"any": ["b", "a"]}),
        ("n < 2 weeks [1]", "n < 7 days [2]"),
    ],
)
def test_it_follows(weak: Any, strong: Any) -> None:
    assert follows(LOGIC.validate_python(weak), LOGIC.validate_python(strong))


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ("a", {"any": ["a", "b"]}),
        ("a", {"not": "a"}),
        (["a", "b"], "a"),
        ("n >= 10 [1]", "n > 5 [1]"),
        ({"any": ["n >= 30 [1]", "n < 30 [1]"]}, "a"),
        ({"not": "a"}, "b"),
    ],
)
def test_it_does_not_follow(weak: Any, strong: Any) -> None:
    assert not follows(LOGIC.validate_python(weak), LOGIC.validate_python(strong))
