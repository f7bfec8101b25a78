"""Why a stretch was stopped: the reasons recorded with its orders and statements, and whether they close it.

A reason closes no more than what its own order or statement covers. Where the same drug went on after that,
at another dose or as the drug it counts as, the stretch ended as what followed did. An order that is still
active was not stopped, whatever reason stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import all_codes, concept_codes
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.stretches import Run
from cds_service.facts.views.supply import Supply, day_told, is_placed

_STOPPED = frozenset({"stopped", "completed"})
_REQUESTS = "medication-requests"
_WENT_ON = "a reason for stopping is on record, yet the drug went on"
_NOT_STOPPED = "a reason for stopping is on record, yet the entry says that it was not stopped"


class Reasons(NamedTuple):
    """The value sets of the reasons that close a stretch, and what to say of those that do not."""

    closing: frozenset[str]
    beside: tuple[str, ...]


@dataclass(frozen=True)
class Stops:
    """The value sets of reasons: lack of response, and intolerance."""

    call: ViewCall
    no_response: frozenset[str]
    not_tolerated: frozenset[str]
    gap: int

    @classmethod
    def of(cls, call: ViewCall) -> Stops:
        """The sets a call names."""
        reasons = call.sets("no_response_reasons"), call.sets("intolerance_reasons")
        return cls(call, *reasons, call.days("bridged_gap"))

    @property
    def kinds(self) -> tuple[frozenset[str], frozenset[str]]:
        """Lack of response, and intolerance."""
        return self.no_response, self.not_tolerated

    def given(self, run: Run, own: Sequence[Entry], orders: Sequence[Entry], chart: Chart) -> Reasons:
        """The reasons for stopping a stretch; `own` are its orders, `orders` all of the drug."""
        closing: set[str] = set()
        beside: dict[str, None] = {}
        for entry, mine in _sources(run, own):
            told = self._told(entry)
            if told and entry.resource.status not in _STOPPED:
                beside[_NOT_STOPPED] = None
            elif told and (_followed(mine, run, entry, own) or self._ordered_on(entry, run, orders, chart)):
                beside[_WENT_ON] = None
            else:
                closing |= told
        return Reasons(frozenset(closing), tuple(beside))

    def _told(self, entry: Entry) -> frozenset[str]:
        """The value sets of the reasons of an order or a statement."""
        resource = entry.resource
        if isinstance(resource, fhir.MedicationStatement):
            codes = all_codes((*resource.status_reason, *resource.reason_code))
        else:
            codes = concept_codes(resource.status_reason) if resource.status_reason is not None else ()
        sets_of = self.call.book.terminology.sets_of
        found = frozenset[str]().union(*(sets_of(code.system, code.code) for code in codes))
        return found & (self.no_response | self.not_tolerated)

    def _ordered_on(self, entry: Entry, run: Run, orders: Sequence[Entry], chart: Chart) -> bool:
        """Whether a stretch that reaches today is, or for want of data may be, ordered further."""
        if (chart.today - run.until).days > self.gap:
            return False
        if chart.lacking((_REQUESTS,)):
            return True
        return any(
            other is not entry
            and other.resource.status == "active"
            and is_placed(other.resource)
            and not _before(other, entry)
            for other in orders
        )


def _sources(run: Run, own: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[Supply]]]:
    """The orders and statements of a stretch, each with the supplies that it covers."""
    for order in own:
        yield order, [supply for supply in run.supplies if order.reference in supply.orders]
    for supply in run.supplies:
        if supply.is_statement:
            yield supply.entry, [supply]


def _followed(mine: Sequence[Supply], run: Run, entry: Entry, own: Sequence[Entry]) -> bool:
    """Whether the drug went on after what an order or a statement covers.

    An order that no supply names ends where the next one of the stretch was written.
    """
    if not mine:
        return any(other is not entry and _before(entry, other) for other in own)
    end, begun = max(one.sure_end for one in mine), max(one.begun or one.first for one in mine)
    held = {id(one) for one in mine}
    return any(
        id(one) not in held and (one.until, one.begun or one.first) > (end, begun) for one in run.supplies
    )


def _before(one: Entry, other: Entry) -> bool:
    """Whether an entry was surely written before another; a statement is as old as what it tells of."""
    first, second = _since(one), _since(other)
    return first is not None and second is not None and first < second


def _since(entry: Entry) -> date | None:
    if isinstance(entry.resource, fhir.MedicationStatement):
        period = entry.resource.effective_period
        return day_told(period.start) if period is not None else None
    return day_told(entry.resource.authored_on)
