"""Whether one condition is true whenever another is, as far as their form tells."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.authoring.lint.bounds import bound_of, implies
from cds_service.authoring.lint.trees import below, meaning
from cds_service.rulebook.logic import All, Any_, Logic


def follows(weak: Logic, *strong: Logic) -> bool:
    """Whether `weak` is true wherever all of `strong` are. False where the form does not tell."""
    held = _conjuncts(strong)
    if any(_says(one, weak) for one in held):
        return True
    parts = [part for _, part in below((), weak)]
    if isinstance(weak, All) and all(follows(part, *held) for part in parts):
        return True
    if isinstance(weak, Any_) and any(follows(part, *held) for part in parts):
        return True
    choices = [one for one in held if isinstance(one, Any_)]
    return any(_either_way(weak, one, held) for one in choices)


def _either_way(weak: Logic, choice: Any_, held: Sequence[Logic]) -> bool:
    """Whether it follows whichever part of an any it is that holds."""
    others = [one for one in held if one is not choice]
    return all(follows(weak, part, *others) for part in choice.any)


def _conjuncts(strong: Sequence[Logic]) -> list[Logic]:
    """What all hold, alls taken apart."""
    return [one for part in strong for one in (_conjuncts(part.all) if isinstance(part, All) else [part])]


def _says(strong: Logic, weak: Logic) -> bool:
    one, other = bound_of(strong), bound_of(weak)
    return meaning(strong) == meaning(weak) or (one is not None and other is not None and implies(one, other))
