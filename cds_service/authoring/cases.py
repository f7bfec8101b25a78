"""One case run: the verdict, what is missing, and the card, each beside what the author expects.

A case of facts is decided by the rule alone, the conclusions it consumes being given. A case with a chart or
a recorded call goes through the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path

from cds_service.authoring.bench import Bench
from cds_service.authoring.cardwhy import CardWhy, card_why
from cds_service.authoring.charts import (
    CHARTS,
    REQUESTS,
    ChartFile,
    chart_request,
    find_chart,
    find_request,
    request_file,
)
from cds_service.authoring.explain import card_of, explain_text
from cds_service.authoring.given import findings_of
from cds_service.authoring.patches import Orders, patched
from cds_service.authoring.testfile import Detail, Item, Summary
from cds_service.authoring.whytext import explained
from cds_service.authoring.whytree import Why, why_tree
from cds_service.cards.reading import Record
from cds_service.errors import CdsError
from cds_service.facts.finding import Finding
from cds_service.facts.request import HookRequest
from cds_service.infer.conclusion import Conclusion
from cds_service.infer.criteria import rule_states
from cds_service.infer.direct import conclude
from cds_service.infer.program import logic_of
from cds_service.pipeline import Evaluation
from cds_service.rulebook.rule import ConclusionFact, Rule


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that was not met, in words."""

    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Result:
    """A case and how it went. `why` is the explanation, worked out only where something differs."""

    item: Item
    differences: tuple[Difference, ...] = ()
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences

    def __str__(self) -> str:
        told = "; ".join(str(one) for one in self.differences) or "passed"
        return f"{self.item.place}: {self.item.id}: {told}"


@dataclass(frozen=True)
class Runner:
    """Runs the cases of one rulebook. `today` overrides the time of every case."""

    bench: Bench
    fixtures: Path
    today: datetime | None = None
    zone: tzinfo = UTC

    def run(self, item: Item) -> Result:
        """One case. What the pipeline refuses is a difference, not an error."""
        try:
            return self._chart(item) if item.case.whole_chart else self._facts(item)
        except CdsError as error:
            return Result(item, (Difference("verdict", item.case.expect.value, f"an error: {error}"),))

    # --- facts -----------------------------------------------------------------------------------

    def _facts(self, item: Item) -> Result:
        record = self.record(item)
        card = card_why(self.bench.cards, record, item.rule.rule, item.hook)
        found = tuple(differences(item, record.conclusions[item.rule.rule], card))
        why = explained(self._why(record, item.rule), self._path(item.rule), card) if found else ""
        return Result(item, found, why)

    def record(self, item: Item) -> Record:
        """The rule decided on the given values; of what it consumes only the verdicts are known."""
        rule, now = item.rule, self.today or noon(item.tests.today, self.zone)
        values = {**item.tests.defaults, **item.case.given}
        answers = findings_of(rule, values, self.zone)
        consumed = dict(_conclusions(rule, answers))
        findings = {name: one for name, one in answers.items() if not _consumes(rule, name)}
        logic = logic_of(rule)
        own = conclude(logic, rule_states(logic, findings, now, self.zone), consumed)
        conclusions = {**consumed, rule.rule: own}
        return Record(self.bench.book.by_id, {rule.rule: findings}, conclusions, now, self.zone)

    def _why(self, record: Record, rule: Rule) -> Why:
        return why_tree(record, rule.rule, local=self.bench.book.local)

    def _path(self, rule: Rule) -> str:
        return self.bench.book.paths[rule.rule].as_posix()

    # --- charts ----------------------------------------------------------------------------------

    def _chart(self, item: Item) -> Result:
        evaluation = self.examine(item)
        name = item.rule.rule
        found = tuple(differences(item, evaluation.conclusions[name], card_of(evaluation, name)))
        return Result(item, found, explain_text(evaluation, name) if found else "")

    def examine(self, item: Item) -> Evaluation:
        """The whole call of a case with a chart. Raises CdsError for what cannot be replayed or answered."""
        return self.bench.examine(self._request(item), item.rule.rule)

    def _request(self, item: Item) -> HookRequest:
        case, book = item.case, self.bench.book
        if case.request:
            path = find_request(case.request, self.fixtures / REQUESTS)
            charts = self.fixtures / CHARTS
            return request_file(path, book, as_of=self.today, zone=self.zone, charts=charts)
        chart = ChartFile.read(find_chart(case.chart, self.fixtures / CHARTS))
        orders = Orders(case.drafts, case.selections)
        chart, drafts, selections = orders.taken(patched(chart, case.change, case.remove))
        return chart_request(
            chart,
            book,
            item.hook,
            as_of=self.today,
            zone=self.zone,
            keys=self.bench.keys(item.hook, item.rule.rule),
            drafts=drafts,
            selections=selections,
            encounter=case.encounter,
        )


def noon(day: date, zone: tzinfo) -> datetime:
    """The instant a date stands for."""
    return datetime.combine(day, time(12), zone)


def _consumes(rule: Rule, name: str) -> bool:
    return isinstance(rule.data[name], ConclusionFact)


def _conclusions(rule: Rule, answers: dict[str, Finding]) -> Iterator[tuple[str, Conclusion]]:
    for name, fact in rule.data.items():
        if isinstance(fact, ConclusionFact):
            yield fact.conclusion, Conclusion(fact.conclusion, answers[name].state)


def differences(item: Item, conclusion: Conclusion, card: CardWhy) -> Iterator[Difference]:
    """Every expectation of the case that was not met."""
    case = item.case
    if conclusion.verdict is not case.expect:
        yield Difference("verdict", case.expect.value, conclusion.verdict.value)
    if case.missing is not None and set(case.missing) != set(conclusion.missing):
        yield Difference("missing", _listed(case.missing), _listed(conclusion.missing))
    if case.card is not None and case.card != card.made:
        yield Difference("card", "one" if case.card else "none", str(card).removeprefix("card: "))
    if case.summary is not None:
        yield from _summary(case.summary, card)
    if case.detail is not None:
        yield from _detail(case.detail, card)
    if case.suggestions is not None:
        shown = card.built.suggestions if card.built is not None and card.made else ()
        offered = tuple(one.label for one in shown)
        if offered != case.suggestions:
            yield Difference("suggestions", _listed(case.suggestions), _listed(offered))


def _summary(expected: str | Summary, card: CardWhy) -> Iterator[Difference]:
    got = card.built.summary if card.built is not None and card.made else None
    told = "no card" if got is None else f'"{got}"'
    if isinstance(expected, str):
        if got != expected:
            yield Difference("summary", f'"{expected}"', told)
        return
    for part in expected.contains:
        if got is None or part not in got:
            yield Difference("summary", f'a text with "{part}"', told)


def _detail(expected: Detail, card: CardWhy) -> Iterator[Difference]:
    body = card.built.body if card.built is not None and card.made else ""
    told = f'"{body}"' if body else "no detail"
    for part in expected.contains:
        if part not in body:
            yield Difference("detail", f'a text with "{part}"', told)
    for part in expected.lacks:
        if part in body:
            yield Difference("detail", f'a text without "{part}"', told)


def _listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(names) + "]"
