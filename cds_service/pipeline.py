"""The whole story on one page: a hook call in, cards out. Pure apart from the FHIR reads it has to make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cds_service.facts.request import HookRequest
from cds_service.rulebook.book import Rulebook


@dataclass(frozen=True)
class Outcome:
    """The answer to one hook call: `body` is the JSON object to send with status 200."""

    body: dict[str, Any]
    timings: dict[str, float] = field(default_factory=dict)


def evaluate(request: HookRequest, rulebook: Rulebook) -> Outcome:
    """Answer one hook call.

    Raises RequestError (400: another patient), DataUnavailable (412), InferenceError.
    """
    raise NotImplementedError
