"""A drug code that the drug table knows neither by itself nor by its name: only itself can meet it."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.drugcodes import strangers


def _look(linted: Linted) -> Iterator[Seen]:
    for one in strangers(linted):
        if not one.codes:
            yield Seen(
                one.place,
                f"the drug table knows neither {one.code} nor this name",
                "add the drug to the table: an order of its products would not be recognised",
            )


CHECK = Check(
    "terminology/drug-not-in-table",
    "warning",
    "auditor",
    "The drug table does not know this drug.",
    _look,
)
