"""Daily doses of a trial against the tables of the rule: is it enough, can it be true, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cds_service.facts.finding import Quantity
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.daily_dose import dose_of
from cds_service.facts.views.supply import Supply
from cds_service.facts.wording import number_text, span_text
from cds_service.rulebook.files import TableFile
from cds_service.truth import Span, hull


@dataclass(frozen=True)
class Doses:
    """Least and greatest mg a day by product or ingredient: a product's own row stands before its drug's."""

    minimum: Mapping[str, float]
    greatest: Mapping[str, float]

    @classmethod
    def of(cls, call: ViewCall) -> Doses:
        """The tables a call names."""
        return cls(
            _column(call.table("minimum_dose"), call.text("dose_column")),
            _column(call.table("greatest_dose"), ""),
        )

    def kept(self, supply: Supply) -> Supply:
        """The supply, without its dose if that is more than anybody takes."""
        greatest = _of(supply, self.greatest)
        if supply.dose is None or greatest is None or supply.dose <= greatest + 1e-9:
            return supply
        return supply.without_dose()

    def share(self, supply: Supply) -> float | None:
        """The dose as a share of the minimum; None if either is not known."""
        minimum = _of(supply, self.minimum)
        return None if supply.dose is None or not minimum else supply.dose / minimum

    def of_supplies(self, supplies: Sequence[Supply]) -> tuple[Quantity | None, str]:
        """Mg a day from the least to the most, None if the dose of any supply is not known; and it in words.

        In words each drug has its own minimum: `drug 50 mg/d (minimum 50 mg/d)`.
        """
        drugs: dict[tuple[str, float | None], list[Supply]] = {}
        for supply in supplies:
            drugs.setdefault((supply.ingredient.name, _of(supply, self.minimum)), []).append(supply)
        doses = [dose_of(some) for some in drugs.values()]
        told = [
            _told(name, minimum, dose, brief=len(drugs) > 1)
            for (name, minimum), dose in zip(drugs, doses, strict=True)
        ]
        known = [dose for dose in doses if dose is not None]
        whole = Quantity(hull(known), "mg/d") if known and len(known) == len(doses) else None
        return whole, ", then ".join(told)


def _told(name: str, minimum: float | None, dose: Span | None, *, brief: bool) -> str:
    amount = f" {span_text(dose)} mg/d" if dose is not None else ", dose not known"
    unit = "" if brief else " mg/d"
    return f"{name}{amount}" + (f" (minimum {number_text(minimum)}{unit})" if minimum is not None else "")


def _of(supply: Supply, table: Mapping[str, float]) -> float | None:
    product = supply.entry.drug.product if supply.entry.drug else ""
    return table.get(product, table.get(supply.ingredient.rxcui))


def _column(table: TableFile | None, name: str) -> dict[str, float]:
    if table is None:
        return {}
    column = name or table.columns[0]
    cells: Iterable[tuple[str, object]] = ((key, row.values.get(column)) for key, row in table.rows.items())
    return {key: float(value) for key, value in cells if isinstance(value, (int, float))}
