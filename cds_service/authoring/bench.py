"""Rules tried on whole charts: the pipeline as served, with every row kept for the explanation.

A rule that the service would not run on the hook (a draft, a definition nothing on the hook consumes) is
evaluated beside those it does run, so that its author sees what it would say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cds_service.cards.cardbook import CardBook
from cds_service.facts.extract import Extraction
from cds_service.facts.prefetch import ordered, rule_keys, template
from cds_service.facts.request import HookRequest
from cds_service.facts.unread import answer_facts
from cds_service.infer.direct import DirectEngine
from cds_service.infer.needed import NeededStates
from cds_service.infer.program import compile_program
from cds_service.pipeline import Evaluation, HookPlan, ServedRulebook, examine
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.rule import Rule


@dataclass(frozen=True)
class Bench:
    """A rulebook ready to be tried out. Plans are compiled when first needed and kept."""

    book: Rulebook
    cards: CardBook
    plans: dict[tuple[str, str], HookPlan] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, book: Rulebook) -> Bench:
        """Prepare a rulebook. Raises RuleError for cards that cannot be built."""
        return cls(book, CardBook.compile(book))

    def plan(self, hook: str, rule: str) -> HookPlan:
        """What a call of the hook needs, the rule included."""
        rules = self.book.for_hook(hook)
        served = any(one.rule == rule for one in rules)
        key = (hook, "" if served else rule)
        if key not in self.plans:
            self.plans[key] = _plan(rules if served else self._with(rules, rule, hook), self.book)
        return self.plans[key]

    def _with(self, rules: tuple[Rule, ...], rule: str, hook: str) -> tuple[Rule, ...]:
        return self.book.with_taken((*(one.rule for one in rules), rule), hook)

    def keys(self, hook: str, rule: str) -> tuple[str, ...]:
        """The prefetch keys of a call of the hook, the rule included."""
        return self.plan(hook, rule).keys

    def examine(self, request: HookRequest, rule: str) -> Evaluation:
        """The call decided. Raises what the pipeline's `examine` raises."""
        plan = self.plan(request.hook, rule)
        return examine(request, ServedRulebook(self.book, self.cards, {request.hook: plan}), explain=True)


def _plan(rules: tuple[Rule, ...], book: Rulebook) -> HookPlan:
    keys = ordered(["patient", *(key for rule in rules for key in rule_keys(rule, book))])
    program, extraction = compile_program(rules), Extraction.compile(rules, book)
    return HookPlan(
        rules,
        keys,
        {key: template(key, book) for key in keys},
        extraction,
        answer_facts(rules, book.terminology),
        program,
        NeededStates.compile(program, extraction),
        DirectEngine(program),
    )
