"""How a trial ended and in which episode it was; every window and set is an argument of the rule.

Failure is proven by the reason recorded for stopping (`stops.py`), or by a score that fell less than the
response between a baseline and the last follow-up of the same instrument. "Stopped" alone proves nothing.
Where orders, statements or scores were not obtained, nothing but proven failure is settled.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf
from typing import NamedTuple

from cds_service.facts.ahead import dated_ahead
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When
from cds_service.facts.elements import answer_number, effective
from cds_service.facts.ended import clinical_status
from cds_service.facts.shelf import Entry
from cds_service.facts.statuses import NOT_READ, verification_status
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.days import Days
from cds_service.facts.views.indication import Indication, indication
from cds_service.facts.views.plausible import Plausible
from cds_service.facts.views.stops import Stops
from cds_service.facts.views.stretches import Run
from cds_service.facts.views.supply import day_told, days_of, is_placed, the_day, written_near
from cds_service.facts.wording import span_text
from cds_service.truth import UNKNOWN, Span, Truth, hull

_ENDED = frozenset({"inactive", "remission", "resolved"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential", *(code.code for code in NOT_READ)})
Score = tuple[date, When, Span]
_FINAL = frozenset({"final", "amended", "corrected"})


class Scores(NamedTuple):
    """The scores of one instrument by day, and their days."""

    days: Sequence[date]
    by_day: Sequence[Score]


class _Change(NamedTuple):
    """What one instrument says of a stretch, responded or failed, and its scores."""

    verdict: str
    instrument: str
    baseline: Span
    follow_up: Span


@dataclass(frozen=True)
class Outcomes:
    """The part of the view that judges how a stretch ended."""

    call: ViewCall
    stops: Stops
    instruments: tuple[str, ...]
    episodes: tuple[str, ...]
    otherwise: tuple[str, ...]
    baseline_before: int
    follow_up_after: int
    follow_up_until: int
    response: float
    gap: int
    plausible: Plausible
    indication: Callable[[Iterable[Entry], Chart], Indication]

    @classmethod
    def of(cls, call: ViewCall) -> Outcomes:
        """Resolve the arguments once."""
        return cls(
            call,
            Stops.of(call),
            tuple(sorted(call.sets("scores"))),
            tuple(sorted(call.sets("episode"))),
            tuple(sorted(call.sets("episode_otherwise"))),
            call.days("baseline_before"),
            call.days("follow_up_after"),
            call.days("follow_up_until"),
            call.amount("response").number,
            call.days("bridged_gap"),
            Plausible.of(call),
            indication(call),
        )

    def ending(
        self, run: Run, own: Sequence[Entry], orders: Sequence[Entry], chart: Chart
    ) -> tuple[str | Truth | None, tuple[str, ...]]:
        """The outcome of a stretch; of failure also how it is known and what speaks against it.

        failed, responded, not-tolerated; None if the chart does not say, UNKNOWN if what is lost may.
        """
        reasons = self.stops.given(run, own, orders, chart)
        changes = self._changes(run, chart)
        verdicts = {change.verdict for change in changes}
        no_response, not_tolerated = (not sets.isdisjoint(reasons.closing) for sets in self.stops.kinds)
        if no_response or "failed" in verdicts:
            against = ["stopped for intolerance"] if not_tolerated else []
            against += [self._told(change) for change in changes if change.verdict == "responded"]
            scores = [self._told(change) for change in changes if change.verdict == "failed"]
            known_by = ["stopped for lack of response"] if no_response else scores
            return "failed", (" and ".join(known_by) + "".join(f", yet {one}" for one in against),)
        if chart.lacking(("medication-requests", "medication-statements", *self.call.keys)):
            return UNKNOWN, ()
        if "responded" in verdicts:
            return "responded", ()
        return ("not-tolerated", ()) if not_tolerated else (None, reasons.beside)

    def own(self, run: Run, stretches: Sequence[Run], orders: Sequence[Entry]) -> Sequence[Entry]:
        """The orders that this stretch was taken on."""
        named = {reference for supply in run.supplies for reference in supply.orders}
        if named:
            mine = [order for order in orders if order.reference in named]
        else:
            mine = [order for order in orders if _nearest(order, stretches, self.gap) is run]
        return [order for order in mine if is_placed(order.resource)]

    def ordered_for(self, run: Run, own: Sequence[Entry], chart: Chart) -> Indication:
        """What the stretch was for, by its own orders and statements."""
        stated = (supply.entry for supply in run.supplies if supply.is_statement)
        return self.indication((*own, *stated), chart)

    # --- scores ----------------------------------------------------------------------------------

    def _changes(self, run: Run, chart: Chart) -> Sequence[_Change]:
        """What the scores say; the last follow-up can only be known if every score was obtained."""
        if chart.not_obtained(self.call.keys) or not run.exact:
            return ()
        try:
            before = (run.first - timedelta(days=self.baseline_before), run.first)
            after = (
                run.first + timedelta(days=self.follow_up_after),
                min(run.last + timedelta(days=self.follow_up_until), chart.today),
            )
        except OverflowError:  # the supply is dated at an end of the calendar: there is no window around it
            return ()
        found = [self._change(name, before, after, chart) for name in self.instruments]
        return [change for change in found if change is not None]

    def _change(self, name: str, before: Days, after: Days, chart: Chart) -> _Change | None:
        if self._scored_ahead(name, chart):
            return None
        scores = self._scores(name, chart)
        baseline, follow_up = _last(scores, before), _last(scores, after)
        if baseline is None or follow_up is None or baseline.low <= 0:
            return None
        least = (baseline.low - follow_up.high) / baseline.low * 100
        most = (baseline.high - follow_up.low) / baseline.high * 100
        if self.response > least and most >= self.response:
            return None
        return _Change("responded" if least >= self.response else "failed", name, baseline, follow_up)

    def _told(self, change: _Change) -> str:
        """A change in words."""
        _, name, baseline, follow_up = change
        title = self.call.book.terminology.valuesets[name].title
        went = "fell" if follow_up.high < baseline.low else "went"
        return f"{title} {went} from {span_text(baseline)} to {span_text(follow_up)}"

    def _scored_ahead(self, name: str, chart: Chart) -> bool:
        """Whether a score may be of any time, and so the last."""
        ahead = dated_ahead(chart) if not chart.by_now else ()
        entries = chart.entries(self.call.keys, "Observation", (name,)) if ahead else ()
        return any(entry.reference in ahead and entry.resource.status in _FINAL for entry, _ in entries)

    def _scores(self, name: str, chart: Chart) -> Scores:
        """The final scores of one instrument that can be placed on a day, by day; read once per chart."""
        key = ("scores", name, bool(self.plausible.ranges))
        known: Scores | None = chart.cache.get(key)
        if known is None:
            found: list[Score] = []
            for entry, _ in chart.entries(self.call.keys, "Observation", (name,)):
                when, value = effective(entry.resource, chart), answer_number(entry.resource)
                day = the_day(when, chart)
                if day is not None and when is not None and value is not None and not chart.is_ahead(when):
                    span = value.span if self.plausible.kept(name, value) is not None else Span(-inf, inf)
                    found.extend([(day, when, span)] if entry.resource.status in _FINAL else [])
            found.sort(key=_day)
            known = chart.cache[key] = Scores([score[0] for score in found], found)
        return known

    # --- episode ---------------------------------------------------------------------------------

    def episode(self, run: Run, chart: Chart) -> str | Truth | None:
        """Whether the stretch lies in the current episode; None if its start is not known or falls inside.

        UNKNOWN if a lost key may say.

        With several active entries the latest onset counts. A date of recording only says that the episode
        began by then, and so does every date of an entry that only stands in for one of the episode.
        """
        if chart.not_obtained(("conditions",)):
            return UNKNOWN
        name = ("episode", self.episodes, self.otherwise)
        if name not in chart.cache:
            chart.cache[name] = self._latest_onset(chart)
        onset: tuple[date, date, bool] | None = chart.cache[name]
        if onset is None:
            return None
        earliest, latest, exact = onset
        if run.begun >= latest:
            return "current"
        return "earlier" if exact and run.until < earliest else None

    def _latest_onset(self, chart: Chart) -> tuple[date, date, bool] | None:
        """The days on which the episode may have begun, and whether that is an onset, not a recording."""
        own = _entries(self.episodes, chart)
        onsets = [_onset(entry, chart) for entry in own or _entries(self.otherwise, chart)]
        dated = [onset for onset in onsets if onset is not None]
        if not dated:
            return None
        start = max(onset.start for onset, _ in dated)
        latest = [(days_of(onset, chart), exact) for onset, exact in dated if onset.start == start]
        # Of several that may begin on one day none is preferred: what one of them leaves open stays open.
        exact = bool(own) and all(exact for _, exact in latest)
        return min(days[0] for days, _ in latest), max(days[1] for days, _ in latest), exact


def _entries(sets: tuple[str, ...], chart: Chart) -> list[Entry]:
    """The active entries of some diagnoses."""
    found = chart.entries(("conditions",), "Condition", sets) if sets else ()
    return [entry for entry, sure in found if sure and _active(entry, chart)]


def _onset(entry: Entry, chart: Chart) -> tuple[When, bool] | None:
    condition = entry.resource
    onset = chart.until_now(
        chart.when(condition.onset_date_time)
        or chart.period(
            condition.onset_period and type(condition.onset_period)(condition.onset_period.start, "")
        )
    )
    if onset is not None and not _to_come(onset, chart):
        return onset, True
    recorded = chart.until_now(chart.when(condition.recorded_date))
    return (recorded, False) if recorded is not None and not _to_come(recorded, chart) else None


def _to_come(when: When, chart: Chart) -> bool:
    """Whether a date lies after today, and so cannot be when something active began."""
    return days_of(when, chart)[0] > chart.today


def _active(entry: Entry, chart: Chart) -> bool:
    told = (*(clinical_status(entry.resource, chart) or ()), *(verification_status(entry.resource) or ()))
    return not {code.code for code in told} & (_ENDED | _UNSURE)


def _nearest(order: Entry, stretches: Sequence[Run], gap: int) -> Run | None:
    """The stretch an order without a link belongs to: written in it or up to a bridged gap before its start.

    Of several the one that began nearest. An order of another time says nothing of how this one ended.
    """
    written = day_told(order.resource.authored_on)
    if written is None:
        return None
    fitting = [run for run in stretches if written_near(order, run.begun, run.until, gap)]
    return min(fitting, key=lambda run: (abs((run.first - written).days), run.first), default=None)


def _day(score: Score) -> date:
    return score[0]


def _last(scores: Scores, days: Days) -> Span | None:
    """The last score of the days, both included; of one day without clock times all of them."""
    begin, end = bisect_left(scores.days, days[0]), bisect_right(scores.days, days[1])
    inside = scores.by_day[begin:end]
    if not inside:
        return None
    latest = max(item[1].start for item in inside)
    return hull(span for _, when, span in inside if when.end > latest)
