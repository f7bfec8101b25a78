"""Which mistakes in a rule its tests would let pass: every edit tried on every case, until one case fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cds_service.authoring.cases import Runner
from cds_service.authoring.coverage.edits import Edit, edits_of
from cds_service.authoring.coverage.excuse import Excuse, read_excuses, stale
from cds_service.authoring.coverage.probes import proposals
from cds_service.authoring.coverage.trial import Trial, Variant
from cds_service.errors import CdsError, Place
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import read_rule


@dataclass(frozen=True)
class Survivor:
    """A mutant no case kills; `reason` is the author's why none can, `proposal` a case that does, as YAML."""

    place: Place
    kind: str
    where: str
    before: str
    after: str
    reason: str = ""
    proposal: str = ""


@dataclass(frozen=True)
class RuleMutants:
    """One rule's mutants: how many, how many a case kills, and the rest."""

    rule: str
    file: str
    made: int
    killed: int
    survivors: tuple[Survivor, ...]
    stale: tuple[str, ...] = ()

    @property
    def unexplained(self) -> tuple[Survivor, ...]:
        """The survivors without a reason."""
        return tuple(one for one in self.survivors if not one.reason)

    @property
    def explained(self) -> int:
        """How many survivors have a reason."""
        return len(self.survivors) - len(self.unexplained)


def mutated(runner: Runner, rule: Rule, tried: Sequence[Trial]) -> RuleMutants:
    """Try every mutant of one rule; the cases must pass on the rule itself."""
    path = runner.bench.book.paths[rule.rule]
    file, excuses = read_rule(path), read_excuses(path)
    alive: list[tuple[Edit, Variant]] = []
    made = 0
    for edit in edits_of(rule, file.data):
        variant = variant_of(runner, rule, edit, file.data)
        if variant is None:
            continue
        made += 1
        if not any(variant.kills(trial) for trial in tried):
            alive.append((edit, variant))
    excused = {edit: _excuse(excuses, file.place(edit.path).line, edit.after) for edit, _ in alive}
    proposed = proposals(runner, rule, tried, [one for one in alive if excused[one[0]] is None])
    survivors = tuple(_survivor(edit, file.place(edit.path), excused[edit], proposed) for edit, _ in alive)
    used = frozenset(one for one in excused.values() if one is not None)
    told = stale(excuses, used, "equivalent-mutant")
    return RuleMutants(rule.rule, path.as_posix(), made, made - len(alive), survivors, told)


def _excuse(excuses: Sequence[Excuse], line: int, after: str) -> Excuse | None:
    return next((one for one in excuses if one.covers("equivalent-mutant", line, after)), None)


def _survivor(edit: Edit, place: Place, excuse: Excuse | None, proposed: Mapping[Edit, str]) -> Survivor:
    where, reason = ".".join(str(part) for part in edit.path), excuse.reason if excuse is not None else ""
    return Survivor(place, edit.kind, where, edit.before, edit.after, reason, proposed.get(edit, ""))


def variant_of(runner: Runner, rule: Rule, edit: Edit, data: dict[str, object]) -> Variant | None:
    """The mutant an edit makes; None if it is no rule, or the same rule."""
    try:
        mutant = Rule.model_validate(edit.on(data))
        variant = Variant.of(runner, mutant)
        _ = variant.extraction, variant.logic
    except (CdsError, ValueError):
        return None
    return None if mutant == rule else variant
