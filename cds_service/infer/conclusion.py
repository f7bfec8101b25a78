"""What inference answers for one rule: its verdict and the facts that could still change it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from cds_service.truth import Truth

States = Mapping[str, Mapping[str, Truth]]
"""What an engine is given: by rule id, the state of every plain criterion by its text."""


class Conclusion(Struct, frozen=True, gc=False):
    """The verdict of one rule.

    `missing` names, in the rule's own order, the facts that could still change an unknown verdict (empty
    otherwise). `states` holds the state of every criterion by its text, for the trace.
    """

    rule: str
    verdict: Truth
    missing: tuple[str, ...] = ()
    states: Mapping[str, Truth] = field(default_factory=dict)
