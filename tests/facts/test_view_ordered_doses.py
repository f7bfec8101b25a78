"""The view `ordered_doses`: what an order says of dose, duration and rate, and what the weight adds."""

from __future__ import annotations

from typing import Any

import pytest
from chart_builder import Json, coding, concept, condition, observation, order, quantity
from view_bench import (
    ALPHA,
    BETA,
    BY_MOUTH,
    INTO_VEIN,
    PACK,
    SPRAY,
    TABLET,
    VIAL,
    asked,
    draft,
    finding,
    line,
    mg,
    number,
    only_row,
    rows,
    span,
    verdict,
)

from cds_service.truth import FALSE, TRUE, UNKNOWN, Span

DRAFTS: Json = {"view": "ordered_doses", "from": "drafts", "code_in": "alpha"}
WEIGHT: Json = {"view": "body_weight", "within": "90 days [1]", "give": "latest value", "unit": "kg"}
WEIGHED: Json = DRAFTS | {"with": {"weight": "weight"}}


def weighing(kilograms: float, when: str = "2026-02-25") -> Json:
    return observation("29463-7", {"valueQuantity": quantity(kilograms, "kg")}, when)


def read(*lines: Json, code: str | Json = VIAL, weight: Json | None = None) -> dict[str, Any]:
    """The columns of the only row of a draft."""
    weighed = [weight] if weight is not None else []
    row = only_row(
        WEIGHED, *weighed, beside={"weight": WEIGHT}, drafts=[draft(*lines, code=code)], hook="order-sign"
    )
    return dict(row.columns)


def numbers(columns: dict[str, Any]) -> dict[str, float | None]:
    return {name: number(columns[name]) for name in ("dose", "per_weight", "duration", "rate")}


# --- what the order says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "dose", "milligrams"),
    [
        (VIAL, mg(35), 35),
        (VIAL, quantity(0.035, "g"), 35),
        (VIAL, quantity(35000, "ug"), 35),
        (VIAL, {"value": 35000, "unit": "mcg"}, 35),
        (VIAL, quantity(3.5, "mL"), 35),
        (VIAL, {"value": 3.5, "unit": "ml"}, 35),
        (VIAL, quantity(35, "mg/{dose}"), 35),
        (TABLET, quantity(2, "{tbl}"), 100),
        (SPRAY, quantity(2, "{actuat}"), 56),
        (SPRAY, {"value": 3, "unit": "sprays"}, 84),
        (PACK, mg(56), 56),
        # what would have to be guessed
        (ALPHA, quantity(3.5, "mL"), None),
        (TABLET, quantity(2, "mL"), None),
        (TABLET, quantity(2, "{actuat}"), None),
        (SPRAY, quantity(2, "{tbl}"), None),
        (PACK, quantity(2, "{device}"), None),
        (VIAL, quantity(2, "{vial}"), None),
        (VIAL, quantity(35), None),
        (VIAL, quantity(20, "mg/m2"), None),
        (VIAL, quantity(35, "mg/h"), None),
        (VIAL, mg(0), None),
        (VIAL, mg(-35), None),
        (VIAL, {"unit": "mg"}, None),
    ],
)
def test_a_dose_is_milligrams_or_what_the_product_makes_of_volume_and_number(
    code: str, dose: Json, milligrams: float | None
) -> None:
    fact = DRAFTS | {"code_in": ["alpha", "beta"]}
    row = only_row(fact, drafts=[draft(line(dose), code=code)], hook="order-sign")
    assert number(row.columns["dose"]) == milligrams
    assert row.counts is TRUE


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"doseRange": {"low": mg(28), "high": mg(56)}}, Span(28, 56)),
        ({"doseRange": {"high": mg(56)}}, Span(0, 56)),
        ({"doseRange": {"low": mg(28)}}, Span(28, float("inf"))),
        ({"doseRange": {"low": mg(56), "high": mg(28)}}, None),
        ({"doseRange": {"low": mg(28), "high": quantity(2, "{vial}")}}, None),
        ({"doseQuantity": quantity(56, "mg", "<")}, Span(0, 56)),
        ({"doseQuantity": quantity(56, "mg", ">=")}, Span(56, float("inf"))),
    ],
)
def test_a_range_is_an_interval(given: Json, expected: Span | None) -> None:
    assert span(read(line(rate=given))["dose"]) == expected


@pytest.mark.parametrize(
    ("made", "minutes", "rate"),
    [
        (line(mg(35), duration=40, durationUnit="min"), 40, 0.875),
        (line(mg(35), duration=0.5, durationUnit="h"), 30, 35 / 30),
        (line(mg(35), {"rateRatio": {"numerator": mg(35), "denominator": quantity(40, "min")}}), 40, 0.875),
        (line(mg(35), {"rateRatio": {"numerator": mg(52.5), "denominator": quantity(1, "h")}}), 40, 0.875),
        (line(mg(35), {"rateQuantity": quantity(52.5, "mg/h")}), 40, 0.875),
        (line(mg(35), {"rateQuantity": {"value": 52.5, "unit": "mg/hr"}}), 40, 0.875),
        (line(mg(30), {"rateQuantity": quantity(0.75, "mg/min")}), 40, 0.75),
        # volumes run by their own concentration
        (line(quantity(50, "mL"), {"rateQuantity": quantity(75, "mL/h")}), 40, 12.5),
        # a rate alone says nothing of the duration
        (line(None, {"rateQuantity": quantity(0.875, "mg/min")}), None, 0.875),
        (line(None, {"rateRatio": {"numerator": mg(35), "denominator": quantity(40, "min")}}), None, 0.875),
        # a bag's rate is not the vial's
        (line(mg(35), {"rateQuantity": quantity(150, "mL/h")}), None, None),
        (line(mg(35), {"rateQuantity": quantity(40, "min")}), None, None),
        (line(mg(35), {"rateRatio": {"numerator": mg(35), "denominator": quantity(70, "kg")}}), None, None),
        (line(mg(35), {"rateRatio": {"numerator": mg(35)}}), None, None),
        (line(mg(35), duration=40), None, None),
        (line(mg(35), duration=0, durationUnit="min"), None, None),
        ({"text": "35 mg over 40 minutes"}, None, None),
        (
            line(mg(35)) | {"maxDosePerPeriod": {"numerator": mg(35), "denominator": quantity(40, "min")}},
            None,
            None,
        ),
    ],
)
def test_a_duration_is_given_or_follows_from_dose_and_rate(
    made: Json, minutes: float | None, rate: float | None
) -> None:
    columns = read(made)
    assert number(columns["duration"]) == minutes
    assert number(columns["rate"]) == (None if rate is None else pytest.approx(rate))


def test_a_duration_that_contradicts_the_rate_is_anything_between() -> None:
    made = line(quantity(3.5, "mL"), {"rateQuantity": quantity(21, "mL/h")}, duration=40, durationUnit="min")
    assert span(read(made)["duration"]) == Span(10, 40)


def test_a_dose_follows_from_rate_and_duration() -> None:
    columns = read(line(None, {"rateQuantity": quantity(52.5, "mg/h")}, duration=40, durationUnit="min"))
    assert numbers(columns) == {"dose": 35, "per_weight": None, "duration": 40, "rate": 0.875}


# --- what the weight adds ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "without", "at_70_kg"),
    [
        (line(quantity(0.5, "mg/kg")), (None, 0.5, None, None), (35, 0.5, None, None)),
        (line(quantity(500, "ug/kg")), (None, 0.5, None, None), (35, 0.5, None, None)),
        (line(mg(35)), (35, None, None, None), (35, 0.5, None, None)),
        (
            line(quantity(0.5, "mg/kg"), duration=40, durationUnit="min"),
            (None, 0.5, 40, None),
            (35, 0.5, 40, 0.875),
        ),
        (
            line(quantity(0.5, "mg/kg"), {"rateQuantity": quantity(0.75, "mg/kg/h")}),
            (None, 0.5, 40, None),
            (35, 0.5, 40, 0.875),
        ),
        (
            line(mg(35), {"rateQuantity": quantity(0.75, "mg/(kg.h)")}),
            (35, None, None, None),
            (35, 0.5, 40, 0.875),
        ),
        (
            line(None, {"rateQuantity": quantity(0.75, "mg/(kg.h)")}, duration=40, durationUnit="min"),
            (None, 0.5, 40, None),
            (35, 0.5, 40, 0.875),
        ),
        (
            line(quantity(0.5, "mg/kg"), {"rateQuantity": quantity(52.5, "mg/h")}),
            (None, 0.5, None, 0.875),
            (35, 0.5, 40, 0.875),
        ),
    ],
)
def test_the_weight_is_used_for_what_cannot_be_had_without_it(
    made: Json, without: tuple[float | None, ...], at_70_kg: tuple[float | None, ...]
) -> None:
    assert tuple(numbers(read(made)).values()) == without
    assert tuple(numbers(read(made, weight=weighing(70))).values()) == pytest.approx(at_70_kg)


def test_an_old_weight_is_none() -> None:
    assert read(line(mg(35)), weight=weighing(70, "2025-11-01"))["per_weight"] is None


def test_what_a_lost_weight_would_tell_is_unknown_and_never_absent() -> None:
    facts = {"weight": WEIGHT, "it": WEIGHED | {"where": {"per_weight": {"absent": True}}}}
    sign: Json = {"drafts": [draft(line(mg(35)))], "hook": "order-sign"}
    assert asked(facts, "it", **sign).findings["asked"]["it"].state is TRUE
    lost = asked(facts, "it", without=["observations-vital-signs"], **sign).findings["asked"]["it"]
    assert lost.state is UNKNOWN
    assert [item.key for item in lost.because] == ["observations-vital-signs"]


# --- lines, drugs, orders ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeat", "weekly"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "wk"}, Span(2, 2)),
        ({"frequency": 1, "period": 2, "periodUnit": "wk"}, Span(0.5, 0.5)),
        ({"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "wk"}, Span(1, 2)),
        ({"frequency": 1, "period": 1, "periodMax": 2, "periodUnit": "wk"}, Span(0.5, 1)),
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, Span(7, 7)),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "thu"]}, Span(2, 2)),
        ({"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "thu"]}, Span(1, 2)),
        ({"dayOfWeek": ["mon", "thu"]}, Span(2, 2)),
        ({"count": 1}, Span(1, 1)),
        ({"frequency": 2}, None),
        ({"period": 1, "periodUnit": "fortnight"}, None),
    ],
)
def test_sessions_a_week_follow_from_the_timing(repeat: Json, weekly: Span | None) -> None:
    assert span(read(line(mg(56), **repeat))["per_week"]) == weekly


def test_one_moment_is_once_and_as_needed_is_at_most() -> None:
    once = line(mg(56)) | {"timing": {"event": ["2026-03-02"]}}
    assert span(read(once)["per_week"]) == Span(1, 1)
    needed = line(mg(56), frequency=2, period=1, periodUnit="wk") | {"asNeededBoolean": True}
    assert span(read(needed)["per_week"]) == Span(0, 2)


@pytest.mark.parametrize(
    ("moments", "often"),
    [
        (["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"], Span(5, 5)),
        (["2026-03-02T09:00:00Z", "2026-03-02T17:00:00Z"], Span(2, 2)),
        (["2026-03-12", "2026-03-02", "2026-03-09", "2026-03-05"], Span(2, 2)),
        (["2026-03-02", "2026-03-09"], Span(1, 1)),
        (["2026-03-02", "2026-03-03", "2026-03-29"], Span(0.75, 2)),
        (["2026-03-02", "2026-03"], None),
        (["2026-03-02", "soon"], None),
    ],
)
def test_several_moments_tell_the_mean_and_the_most_of_seven_days(
    moments: list[str], often: Span | None
) -> None:
    columns = read(line(mg(56)) | {"timing": {"event": moments}})
    assert (span(columns["per_week"]) if columns["per_week"] is not None else None) == often
    assert (columns["schedule"] is None) is (often is not None)


def test_moments_beside_a_schedule_that_says_more_or_less_leave_both_open() -> None:
    said = {"event": ["2026-03-02", "2026-03-05"], "code": concept(coding("BID", "urn:timing"))}
    assert span(read(line(mg(56)) | {"timing": said})["per_week"]) == Span(2, 14)


def test_every_line_is_a_row() -> None:
    first, then = line(mg(56), frequency=2, period=1, periodUnit="wk"), line(mg(84), count=1)
    found = rows(DRAFTS, drafts=[draft(first, then, code=SPRAY)], hook="order-sign")
    assert sorted(number(row.columns["dose"]) or 0 for row in found) == [56, 84]
    assert len({row.columns["order"] for row in found}) == 1


def test_every_ingredient_asked_for_is_a_row_with_its_own_strength() -> None:
    both = DRAFTS | {"code_in": ["alpha", "beta"]}
    given: Json = {"drafts": [draft(line(quantity(2, "{tbl}")), code="31")], "hook": "order-sign"}
    assert {(row.columns["drug"], number(row.columns["dose"])) for row in rows(both, **given)} == {
        ("alpha", 10),
        ("beta", 14),
    }
    assert only_row(DRAFTS, **given).columns["drug"] == "alpha"


def test_an_order_without_lines_is_a_row_of_open_columns() -> None:
    row = only_row(DRAFTS, drafts=[draft()], hook="order-sign")
    assert {row.columns[name] for name in ("dose", "duration", "route", "per_week", "reason")} == {None}
    assert row.evidence.reference == row.columns["order"]


def test_a_drug_nobody_recognises_may_be_any() -> None:
    strange = draft(line(mg(400)), code=concept(text="something new"))
    above = DRAFTS | {"where": {"dose": "> 300 mg [1]"}}
    assert finding(above, drafts=[strange], hook="order-sign").state is UNKNOWN
    assert finding(above, drafts=[draft(line(mg(400)), code=BETA)], hook="order-sign").state is FALSE


def test_a_reason_is_a_code_or_a_condition_of_the_chart() -> None:
    ill = condition("F33.2", id="ill")
    where = DRAFTS | {"where": {"reason": {"in": "reason"}}}
    pointing = draft(line(mg(35)), reasonReference=[{"reference": "Condition/ill"}])
    assert finding(where, ill, drafts=[pointing], hook="order-sign").state is TRUE
    lost = finding(where, drafts=[pointing], hook="order-sign", without=["conditions"])
    assert lost.state is UNKNOWN
    assert [item.key for item in lost.because] == ["conditions"]
    assert finding(where, drafts=[draft(reasonCode=[concept("M54.5")])], hook="order-sign").state is FALSE


def test_selections_are_those_selected_and_all_drafts_where_none_is_picked() -> None:
    small, large = draft(line(mg(20)), id="small"), draft(line(mg(80)), id="large")
    fact = DRAFTS | {"from": "selections"}

    def doses(**more: Any) -> list[float | None]:
        return sorted(number(row.columns["dose"]) or 0 for row in rows(fact, drafts=[small, large], **more))

    assert doses(hook="order-select", selections=("MedicationRequest/large",)) == [80]
    assert doses(hook="order-select") == [20, 80]
    assert doses(hook="order-sign") == [20, 80]


def test_orders_of_the_chart_are_read_where_asked_and_a_proposal_orders_nothing() -> None:
    signed = order(VIAL, "2026-02-20", status="active", dosage=line(mg(40)))
    proposal = order(VIAL, "2026-02-21", status="active", dosage=line(mg(90)), intent="proposal")
    row, refused = rows(DRAFTS | {"from": "chart"}, signed, proposal)
    assert (number(row.columns["dose"]), row.counts, refused.counts) == (40, TRUE, FALSE)
    again = draft(line(mg(50)), id=signed["id"])
    both = rows(DRAFTS | {"from": "drafts-and-chart"}, signed, drafts=[again], hook="order-sign")
    assert [number(row.columns["dose"]) for row in both] == [50]


# --- a rule --------------------------------------------------------------------------------------

INFUSED: Json = {
    "view": "ordered_doses",
    "from": "selections",
    "code_in": "alpha",
    "with": {"weight": "weight"},
}
RULE: dict[str, Json] = {
    "weight": WEIGHT,
    "too_much": INFUSED | {"where": {"route": {"in": "into-vein"}, "per_weight": ">= 0.55 mg/kg [1]"}},
    "too_fast": INFUSED | {"where": {"route": {"in": "into-vein"}, "duration": "<= 35 min [1]"}},
}
LOGIC = {"any": ["too_much", "too_fast"]}


@pytest.mark.parametrize("engine", ["direct", None])
@pytest.mark.parametrize(
    ("dose", "minutes", "route", "weight", "expected"),
    [
        (mg(35), 40, INTO_VEIN, 70, "false"),
        (mg(38.5), 40, INTO_VEIN, 70, "true"),
        (mg(38.4), 40, INTO_VEIN, 70, "false"),
        (mg(35), 35, INTO_VEIN, 70, "true"),
        (mg(35), 36, INTO_VEIN, 70, "false"),
        (mg(38.5), 40, BY_MOUTH, 70, "false"),
        (mg(38.5), 40, None, 70, "unknown"),
        (mg(35), 40, INTO_VEIN, None, "unknown"),
        (mg(35), 30, INTO_VEIN, None, "true"),
        (quantity(0.5, "mg/kg"), 40, INTO_VEIN, None, "false"),
        (quantity(0.55, "mg/kg"), 40, INTO_VEIN, None, "true"),
        (quantity(0.5, "mg/kg"), None, INTO_VEIN, None, "unknown"),
    ],
)
def test_a_rule_compares_the_orders_being_signed(
    dose: Json,
    minutes: int | None,
    route: str | None,
    weight: float | None,
    expected: str,
    engine: str | None,
) -> None:
    timed = {"duration": minutes, "durationUnit": "min"} if minutes else {}
    made = draft(line(dose, route=route, **timed))
    weighed = [weighing(weight)] if weight else []
    assert verdict(RULE, LOGIC, *weighed, drafts=[made], hook="order-sign", engine=engine) == expected


def test_one_order_too_high_is_enough_whatever_the_others_leave_open() -> None:
    high, vague = draft(line(quantity(1, "mg/kg"), route=INTO_VEIN)), draft({"text": "as told"})
    assert verdict(RULE, LOGIC, drafts=[vague, high], hook="order-sign") == "true"
    assert verdict(RULE, LOGIC, drafts=[vague], hook="order-sign") == "unknown"
    assert verdict(RULE, LOGIC, drafts=[draft(code="9")], hook="order-sign") == "false"
    assert verdict(RULE, LOGIC, drafts=[], hook="order-sign") == "false"
