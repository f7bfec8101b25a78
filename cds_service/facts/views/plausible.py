"""Which values of a measurement can be true at all, by a table of the rule: `with: {plausible: …}`.

A row of the table is named by a value set and has the columns least and most, and may have a third: "yes" for
whole numbers only. A value outside is a mistake of entry: it is not known, and the reading stays, so that no
older one is taken for the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from msgspec.structs import replace

from cds_service.facts.finding import Quantity, Row
from cds_service.facts.views.call import ViewCall
from cds_service.facts.wording import span_text
from cds_service.truth import Span


class Possible(NamedTuple):
    """The values that can be true."""

    span: Span
    whole: bool = False

    def holds(self, told: Span) -> bool:
        """Whether any part of what was told can be true."""
        low, high = max(told.low, self.span.low), min(told.high, self.span.high)
        return low <= high and (not self.whole or ceil(low) <= high)


@dataclass(frozen=True, slots=True)
class Plausible:
    """The ranges by value set; without a table everything is plausible."""

    ranges: Mapping[str, Possible]

    @classmethod
    def of(cls, call: ViewCall) -> Plausible:
        """The table a call names."""
        table = call.table("plausible")
        if table is None:
            return cls({})
        least, most, *whole = table.columns
        return cls(
            {
                name: Possible(
                    Span(float(row.values[least]), float(row.values[most])),
                    bool(whole) and row.values[whole[0]] == "yes",
                )
                for name, row in table.rows.items()
            }
        )

    def kept(self, name: str, value: Quantity | None) -> Quantity | None:
        """The value, None if no part of it is plausible for this value set."""
        known = self.ranges.get(name)
        if value is None or known is None:
            return value
        return value if known.holds(value.span) else None

    def believed(self, row: Row, names: Iterable[str]) -> Row:
        """The row; its number open, and told beside, if none of the value sets it asks about can have it."""
        number = row.columns["number"]
        if not self.ranges or not isinstance(number, Quantity):
            return row
        if any(self.kept(name, number) is not None for name in names):
            return row
        remark = f"{span_text(number.span)} cannot be true"
        return replace(row, columns={**row.columns, "number": None}, remarks=(*row.remarks, remark))
