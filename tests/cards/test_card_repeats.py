"""An order that tells its dose a second time gets no button that changes the first."""

from __future__ import annotations

from typing import Any

import pytest
from order_example import MG, offer, only_action, order, order_rule, suggestions, update

from cds_service.cards.repeats import repeats_the_old

SIXTY = {"value": 60} | MG
WORDS: dict[str, Any] = {"text": "60 mg over 10 min"}


def with_line(**more: Any) -> Any:
    received = order()
    received["dosageInstruction"][0] |= more
    return received


@pytest.mark.parametrize(
    "more",
    [
        {"text": "give 60 mg"},
        {"additionalInstruction": [WORDS]},
        {"patientInstruction": "You will get 60 mg"},
        {"maxDosePerAdministration": SIXTY},
        {"maxDosePerLifetime": SIXTY},
        {"maxDosePerPeriod": {"numerator": SIXTY, "denominator": {"value": 1}}},
        {"timing": {"code": WORDS}},
        {"extension": [{"url": "urn:x", "valueString": "60 mg"}]},
    ],
)
def test_a_line_that_tells_the_old_dose_elsewhere_is_not_changed(more: Any) -> None:
    assert suggestions(order_rule(offer(update())), with_line(**more)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"note": [WORDS]},
        {"text": {"status": "generated", "div": "<div>60 mg</div>"}},
        {"dispenseRequest": {"quantity": SIXTY}},
        {"dispenseRequest": {"initialFill": {"quantity": SIXTY}}},
        {"extension": [{"url": "urn:x", "valueMarkdown": "60 mg"}]},
    ],
)
def test_nor_is_an_order_that_does(more: Any) -> None:
    assert suggestions(order_rule(offer(update())), order(**more)) == []


def test_what_tells_no_dose_is_in_nobodys_way() -> None:
    received = with_line(additionalInstruction=[], patientInstruction="", extension=[{"url": "urn:x"}])
    received |= {"dispenseRequest": {"numberOfRepeatsAllowed": 1}, "note": []}
    assert only_action(order_rule(offer(update())), received)["type"] == "update"


def test_what_the_change_itself_sets_or_removes_is_not_in_its_way() -> None:
    old = {"dosageInstruction": [{"text": "60 mg", "timing": {"code": WORDS}}], "note": [WORDS]}
    new = {"dosageInstruction": [{"text": "35 mg", "timing": {}}]}
    assert not repeats_the_old(old, new)
    assert repeats_the_old(old, new | {"note": [WORDS]})
    assert repeats_the_old(old, {"dosageInstruction": [{"text": "60 mg"}]})


def test_a_change_of_something_else_leaves_the_dose_as_it_was() -> None:
    old = {"dosageInstruction": [{"text": "60 mg"}], "note": [WORDS], "priority": "stat"}
    assert not repeats_the_old(old, old | {"priority": "routine"})


def test_another_line_that_is_not_changed_may_say_what_it_likes() -> None:
    old = {"dosageInstruction": [{"dose": 1}, {"text": "10 mg"}]}
    assert not repeats_the_old(old, {"dosageInstruction": [{"dose": 2}, {"text": "10 mg"}]})
    assert not repeats_the_old({}, {"dosageInstruction": [{"dose": 2}]})
    assert not repeats_the_old({"dosageInstruction": [1]}, {"dosageInstruction": [{"dose": 2}]})
