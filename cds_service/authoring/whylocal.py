"""What a site changed in a line of the explanation or in its card: a number, codes, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.authoring.replay.worddiff import marked, pieces, shortened
from cds_service.infer.trace import Node
from cds_service.rulebook.fact import Fact, InSet, NotInSet, RowsFact
from cds_service.rulebook.overlay import LocalChange, is_prose
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import DataPath


def changed_here(node: Node, rule: Rule, local: Sequence[LocalChange]) -> tuple[str, ...]:
    """`local: "bp.systolic >= 170 [2]", shipped as "bp.systolic >= 180 [2]" (file:line:column)`."""
    fact = rule.data[node.fact]
    told = (
        *_numbers(node, rule, local),
        *_codes(fact, local),
        *_words(("data", node.fact), rule.rule, local),
    )
    return tuple(dict.fromkeys(told))


def card_changed_here(outcome: str, rule: str, local: Sequence[LocalChange]) -> tuple[str, ...]:
    """`local words in detail: … after [-90-]{+60+} days … (file:line:column)`, of an outcome's cards."""
    return tuple(dict.fromkeys(_words(("cards", outcome), rule, local)))


def _words(under: DataPath, rule: str, local: Sequence[LocalChange]) -> Iterator[str]:
    """The texts that were reworded, `[-gone-]` and `{+new+}` marked; one kept as it was is none."""
    for change in local:
        if change.target != rule or change.path[: len(under)] != under or change.shipped == change.local:
            continue
        if is_prose(change.path):
            found = shortened(pieces(change.shipped, change.local))
            said = " ".join(marked(found, ("[-", "-]"), ("{+", "+}")).split())
            name = next(part for part in reversed(change.path) if isinstance(part, str))
            yield f"local words in {name}: {said} ({change.place})"


def _numbers(node: Node, rule: Rule, local: Sequence[LocalChange]) -> Iterator[str]:
    for change in local:
        own = change.path[:2] == ("data", node.fact) and not is_prose(change.path)
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
