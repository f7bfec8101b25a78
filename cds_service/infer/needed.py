"""Which facts inference needs: the states of a rule's criteria, read only until its verdict is settled.

A criterion that was not read is unknown. A verdict that is settled with unknowns stays what it is whatever
they turn out to be (Kleene's logic is monotone), so reading stops there: a test compares verdicts, and what
is missing, with those of every fact read. Where facts find nothing, their states were worked out before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from cds_service.facts.dates import EVER
from cds_service.facts.extract import Extraction
from cds_service.facts.finding import Finding
from cds_service.facts.findings import ChartFindings
from cds_service.infer.conclusion import States
from cds_service.infer.criteria import state
from cds_service.infer.direct import conclusion_of, open_leaves
from cds_service.infer.program import Program, RuleLogic
from cds_service.truth import UNKNOWN, Truth


@dataclass(frozen=True)
class NeededStates:
    """The rules of a program, and by rule what its leaves are where every fact finds nothing.

    A leaf is unknown there if it is a conclusion, or if its fact is read on every chart.
    """

    program: Program
    silent: Mapping[str, tuple[Truth, ...]]

    @classmethod
    def compile(cls, program: Program, extraction: Extraction) -> NeededStates:
        """Work out what depends on the rules alone."""
        silent = {rule.id: tuple(_silent(rule, extraction.silent_answers(rule.id))) for rule in program.rules}
        return cls(program, silent)

    def of(self, findings: ChartFindings, as_of: datetime, zone: tzinfo) -> States:
        """By rule and text the state of every criterion; unknown where it cannot matter any more."""
        verdicts: dict[str, Truth] = {}
        states: dict[str, Mapping[str, Truth]] = {}
        for rule, name, joins in self._steps:
            truths = self.silent[name]
            unread = findings.unread.get(name)
            if joins or unread:
                leaves = list(truths)
                for index, used in joins:
                    leaves[index] = verdicts[used]
                if unread:
                    _read(rule, leaves, unread, findings[name], as_of, zone)
                truths = tuple(leaves)
            concluded = conclusion_of(rule, truths)
            verdicts[name], states[name] = concluded.verdict, concluded.states
        return states

    @cached_property
    def _steps(self) -> tuple[tuple[RuleLogic, str, tuple[tuple[int, str], ...]], ...]:
        return tuple((rule, rule.id, rule.joins) for rule in self.program.rules)


def _silent(rule: RuleLogic, answers: Mapping[str, Finding]) -> list[Truth]:
    # No finding without rows has a date, so the instant does not matter.
    return [
        state(leaf.criterion, answers[leaf.fact], EVER, UTC)
        if leaf.criterion is not None and leaf.fact in answers
        else UNKNOWN
        for leaf in rule.leaves
    ]


def _read(
    rule: RuleLogic,
    leaves: list[Truth],
    unread: set[str],
    findings: Mapping[str, Finding],
    as_of: datetime,
    zone: tzinfo,
) -> None:
    """Fill in the leaves of the unread facts, one by one, as long as they can change the verdict."""
    waiting = {index for fact in unread for index in rule.leaves_of.get(fact, ())}
    for index in waiting:
        leaves[index] = UNKNOWN
    while waiting:
        for index in open_leaves(rule, tuple(leaves)):
            if index in waiting:
                break
        else:
            return
        waiting.discard(index)
        leaf = rule.leaves[index]
        if leaf.criterion is not None:
            leaves[index] = state(leaf.criterion, findings[leaf.fact], as_of, zone)
