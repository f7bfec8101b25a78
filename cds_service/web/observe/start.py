"""Begins observing an application: its decision log, its counters, and the seam that feeds both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.store.feedback import Entry
from cds_service.web.observe.call import Witness, Witnesses
from cds_service.web.observe.log import open_log
from cds_service.web.rules import CurrentRules

Kept = Callable[[str, Sequence[Entry]], None]
"""Is told of feedback that was kept: the service and the entries."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told what: of calls, of feedback that was kept, of the rulebooks served from now on."""

    witnesses: Witnesses
    kept: Kept
    serving: Callable[[Iterable[Rulebook]], None]


def observe(
    app: Flask, settings: Settings, current: CurrentRules, clock: Callable[[], datetime] | None
) -> Observers:
    """Observe an application; `clock` tells the real time. Raises UsageError if the log cannot be opened."""
    # Only now: the environment says by now whether the counters are shared (see observe/metrics.py).
    from cds_service.web.observe.metrics import Metrics, register

    metrics = Metrics()
    register(app, metrics, lambda service: service in current.now.services)
    metrics.serving(current.now.books)
    witnesses: list[Witness] = [metrics]
    if settings.decision_log:
        witnesses.append(open_log(settings.decision_log, metrics.line_lost, capture=settings.capture))
    told = Witnesses(witnesses, clock or (lambda: datetime.now(UTC)))
    return Observers(told, metrics.kept, metrics.serving)
