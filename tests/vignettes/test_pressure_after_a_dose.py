"""A pressure raised on the day of a dose: one card, which says what to do now."""

from __future__ import annotations

import pytest
from one_entry_more import LOINC, Json, answer_with, card_of, concept

CALL = "session-no-reading-after.patient-view"  # the session began at 11:10, now it is noon
CAUTION, RECHECK = "caution-blood-pressure", "monitoring-blood-pressure-recheck"


def raised(clock: str) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "85354-9"),
        "effectiveDateTime": f"2026-03-01T{clock}:00Z",
        "component": [
            {
                "code": concept(LOINC, code),
                "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"},
            }
            for code, value in (("8480-6", 192), ("8462-4", 118))
        ],
    }


@pytest.mark.parametrize(("clock", "since"), [("11:30", "overdue"), ("11:55", "still raised: 192/118")])
def test_caution_and_recheck_are_one_card_that_calls_for_help(clock: str, since: str) -> None:
    answer = answer_with(CALL, observations_blood_pressure=raised(clock))
    card = card_of(answer, CAUTION)
    assert card is not None and card == card_of(answer, RECHECK)
    assert card["indicator"] == "warning" and "get help if it stays high" in card["summary"]
    assert since in card["detail"] and "immediate help [7]" in card["detail"]
    assert "At 180/110 or more call somebody now" in card["detail"]


@pytest.mark.parametrize("clock", ["11:30", "11:55"])
def test_no_card_says_do_not_start_once_the_dose_was_given(clock: str) -> None:
    answer = answer_with(CALL, observations_blood_pressure=raised(clock))
    assert not [one for one in answer["cards"] if "do not start" in one["summary"] + one.get("detail", "")]
    assert answer["cards"][0] == card_of(answer, CAUTION)
