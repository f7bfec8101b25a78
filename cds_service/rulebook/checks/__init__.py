"""Everything that can be wrong between files: one small function per check, all of them run every time."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Problem
from cds_service.rulebook.order import cycles
from cds_service.rulebook.shelf import Shelf


def check(shelf: Shelf) -> Iterator[Problem]:
    """Every problem between the files of a rulebook."""
    yield from cycles(shelf.rules)
