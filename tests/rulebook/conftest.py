"""The rulebook that the tests of this folder put mistakes into."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_rulebook import FILES, SETS, Builder, valueset


@pytest.fixture
def book(tmp_path: Path) -> Builder:
    """A rulebook without a mistake."""
    builder = Builder(tmp_path / "rules" / "small")
    for name, text in FILES.items():
        builder.write(name, text)
    for name in SETS:
        builder.write(f"valuesets/{name}.yaml", valueset(name))
    return builder
