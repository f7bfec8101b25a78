"""The one-line texts of a rule: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from cds_service.rulebook.criterion import TIME_UNITS, Amount, Criterion, Duration, Give, Threshold

names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
comparators = st.sampled_from([">=", ">", "<=", "<", "==", "!="])
numbers = st.one_of(
    st.integers(-500, 500).map(str), st.decimals(-99, 99, places=2, allow_nan=False).map(lambda d: f"{d:.2f}")
)
units = st.sampled_from(["", "days", "weeks", "mm[Hg]", "mg/kg", "%", "{score}", "kg/m2"])
cites = st.lists(st.integers(1, 99), max_size=3)


def line(parts: list[str], sources: list[int]) -> str:
    return " ".join([*(part for part in parts if part), *(f"[{number}]" for number in sources)])


@given(names, st.one_of(st.just(""), names), comparators, numbers, units, cites)
def test_a_criterion_is_read_back_part_by_part(
    fact: str, column: str, comparator: str, number: str, unit: str, sources: list[int]
) -> None:
    subject = f"{fact}.{column}" if column else fact
    text = line([subject, comparator, number, unit], sources)
    read = Criterion.parse(text)
    assert (read.fact, read.column, read.comparator, read.unit) == (fact, column, comparator, unit)
    assert read.number == float(number) and read.sources == tuple(sources)
    assert read.text == text and Criterion.parse(read.text) == read


@given(names)
def test_a_bare_name_is_a_criterion_without_a_number(name: str) -> None:
    assert Criterion.parse(f"  {name} ") == Criterion(text=name, fact=name)


@given(comparators, numbers, units, cites)
def test_a_comparison_is_read_back_part_by_part(
    comparator: str, number: str, unit: str, sources: list[int]
) -> None:
    text = line([comparator, number, unit], sources)
    read = Threshold.parse(text)
    assert (read.comparator, read.number, read.unit) == (comparator, float(number), unit)
    assert read.sources == tuple(sources) and Threshold.parse(read.text) == read


@given(numbers, units, cites)
def test_an_amount_is_read_back_part_by_part(number: str, unit: str, sources: list[int]) -> None:
    read = Amount.parse(line([number, unit], sources))
    assert (read.number, read.unit, read.sources) == (float(number), unit, tuple(sources))


@given(st.integers(0, 400), st.sampled_from(TIME_UNITS), cites)
def test_a_length_of_time_is_read_back_in_the_singular_and_plural(
    number: int, unit: str, sources: list[int]
) -> None:
    for written in (unit, unit.removesuffix("s")):
        read = Duration.parse(line([str(number), written], sources))
        assert (read.number, read.unit, read.sources) == (number, unit, tuple(sources))


def test_a_comparison_with_a_table_names_column_and_table() -> None:
    read = Threshold.parse(">= minimum in least-dose [3]")
    assert (read.column, read.table, read.number, read.sources) == ("minimum", "least-dose", None, (3,))


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a >=", ">= 2", "a => 2", "a >= two", "a >= 2 x y", "a.b.c > 1", "A > 1", "a > 1 kg m"],
)
def test_what_is_not_a_criterion_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        Criterion.parse(text)
    assert refused.value.context is not None and "fact >= 2 [2]" in refused.value.context["hint"]


def test_a_list_in_the_place_of_a_criterion_is_told_about_quotes() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        Criterion.parse(["age >= 18", 2])
    assert refused.value.context is not None and "quotes" in refused.value.context["hint"]


@pytest.mark.parametrize("text", ["1.5 days", "-1 days", "3 moons", "days", "30"])
def test_what_is_not_a_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["exists", "count", "count_distinct drug", "latest value", "any_yes", "age"])
def test_what_a_fact_can_give_is_read(text: str) -> None:
    read = Give.parse(text)
    assert read.text == text and read.kind == text.split(" drug")[0]


@pytest.mark.parametrize("text", ["earliest value", "earliest reading", "count_distinct", "latest", "sum"])
def test_what_no_fact_can_give_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Give.parse(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (Criterion.parse, Threshold.parse, Amount.parse, Duration.parse, Give.parse):
        try:
            parse(text)
        except PydanticCustomError as error:
            assert error.context is not None and error.context["message"]
