"""What the tests of a rule try of it: each criterion's states, both sides of each number, each card and line.

A number is tried on both sides if moving it by one step, or counting it in where it was out, would change the
answer of its line in some case. That is less than failing the case: `--mutate` asks for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cds_service.authoring.cardwhy import WHEN
from cds_service.authoring.cases import Runner
from cds_service.authoring.coverage.edits import NUDGES, Edit, edits_of
from cds_service.authoring.coverage.excuse import Excuse, read_excuses, stale
from cds_service.authoring.coverage.trial import Trial, Variant
from cds_service.authoring.reach import answers, reachable
from cds_service.cards.condition import hidden_if, holds, shown_if
from cds_service.errors import Place
from cds_service.facts.finding import Finding
from cds_service.infer.criteria import rule_states
from cds_service.infer.direct import decide, truths_of
from cds_service.infer.program import logic_of
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import read_rule
from cds_service.rulebook.walk import cards_of, everything
from cds_service.rulebook.yamlfile import DataPath, YamlFile
from cds_service.truth import Truth

DECIDES = "decides"
Seen = Mapping[str, tuple[str, ...]]
"""By what was to be seen, the cases that showed it."""


@dataclass(frozen=True)
class Target:
    """One thing of a rule that tests should try: `wanted` names what there is to see of it."""

    kind: str
    place: Place
    text: str
    wanted: tuple[str, ...]
    seen: Seen = field(default_factory=dict)
    excused: Mapping[str, Excuse] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """What no case showed and nobody excused."""
        return tuple(one for one in self.wanted if not self.seen.get(one) and one not in self.excused)


@dataclass(frozen=True)
class RuleCoverage:
    """One rule's targets. `failed` names the cases that do not pass, `stale` the excuses to remove."""

    rule: str
    file: str
    cases: int
    targets: tuple[Target, ...]
    failed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def wanted(self) -> int:
        """How many things there are to see, the excused ones left out."""
        return sum(len(target.wanted) - len(target.excused) for target in self.targets)

    @property
    def seen(self) -> int:
        """How many of them some case showed."""
        return self.wanted - sum(len(target.missing) for target in self.targets)


def measured(runner: Runner, rule: Rule, tried: Sequence[Trial]) -> RuleCoverage:
    """Measure one rule by its cases."""
    path = runner.bench.book.paths[rule.rule]
    file, excuses = read_rule(path), read_excuses(path)
    found = [*_outcomes(runner, rule, tried, file), *_criteria(runner, rule, tried, file)]
    found += [*_numbers(runner, rule, tried, file), *_cards(runner, rule, tried, file)]
    targets = tuple(sorted((_excused(one, excuses) for one in found), key=lambda one: one.place))
    used = frozenset(excuse for target in targets for excuse in target.excused.values())
    failed = tuple(trial.name for trial in tried if trial.failed())
    return RuleCoverage(
        rule.rule, path.as_posix(), len(tried), targets, failed, stale(excuses, used, "unreachable")
    )


def _excused(target: Target, excuses: Iterable[Excuse]) -> Target:
    kind = "equivalent-mutant" if target.kind == "number" else "unreachable"
    excused = {
        what: excuse
        for what in target.wanted
        for excuse in excuses
        if not target.seen.get(what) and excuse.covers(kind, target.place.line, what)
    }
    return Target(target.kind, target.place, target.text, target.wanted, target.seen, excused)


# --- verdicts and criteria -----------------------------------------------------------------------


def _outcomes(runner: Runner, rule: Rule, tried: Sequence[Trial], file: YamlFile) -> Iterator[Target]:
    can = reachable(rule, runner.bench.book.by_id)
    for verdict in (Truth.TRUE, Truth.UNKNOWN, Truth.FALSE):
        if verdict in can:
            names = tuple(trial.name for trial in tried if trial.conclusion.verdict is verdict)
            place = file.key_place(("cards", WHEN[verdict]))
            yield Target("outcome", place, WHEN[verdict], ("reached",), {"reached": names})


def _criteria(runner: Runner, rule: Rule, tried: Sequence[Trial], file: YamlFile) -> Iterator[Target]:
    logic, by_id = logic_of(rule), runner.bench.book.by_id
    seen: dict[str, dict[str, list[str]]] = {text: defaultdict(list) for text in logic.texts}
    for trial in tried:
        old = trial.record
        states = rule_states(logic, trial.findings, old.as_of, old.zone)
        truths = truths_of(logic, states, old.conclusions)
        verdict = decide(logic.tree, truths)
        for at, text in enumerate(logic.texts):
            seen[text][truths[at].value].append(trial.name)
            flipped = ([*truths[:at], other, *truths[at + 1 :]] for other in Truth)
            if any(decide(logic.tree, other) is not verdict for other in flipped):
                seen[text][DECIDES].append(trial.name)
    for path, criterion in _within(rule, ("logic",)):
        can = answers(criterion, rule, by_id)
        wanted = (*(truth.value for truth in Truth if truth in can), DECIDES)
        shown = {what: tuple(names) for what, names in seen[criterion.text].items()}
        yield Target("criterion", file.place(path), criterion.text, wanted, shown)


def _within(rule: Rule, prefix: DataPath) -> Iterator[tuple[DataPath, Criterion]]:
    for path, value in everything(rule):
        if isinstance(value, Criterion) and path[: len(prefix)] == prefix:
            yield path, value


# --- numbers -------------------------------------------------------------------------------------


def _numbers(runner: Runner, rule: Rule, tried: Sequence[Trial], file: YamlFile) -> Iterator[Target]:
    grouped: dict[DataPath, list[Edit]] = defaultdict(list)
    for edit in edits_of(rule, file.data):
        if edit.kind in NUDGES:
            grouped[edit.path].append(edit)
    for path, edits in grouped.items():
        seen = {edit.after: _told_apart(runner, tried, edit, file) for edit in edits}
        yield Target("number", file.place(path), edits[0].before, tuple(seen), seen)


def _told_apart(runner: Runner, tried: Sequence[Trial], edit: Edit, file: YamlFile) -> tuple[str, ...]:
    """The first case in which the line of an edit answers otherwise."""
    variant = Variant.of(runner, Rule.model_validate(edit.on(file.data)))
    if edit.fact:
        changed = (trial for trial in tried if _answers_otherwise(variant, trial, edit.fact))
    elif isinstance(edit.value, str):
        before, after = Criterion.parse(_at(file.data, edit.path)), Criterion.parse(edit.value)
        changed = (trial for trial in tried if _holds_otherwise(runner, trial, before, after))
    else:
        changed = (
            trial for trial in tried if variant.on(trial).conclusion.verdict is not trial.conclusion.verdict
        )
    return tuple(trial.name for trial in changed)[:1] if edit.fact else tuple(one.name for one in changed)


def _answers_otherwise(variant: Variant, trial: Trial, fact: str) -> bool:
    return _essence(variant.finding(trial, fact)) != _essence(trial.findings[fact])


def _essence(finding: Finding) -> object:
    """What a finding says, without the words of why a row counts or does not."""
    rows = tuple((row.evidence.reference, row.counts) for row in finding.rows)
    return finding.state, str(finding.value), rows


def _holds_otherwise(runner: Runner, trial: Trial, before: Criterion, after: Criterion) -> bool:
    reading = trial.reading(runner)
    return holds(before, reading) is not holds(after, reading)


def _at(data: object, path: DataPath) -> object:
    for part in path:
        data = data[part]  # type: ignore[index]
    return data


# --- cards ---------------------------------------------------------------------------------------


def _cards(runner: Runner, rule: Rule, tried: Sequence[Trial], file: YamlFile) -> Iterator[Target]:
    shown: dict[DataPath, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for trial in tried:
        _shown_in(trial, runner, rule, shown)
    for path, card in cards_of(rule):
        yield Target("card", file.place(path), card.summary, ("shown",), _named(shown[path]))
        for at, line in enumerate(card.detail):
            if line.only_if is not None or line.hide_if is not None:
                here = (*path, "detail", at)
                yield Target("line", file.place(here), line.text, ("shown", "hidden"), _named(shown[here]))


def _named(cases: Mapping[str, list[str]]) -> Seen:
    return {what: tuple(names) for what, names in cases.items()}


def _shown_in(trial: Trial, runner: Runner, rule: Rule, shown: dict[DataPath, dict[str, list[str]]]) -> None:
    """Note the card of a case and its lines."""
    if trial.card.built is None:
        return
    reading, outcome = trial.reading(runner), WHEN[trial.conclusion.verdict]
    for path, card in cards_of(rule):
        here = path[1] == outcome and (not card.hooks or trial.hook in card.hooks)
        if here and shown_if(card.only_if, reading):
            shown[path]["shown"].append(trial.name)
            for at, line in enumerate(card.detail):
                there = shown_if(line.only_if, reading) and not hidden_if(line.hide_if, reading)
                shown[(*path, "detail", at)]["shown" if there else "hidden"].append(trial.name)
            return
