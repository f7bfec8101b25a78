"""Why a stretch was stopped: the reasons recorded with its orders and statements, and whether they close it.

A reason closes no more than what its own order or statement covers. Where the same drug went on after that,
at another dose or as the drug it counts as, the stretch ended as what followed did. An order that is still
active was not stopped, whatever reason stands beside.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_NONE: frozenset[str] = frozenset()
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
        stated = [supply.entry for supply in run.supplies if supply.is_statement]
        for entry in (*own, *stated):
            told = self._told(entry)
            if not told:
                continue
            if entry.resource.status not in _STOPPED:
                beside[_NOT_STOPPED] = None
            elif _followed(entry, run, own) or self._goes_on(entry, run, orders, chart):
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
            if resource.status_reason is None:
                return _NONE
            codes = concept_codes(resource.status_reason)
        sets_of = self.call.book.terminology.sets_of
        found = frozenset[str]().union(*(sets_of(code.system, code.code) for code in codes))
        return found & (self.no_response | self.not_tolerated)

    def _goes_on(self, entry: Entry, run: Run, orders: Sequence[Entry], chart: Chart) -> bool:
        """Whether a stretch that reaches today is said, or for want of data may be, to go on."""
        if (chart.today - run.until).days > self.gap:
            return False
        if chart.lacking((_REQUESTS,)):
            return True
        if any(_still_taken(one) and one.entry is not entry for one in run.supplies):
            return True
        return any(
            other is not entry
            and other.resource.status == "active"
            and is_placed(other.resource)
            and not _before(other, entry)
            for other in orders
        )


def _followed(entry: Entry, run: Run, own: Sequence[Entry]) -> bool:
    """Whether the drug went on after what an order or a statement covers.

    An order that no supply names ends where the next one of the stretch was written.
    """
    mine = [one for one in run.supplies if one.entry is entry or entry.reference in one.orders]
    if not mine:
        return any(other is not entry and _before(entry, other) for other in own)
    end, begun = max(one.sure_end for one in mine), max(one.begun or one.first for one in mine)
    held = {id(one) for one in mine}
    return any(
        id(one) not in held and (one.until, one.begun or one.first) > (end, begun) for one in run.supplies
    )


def _still_taken(supply: Supply) -> bool:
    return supply.is_statement and supply.entry.resource.status == "active"


def _before(one: Entry, other: Entry) -> bool:
    """Whether an entry was surely written before another; a statement is as old as what it tells of."""
    first, second = _since(one), _since(other)
    return first is not None and second is not None and first < second


def _since(entry: Entry) -> date | None:
    if isinstance(entry.resource, fhir.MedicationStatement):
        period = entry.resource.effective_period
        return day_told(period.start) if period is not None else None
    return day_told(entry.resource.authored_on)
