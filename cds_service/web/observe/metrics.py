"""Counters for Prometheus, over all workers: GET /metrics. No patient, no caller, no text.

prometheus-client decides as it is imported whether counters are one process's own or lie in files that all
workers share (PROMETHEUS_MULTIPROC_DIR): import this module only after that is set.

Every label value is a name of ours: of a service, a rule, a prefetch key, a status. What a caller wrote never
becomes one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from cds_service.cards.cardbook import COULD_NOT_CHECK
from cds_service.cards.identity import prefix_of, rule_prefix
from cds_service.cards.response import DECISION, RULES
from cds_service.errors import DataUnavailable
from cds_service.pipeline import Outcome
from cds_service.rulebook.book import Rulebook
from cds_service.store.feedback import Entry
from cds_service.web.observe.call import Call
from cds_service.web.observe.workers import SHARED

PATH = "/metrics"
OTHER = "other"
_PREFLIGHT = "preflight"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class _Counts:
    """A counter whose children are looked up once: the library's own look-up takes longer than counting."""

    def __init__(self, registry: CollectorRegistry, name: str, about: str, *labels: str) -> None:
        self._counter = Counter(name, about, labels, registry=registry)
        self._known: dict[tuple[str, ...], Counter] = {}

    def add(self, *labels: str, by: int = 1) -> None:
        child = self._known.get(labels)
        if child is None:
            child = self._known[labels] = self._counter.labels(*labels)
        child.inc(by)


class Metrics:
    """The counters of one process, and a view of those of all. A witness of every call."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self._folder = os.environ.get(SHARED, "")
        self._requests = _Counts(
            own, "cds_requests", "Requests answered, by endpoint, service and status.", *_REQUESTS
        )
        self._seconds = Histogram(
            "cds_call_seconds",
            "From a hook call's arrival in the worker until its answer is ready, whatever its status.",
            ["service"],
            buckets=_SECONDS,
            registry=own,
        )
        self._verdicts = _Counts(
            own, "cds_verdicts", "Verdicts of rules, those in shadow included.", "rulebook", "rule", "verdict"
        )
        self._cards = _Counts(
            own,
            "cds_cards",
            "Cards answered; a merged card counts for each of its rules.",
            *("rulebook", "rule", "indicator"),
        )
        self._reads = _Counts(own, "cds_fhir_reads", "Reads of FHIR servers.", "key", "outcome")
        self._missing = _Counts(
            own, "cds_missing_keys", "Prefetch keys that were not fully obtained.", "key", "reason"
        )
        self._feedback = _Counts(
            own, "cds_feedback", "Feedback acknowledged, by outcome.", "service", "outcome"
        )
        self._lost = Counter(
            "cds_decision_log_failures", "Lines of the decision log that were lost.", registry=own
        )
        self._books = Gauge(
            "cds_rulebook_info",
            "How many workers serve this rulebook.",
            ["rulebook", "version", "digest"],
            registry=own,
            multiprocess_mode="livesum",
        )
        self._served: set[tuple[str, str, str]] = set()

    def __call__(self, call: Call) -> None:
        """Count one hook call."""
        self._seconds.labels(call.service or OTHER).observe(call.seconds)
        for read in call.reads:
            self._reads.add(read.key, read.outcome)
        if isinstance(call.error, DataUnavailable):
            for key, state in call.error.states.items():
                self._missing.add(key, state)
        if call.outcome is not None:
            self._decided(call.outcome)

    def serving(self, books: Iterable[Rulebook]) -> None:
        """Say which rulebooks this process serves from now on."""
        now = {(book.id, book.about.version, book.digest) for book in books}
        for labels in self._served | now:
            self._books.labels(*labels).set(labels in now)
        self._served = now

    def answered(self, endpoint: str, service: str, status: int) -> None:
        """Count one answer to a request of any kind."""
        self._requests.add(endpoint, service, str(status))

    def kept(self, service: str, entries: Sequence[Entry]) -> None:
        """Count feedback that was kept."""
        for entry in entries:
            self._feedback.add(service, entry.outcome)

    def line_lost(self) -> None:
        """Count a line of the decision log that could not be written."""
        self._lost.inc()

    def scrape(self) -> bytes:
        """The counters of all workers, in the text format of Prometheus."""
        if not self._folder:
            return generate_latest(self._own)
        _bury_the_dead(Path(self._folder))
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)

    def _decided(self, outcome: Outcome) -> None:
        told = outcome.body["extension"][DECISION]
        book: str = told["rulebook"]["id"]
        for one in told.get("verdicts", ()):
            self._verdicts.add(book, one["rule"], one["verdict"])
        for missed in outcome.evaluation.decision.not_obtained:
            self._missing.add(missed.key, missed.reason)
        for card in outcome.body["cards"]:
            for rule in _rules_of(card):
                self._cards.add(book, rule, card["indicator"])


_REQUESTS = ("endpoint", "service", "status")


def register(app: Flask, metrics: Metrics, ours: Callable[[str], bool]) -> None:
    """Let the app count every answer, and answer GET /metrics, for which nobody needs a token.

    `ours` tells whether an id is that of a service.
    """

    def count(response: Response) -> Response:
        named = (request.view_args or {}).get("service_id", "")
        service = named if not named or ours(named) else OTHER
        endpoint = _PREFLIGHT if request.method == "OPTIONS" else request.endpoint or OTHER
        metrics.answered(endpoint, service, response.status_code)
        return response

    def scrape() -> Response:
        return Response(metrics.scrape(), content_type=CONTENT_TYPE_LATEST)

    app.after_request(count)
    app.add_url_rule(PATH, "metrics", scrape, methods=["GET"])


def _rules_of(card: dict[str, Any]) -> Sequence[str]:
    """The rules a card counts for: those behind it, unless it only says which could not be checked."""
    prefix = prefix_of(card["uuid"])
    rules = card["extension"][RULES]
    if any(rule_prefix(rule["id"], rule["version"]) == prefix for rule in rules):
        return [rule["id"] for rule in rules]
    return [COULD_NOT_CHECK]


def _bury_the_dead(folder: Path) -> None:
    """Forget what workers that ended said of themselves; what they counted stays."""
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not _lives(pid):
            with contextlib.suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
