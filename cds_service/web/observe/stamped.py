"""How a line of the service's log looks: when, how bad, from which process, what; on standard error."""

from __future__ import annotations

import logging
import time
from typing import Any


class Stamped(logging.Formatter):
    """`2026-03-01T12:00:00.000Z WARNING 4711 message`; the time is real and UTC, whatever `--today` says."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(process)d %(message)s")


LOGGING: dict[str, Any] = {
    "formatters": {"stamped": {"()": Stamped}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "stamped"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {},
}
"""For the server and everything in it, libraries included (keys as in logging.config.dictConfig)."""
