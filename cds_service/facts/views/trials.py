"""The view `antidepressant_trials`: one row per stretch on one drug, with dose, days, outcome and episode.

What counts is the rule's business: this view only reads. Evidence of intake is what was dispensed, else what
was stated; a row of an order alone, or of a supply whose days cannot be told, leaves days, dose, outcome and
episode open, so that it is seen but never surely adequate. A row is settled only if no key that was not
obtained could change it. Columns: ingredient, days, days_at_dose, adherence, dose (mg/d), outcome (failed,
responded, not-tolerated, or unknown), indication (named, other, or unknown), episode (current, earlier, or
unknown), start, end.
Source: the adequate-trial definition cited by the rule; every number is an argument of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cds_service.facts.chart import Chart
from cds_service.facts.dates import ONGOING, When, midnight
from cds_service.facts.dosing import as_needed
from cds_service.facts.elements import date_of
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.rows import latest_first
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.daily_dose import days_at_dose
from cds_service.facts.views.days import Days, days_text
from cds_service.facts.views.outcome import Outcomes
from cds_service.facts.views.recorded_ends import shortened
from cds_service.facts.views.stretches import Run, runs
from cds_service.facts.views.supply import ORDERED, Supply, dispensed, is_placed, stated
from cds_service.facts.views.trial_doses import Doses
from cds_service.rulebook.files import TableFile
from cds_service.rulebook.terminology import Coded, Ingredient
from cds_service.rulebook.views import FINDABLE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, any_of

DISPENSES, STATEMENTS, REQUESTS = (
    "medication-dispenses",
    "medication-statements",
    "medication-requests",
)
_KEPT_FROM = {
    DISPENSES: "MedicationDispense",
    STATEMENTS: "MedicationStatement",
    REQUESTS: "MedicationRequest",
}


def antidepressant_trials(call: ViewCall) -> Callable[[Chart], Sequence[Row]]:
    """A reader of the trials of the drugs in the call's value sets."""
    reading = Reading.of(call)
    return lambda chart: list(reading.rows(chart))


@dataclass(frozen=True)
class Reading:
    """The view with its arguments resolved."""

    call: ViewCall
    gap: int
    doses: Doses
    same: dict[str, str]
    close: dict[str, tuple[tuple[str, str], ...]]
    outcomes: Outcomes

    @classmethod
    def of(cls, call: ViewCall) -> Reading:
        """Resolve tables and amounts once."""
        same = call.table("same_drug")
        alike = {key: str(row.values[same.columns[0]]) for key, row in same.rows.items()} if same else {}
        return cls(
            call,
            call.days("bridged_gap"),
            Doses.of(call),
            alike,
            _close(call.table("close_drugs")),
            Outcomes.of(call),
        )

    def rows(self, chart: Chart) -> Iterator[Row]:
        """One row per stretch, then what cannot be placed in time, then mere orders."""
        orders, statements = self._entries(chart, REQUESTS), self._entries(chart, STATEMENTS)
        known = {entry.reference: entry for entry, _ in orders}
        supplies = self._supplies(chart, known, statements)
        missing = chart.lacking((DISPENSES, STATEMENTS))
        lost = tuple(f"{item.key.replace('-', ' ')} were not obtained" for item in missing)
        denied = {self._key(one) for entry, one in statements if entry.resource.status == "not-taken"}
        for key in sorted(supplies):
            # What keeps every stretch on a drug from being sure.
            doubts = (*lost, "a statement says that it was not taken") if key in denied else lost
            own = [entry for entry, ingredient in orders if self._key(ingredient) == key]
            said = [(entry, one) for entry, one in statements if self._key(one) == key]
            held = shortened([self.doses.kept(one) for one in supplies[key]], own, said, self.gap, chart)
            yield from self._drug_rows(key, held, own, doubts, chart)
        for entry, ingredient in orders:
            if self._key(ingredient) not in supplies:
                yield from self._order_row(entry, ingredient, chart)
        yield from self._never_counted(chart)

    def _entries(self, chart: Chart, key: str) -> list[tuple[Entry, Ingredient]]:
        found: list[tuple[Entry, Ingredient]] = []
        for entry, sure in chart.entries((key,), _KEPT_FROM[key], self.call.code_in):
            if sure and entry.drug is not None:
                ingredient = self._ingredient(entry)
                found.extend([(entry, ingredient)] if ingredient else [])
        return found

    def _ingredient(self, entry: Entry) -> Ingredient | None:
        """The ingredient that makes the drug one of the call's; the first listed of a combination."""
        sets_of, wanted = self.call.book.terminology.sets_of, self.call.code_in
        for ingredient in entry.drug.ingredients if entry.drug else ():
            if not sets_of(RXNORM, ingredient.rxcui).isdisjoint(wanted):
                return ingredient
        return entry.drug.ingredients[0] if entry.drug and entry.drug.ingredients else None

    def _key(self, ingredient: Ingredient) -> str:
        return self.same.get(ingredient.rxcui, ingredient.rxcui)

    def _supplies(
        self, chart: Chart, orders: dict[str, Entry], statements: Sequence[tuple[Entry, Ingredient]]
    ) -> dict[str, list[Supply]]:
        supplies: dict[str, list[Supply]] = {}
        orders_known = not chart.lacking((REQUESTS,))
        for entry, ingredient in self._entries(chart, DISPENSES):
            supply = dispensed(entry, ingredient, orders, chart, orders_known=orders_known)
            if supply is not None:
                supplies.setdefault(self._key(ingredient), []).append(supply)
        by_dispense = {key: tuple(found) for key, found in supplies.items()}
        for entry, ingredient in statements:
            supply = stated(entry, ingredient, chart)
            if supply is None:
                continue
            shared = any_of(_overlap(supply, other) for other in by_dispense.get(self._key(ingredient), ()))
            if shared is not TRUE:
                kept = supply if shared is FALSE else supply.open()
                supplies.setdefault(self._key(ingredient), []).append(kept)
        return supplies

    def _drug_rows(
        self, key: str, supplies: Sequence[Supply], orders: list[Entry], doubts: tuple[str, ...], chart: Chart
    ) -> Iterator[Row]:
        stretches = list(runs([supply for supply in supplies if not supply.needed], self.gap))
        for run in stretches:
            why = (*doubts, *_lost_orders(run, orders, chart))
            yield self._run_row(key, run, stretches, orders, UNKNOWN if why else TRUE, why, chart)
        for supply in supplies:
            if supply.needed:
                yield self._loose_row(key, supply, FALSE, "taken only when needed")
            elif supply.begun is None:
                counts = UNKNOWN if doubts or supply.waiting else TRUE
                yield self._loose_row(key, supply, counts, supply.trouble)

    def _run_row(
        self,
        key: str,
        run: Run,
        stretches: Sequence[Run],
        orders: Sequence[Entry],
        counts: Truth,
        why: tuple[str, ...],
        chart: Chart,
    ) -> Row:
        dose, told = self.doses.of_supplies(run.supplies)
        own = self.outcomes.own(run, stretches, orders)
        outcome, remarks = self.outcomes.ending(run, own, orders, chart)
        ordered_for, otherwise = self.outcomes.ordered_for(run, own, chart)
        columns: dict[str, Cell] = {
            "ingredient": self._group(key, run.supplies[0].ingredient),
            "key": key,
            "days": Quantity(run.days),
            "days_at_dose": Quantity(days_at_dose(run, self.doses.share)),
            "adherence": Quantity(run.adherence),
            "dose": dose,
            "outcome": outcome,
            "indication": ordered_for,
            "episode": self.outcomes.episode(run, chart),
            "start": _days((run.begun, run.first), chart),
            "end": _days(run.ends, chart),
        }
        evidence = Evidence(run.supplies[0].entry.reference, _stretch(run, chart), told)
        return Row(
            evidence, columns, counts, why, (*remarks, *otherwise, *_told_of(run)), self.close.get(key, ())
        )

    def _group(self, key: str, ingredient: Ingredient) -> str:
        """The name a drug is counted under: its own, or that of the drug it counts as."""
        if key == ingredient.rxcui:
            return ingredient.name
        return self.call.book.terminology.drug((Coded(RXNORM, key),)).name or key

    def _loose_row(self, key: str, supply: Supply, counts: Truth, why: str) -> Row:
        name, (dose, told) = self._group(key, supply.ingredient), self.doses.of_supplies([supply])
        columns: dict[str, Cell] = {"ingredient": name, "key": key, "dose": dose}
        evidence = Evidence(supply.entry.reference, None, told)
        if counts is TRUE:
            return Row(evidence, columns, remarks=(why,))
        return Row(evidence, columns, counts, (why,))

    def _order_row(self, entry: Entry, ingredient: Ingredient, chart: Chart) -> Iterator[Row]:
        order, key = entry.resource, self._key(ingredient)
        columns: dict[str, Cell] = {"ingredient": self._group(key, ingredient), "key": key}
        evidence = Evidence(entry.reference, chart.when(order.authored_on), ingredient.name)
        if not is_placed(order):
            stage = order.intent if order.status in ORDERED else order.status
            yield Row(evidence, columns, FALSE, (f"no order in force ({stage})",))
        elif as_needed(order.dosage_instruction):
            yield Row(evidence, columns, FALSE, ("taken only when needed",))
        else:
            counts = UNKNOWN if chart.lacking((DISPENSES, STATEMENTS)) else TRUE
            yield Row(evidence, columns, counts, remarks=("only ordered as far as the chart shows",))

    def _never_counted(self, chart: Chart) -> Iterator[Row]:
        look_alikes: list[Row] = []
        for key, kind in _KEPT_FROM.items():
            for entry, reason in chart.set_aside((key,), kind, self.call.code_in):
                yield Row(Evidence(entry.reference, None, entry.text), {}, FALSE, (reason,))
            for entry, reason in chart.left_out((key,), kind, self.call.code_in):
                when = date_of(entry, chart, FINDABLE[kind].dates)
                look_alikes.append(Row(Evidence(entry.reference, when, entry.text), {}, FALSE, (reason,)))
        # However often one was handed out, its latest entry stands for it.
        named = {row.evidence.text: row for row in reversed(latest_first(look_alikes))}
        yield from named.values()


_NEXT, _LONGER_THAN_A_MONTH = timedelta(days=1), timedelta(days=31)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def _close(table: TableFile | None) -> dict[str, tuple[tuple[str, str], ...]]:
    """By drug the drug it is close to, and how a card says so; the table's columns in this order."""
    if table is None:
        return {}
    drug, said = table.columns[:2]
    return {key: ((str(row.values[drug]), str(row.values[said])),) for key, row in table.rows.items()}


def _overlap(supply: Supply, other: Supply) -> Truth:
    """Whether two supplies share a day; one without known days is taken to share any."""
    if supply.begun is None or other.begun is None:
        return TRUE
    if supply.first <= other.last and other.first <= supply.last:
        return TRUE
    return FALSE if supply.begun > other.until or other.begun > supply.until else UNKNOWN


def _lost_orders(run: Run, orders: Sequence[Entry], chart: Chart) -> tuple[str, ...]:
    """What an order that was not obtained may say: taken only when needed, or to an earlier day."""
    if any(supply.waiting for supply in run.supplies):
        return ("an order it was dispensed on was not obtained",)
    if not chart.lacking((REQUESTS,)):
        return ()
    held = {order.reference for order in orders}
    told = all(one.is_statement or (one.orders and held.issuperset(one.orders)) for one in run.supplies)
    return () if told else ("medication requests were not obtained",)


def _told_of(run: Run) -> tuple[str, ...]:
    """What a reader should know of the days and the dose of a stretch."""
    told = [] if run.plain else _told_of_days(run)
    if any(one.beyond for one in run.supplies):
        told.append("a dose on record is more than anybody takes, and was not read")
    return tuple(told)


def _told_of_days(run: Run) -> list[str]:
    vague = max(max(one.first - (one.begun or one.first), one.until - one.last) for one in run.supplies)
    told = [f"dates by {'month' if vague < _LONGER_THAN_A_MONTH else 'year'}"] if vague else []
    ends = sorted({one.ended for one in run.supplies if one.ended is not None})
    return told + [f"its end is on record as {days_text(*end)}, before the supply ran out" for end in ends]


def _stretch(run: Run, chart: Chart) -> When:
    first, last = days_text(run.begun, run.first), days_text(*run.ends)
    start, end = midnight(run.begun, chart.zone), midnight(run.until + _NEXT, chart.zone)
    if run.ends == (chart.today, chart.today):
        return When(start, end, f"{first}, {ONGOING}")
    return When(start, end, first if first == last else f"{first} to {last}")


def _days(days: Days, chart: Chart) -> When:
    first, last = days
    return When(midnight(first, chart.zone), midnight(last + _NEXT, chart.zone), days_text(first, last))
