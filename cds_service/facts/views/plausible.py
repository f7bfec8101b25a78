"""Which values of a measurement can be true at all, by a table of the rule: `with: {plausible: …}`.

A row of the table is named by a value set and has two columns, the least and the most. A value outside is a
mistake of entry: it is not known, and the reading stays, so that no older one is taken for the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.facts.finding import Quantity
from cds_service.facts.views.call import ViewCall
from cds_service.truth import Span


@dataclass(frozen=True, slots=True)
class Plausible:
    """The ranges by value set; without a table everything is plausible."""

    ranges: Mapping[str, Span]

    @classmethod
    def of(cls, call: ViewCall) -> Plausible:
        """The table a call names."""
        table = call.table("plausible")
        if table is None:
            return cls({})
        least, most = table.columns[:2]
        return cls(
            {
                name: Span(float(row.values[least]), float(row.values[most]))
                for name, row in table.rows.items()
            }
        )

    def kept(self, name: str, value: Quantity | None) -> Quantity | None:
        """The value, None if no part of it is plausible for this value set."""
        known = self.ranges.get(name)
        if value is None or known is None:
            return value
        outside = value.span.high < known.low or value.span.low > known.high
        return None if outside else value
