"""The view `current_drugs`: what is taken today, and until when what is not was taken."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, coding, concept, dispense, dosage, order, quantity, statement
from view_bench import ALPHA, INTO_VEIN, VIAL, draft, finding, line, only_row, rows, verdict

from cds_service.facts.dates import When
from cds_service.facts.finding import Row
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

DRUGS: Json = {"view": "current_drugs", "code_in": "alpha"}
CURRENT: Json = DRUGS | {"where": {"current": [True]}}


def read(*resources: Json, **more: Any) -> Row:
    return only_row(DRUGS, *resources, **more)


def days(cell: object) -> str:
    """The days a date may name: the first and the one after the last."""
    assert isinstance(cell, When)
    return f"{cell.start:%Y-%m-%d} {cell.end:%Y-%m-%d}"


def bounded(start: str | None = None, end: str | None = None) -> Json:
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    return dosage(None, boundsPeriod=period)


def ordered(status: str = "active", written: str | None = "2026-01-10", **more: Any) -> Json:
    return order(ALPHA, written, status=status, **more)


def valid_until(end: str, days: int | None = None) -> Json:
    request: Json = {"validityPeriod": {"end": end}}
    return request | ({"expectedSupplyDuration": quantity(days, "d")} if days else {})


def stated(status: str, start: str | None = "2026-01-10", end: str | None = None) -> Json:
    return statement(ALPHA, start, end, status=status)


def supplied(day: str | None, length: Any = 30, status: str = "completed") -> Json:
    return dispense(ALPHA, day, length, status=status)


TODAY = "2026-03-01 2026-03-02"


@pytest.mark.parametrize(
    ("entry", "current", "last_day"),
    [
        # orders
        (ordered(), TRUE, TODAY),
        (ordered(written=None), TRUE, TODAY),
        (ordered(dosage=line() | {"asNeededBoolean": True}), TRUE, TODAY),
        (ordered(dosage=bounded("2026-01-10", "2026-03-01")), TRUE, TODAY),
        (ordered(dosage=bounded("2026-01-10", "2026-02-28")), FALSE, "2026-02-28 2026-03-01"),
        (ordered(dosage=bounded("2026-01-10", "2026-02")), FALSE, "2026-02-01 2026-03-01"),
        (ordered(dosage=bounded("2026-01-10", "2026-03")), TRUE, TODAY),
        (ordered(dosage=bounded("2026-01-10", "2026")), UNKNOWN, "2026-01-01 2026-03-02"),
        (ordered(dosage=bounded("2026-01-10", "when better")), UNKNOWN, "2026-01-10 2026-03-02"),
        (ordered(dosage=bounded("2026-04-01")), TRUE, TODAY),
        (ordered(dosage=dosage(None, boundsDuration=quantity(7, "d"))), FALSE, "2026-01-16 2026-01-17"),
        (ordered(dosage=dosage(None, boundsDuration=quantity(50, "d"))), FALSE, "2026-02-28 2026-03-01"),
        (ordered(dosage=dosage(None, boundsDuration=quantity(51, "d"))), TRUE, TODAY),
        (
            ordered(dosage=dosage(None, boundsDuration=quantity(3, "{dose}"))),
            UNKNOWN,
            "2026-01-10 2026-03-02",
        ),
        (
            ordered(dosage=dosage(None, boundsRange={"low": quantity(7, "d"), "high": quantity(2, "mo")})),
            UNKNOWN,
            "2026-01-16 2026-03-02",
        ),
        (ordered(dispenseRequest=valid_until("2026-03-01")), TRUE, TODAY),
        (ordered(dispenseRequest=valid_until("2026-02-10", 15)), FALSE, "2026-01-10 2026-02-26"),
        (ordered(dispenseRequest=valid_until("2026-02-10", 30)), UNKNOWN, "2026-01-10 2026-03-02"),
        (ordered(dispenseRequest=valid_until("2026-02-10")), UNKNOWN, "2026-01-10 2026-03-02"),
        (ordered("stopped"), FALSE, "2026-01-10 2026-03-02"),
        (ordered("stopped", dosage=bounded("2026-01-10", "2026-02-20")), FALSE, "2026-01-10 2026-02-21"),
        (ordered("completed", dosage=bounded("2026-01-10", "2026-02-20")), FALSE, "2026-02-20 2026-02-21"),
        (ordered("completed", dosage=bounded("2026-01-10", "2026-05-20")), FALSE, "2026-01-10 2026-03-02"),
        (ordered("on-hold"), FALSE, "2026-01-10 2026-03-02"),
        (ordered("unknown"), UNKNOWN, "2026-01-10 2026-03-02"),
        (ordered("unknown", dosage=bounded("2026-01-10", "2026-02-20")), FALSE, "2026-01-10 2026-02-21"),
        # statements
        (stated("active"), TRUE, TODAY),
        (stated("active", None), TRUE, TODAY),
        (stated("active", "2026-01-10", "2026-02-20"), FALSE, "2026-02-20 2026-02-21"),
        (stated("active", "2026-01-10", "2026-03-01"), TRUE, TODAY),
        (stated("stopped", "2026-01-10", "2026-02-20"), FALSE, "2026-02-20 2026-02-21"),
        (stated("stopped"), FALSE, "2026-01-10 2026-03-02"),
        (stated("completed", "2026-01-10", "2026-07-01"), FALSE, "2026-01-10 2026-03-02"),
        (stated("unknown"), UNKNOWN, "2026-01-10 2026-03-02"),
        # supplies
        (supplied("2026-02-10"), TRUE, TODAY),
        (supplied("2026-01-31"), TRUE, TODAY),
        (supplied("2026-01-30"), FALSE, "2026-02-28 2026-03-01"),
        (supplied("2026-01"), UNKNOWN, "2026-01-30 2026-03-02"),
        (supplied("2026-02-10", None), UNKNOWN, "2026-02-10 2026-03-02"),
        (supplied("2026-02-10", {"value": 30}), TRUE, TODAY),
        (supplied("2026-02-10", quantity(3, "wk")), TRUE, TODAY),
    ],
)
def test_what_is_current_and_its_last_day(entry: Json, current: Truth, last_day: str) -> None:
    row = read(entry)
    assert (row.columns["current"], days(row.evidence.when)) == (current, last_day)
    assert row.counts is TRUE
    assert (str(row.evidence.when) == "ongoing") is (current is TRUE)


@pytest.mark.parametrize("entry", [stated("stopped", None), ordered("stopped", None), supplied(None)])
def test_what_has_no_day_at_all_has_no_last_day(entry: Json) -> None:
    assert read(entry).evidence.when is None


@pytest.mark.parametrize(
    "entry",
    [
        ordered("cancelled"),
        ordered("draft"),
        ordered(intent="proposal"),
        ordered(doNotPerform=True),
        ordered("entered-in-error"),
        stated("intended"),
        stated("not-taken"),
        supplied("2026-02-10", status="preparation"),
        supplied("2026-02-10", status="declined"),
    ],
)
def test_what_was_never_taken_is_refused_with_the_reason(entry: Json) -> None:
    row = read(entry)
    assert row.counts is FALSE
    assert row.why
    assert finding(DRUGS, entry).state is FALSE


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({"intent": "plan"}, UNKNOWN),
        ({"intent": "plan", "reportedBoolean": True}, TRUE),
        ({"intent": "plan", "reportedReference": {"display": "the patient"}}, TRUE),
        ({"intent": None}, UNKNOWN),
        ({"intent": "instance-order"}, TRUE),
    ],
)
def test_a_plan_is_an_order_if_it_records_what_somebody_reports(more: Json, counts: Truth) -> None:
    entry = {name: value for name, value in (ordered() | more).items() if value is not None}
    assert read(entry).counts is counts


def test_a_drug_nobody_recognises_may_be_current() -> None:
    strange = concept(text="something for sleep")
    assert finding(CURRENT, order(strange, status="active")).state is UNKNOWN
    assert finding(CURRENT, order(strange, status="stopped")).state is FALSE
    assert finding(CURRENT, order(concept(text="omega 5 mg"), status="active")).state is FALSE


def test_start_end_route_and_drug_are_told() -> None:
    taken = bounded("2026-01-12", "2026-04-30") | {"route": concept(INTO_VEIN)}
    columns = read(order("31", "2026-01-10", status="active", dosage=taken)).columns
    assert (columns["drug"], columns["kind"]) == ("alpha", "order")
    assert days(columns["start"]) == "2026-01-12 2026-01-13"
    assert days(columns["end"]) == "2026-04-30 2026-05-01"
    assert columns["route"] is not None
    assert read(ordered()).columns["route"] is None


def test_every_entry_is_a_row_of_its_own() -> None:
    found = rows(DRUGS, ordered("stopped"), stated("active"), supplied("2026-02-10"))
    assert {row.columns["kind"]: row.columns["current"] for row in found} == {
        "order": FALSE,
        "statement": TRUE,
        "supply": TRUE,
    }


def test_drafts_are_current_unless_they_stop_something() -> None:
    both = DRUGS | {"from": "drafts-and-chart"}
    signed = ordered(id="signed")
    (row,) = rows(both, drafts=[draft(code=VIAL)], hook="order-sign")
    assert (row.columns["kind"], row.columns["current"]) == ("draft", TRUE)
    assert str(row.evidence.when) == "being ordered"
    (row,) = rows(both, signed, drafts=[draft(code=VIAL, id="signed", status="stopped")], hook="order-sign")
    assert (row.columns["kind"], row.columns["current"]) == ("draft", FALSE)
    assert rows(DRUGS, drafts=[draft(code=VIAL)], hook="order-sign") == []


@pytest.mark.parametrize("lost", ["medication-requests", "medication-statements", "medication-dispenses"])
def test_a_missing_key_takes_absence_not_presence(lost: str) -> None:
    entries = [stated("active"), supplied("2026-02-10"), ordered()]
    kept = {"medication-requests": 0, "medication-statements": 1, "medication-dispenses": 2}[lost]
    assert finding(CURRENT, entries[kept], without=[lost]).state is TRUE
    assert finding(CURRENT, without=[lost]).state is UNKNOWN


@pytest.mark.parametrize("engine", ["direct", None])
@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (ordered(), "true"),
        (stated("stopped", "2026-01-10", "2026-02-15"), "true"),
        (stated("stopped", "2026-01-10", "2026-02-14"), "false"),
        (stated("stopped", "2026-01-10"), "unknown"),
        (stated("stopped", "2026-02-20"), "true"),
        (ordered("stopped", dosage=bounded("2026-01-10", "2026-02-14")), "false"),
        (supplied("2026-01-17"), "true"),
        (supplied("2026-01-16"), "false"),
        (supplied(None), "unknown"),
        (order(concept(coding("1", "urn:site")), status="active"), "unknown"),
        (order("9", status="active"), "false"),
    ],
)
def test_a_rule_asks_for_drugs_in_use_or_ended_lately(entry: Json, expected: str, engine: str | None) -> None:
    facts = {"lately": DRUGS | {"within": "14 days [1]"}}
    assert verdict(facts, "lately", entry, engine=engine) == expected


@pytest.mark.parametrize("day", ["9999-12-30", "0001-01-02", "9999-12-31", "0001-01-01", "9999-12"])
def test_no_date_is_too_far(day: str) -> None:
    for entry in (
        supplied(day, 36500),
        ordered(written=day, dosage=dosage(None, boundsDuration=quantity(36500, "d"))),
        stated("stopped", day, day),
        ordered(dispenseRequest=valid_until(day, 36500)),
    ):
        assert len(rows(DRUGS, entry)) == 1
