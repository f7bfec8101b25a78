"""Where the words of a drug say something other than its code: the code counts, and the words are a doubt.

Brands, salts and combinations are no contradiction: it takes words that name known drugs, none of them the
one of the code, and not by a name that shares a word with it (a salt and its base).
"""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.rulebook.drugs import Entry, Ingredient, milligrams_in


def names_another(meant: Iterable[Ingredient], said: Iterable[Ingredient]) -> bool:
    """Whether what is said names drugs, and none of those that are meant."""
    mine, others = tuple(meant), tuple(said)
    codes = {one.rxcui for one in mine}
    words = {word for one in mine for word in one.name.split()}
    return bool(others) and not any(
        one.rxcui in codes or not words.isdisjoint(one.name.split()) for one in others
    )


def says_another_strength(entry: Entry, display: str) -> bool:
    """Whether a display tells milligrams that the name of its code does not have.

    Of combinations nobody can tell which are meant, and a product told by a concentration has none.
    """
    said, meant = milligrams_in(display), milligrams_in(entry.name)
    if not said or not said.isdisjoint(meant) or len(entry.ingredients) != 1:
        return False
    return bool(meant) or not entry.is_product
