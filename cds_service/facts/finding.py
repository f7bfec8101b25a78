"""What a fact's question was answered with: value, state, and the evidence behind both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from cds_service.facts.dates import When
from cds_service.rulebook.terminology import Coded
from cds_service.truth import Span, Truth

DRAFTS = "draft-orders"
"""Stands for a key: the orders that the call itself brought, not yet signed."""

MEDICATIONS = "medications"
"""Stands for a key: Medication resources that entries only refer to."""


class NotObtained(NamedTuple):
    """A prefetch key that was not fully obtained, and why; or one of the two that stand for a key.

    `reason` is one of not-supplied, failed, truncated, other-patient, deadline (DESIGN 5).
    """

    key: str
    reason: str


class Evidence(Struct, frozen=True, gc=False):
    """One entry of the chart that speaks for or against: `Condition/c7`, its date as recorded, its words."""

    reference: str
    when: When | None = None
    text: str = ""


class Quantity(Struct, frozen=True, gc=False):
    """A number with its UCUM unit ("" if none)."""

    span: Span
    unit: str = ""


Cell = Quantity | When | Truth | str | tuple[Coded, ...] | None
"""One column of a row; None means that the chart does not say."""


class OwnWords(str):
    """A reason with no word of the chart in it, only dates: what stands there in brackets is a citation."""


class Row(Struct, frozen=True, gc=False):
    """One line of a view or one resource found, with what decided whether it counts.

    `counts` is true, or unknown if a condition could not be decided. `why` says in words why it
    does not surely count ("ended after 34 days, needs 42"), and of one that counts what a reader should know
    beside. A view gives the latter as `remarks`; of `akin` one is told only if a row of that `key` counts or
    may count for the fact too.
    """

    evidence: Evidence
    columns: Mapping[str, Cell] = field(default_factory=dict)
    counts: Truth = Truth.TRUE
    why: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    akin: tuple[tuple[str, str], ...] = ()


Value = Quantity | When | Row | None


class Finding(Struct, frozen=True, gc=False):
    """The answer to one fact.

    `state` is the answer of a yes/no fact; for a fact with a value it is true if the value is known
    (if only as an interval) and unknown otherwise. `rows` are the rows behind the answer, latest first;
    `rejected` those looked at that do not count, each with its reason. `because` names the prefetch keys
    of this fact that were not fully obtained, and `medications` if a row is open only since nobody could read
    which drug it is about.
    """

    state: Truth
    value: Value = None
    rows: tuple[Row, ...] = ()
    rejected: tuple[Row, ...] = ()
    because: tuple[NotObtained, ...] = ()
    note: str = ""
