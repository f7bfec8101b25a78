"""Which criteria of several rules speak of one answer of the chart, and what one of them says of another.

Two rules that look for the same thing in the same way get one answer; so `age >= 18` of the one cannot be
true while it is false of the other, nor beside `age < 18`. Plain questions and citations do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, nextafter
from typing import NamedTuple

from cds_service.facts.extract import uses_of
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import Rule
from cds_service.truth import TRUE, UNKNOWN, Comparator, Span, Truth, compare, exactly

_CITES = re.compile(r"\s*\[\d+\]|sources=\([\d, ]*\)")
_EVERY = Span(-inf, inf)


class Answer(NamedTuple):
    """One answer of a chart: a question as it is asked, the column read of it, and the unit."""

    question: str
    column: str
    unit: str


class Claim(NamedTuple):
    """What a criterion says of an answer: yes, or how it compares with a number."""

    answer: Answer
    comparator: Comparator | None = None
    number: float | None = None


@dataclass(frozen=True)
class SameFacts:
    """The claims of criteria, worked out as they are asked for; `named` is where each was first met."""

    questions: dict[tuple[str, str], str] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    named: dict[Claim, tuple[str, str, str]] = field(default_factory=dict)

    def claim(self, rule: Rule, criterion: Criterion) -> Claim:
        """What a criterion of a rule claims; equal of two rules if they cannot differ."""
        key = (rule.rule, criterion.text)
        if key not in self.claims:
            answer = Answer(self.question(rule, criterion.fact), criterion.column, criterion.unit)
            claim = self.claims[key] = Claim(answer, criterion.comparator, criterion.number)
            self.named.setdefault(claim, (*key, criterion.fact))
        return self.claims[key]

    def question(self, rule: Rule, name: str) -> str:
        """How a fact asks the chart, the same for facts that get the same answer."""
        key = (rule.rule, name)
        if key not in self.questions:
            fact = rule.data[name]
            uses = [(used, self.question(rule, used)) for used in uses_of(fact)]
            asked = repr(fact.model_copy(update={"ask": "", "because": ""}))
            self.questions[key] = f"{_CITES.sub('', asked)} {uses}"
        return self.questions[key]


def span_of(claims: Iterable[tuple[Claim, Truth]]) -> Span | None:
    """The numbers that make every claim what it is taken to be; None if there is none."""
    low, high = -inf, inf
    for claim, truth in claims:
        span = _span(claim, truth)
        low, high = max(low, span.low), min(high, span.high)
    return Span(low, high) if low <= high else None


def follows(claim: Claim, span: Span) -> Truth:
    """What a claim is of every number of a span; unknown if they do not agree."""
    if claim.number is None or claim.comparator is None:
        return UNKNOWN
    return compare(span, claim.comparator, exactly(claim.number))


def _span(claim: Claim, truth: Truth) -> Span:
    number = claim.number
    if number is None or claim.comparator is None or truth is UNKNOWN:
        return _EVERY
    above, below = Span(nextafter(number, inf), inf), Span(-inf, nextafter(number, -inf))
    true: Mapping[Comparator, Span] = {
        ">=": Span(number, inf),
        ">": above,
        "<=": Span(-inf, number),
        "<": below,
        "==": exactly(number),
        "!=": _EVERY,
    }
    false: Mapping[Comparator, Span] = {
        ">=": below,
        ">": Span(-inf, number),
        "<=": above,
        "<": Span(number, inf),
        "!=": exactly(number),
    }
    return (true if truth is TRUE else false).get(claim.comparator, _EVERY)
