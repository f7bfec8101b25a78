"""The daily dose in milligrams, or unknown; never a guess from free text."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from chart_builder import UCUM, Json, dosage, quantity, tablets

from cds_service.facts import fhir
from cds_service.facts.dosing import as_needed, daily_dose
from cds_service.facts.infusion import milligrams_given
from cds_service.rulebook.terminology import Ingredient

TABLET = Ingredient("1", "tablet of 50", 50, "MG")
SOLUTION = Ingredient("2", "solution of 20 in 1", 20, "MG/ML")
PATCH = Ingredient("3", "patch of 0.25 an hour", 0.25, "MG/HR")
NO_STRENGTH = Ingredient("4", "some product of it")
DAILY: dict[str, Any] = {"frequency": 1, "period": 1, "periodUnit": "d"}


def dose(*lines: Json, of: Ingredient = TABLET) -> float | None:
    read = tuple(msgspec.convert(line, fhir.Dosage) for line in lines)
    return daily_dose(read, of)


def mg(amount: float, **repeat: Any) -> Json:
    return dosage(quantity(amount, "mg"), **(repeat or DAILY))


@pytest.mark.parametrize(
    ("line", "ingredient", "expected"),
    [
        (tablets(), TABLET, 50),
        (tablets(2), TABLET, 100),
        (tablets(0.5), TABLET, 25),
        (tablets(1, times=2), TABLET, 100),
        (mg(150), TABLET, 150),
        (mg(150), NO_STRENGTH, 150),
        (dosage(quantity(0.1, "g"), **DAILY), TABLET, 100),
        (dosage(quantity(5, "mL"), **DAILY), SOLUTION, 100),
        (dosage(quantity(1, "{patch}"), **DAILY), PATCH, 6),
        (dosage({"value": 2, "unit": "capsules"}, **DAILY), TABLET, 100),
        (
            dosage(
                {"value": 2, "unit": "tablet", "system": "http://unitsofmeasure.org", "code": "1"}, **DAILY
            ),
            TABLET,
            100,
        ),
    ],
)
def test_a_dose_is_counted_or_measured_units_times_the_strength(
    line: Json, ingredient: Ingredient, expected: float
) -> None:
    assert dose(line, of=ingredient) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("line", "ingredient"),
    [
        (tablets(), NO_STRENGTH),
        (tablets(), SOLUTION),
        (dosage(quantity(5, "mL"), **DAILY), TABLET),
        (dosage(quantity(1), **DAILY), TABLET),
        (dosage(quantity(1, "{spray}"), **DAILY), TABLET),
        (dosage(quantity(100, "mg", "<"), **DAILY), TABLET),
        (dosage(quantity(0, "mg"), **DAILY), TABLET),
        (dosage(quantity(-1, "{tbl}"), **DAILY), TABLET),
        (dosage(quantity(100, "mg")), TABLET),
        (dosage(None, **DAILY), TABLET),
        ({"text": "Take 2 tablets of 50 mg every morning"}, TABLET),
        ({"text": "2 tablets daily", "timing": {"code": {"text": "daily"}}}, TABLET),
        (dosage(quantity(1, "{tbl}"), frequency=1), TABLET),
        (dosage(quantity(1, "{tbl}"), frequency=1, period=0, periodUnit="d"), TABLET),
        (dosage(quantity(1, "{tbl}"), frequency=1, period=1, periodUnit="fortnight"), TABLET),
    ],
)
def test_what_does_not_say_a_dose_is_unknown(line: Json, ingredient: Ingredient) -> None:
    assert dose(line, of=ingredient) is None


def test_of_a_range_the_low_end_counts() -> None:
    one_to_two = {"doseAndRate": [{"doseRange": {"low": quantity(1, "{tbl}"), "high": quantity(2, "{tbl}")}}]}
    assert dose(dosage(**DAILY) | one_to_two) == 50
    up_to_two = {"doseAndRate": [{"doseRange": {"high": quantity(2, "{tbl}")}}]}
    assert dose(dosage(**DAILY) | up_to_two) is None


@pytest.mark.parametrize(
    ("repeat", "times"),
    [
        ({"frequency": 1, "period": 12, "periodUnit": "h"}, 2),
        ({"frequency": 1, "period": 8, "periodMax": 12, "periodUnit": "h"}, 2),
        ({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}, 1),
        ({"period": 1, "periodUnit": "d"}, 1),
        ({"frequency": 1, "period": 1, "periodUnit": "wk"}, 1 / 7),
        ({"frequency": 1, "period": 2, "periodUnit": "d"}, 1 / 2),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, 2),
        ({"timeOfDay": ["08:00:00", "20:00:00"], "period": 1, "periodUnit": "d"}, 2),
        ({"when": ["HS"]}, 1),
        ({"dayOfWeek": ["mon"]}, 1 / 7),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "wed", "fri"]}, 3 / 7),
        ({"frequency": 3, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "wed", "fri"]}, 3 / 7),
    ],
)
def test_how_often_is_read_from_the_timing(repeat: dict[str, Any], times: float) -> None:
    assert dose(mg(70, **repeat)) == pytest.approx(70 * times)


@pytest.mark.parametrize(
    ("code", "times"),
    [
        ("QD", 1),
        ("BID", 2),
        ("TID", 3),
        ("QID", 4),
        ("QOD", 0.5),
        ("BED", 1),
        ("Q8H", 3),
        ("WK", 1 / 7),
        ("bid", 2),
    ],
)
def test_how_often_may_be_an_abbreviation(code: str, times: float) -> None:
    line = dosage(quantity(70, "mg")) | {"timing": {"code": {"coding": [{"code": code}]}}}
    assert dose(line) == pytest.approx(70 * times)


def test_an_abbreviation_nobody_knows_is_no_frequency() -> None:
    assert dose(dosage(quantity(70, "mg")) | {"timing": {"code": {"coding": [{"code": "QMOON"}]}}}) is None


def test_lines_of_one_sequence_number_are_taken_together() -> None:
    assert dose(mg(100) | {"sequence": 1}, mg(50) | {"sequence": 1}) == 150


def test_lines_of_several_sequence_numbers_follow_each_other_so_the_dose_is_unknown() -> None:
    assert dose(mg(50) | {"sequence": 1}, mg(100) | {"sequence": 2}) is None


def test_lines_without_a_sequence_number_may_be_either_so_the_dose_is_unknown() -> None:
    assert dose(mg(50), mg(100)) is None
    assert dose(mg(50) | {"sequence": 1}, mg(100)) is None


def test_one_line_that_cannot_be_read_leaves_the_sum_unknown() -> None:
    assert dose(mg(50) | {"sequence": 1}, {"sequence": 1, "text": "and one at night"}) is None


def test_no_line_at_all_is_unknown() -> None:
    assert dose() is None


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ({"asNeededBoolean": True}, True),
        ({"asNeededBoolean": False}, False),
        ({"asNeededCodeableConcept": {"text": "sleep"}}, True),
        ({}, False),
    ],
)
def test_as_needed_is_said_by_either_element(line: Json, needed: bool) -> None:
    assert as_needed([msgspec.convert(line, fhir.Dosage)]) is needed


def coded(words: str, code: str, value: float = 1) -> Json:
    """Once a day an amount whose unit is told in words and by a code."""
    return dosage({"value": value, "unit": words, "system": UCUM, "code": code}, **DAILY)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("mg", "{tbl}"),
        ("tablet", "mg"),
        ("mg", "g"),
        ("mL", "mg"),
        ("spray", "{tbl}"),
        ("capsules", "mL"),
        ("days", "{tbl}"),
    ],
)
def test_a_unit_that_its_code_contradicts_leaves_the_dose_open(words: str, code: str) -> None:
    assert dose(coded(words, code)) is None
    assert dose(coded(words, code), of=SOLUTION) is None


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("tablet", "{tbl}", 50),
        ("capsule", "{tbl}", 50),
        ("1", "{tbl}", 50),
        ("tablet", "1", 50),
        ("coated tablet", "{tbl}", 50),
        ("milligrams", "mg", 1),
        ("MG", "mg", 1),
        ("mcg", "ug", 0.001),
        ("", "{tbl}", 50),
    ],
)
def test_other_words_for_the_same_unit_are_no_contradiction(words: str, code: str, expected: float) -> None:
    assert dose(coded(words, code)) == pytest.approx(expected)


def test_an_order_whose_unit_contradicts_its_code_tells_no_dose() -> None:
    mistaken = msgspec.convert({"value": 35, "unit": "mg", "system": UCUM, "code": "g"}, fhir.Quantity)
    assert milligrams_given(mistaken, SOLUTION) is None
