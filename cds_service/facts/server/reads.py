"""Reading side by side what a call did not bring, under the one deadline of the call.

Each read runs in a thread of the process. The call waits for all of them until its time is over; what is
still under way is then cut off, and what it might yet bring is dropped. Nothing is read after the answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from cds_service.facts.request import HookRequest
from cds_service.facts.server.access import ADDRESS, access_for, why_not
from cds_service.facts.server.connection import Servers
from cds_service.facts.server.guard import Resolve, Watch, look_up
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.search import Clock, Deadline, Limits, Search
from cds_service.facts.server.source import REFUSED, Answer, Outcome, Query

_SHARE = 0.9
"""How much of a call's time its reads may take; the rest is for deciding and answering."""


class FhirReader:
    """The threads and connections of a process; lives as long as it does, and keeps nothing of any call.

    `deadline_ms` is the time of one call; `clock` counts seconds and never goes back; `resolve` looks up the
    addresses of a host.
    """

    def __init__(
        self,
        deadline_ms: int,
        *,
        clock: Clock = time.monotonic,
        resolve: Resolve = look_up,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = clock
        self.servers = Servers(width=self.limits.threads, resolve=resolve)
        self.threads = ThreadPoolExecutor(self.limits.threads, thread_name_prefix="fhir-read")
        self._seconds = deadline_ms / 1000 * _SHARE

    def begin(self, policy: FhirPolicy, since: float | None = None) -> Reading:
        """The reads of one call, whose time began at `since` of the clock, or begins now."""
        begun = self.clock() if since is None else since
        return Reading(self, policy, Deadline(self.clock, begun + self._seconds))

    def close(self) -> None:
        """Let go of threads and connections; a read under way ends at its own limits."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.servers.close()


class Reading:
    """The reads of one call (a `FhirSource`)."""

    def __init__(self, reader: FhirReader, policy: FhirPolicy, deadline: Deadline) -> None:
        self._reader, self._policy, self._deadline = reader, policy, deadline
        self._watch = Watch()
        self._outcomes: list[Outcome] = []
        self._turned_away = False

    @property
    def absent(self) -> frozenset[str]:
        """The resource types that the EHR does not have."""
        return self._policy.absent

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every read so far."""
        return tuple(self._outcomes)

    def record(self, outcome: Outcome) -> None:
        """Keep what a read came to."""
        self._outcomes.append(outcome)

    def read(self, request: HookRequest, queries: Mapping[str, Query]) -> Mapping[str, Answer]:
        """Read all of them side by side; never raises."""
        access = access_for(request, self._policy)
        if access is None:
            return dict.fromkeys(queries, Answer(None, REFUSED))
        server, limits = self._reader.servers.of(access), self._reader.limits
        searches = {
            name: Search(query, server, access, self._deadline, self._watch, limits)
            for name, query in queries.items()
        }
        left = self._deadline.left()
        if left > 0:
            self._await([self._reader.threads.submit(search.run) for search in searches.values()], left)
        answers = {name: search.answer() for name, search in searches.items()}
        self._turned_away = self._turned_away or any(one.ended == REFUSED for one in answers.values())
        return answers

    def refusal(self, request: HookRequest) -> str:
        """Why nothing was read, in words; empty if it was, or may be."""
        return why_not(request, self._policy) or (ADDRESS if self._turned_away else "")

    def _await(self, under_way: Sequence[Future[None]], seconds: float) -> None:
        late = wait(under_way, timeout=seconds).not_done
        for future in late:
            future.cancel()
        if late:
            self._watch.end()
