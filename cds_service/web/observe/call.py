"""One hook call as it was answered, and those who are told of it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from cds_service.facts.request import HookRequest
from cds_service.facts.server.heard import Heard
from cds_service.facts.server.source import Answer
from cds_service.facts.server.source import Outcome as Read
from cds_service.pipeline import Outcome
from cds_service.web.caller import Caller
from cds_service.web.outcome import described, status_of

_LOG = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Call:
    """One hook call that was answered, with whatever status.

    `service` is the id of one of our services, empty if the call named none. `time` is when it came, by the
    real clock; `seconds` until its answer was ready. `caller` is None if it was not let in, `request` if it
    could not be read. `outcome` stands behind a 200 only, `error` behind everything else. `reads` is what was
    read from the FHIR server, `heard` what each read brought, `absent` the types that the EHR does not have.
    It holds the data, identifiers and the access token: a witness decides what it keeps.
    """

    service: str
    time: datetime
    seconds: float
    status: int
    caller: Caller | None = None
    request: HookRequest | None = None
    outcome: Outcome | None = None
    reads: tuple[Read, ...] = ()
    error: Exception | None = None
    body: bytes = field(default=b"", repr=False)
    heard: Mapping[str, Answer] = field(default_factory=dict, repr=False)
    absent: frozenset[str] = frozenset()


Witness = Callable[[Call], None]


@dataclass(slots=True)
class Seen:
    """What is known of a call so far; `body` is what was sent, `reading` its way to the FHIR server."""

    caller: Caller | None = None
    body: bytes = b""
    request: HookRequest | None = None
    reading: Heard | None = None
    outcome: Outcome | None = None


class Witnesses:
    """Those who are told of every call, once its answer is ready and before it is sent.

    `clock` tells the real time. A witness that fails is logged; the caller gets its answer.
    """

    def __init__(self, witnesses: Sequence[Witness], clock: Callable[[], datetime]) -> None:
        self._witnesses, self._clock = witnesses, clock

    @contextmanager
    def watch(self, service: str, since: float) -> Iterator[Seen]:
        """Watch one call to a service; the block notes what it comes to know, and ends with the answer.

        `since` is when the call was here, in seconds of the monotonic clock.
        """
        seen, time = Seen(), self._clock() - timedelta(milliseconds=round(1000 * (monotonic() - since)))
        try:
            yield seen
        except Exception as error:
            self._tell(_call(service, time, monotonic() - since, seen, error))
            raise
        self._tell(_call(service, time, monotonic() - since, seen, None))

    def _tell(self, call: Call) -> None:
        for witness in self._witnesses:
            try:
                witness(call)
            except Exception as error:
                _LOG.error("a call was not witnessed: %s", " from ".join(described(error)))


def _call(service: str, time: datetime, seconds: float, seen: Seen, error: Exception | None) -> Call:
    reading = seen.reading
    return Call(
        service=service,
        time=time,
        seconds=seconds,
        status=200 if error is None else status_of(error),
        caller=seen.caller,
        request=seen.request,
        outcome=seen.outcome if error is None else None,
        reads=reading.outcomes if reading is not None else (),
        error=error,
        body=seen.body,
        heard=reading.answers if reading is not None else {},
        absent=reading.absent if reading is not None else frozenset(),
    )
