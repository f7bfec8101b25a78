"""What a trial was ordered for: another illness leaves it open, silence does not."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import (
    ADEQUATE_AND_FAILED,
    CURRENT,
    NO_RESPONSE,
    Json,
    ask,
    coding,
    concept,
    condition,
    day,
    dispense,
    observation,
    order,
    statement,
    trial,
    trials_fact,
)

from cds_service.facts.finding import Finding
from cds_service.truth import TRUE, UNKNOWN

MIGRAINE, DEPRESSION = concept("G43.909"), concept("F33.2")
COUNTED: Json = {"where": ADEQUATE_AND_FAILED, "unsure": {"indication": ["other"]}}


def handed_out(*reasons: Json, **more: Any) -> list[Json]:
    """A failed trial of 60 days on one order with these reasons."""
    placed = order(written="2025-02-01", why=NO_RESPONSE, reasonCode=list(reasons), **more)
    return [CURRENT, placed, dispense(day="2025-02-01", days=60, order=placed)]


def counted(*resources: Json, **call: Any) -> Finding:
    return ask(trials_fact() | COUNTED | {"give": "exists"}, *resources, **call)


@pytest.mark.parametrize(
    ("reasons", "indication"),
    [
        ([], None),
        ([MIGRAINE], "other"),
        ([concept("N95.1")], "other"),
        ([DEPRESSION], "named"),
        ([MIGRAINE, DEPRESSION], "named"),
        ([MIGRAINE, concept(coding("77", "urn:site"))], None),
        ([concept(text="as discussed")], None),
        ([concept(NO_RESPONSE)], None),
        ([{}], None),
    ],
)
def test_a_trial_is_for_another_illness_only_if_every_reason_is(
    reasons: list[Json], indication: str | None
) -> None:
    row = trial(*handed_out(*reasons))
    assert row.columns["indication"] == indication
    expected = UNKNOWN if indication == "other" else TRUE
    assert counted(*handed_out(*reasons)).state is expected


def test_the_reader_is_told_which_illness() -> None:
    named = concept(coding("G43.909", display="Migraine"))
    (row,) = counted(*handed_out(named)).rows
    assert "ordered for another illness: Migraine" in row.why
    assert "so it may be no trial for this illness" in row.why


def test_a_reason_may_name_a_problem() -> None:
    problem = condition("G43.909", id="migraine")
    points = {"reasonReference": [{"reference": "Condition/migraine"}]}
    assert trial(problem, *handed_out(**points)).columns["indication"] == "other"
    assert trial(*handed_out(**points)).columns["indication"] is None
    lost = trial(*handed_out(**points), without=["conditions"])
    assert lost.columns["indication"] is UNKNOWN


def test_a_statement_says_what_it_was_taken_for() -> None:
    taken = statement(
        start="2025-02-01", end=day("2025-02-01", 60), reasonCode=[MIGRAINE, concept(NO_RESPONSE)]
    )
    assert trial(CURRENT, taken).columns["indication"] == "other"


def test_an_order_not_obtained_may_name_another_illness() -> None:
    scores = [observation("44261-6", 20, "2025-01-20"), observation("44261-6", 19, "2025-03-20")]
    held = [CURRENT, statement(start="2025-02-01", end=day("2025-02-01", 60)), *scores]
    assert counted(*held).state is TRUE
    lost = counted(*held, without=["medication-requests"])
    assert lost.state is UNKNOWN and "not known what it was ordered for" in lost.rows[0].why
