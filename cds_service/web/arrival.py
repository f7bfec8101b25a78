"""When a call arrived, and whether it waited in vain: what the front tells the application of it.

A call's time (CDS_DEADLINE_MS) begins when its body is here, not when a thread is free for it. Whoever waited
for one comes with less time for reads, or none; whoever would wait longer than that is turned away.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from cds_service.errors import BusyError

ARRIVED = "cds_service.arrived"
"""In the environment of a call: when it was here, in seconds of the monotonic clock."""

TURNED_AWAY = "cds_service.turned-away"
"""In the environment of a call that found no thread free within its time."""


def arrived(environ: Mapping[str, Any]) -> float:
    """When the call was here, in seconds of the monotonic clock; now, under a server that does not tell."""
    told: float | None = environ.get(ARRIVED)
    return time.monotonic() if told is None else told


def refuse_if_turned_away(environ: Mapping[str, Any]) -> None:
    """Raises BusyError for a call that found no thread free; nothing of it was looked at, nor its token."""
    if environ.get(TURNED_AWAY):
        raise BusyError("The service is busy; send the call again after a few seconds.")
