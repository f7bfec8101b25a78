"""What an edit of the rules does to everybody replayed: the changes of all calls, gathered by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from cds_service.authoring.replay.changes import Change, Kind, Step
from cds_service.authoring.replay.decide import Compared
from cds_service.authoring.replay.sequence import Moved, Rearranged, rearranged
from cds_service.authoring.replay.versions import BookVersions

HEADINGS: Mapping[Kind, str] = {
    "removed": "card removed",
    "added": "card added",
    "tone": "card changed in tone",
    "words": "card changed in words",
    "beside": "card changed in suggestions, links or reasons",
    "verdict": "verdict moved, no card changed",
}

ORDER = "cards in another order"


class Failure(NamedTuple):
    """A call that could not be replayed, and why."""

    call: str
    why: str


class Refused(NamedTuple):
    """A call that one version answers and the other refuses (`412: …`), or that is refused differently."""

    call: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before or 'answered'} → {self.after or 'answered'}"


@dataclass(frozen=True)
class Impact:
    """`before` and `after` are labels of the two versions, `edited` the rules whose own files differ.

    `replayed` counts calls, changed or not, `passed_over` lines of a log whose call was not kept.
    """

    before: str
    after: str
    books: tuple[BookVersions, ...]
    edited: tuple[str, ...] = ()
    replayed: int = 0
    passed_over: int = 0
    changes: tuple[Change, ...] = ()
    moved: tuple[Moved, ...] = ()
    refused: tuple[Refused, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nobody's cards, their order or verdicts change, and everything could be replayed."""
        return not (self.changes or self.moved or self.refused or self.failures)

    @property
    def calls(self) -> tuple[str, ...]:
        """The calls on which a card changes, in order."""
        return tuple(sorted({one.call for one in self.changes if one.kind != "verdict"}))

    @property
    def reordered(self) -> tuple[str, ...]:
        """The calls whose cards stand in another order, whether they themselves change or not."""
        return tuple(sorted({one.call for one in self.moved}))

    def rearranged(self) -> list[Rearranged]:
        """Which card moved above or below which others, edited rules first."""
        return list(rearranged(self.moved, self.edited))

    def by_rule(self) -> dict[str, dict[Kind, list[Change]]]:
        """Changes by rule and kind: edited rules first, kinds from the most visible on, calls by name."""
        found: dict[str, dict[Kind, list[Change]]] = {}
        for rule in sorted({one.rule for one in self.changes}, key=lambda one: (one not in self.edited, one)):
            mine = sorted((one for one in self.changes if one.rule == rule), key=lambda one: one.call)
            kinds: dict[Kind, list[Change]] = {}
            for kind in HEADINGS:
                if held := [one for one in mine if one.kind == kind]:
                    kinds[kind] = held
            found[rule] = kinds
        return found

    def ordered(self) -> list[Change]:
        """Every change in the order of `by_rule`."""
        return [one for kinds in self.by_rule().values() for held in kinds.values() for one in held]

    def version(self, rule: str) -> str:
        """`0.2.0 → 0.3.0`, or the one version, of a rule that changes something."""
        change = next(one for one in self.changes if one.rule == rule)
        versions = [one.version for one in (change.before, change.after) if one is not None and one.version]
        return " → ".join(dict.fromkeys(versions))


def gathered(impact: Impact, results: Iterable[tuple[Compared, ...]]) -> Impact:
    """The impact with the results of all calls."""
    changes: list[Change] = []
    moved: list[Moved] = []
    refused: list[Refused] = []
    failures: list[Failure] = []
    count = 0
    for result in results:
        count += 1
        for one in result:
            changes += one.changes
            moved += one.moved
            if one.failure:
                failures.append(Failure(one.call, one.failure))
            if one.refused[0] != one.refused[1]:
                refused.append(Refused(one.call, *one.refused))
    return replace(
        impact,
        replayed=count,
        changes=tuple(changes),
        moved=tuple(moved),
        refused=tuple(refused),
        failures=tuple(failures),
    )


def summary(impact: Impact) -> str:
    """One line: how many were replayed, and on how many a card changes."""
    cards = len(impact.calls)
    moved = len({one.call for one in impact.changes} - set(impact.calls))
    parts = [f"{impact.replayed} calls replayed"]
    nothing = not (impact.changes or impact.moved or impact.refused)
    parts.append("nothing changes" if nothing else f"cards change on {cards}")
    if impact.moved:
        parts.append(f"cards stand in another order on {len(impact.reordered)}")
    if moved:
        parts.append(f"on {moved} more only verdicts move")
    if impact.refused:
        parts.append(f"{len(impact.refused)} refused by one version only")
    if impact.failures:
        parts.append(f"{len(impact.failures)} could not be replayed")
    if impact.passed_over:
        lines = "1 line" if impact.passed_over == 1 else f"{impact.passed_over} lines"
        parts.append(f"{lines} without a kept call passed over")
    return ", ".join(parts)


def reading(step: Step | None) -> str:
    """A deciding line in words: `failed_trials >= 2 [1] is true (2)`."""
    if step is None:
        return "not asked"
    truth = "UNKNOWN" if step.truth == "unknown" else step.truth
    return f"{step.criterion} is {truth}" + (f" ({step.value})" if step.value else "")


def as_json(impact: Impact) -> dict[str, Any]:
    """The same for a program."""
    return {
        "before": impact.before,
        "after": impact.after,
        "rulebooks": [asdict(one) for one in impact.books],
        "edited": list(impact.edited),
        "replayed": impact.replayed,
        **({"passedOver": impact.passed_over} if impact.passed_over else {}),
        "callsWithCardChanges": list(impact.calls),
        "changes": [
            _change(one) for kinds in impact.by_rule().values() for held in kinds.values() for one in held
        ],
        "callsInAnotherOrder": list(impact.reordered),
        "rearranged": [
            {"rule": one.rule, "nowAbove": one.above, "nowBelow": one.below} for one in impact.rearranged()
        ],
        "refused": [one._asdict() for one in impact.refused],
        "failures": [one._asdict() for one in impact.failures],
    }


def _change(change: Change) -> dict[str, Any]:
    why = change.why
    return {
        "rule": change.rule,
        "call": change.call,
        "kind": change.kind,
        "before": asdict(change.before) if change.before else None,
        "after": asdict(change.after) if change.after else None,
        "decidedBy": [
            {
                "before": asdict(one.before) if one.before else None,
                "after": asdict(one.after) if one.after else None,
            }
            for one in why.turns
        ],
        **({"cardBefore": why.before, "cardAfter": why.after} if why.before or why.after else {}),
    }
