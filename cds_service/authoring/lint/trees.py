"""The trees of criteria of a rule, with the path of every part: its logic and the conditions of its cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.logic import All, Any_, AtLeast, Logic, Not
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.walk import cards_of
from cds_service.rulebook.yamlfile import DataPath

Part = tuple[DataPath, Logic]


def trees_of(rule: Rule) -> Iterator[Part]:
    """The logic, and every only_if and hide_if."""
    yield ("logic",), rule.logic
    for path, card in cards_of(rule):
        yield from _conditions(path, card.only_if, card.hide_if)
        for index, line in enumerate(card.detail):
            yield from _conditions((*path, "detail", index), line.only_if, line.hide_if)
        for index, suggestion in enumerate(card.suggestions):
            yield from _conditions((*path, "suggestions", index), suggestion.only_if, suggestion.hide_if)


def _conditions(path: DataPath, only_if: Logic | None, hide_if: Logic | None) -> Iterator[Part]:
    if only_if is not None:
        yield (*path, "only_if"), only_if
    if hide_if is not None:
        yield (*path, "hide_if"), hide_if


def nodes(path: DataPath, logic: Logic) -> Iterator[Part]:
    """Every part of a tree, from the top, left to right."""
    yield path, logic
    for inner, part in below(path, logic):
        yield from nodes(inner, part)


def below(path: DataPath, logic: Logic) -> tuple[Part, ...]:
    """The parts one level down, each with its path."""
    if isinstance(logic, All):
        return tuple(((*path, "all", index), part) for index, part in enumerate(logic.all))
    if isinstance(logic, Any_):
        return tuple(((*path, "any", index), part) for index, part in enumerate(logic.any))
    if isinstance(logic, Not):
        return (((*path, "not"), logic.part),)
    if isinstance(logic, AtLeast):
        return tuple(((*path, "at_least", "of", index), part) for index, part in enumerate(logic.at_least.of))
    return ()


def atom(criterion: Criterion) -> str:
    """What a criterion asks, without its citations: two with one text are true together."""
    name = f"{criterion.fact}.{criterion.column}" if criterion.column else criterion.fact
    if criterion.comparator is None:
        return name
    return f"{name} {criterion.comparator} {criterion.number:g} {criterion.unit}".rstrip()


def meaning(logic: Logic) -> str:
    """A tree as text, the same for trees that say the same in another order."""
    if isinstance(logic, Criterion):
        return atom(logic)
    parts = sorted(meaning(part) for _, part in below((), logic))
    if isinstance(logic, AtLeast):
        return f"at least {logic.at_least.n} of ({', '.join(parts)})"
    word = "not" if isinstance(logic, Not) else "all" if isinstance(logic, All) else "any"
    return parts[0] if word != "not" and len(parts) == 1 else f"{word} ({', '.join(parts)})"


Decider = Callable[[Mapping[str, bool]], bool]


def decider(logic: Logic) -> Decider:
    """Decides a tree for criteria that are all known; made once, since it is asked for every combination."""
    if isinstance(logic, Criterion):
        name = atom(logic)
        return lambda states: states[name]
    parts = [decider(part) for _, part in below((), logic)]
    if isinstance(logic, Not):
        return lambda states: not parts[0](states)
    if isinstance(logic, AtLeast):
        least = logic.at_least.n
        return lambda states: sum(part(states) for part in parts) >= least
    if isinstance(logic, All):
        return lambda states: all(part(states) for part in parts)
    return lambda states: any(part(states) for part in parts)
