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
from datetime import date, timedelta

from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, midnight
from cds_service.facts.dosing import as_needed
from cds_service.facts.elements import date_of
from cds_service.facts.finding import Cell, Evidence, Quantity, Row
from cds_service.facts.rows import latest_first
from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.outcome import Outcomes
from cds_service.facts.views.supply import (
    ORDERED,
    Run,
    Supply,
    dispensed,
    is_placed,
    runs,
    stated,
)
from cds_service.facts.wording import number_text, span_text
from cds_service.rulebook.files import TableFile
from cds_service.rulebook.terminology import Coded, Ingredient
from cds_service.rulebook.views import FINDABLE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span, Truth, exactly

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
    minimum: dict[str, float]
    same: dict[str, str]
    close: dict[str, tuple[tuple[str, str], ...]]
    outcomes: Outcomes

    @classmethod
    def of(cls, call: ViewCall) -> Reading:
        """Resolve tables and amounts once."""
        doses, same = call.table("minimum_dose"), call.table("same_drug")
        column = call.text("dose_column") or (doses.columns[0] if doses else "")
        minimum = {key: row.values.get(column) for key, row in doses.rows.items()} if doses else {}
        alike = {key: str(row.values[same.columns[0]]) for key, row in same.rows.items()} if same else {}
        return cls(
            call,
            call.days("bridged_gap"),
            {key: float(value) for key, value in minimum.items() if isinstance(value, (int, float))},
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
            yield from self._drug_rows(key, supplies[key], orders, doubts, chart)
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
            handed_out = by_dispense.get(self._key(ingredient), ())
            if supply is not None and not any(_overlap(supply, other) for other in handed_out):
                supplies.setdefault(self._key(ingredient), []).append(supply)
        return supplies

    def _drug_rows(
        self,
        key: str,
        supplies: list[Supply],
        orders: list[tuple[Entry, Ingredient]],
        doubts: tuple[str, ...],
        chart: Chart,
    ) -> Iterator[Row]:
        own = [entry for entry, ingredient in orders if self._key(ingredient) == key]
        stretches = list(runs([supply for supply in supplies if not supply.needed], self.gap))
        for run in stretches:
            why = doubts
            if any(supply.waiting for supply in run.supplies):
                # The order may say that the drug was taken only when needed.
                why = (*doubts, "an order it was dispensed on was not obtained")
            yield self._run_row(key, run, stretches, own, UNKNOWN if why else TRUE, why, chart)
        for supply in supplies:
            if supply.needed:
                yield self._loose_row(key, supply, FALSE, "taken only when needed")
            elif not supply.settled:
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
        enough = [(supply, self._enough(supply)) for supply in run.supplies]
        sure = run.days_of([supply for supply, answer in enough if answer is TRUE])
        most = run.days_of([supply for supply, answer in enough if answer is not FALSE])
        when, dose = _stretch(run.first, run.last, chart), _dose(run.supplies)
        own = self.outcomes.own(run, stretches, orders)
        outcome, remarks = self.outcomes.ending(run, own, chart)
        ordered_for, otherwise = self.outcomes.ordered_for(run, own, chart)
        columns: dict[str, Cell] = {
            "ingredient": self._group(key, run.supplies[0].ingredient),
            "key": key,
            "days": Quantity(exactly(run.covered)),
            "days_at_dose": Quantity(Span(sure, most)),
            "adherence": Quantity(exactly(run.covered / run.elapsed)),
            "dose": dose,
            "outcome": outcome,
            "indication": ordered_for,
            "episode": self.outcomes.episode(run, chart),
            "start": _day(run.first, chart),
            "end": _day(run.last, chart),
        }
        evidence = Evidence(run.supplies[0].entry.reference, when, self._text(run.supplies[0], dose))
        return Row(evidence, columns, counts, why, (*remarks, *otherwise), self.close.get(key, ()))

    def _enough(self, supply: Supply) -> Truth:
        """Whether a supply reaches the minimum daily dose, the product's own before its ingredient's."""
        minimum = self._minimum(supply)
        if supply.dose is None or minimum is None:
            return UNKNOWN
        return TRUE if supply.dose >= minimum - 1e-9 else FALSE

    def _minimum(self, supply: Supply) -> float | None:
        product = supply.entry.drug.product if supply.entry.drug else ""
        return self.minimum.get(product, self.minimum.get(supply.ingredient.rxcui))

    def _group(self, key: str, ingredient: Ingredient) -> str:
        """The name a drug is counted under: its own, or that of the drug it counts as."""
        if key == ingredient.rxcui:
            return ingredient.name
        return self.call.book.terminology.drug((Coded(RXNORM, key),)).name or key

    def _text(self, supply: Supply, dose: Quantity | None) -> str:
        minimum = self._minimum(supply)
        told = f" {span_text(dose.span)} mg/d" if dose is not None else ", dose not known"
        least = f" (minimum {number_text(minimum)} mg/d)" if minimum is not None else ""
        return f"{supply.ingredient.name}{told}{least}"

    def _loose_row(self, key: str, supply: Supply, counts: Truth, why: str) -> Row:
        name, dose = self._group(key, supply.ingredient), _dose([supply])
        columns: dict[str, Cell] = {"ingredient": name, "key": key, "dose": dose}
        evidence = Evidence(supply.entry.reference, None, self._text(supply, dose))
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


_NEXT = timedelta(days=1)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def _close(table: TableFile | None) -> dict[str, tuple[tuple[str, str], ...]]:
    """By drug the drug it is close to, and how a card says so; the table's columns in this order."""
    if table is None:
        return {}
    drug, said = table.columns[:2]
    return {key: ((str(row.values[drug]), str(row.values[said])),) for key, row in table.rows.items()}


def _overlap(supply: Supply, other: Supply) -> bool:
    """Whether two supplies share a day; one without known days may share any."""
    if supply.first is None or supply.last is None or other.first is None or other.last is None:
        return True
    return supply.first <= other.last and other.first <= supply.last


def _stretch(first: date, last: date, chart: Chart) -> When:
    if first == last:
        return _day(first, chart)
    return When(midnight(first, chart.zone), midnight(last + _NEXT, chart.zone), f"{first} to {last}")


def _day(day: date, chart: Chart) -> When:
    return When(midnight(day, chart.zone), midnight(day + _NEXT, chart.zone), day.isoformat())


def _dose(supplies: Sequence[Supply]) -> Quantity | None:
    doses = [supply.dose for supply in supplies]
    known = [dose for dose in doses if dose is not None]
    return Quantity(Span(min(known), max(known)), "mg/d") if known and len(known) == len(doses) else None
