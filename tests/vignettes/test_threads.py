"""Eight threads in one process, every answer right: the engine is shared and guarded."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.settings import Settings
from cds_service.web.app import create_app

ROOT = Path(__file__).parents[2]
REQUESTS = sorted((ROOT / "fhir_fixtures" / "requests").glob("*.patient-view.json"))
THREADS, ROUNDS = 8, 40


@pytest.mark.parametrize("engine", [None, "direct"])
def test_eight_threads_get_the_answers_that_one_gets(engine: str | None) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    app = create_app(Settings(rules=ROOT / "rules", today=now, engine=engine))
    bodies = [json.loads(path.read_bytes()) for path in REQUESTS]

    def ask(index: int) -> bytes:
        response = app.test_client().post("/cds-services/ketamine-trd-patient-view", json=bodies[index])
        assert response.status_code == 200
        return response.get_data()

    alone = [ask(index) for index in range(len(bodies))]

    def thread(number: int) -> bool:
        turns = [(number + turn) % len(bodies) for turn in range(ROUNDS)]
        return all(ask(index) == alone[index] for index in turns)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(thread, range(THREADS)))
