"""A drug code that the drug table does not have, beside a name that it has under another code.

Products, combinations and texts lead to the code of the table, so the drug would not be recognised.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.drugcodes import strangers


def _look(linted: Linted) -> Iterator[Seen]:
    for one in strangers(linted):
        if one.codes:
            yield Seen(
                one.place,
                f"the drug table does not know {one.code}, and has {one.display} as {' or '.join(one.codes)}",
                "look the code up: a digit was mistyped, or the code is an old one",
            )


CHECK = Check(
    "terminology/drug-code-mistyped",
    "warning",
    "regular",
    "The drug table has this drug under another code.",
    _look,
)
