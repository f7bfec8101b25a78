"""One FHIR server of the fixtures, and one reader, for all tests of reading back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("facts", "properties")]

from fixture_server import Calls, FixtureServer, fixture_server


@pytest.fixture(scope="session")
def running() -> Iterator[FixtureServer]:
    with fixture_server() as server:
        yield server


@pytest.fixture
def server(running: FixtureServer) -> FixtureServer:
    running.behave()
    return running


@pytest.fixture(scope="session")
def calls(running: FixtureServer) -> Iterator[Calls]:
    made = Calls(running)
    yield made
    made.reader.close()
