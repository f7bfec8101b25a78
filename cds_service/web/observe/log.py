"""The decision log: one JSON line per hook call, whatever its answer was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cds_service.errors import UsageError
from cds_service.web.observe.call import Call
from cds_service.web.observe.line import line_of
from cds_service.web.observe.logfile import LogFile, Output
from cds_service.web.observe.mask import Mask, key_beside

STANDARD_OUTPUT = "-"
_LOG = logging.getLogger("cds_service")


class Sink(Protocol):
    """Where lines go."""

    def append(self, line: bytes, at: datetime) -> None:
        """Write one line, its end included. Raises OSError."""
        ...


class DecisionLog:
    """A witness that writes each call down before it is answered; a line that is lost loses no answer.

    `lost` is called for every line that could not be written. The first of them, and the first that is
    written again, leave a line in the log of the service.
    """

    def __init__(self, sink: Sink, mask: Mask, lost: Callable[[], None]) -> None:
        self._sink, self._mask, self._lost = sink, mask, lost
        self._missed = 0

    def __call__(self, call: Call) -> None:
        """Write the line of one call."""
        line = line_of(call, self._mask)
        try:
            self._sink.append(line, call.time)
        except OSError as error:
            self._lost()
            if not self._missed:
                _LOG.error("the decision log cannot be written (%s); calls are answered", error.strerror)
            self._missed += 1
        else:
            if self._missed:
                _LOG.warning("the decision log is written again; %d lines were lost", self._missed)
            self._missed = 0


def open_log(where: str, lost: Callable[[], None] = lambda: None) -> DecisionLog:
    """The log that CDS_DECISION_LOG names, made if it is new. Raises UsageError if it cannot be opened.

    On standard output there is no place for a key, so identifiers are left out.
    """
    if where == STANDARD_OUTPUT:
        return DecisionLog(Output(), Mask(None), lost)
    path = Path(where)
    try:
        return DecisionLog(LogFile(path), Mask(key_beside(path)), lost)
    except OSError as error:
        raise UsageError(
            f"CDS_DECISION_LOG: {where} cannot be opened to append to ({error.strerror}); "
            "try a file in a folder that this user may write, such as var/decisions.jsonl, or - for "
            "standard output."
        ) from error
