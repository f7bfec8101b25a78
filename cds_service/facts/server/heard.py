"""The reads of one call kept for later, and given again without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.facts.request import HookRequest
from cds_service.facts.server.source import CUT, REFUSED, Answer, FhirSource, Outcome, Query


class Heard:
    """A source that keeps the answers it passes on, by the name of the query."""

    def __init__(self, source: FhirSource) -> None:
        self._source = source
        self.answers: dict[str, Answer] = {}

    @property
    def absent(self) -> frozenset[str]:
        """The resource types that the EHR does not have."""
        return self._source.absent

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every read so far."""
        return self._source.outcomes

    def read(self, request: HookRequest, queries: Mapping[str, Query]) -> Mapping[str, Answer]:
        """Read, and keep what came."""
        answers = self._source.read(request, queries)
        self.answers.update(answers)
        return answers

    def record(self, outcome: Outcome) -> None:
        """Keep what a read came to."""
        self._source.record(outcome)

    def refusal(self, request: HookRequest) -> str:
        """Why nothing was read."""
        return self._source.refusal(request)


@dataclass(frozen=True)
class Retold:
    """A source that gives the answers of a call again and reads nothing.

    A key that was not asked for then is refused now; one that was cut off stays as it came.
    """

    answers: Mapping[str, Answer]
    absent: frozenset[str] = frozenset()
    outcomes: tuple[Outcome, ...] = field(default=(), init=False)

    def read(self, request: HookRequest, queries: Mapping[str, Query]) -> Mapping[str, Answer]:  # noqa: ARG002
        """The answers of that call."""
        return {name: self.answers.get(name) or _as_it_came(query) for name, query in queries.items()}

    def record(self, outcome: Outcome) -> None:
        """Nobody counts these reads."""

    def refusal(self, request: HookRequest) -> str:  # noqa: ARG002
        """Why nothing was read is not told again."""
        return ""


def _as_it_came(query: Query) -> Answer:
    return Answer(None, REFUSED) if query.begun is None else Answer(query.begun, CUT)
