"""Which ingredients make a drug one of those a view was asked for."""

from __future__ import annotations

from cds_service.facts.shelf import Entry
from cds_service.facts.views.call import ViewCall
from cds_service.rulebook.terminology import SYSTEMS, Ingredient

UNRECOGNISED = "its drug cannot be recognised"


def ingredients_of(entry: Entry, call: ViewCall) -> tuple[Ingredient, ...]:
    """The ingredients in the call's value sets; all of a product that a set names as a whole.

    A drug that was not recognised is one ingredient without a code and without a strength.
    """
    known = entry.drug.ingredients if entry.drug is not None else ()
    sets_of = call.book.terminology.sets_of
    named = tuple(one for one in known if not sets_of(SYSTEMS["rxnorm"], one.rxcui).isdisjoint(call.code_in))
    return named or known or (Ingredient("", entry.text),)


def names_of(entry: Entry, call: ViewCall) -> tuple[str, ...]:
    """Their names, in the order of the alphabet."""
    return tuple(sorted({one.name for one in ingredients_of(entry, call)}))
