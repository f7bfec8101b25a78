"""Whether a card, a line or a suggestion is shown: the logic grammar over findings and verdicts."""

from __future__ import annotations

from cds_service.cards.reading import Reading
from cds_service.infer.criteria import state
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import All, Any_, Logic, Not
from cds_service.truth import TRUE, UNKNOWN, Truth, all_of, any_of, at_least, negate


def shown_if(logic: Logic | None, reading: Reading) -> bool:
    """An `only_if`: unknown hides, none shows."""
    return logic is None or holds(logic, reading) is TRUE


def hidden_if(logic: Logic | None, reading: Reading) -> bool:
    """A `hide_if`: unknown shows, none shows."""
    return logic is not None and holds(logic, reading) is TRUE


def holds(logic: Logic, reading: Reading) -> Truth:
    """The truth of a condition."""
    if isinstance(logic, Criterion):
        return _criterion(logic, reading)
    if isinstance(logic, All):
        return all_of(holds(part, reading) for part in logic.all)
    if isinstance(logic, Any_):
        return any_of(holds(part, reading) for part in logic.any)
    if isinstance(logic, Not):
        return negate(holds(logic.part, reading))
    return at_least(logic.at_least.n, (holds(part, reading) for part in logic.at_least.of))


def _criterion(criterion: Criterion, reading: Reading) -> Truth:
    if criterion.fact in reading.consumed:
        return reading.record.verdict(reading.consumed[criterion.fact])
    finding = reading.findings.get(criterion.fact)
    if finding is None:
        return UNKNOWN
    return state(criterion, finding, reading.record.as_of, reading.record.zone)
