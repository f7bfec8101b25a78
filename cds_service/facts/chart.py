"""The chart: all we hold of one patient, what was not obtained, and indexes by the codes rules ask for.

Built once per request. Facts then cost a dictionary look-up: a resource is filed under the value sets its
codes belong to, so a rule's value sets cost nothing however large they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from msgspec import Raw

from cds_service.facts import fhir
from cds_service.facts.dates import CLOCKS_DIFFER, When, day_of, midnight, parse_when
from cds_service.facts.finding import DRAFTS, MEDICATIONS, NotObtained
from cds_service.facts.read import EMPTY, FOUND, NOT_SUPPLIED, Note
from cds_service.facts.server.source import Outcome
from cds_service.facts.shelf import EMPTY_SHELF, Entry, Shelf
from cds_service.rulebook.terminology import Terminology

_LONGEST_DATE = 40
"""What is longer is no date, and must not fill the memory of dates read."""
_INSTANT = timedelta(microseconds=1)
_UNREAD = (NotObtained(MEDICATIONS, NOT_SUPPLIED),)


@dataclass(frozen=True)
class Chart:
    """All FHIR data of one patient we hold, and what was not obtained.

    `as_of` is an aware instant; `states` holds one state per prefetch key of the hook. `draft_raw` is the
    JSON of each unsigned order as sent, by `Type/id`; `reads` is what was read back from the FHIR server;
    `conditions_came` are the entries that brought the problems, each with its address.
    With `explain` the facts also keep every row they rejected; `by_now` leaves out results dated ahead.
    """

    patient_id: str
    as_of: datetime
    zone: tzinfo
    states: Mapping[str, str]
    shelves: Mapping[tuple[str, str], Shelf]
    drafts: Mapping[str, Shelf]
    selections: frozenset[str]
    notes: tuple[Note, ...]
    terminology: Terminology
    explain: bool = False
    draft_raw: Mapping[str, Raw] = field(default_factory=dict)
    reads: tuple[Outcome, ...] = ()
    by_now: bool = False
    conditions_came: tuple[fhir.Entry, ...] = ()
    cache: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def today(self) -> date:
        """The calendar day of `as_of` in the service's zone."""
        return day_of(self.as_of, self.zone)

    @property
    def patient(self) -> fhir.Patient | None:
        """The person, if the key was obtained."""
        shelf = self.shelves.get(("patient", "Patient"), EMPTY_SHELF)
        return shelf.resources[0] if shelf.resources else None

    @cached_property
    def missing(self) -> Mapping[str, NotObtained]:
        """The keys that are not known in full."""
        return {
            key: NotObtained(key, state) for key, state in self.states.items() if state not in (FOUND, EMPTY)
        }

    def not_obtained(self, keys: Iterable[str]) -> tuple[NotObtained, ...]:
        """Those of the keys that are not known in full, each with the reason."""
        missing = self.missing
        return tuple(missing[key] for key in keys if key in missing) if missing else ()

    @cached_property
    def tomorrow(self) -> datetime:
        """The first instant of the day after `today`."""
        return midnight(self.today + timedelta(days=1), self.zone)

    @cached_property
    def ahead_from(self) -> datetime:
        """The first instant that lies after the time of the call; today clocks may differ a little."""
        return min(self.as_of + CLOCKS_DIFFER + _INSTANT, self.tomorrow)

    def is_ahead(self, when: When) -> bool:
        """Whether a date lies wholly after the time of the call."""
        return when.start >= self.ahead_from

    def until_now(self, when: When | None) -> When | None:
        """The date of something that has happened: one that holds the time of the call ends there."""
        if when is None or when.end <= self.ahead_from or when.start >= self.ahead_from:
            return when
        return When(when.start, self.ahead_from, when.text)

    @cached_property
    def unread(self) -> Mapping[str, frozenset[str]]:
        """By key, the entries whose drug is told by a Medication that was not sent and could not be read.

        Keys that are incomplete anyway are left out: they say already that something is missing.
        """
        shelves = [(key, shelf) for (key, _), shelf in self.shelves.items()]
        shelves += [(DRAFTS, shelf) for shelf in self.drafts.values()]
        found: dict[str, frozenset[str]] = {}
        for key, shelf in shelves:
            entries = frozenset(shelf.unread) if shelf.may_be and key not in self.missing else frozenset()
            if entries:
                found[key] = found.get(key, frozenset()) | entries
        return found

    def unread_among(
        self, keys: Iterable[str], entries: frozenset[str] | None = None
    ) -> tuple[NotObtained, ...]:
        """What to name as not obtained if a medication of these keys, or of these entries, was not read."""
        return (
            _UNREAD
            if any(
                key in self.unread and (entries is None or not entries.isdisjoint(self.unread[key]))
                for key in keys
            )
            else ()
        )

    def lacking(self, keys: Iterable[str]) -> tuple[NotObtained, ...]:
        """All that is not known of the keys: those not known in full, and medications not read."""
        wanted = tuple(keys)
        return (*self.not_obtained(wanted), *self.unread_among(wanted))

    def when(self, text: str) -> When | None:
        """A recorded date as an interval of instants."""
        return parse_when(text, self.zone) if 4 <= len(text) <= _LONGEST_DATE else None

    def period(self, period: fhir.Period | None) -> When | None:
        """A period as one interval, ends included; None if neither end can be read."""
        if period is None:
            return None
        start, end = self.when(period.start), self.when(period.end)
        if start is None:
            return end
        return start if end is None else When(start.start, max(end.end, start.end), start.text)

    def shelf(self, key: str, resource_type: str) -> Shelf:
        """What one key brought of one type."""
        return self.shelves.get((key, resource_type), EMPTY_SHELF)

    def entries(
        self, keys: Iterable[str], resource_type: str, sets: Sequence[str] | None
    ) -> list[tuple[Entry, bool]]:
        """Live entries of a type in any of the sets, each with whether it surely is one."""
        seen: set[str] = set()
        found: list[tuple[Entry, bool]] = []
        for key in keys:
            shelf = self.shelves.get((key, resource_type))
            if shelf is not None:
                found += shelf.matching(sets, seen)
        return found

    def draft_entries(
        self, resource_type: str, sets: Sequence[str] | None, *, selected: bool
    ) -> list[tuple[Entry, bool]]:
        """The same over the unsigned orders of the call, or only those selected."""
        found = self.drafts.get(resource_type, EMPTY_SHELF).matching(sets, set())
        return [one for one in found if one[0].reference in self.selections] if selected else found

    def set_aside(
        self, keys: Iterable[str], resource_type: str, sets: Sequence[str] | None
    ) -> Iterator[tuple[Entry, str]]:
        """Entries that would be in the sets but never count, each with why."""
        for key in keys:
            for entry in self.shelf(key, resource_type).aside:
                if sets is None or not entry.sets.isdisjoint(sets):
                    yield entry, entry.aside.replace("-", " ")

    def left_out(
        self, keys: Iterable[str], resource_type: str, sets: Sequence[str]
    ) -> Iterator[tuple[Entry, str]]:
        """Entries of drugs that the sets hold but for an exclusion, each with the reason of its set."""
        for key in keys:
            for entry in self.shelf(key, resource_type).left_out:
                barred = entry.drug.left_out if entry.drug is not None and entry.sets.isdisjoint(sets) else ()
                name = next((name for name in sets if name in barred), None)
                if name is not None:
                    yield entry, self.terminology.valuesets[name].excluded_because
