"""What docs/operations.md shows of a running service: a line of its decision log, and some counters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cds_service.settings import Settings
from cds_service.web.app import create_app

_SHOWN = (
    'cds_requests_total{endpoint="call",service="ketamine-trd-patient-view",status="200"}',
    'cds_requests_total{endpoint="feedback",',
    'cds_call_seconds_bucket{le="0.005",',
    'cds_call_seconds_bucket{le="+Inf",',
    "cds_call_seconds_count",
    'cds_verdicts_total{rule="trd-definition-met"',
    "cds_cards_total",
    "cds_missing_keys_total",
    "cds_feedback_total",
    "cds_decision_log_failures_total",
    "cds_rulebook_info",
)


def observed(call: dict[str, Any], settings: Settings) -> tuple[dict[str, Any], str]:
    """The line that a call leaves, and /metrics after it and a dismissed card."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "decisions.jsonl"
        options = {"decision_log": str(log), "database_url": f"sqlite:///{folder}/cds.sqlite3"}
        client = create_app(Settings(rules=settings.rules, today=settings.today, **options)).test_client()  # type: ignore[arg-type]
        address = f"/cds-services/ketamine-trd-{call['hook']}"
        card = client.post(address, json=call).get_json()["cards"][0]["uuid"]
        said = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
        client.post(f"{address}/feedback", json={"feedback": [said]})
        return json.loads(log.read_text()), client.get("/metrics").text


def line(call: dict[str, Any], settings: Settings, laid_out: Callable[[Any], str]) -> str:
    """The line, laid out; what differs every time is fixed, and of the verdicts one of each is shown."""
    told, _ = observed(call, settings)
    told |= {"time": "2026-03-01T12:00:00.000+00:00", "ms": 2.9, "engine": "durable"}
    told["stages"] = dict.fromkeys(told["stages"], 0.9)
    told |= {name: "5f0c…" for name in ("user", "patient") if name in told}
    told["verdicts"] = {verdict: [rules[0], "…"] for verdict, rules in told["verdicts"].items()}
    return laid_out(told)


_TIMED = re.compile(r'_bucket\{le="[0-9]')
"""Which buckets hold the call depends on the machine; all of them add up in the last."""


def counters(call: dict[str, Any], settings: Settings) -> str:
    """Some counters of every kind."""
    _, text = observed(call, settings)
    lines = [line for line in text.splitlines() if line.startswith(_SHOWN) and not _TIMED.search(line)]
    kept = [line for line in lines if not line.endswith(" 0.0") or "failures" in line]
    return "\n".join(re.sub(r"seconds_bucket(.*) \d.*", r"seconds_bucket\1 1.0", line) for line in kept)
