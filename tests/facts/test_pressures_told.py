"""A blood pressure that stands there unread is a reading: no older one is taken for the latest."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import LOINC, Json, ask, chart, coding, concept, observation, quantity

from cds_service.facts.finding import Quantity, Row
from cds_service.facts.views.pressures_told import notes_unread
from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

KEY = "observations-blood-pressure"
AT, EARLIER, AHEAD = "2026-02-25T10:15:00Z", "2026-02-20T10:15:00Z", "2026-03-01T17:00:00Z"
LATEST: Json = {"view": "blood_pressure", "give": "latest reading", "unit": "mm[Hg]"}
UPPER, LOWER = concept(coding("8480-6", LOINC)), concept(coding("8462-4", LOINC))


def part(code: Json, value: Json) -> Json:
    return {"code": code} | value


def mm(value: float, unit: str = "mm[Hg]") -> Json:
    return {"valueQuantity": quantity(value, unit)}


def panel(*parts: Json, when: str = AT, code: str = "85354-9", **more: Any) -> Json:
    return observation(code, {}, when, **({"component": list(parts)} if parts else {}), **more)


def normal(when: str = EARLIER) -> Json:
    return panel(part(UPPER, mm(124)), part(LOWER, mm(78)), when=when)


def absent(why: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"dataAbsentReason": {"coding": [{"system": system, "code": why}]}}


def rows(*resources: Json) -> list[Row]:
    return list(ask({"view": "blood_pressure", "give": "exists", "record": "complete"}, *resources).rows)


NOT_READ: dict[str, Json] = {
    "codes of the site": panel(
        part(concept(coding("5", "urn:site")), mm(188)), part(concept(coding("6", "urn:site")), mm(112))
    ),
    "components in words": panel(part({"text": "Systolic"}, mm(188)), part({"text": "Diastolic"}, mm(112))),
    "one text": panel(valueString="188/112"),
    "one component": panel(part({"text": "BP"}, {"valueString": "188/112 sitting"})),
    "standing": panel(
        part(concept(coding("8460-8", LOINC)), mm(188)), part(concept(coding("8454-1", LOINC)), mm(112))
    ),
    "another unit": panel(part(UPPER, mm(18, "cm")), part(LOWER, mm(11, "cm"))),
    "ranges": panel(part(UPPER, {"valueRange": {"low": quantity(170)}}), part(LOWER, {"valueRange": {}})),
    "a series": panel(part(UPPER, {"valueSampledData": {"data": "1 2"}})),
    "a code": panel(part(UPPER, {"valueCodeableConcept": {"text": "high"}})),
    "masked": panel(**absent("masked")),
    "masked parts": panel(part(UPPER, absent("masked")), part(LOWER, absent("masked"))),
    "a side alone, in words": observation("8480-6", {"valueString": "about 188"}, AT),
}
NO_READING: dict[str, Json] = {
    "nothing": panel(),
    "members elsewhere": panel(hasMember=[{"reference": "Observation/x"}]),
    "not measured": panel(**absent("not-performed")),
    "parts not measured": panel(part(UPPER, absent("unknown")), part(LOWER, absent("asked-declined"))),
    "empty parts": panel(part(UPPER, {}), part(LOWER, {})),
    "a heart rate": panel(part({"text": "pulse"}, mm(88, "/min"))),
    "a position": panel(part({"text": "position"}, {"valueCodeableConcept": {"text": "sitting"}})),
    "a remark": panel(part({"text": "cuff"}, {"valueString": "left arm"})),
    "another panel": panel(part({"text": "BP"}, {"valueString": "188/112"}), code="85353-1"),
    "another panel told by text": panel(valueString="188/112", code="85353-1"),
}


@pytest.mark.parametrize("reading", NOT_READ.values(), ids=NOT_READ)
def test_what_cannot_be_read_leaves_the_latest_unknown_and_is_noted(reading: Json) -> None:
    (row,) = rows(reading)
    assert (row.columns["systolic"], row.columns["diastolic"]) == (None, None)
    assert (row.columns["unreadable"], row.columns["implausible"]) == (TRUE, FALSE)
    latest = ask(LATEST, normal(), reading)
    assert isinstance(latest.value, Row)
    assert latest.value.columns["systolic"] is None
    (note,) = notes_unread(chart(normal(), reading, keys=[KEY]))
    assert (note.code, note.reference) == ("reading-not-read", f"Observation/{reading['id']}")


@pytest.mark.parametrize("other", NO_READING.values(), ids=NO_READING)
def test_what_holds_no_pressure_is_no_reading(other: Json) -> None:
    assert rows(other) == []
    latest = ask(LATEST, normal(), other)
    assert isinstance(latest.value, Row)
    assert latest.value.columns["systolic"] == Quantity(Span(124, 124), "mm[Hg]")
    assert notes_unread(chart(normal(), other, keys=[KEY])) == ()


def test_a_side_that_is_read_stays_known_beside_one_that_is_not() -> None:
    (row,) = rows(panel(part(UPPER, mm(188)), part({"text": "lower"}, mm(112))))
    assert (row.columns["systolic"], row.columns["diastolic"]) == (Quantity(Span(188, 188), "mm[Hg]"), None)
    assert row.columns["unreadable"] is TRUE


def test_one_side_alone_is_not_called_unreadable() -> None:
    for reading in (panel(part(UPPER, mm(132))), observation("8480-6", mm(132), AT)):
        assert [row.columns["unreadable"] for row in rows(reading)] == [FALSE]


def test_further_values_of_a_reading_that_is_read_change_nothing() -> None:
    mean = part({"text": "mean"}, mm(93))
    whole = panel(part(UPPER, mm(124)), part(LOWER, mm(78)), mean, valueString="124/78")
    (row,) = rows(whole)
    assert row.columns["unreadable"] is FALSE
    assert notes_unread(chart(whole, keys=[KEY])) == ()


def test_a_text_beside_both_sides_of_its_moment_is_read_with_them() -> None:
    apart = (observation("8480-6", mm(124), AT), observation("8462-4", mm(78), AT))
    (row,) = rows(*apart, panel(valueString="124/78"))
    assert (row.columns["unreadable"], row.columns["diastolic"]) == (FALSE, Quantity(Span(78, 78), "mm[Hg]"))


def test_a_reading_dated_ahead_says_so_and_is_possible() -> None:
    ahead: Json = {"view": "blood_pressure", "where": {"dated_ahead": ["true"]}}
    assert ask(ahead | {"give": "possible"}, normal(), normal(AHEAD)).state is TRUE
    assert ask(ahead | {"give": "possible"}, normal()).state is FALSE
    assert ask(ahead | {"give": "exists", "record": "complete"}, normal(AHEAD)).state is UNKNOWN
