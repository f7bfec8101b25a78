"""The decision log: one JSON line per hook call, whatever its answer was; the call itself if asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cds_service.errors import UsageError
from cds_service.web.observe.call import Call
from cds_service.web.observe.capture import Captures, folder_beside, kept_call
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

    `lost` is called for every line that could not be written, and for every call that could not be kept in
    `captures`. The first of them, and the first that is written again, leave a line in the log of the
    service.
    """

    def __init__(
        self, sink: Sink, mask: Mask, lost: Callable[[], None], captures: Captures | None = None
    ) -> None:
        self._sink, self._mask, self._lost, self._captures = sink, mask, lost, captures
        self._lines = _Losses(
            "the decision log cannot be written (%s); calls are answered",
            "the decision log is written again; %d lines were lost",
        )
        self._calls = _Losses(
            "calls cannot be kept for replay (%s); they are answered",
            "calls are kept for replay again; %d were not",
        )

    def __call__(self, call: Call) -> None:
        """Write the line of one call."""
        line = line_of(call, self._mask, self._captured(call))
        try:
            self._sink.append(line, call.time)
        except OSError as error:
            self._lost()
            self._lines.another(error)
        else:
            self._lines.over()

    def _captured(self, call: Call) -> str:
        """The digest of the call as it was kept, empty if it was not."""
        kept = kept_call(call) if self._captures is not None else None
        if self._captures is None or kept is None:
            return ""
        try:
            digest = self._captures.keep(kept, call.time)
        except OSError as error:
            self._lost()
            self._calls.another(error)
            return ""
        self._calls.over()
        return digest


@dataclass
class _Losses:
    """How many could not be written since the last one that was; the first and the end are said."""

    failing: str
    again: str
    count: int = 0

    def another(self, error: OSError) -> None:
        if not self.count:
            _LOG.error(self.failing, error.strerror)
        self.count += 1

    def over(self) -> None:
        if self.count:
            _LOG.warning(self.again, self.count)
        self.count = 0


def open_log(where: str, lost: Callable[[], None] = lambda: None, *, capture: bool = False) -> DecisionLog:
    """The log that CDS_DECISION_LOG names, made if it is new. Raises UsageError if it cannot be opened.

    With `capture` the calls are kept beside it. On standard output there is no place for a key, so
    identifiers are left out.
    """
    if where == STANDARD_OUTPUT:
        return DecisionLog(Output(), Mask(None), lost)
    path = Path(where)
    try:
        captures = Captures(folder_beside(path)) if capture else None
        return DecisionLog(LogFile(path), Mask(key_beside(path)), lost, captures)
    except OSError as error:
        raise UsageError(
            f"CDS_DECISION_LOG: {where} cannot be opened to append to ({error.strerror}); "
            "try a file in a folder that this user may write, such as var/decisions.jsonl, or - for "
            "standard output."
        ) from error
