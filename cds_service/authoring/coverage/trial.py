"""The cases of a rule tried on the rule as it is, and on variants of it.

A chart is read once, by the whole pipeline. A variant then answers its own facts from that chart and keeps
the verdicts of the rules it consumes, which cannot depend on it; so trying one costs a fraction of a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from cds_service.authoring.bench import Bench
from cds_service.authoring.cardwhy import CardWhy, card_why
from cds_service.authoring.cases import Difference, Runner, differences
from cds_service.authoring.explain import card_of
from cds_service.authoring.testfile import Item
from cds_service.cards.reading import Reading, Record
from cds_service.errors import CdsError
from cds_service.facts.chart import Chart
from cds_service.facts.extract import Extraction
from cds_service.facts.finding import Finding
from cds_service.infer.conclusion import Conclusion
from cds_service.infer.criteria import rule_states
from cds_service.infer.direct import conclude
from cds_service.infer.program import RuleLogic, logic_of
from cds_service.rulebook.rule import Rule


@dataclass(frozen=True)
class Trial:
    """One case as the rule itself decided it. `chart` is None for a case of facts."""

    item: Item
    hook: str
    record: Record
    card: CardWhy
    chart: Chart | None = None

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.item.case.name

    @property
    def conclusion(self) -> Conclusion:
        """What was concluded of the rule."""
        return self.record.conclusions[self.item.rule.rule]

    @property
    def findings(self) -> Mapping[str, Finding]:
        """The answers to the rule's facts."""
        return self.record.findings.get(self.item.rule.rule, {})

    def reading(self, runner: Runner) -> Reading:
        """What the conditions of the rule's cards read."""
        prepared = runner.bench.cards.rules[self.item.rule.rule]
        return Reading(prepared.rule, prepared.consumed, self.findings, self.record)

    def failed(self) -> tuple[Difference, ...]:
        """The expectations that were not met."""
        return tuple(differences(self.item, self.conclusion, self.card))


def tried(runner: Runner, item: Item) -> Trial:
    """One case tried. Raises CdsError for a chart that cannot be replayed or answered."""
    if not item.case.whole_chart:
        record = runner.record(item)
        return Trial(item, item.hook, record, card_why(runner.bench.cards, record, item.rule.rule, item.hook))
    seen = runner.examine(item)
    decision, card = seen.decision, card_of(seen, item.rule.rule)
    return Trial(item, decision.request.hook, decision.record, card, seen.chart)


@dataclass(frozen=True)
class Variant:
    """A rule in place of its namesake, ready to be tried on the trials of the original."""

    runner: Runner
    rule: Rule

    @classmethod
    def of(cls, runner: Runner, rule: Rule) -> Variant:
        """Prepare a variant. Raises CdsError or ValueError for one that cannot be compiled."""
        cards = runner.bench.cards.with_rule(rule)
        return cls(replace(runner, bench=Bench(cards.rulebook, cards)), rule)

    @cached_property
    def logic(self) -> RuleLogic:
        """The criteria as a tree."""
        return logic_of(self.rule)

    @cached_property
    def extraction(self) -> Extraction:
        """The readers of the facts."""
        return Extraction.compile((self.rule,), self.runner.bench.book)

    def on(self, trial: Trial) -> Trial:
        """The same case, decided by the variant."""
        item = replace(trial.item, rule=self.rule)
        if trial.chart is None:
            return tried(self.runner, item)
        record = self._record(trial, trial.chart)
        cards, withheld = self.runner.bench.cards, trial.card.withheld
        card = card_why(cards, record, self.rule.rule, trial.hook, withheld)
        return Trial(item, trial.hook, record, card, trial.chart)

    def finding(self, trial: Trial, fact: str) -> Finding:
        """The answer to one fact, nothing else being read."""
        if trial.chart is not None:
            return self.extraction(trial.chart)[self.rule.rule][fact]
        return self.runner.record(replace(trial.item, rule=self.rule)).findings[self.rule.rule][fact]

    def _record(self, trial: Trial, chart: Chart) -> Record:
        name, old = self.rule.rule, trial.record
        findings = self.extraction(chart)[name]
        states = rule_states(self.logic, findings, old.as_of, old.zone)
        own = conclude(self.logic, states, old.conclusions)
        return replace(
            old,
            rules=self.runner.bench.book.by_id,
            findings={**old.findings, name: findings},
            conclusions={**old.conclusions, name: own},
        )

    def kills(self, trial: Trial) -> bool:
        """Whether the case fails on this variant."""
        try:
            return bool(self.on(trial).failed())
        except CdsError:
            return True


def trials(runner: Runner, items: tuple[Item, ...]) -> Iterator[Trial]:
    """Every case tried on the rule as it is."""
    for item in items:
        yield tried(runner, item)
