"""A card says a number that the source cited for it is not claimed to say.

Where no citation covers a number with a unit, as in most summaries and on buttons, any claim of the rule may
hold it. Numbers that the chart fills in, numbers without a unit and a citation, and telephone numbers of
declared wording are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.cited import Said, said_on_cards
from cds_service.authoring.lint.quantities import claimed, stands_in

_ANY_AT_ALL = (0, 1)


def _look(linted: Linted) -> Iterator[Seen]:
    phrases = tuple(linted.shelf.phrases.values())
    for parsed in linted.rules:
        claims = claimed(parsed.model)
        for said in said_on_cards(parsed.model, phrases):
            held = [one for source in said.sources or claims for one in claims.get(source, ())]
            if _looked_for(said) and not stands_in(said.quantity, held):
                yield Seen(
                    parsed.file.place(said.path),
                    f"{said.quantity.text} stands in {_named(said)}",
                    "correct the text, say it in the claim if the source does, or cite the source that does",
                )


def _looked_for(said: Said) -> bool:
    if not said.quantity.unit:
        return bool(said.sources) and said.quantity.number not in _ANY_AT_ALL
    covered = bool(said.sources) or said.path[-1] != "text" or not said.quantity.dose
    return covered and said.quantity.number != 0


def _named(said: Said) -> str:
    if not said.sources:
        return "no claim of this rule"
    return f"no claim of {' '.join(f'[{source}]' for source in said.sources)}"


CHECK = Check(
    "evidence/text-number-not-in-claim",
    "error",
    "regular",
    "A card says a number that no claim of its source holds.",
    _look,
)
