"""Two rules of one trigger whose cards advise the opposite: one on evidence for, one on evidence against.

Same trigger means criteria that ask the same of the same facts; rules that merely overlap are not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import meaning
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Fact, RowsFact, Rule


def _look(linted: Linted) -> Iterator[Seen]:
    first: dict[str, list[Parsed[Rule]]] = {}
    for parsed in linted.rules:
        advice = _advice(parsed.model)
        if not advice:
            continue
        alike = first.setdefault(_trigger(parsed.model), [])
        for other in alike:
            if _advice(other.model).isdisjoint(advice) and set(other.model.hooks) & set(parsed.model.hooks):
                yield Seen(
                    parsed.file.key_place(("logic",)),
                    f"{other.model.rule} has the same criteria and advises the opposite",
                    "tell the two apart by a criterion, or make one rule of them",
                )
        alike.append(parsed)


def _advice(rule: Rule) -> frozenset[str]:
    """For or against: what the evidence of the sources says that the rule's cards name when it is true."""
    named = {card.source for card in rule.cards.when_true}
    return frozenset(entry.direction for entry in rule.evidence if entry.source in named)


def _trigger(rule: Rule) -> str:
    """The criteria, each fact replaced by what it asks of the chart, so that names do not matter."""
    asked = {name: _asked(fact) for name, fact in rule.data.items()}
    return re.sub(
        r"[a-z_][a-z0-9_]*", lambda word: asked.get(word.group(), word.group()), meaning(rule.logic)
    )


def _asked(fact: Fact) -> str:
    words = {"ask": "", "because": ""} if isinstance(fact, RowsFact) else {"ask": ""}
    return repr(fact.model_copy(update=words))


CHECK = Check(
    "logic/contradicts-rule",
    "warning",
    "regular",
    "Two rules with one trigger advise the opposite.",
    _look,
)
