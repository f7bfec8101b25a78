"""What a site changed in a line of the explanation: the shipped number, codes added or taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.infer.trace import Node
from cds_service.rulebook.fact import Fact, InSet, NotInSet, RowsFact
from cds_service.rulebook.overlay import LocalChange
from cds_service.rulebook.rule import Rule


def changed_here(node: Node, rule: Rule, local: Sequence[LocalChange]) -> tuple[str, ...]:
    """`local: "bp.systolic >= 170 [2]", shipped as "bp.systolic >= 180 [2]" (file:line:column)`."""
    fact = rule.data[node.fact]
    return tuple(dict.fromkeys((*_numbers(node, rule, local), *_codes(fact, local))))


def _numbers(node: Node, rule: Rule, local: Sequence[LocalChange]) -> Iterator[str]:
    for change in local:
        own = change.path[:2] == ("data", node.fact) and change.path[2:] not in (("ask",), ("because",))
        line = change.path[:1] == ("logic",) and change.local == node.text
        if change.target == rule.rule and (own or line):
            yield f'local: "{change.local}", shipped as "{change.shipped}" ({change.place})'


def _codes(fact: Fact, local: Sequence[LocalChange]) -> Iterator[str]:
    names = set(_valuesets(fact))
    for change in local:
        if change.target in names and change.path == ("include",):
            told = f"{change.local} added to" if change.local else f"{change.shipped} taken out of"
            yield f"local: {told} {change.target} ({change.place})"


def _valuesets(fact: Fact) -> Iterator[str]:
    if isinstance(fact, RowsFact):
        yield from fact.code_in or ()
        for test in (*fact.where.values(), *fact.unsure.values()):
            if isinstance(test, (InSet, NotInSet)):
                yield from test.valuesets
