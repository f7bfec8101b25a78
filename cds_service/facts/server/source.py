"""What the chart asks of a FHIR server, and what it is told: queries and answers, nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from msgspec import Raw

from cds_service.facts.request import HookRequest

WHOLE, CUT, FAILED, DEADLINE, REFUSED = "", "truncated", "failed", "deadline", "refused"
"""How a read ended: with everything; early, after something came; with nothing; too late; not allowed."""


class Query(NamedTuple):
    """What to read: a URL relative to the base; or the `next` link of a page, after that page."""

    url: str
    begun: Raw | None = None


class Answer(NamedTuple):
    """What a read brought: a resource or a Bundle, or None; how it ended; how long it took.

    A Bundle whose search ended early keeps a `next` link. `status` is the HTTP status of the last answer, 0
    if none came.
    """

    raw: Raw | None
    ended: str = WHOLE
    milliseconds: int = 0
    status: int = 0


class Outcome(NamedTuple):
    """One read as it may be counted and logged.

    `key` is the prefetch key, or `Medication` for one that an entry refers to; `outcome` the state it led to
    (found, empty, failed, truncated, other-patient, deadline), or `refused` if it was not allowed; `size` how
    many bytes came.
    """

    key: str
    outcome: str
    milliseconds: int
    size: int


class FhirSource(Protocol):
    """Reads for one call what it did not bring."""

    @property
    def absent(self) -> frozenset[str]:
        """The resource types that the EHR does not have."""
        ...

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every read so far."""
        ...

    def read(self, request: HookRequest, queries: Mapping[str, Query]) -> Mapping[str, Answer]:
        """The answer to each query, by its name; never raises."""
        ...

    def record(self, outcome: Outcome) -> None:
        """Keep what a read came to."""
        ...

    def refusal(self, request: HookRequest) -> str:
        """Why nothing was read for the call, in words that name no host; empty if it was, or may be."""
        ...
