"""What an author wrote that changes nothing: idle parts of trees, twin facts, things said twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from snippets import Snippet, copied, problems_of, put

from cds_service.errors import Problem

FACTS = """\
data:
  a:
    ask: Is it the first of all?
    find: Condition
    code_in: illness
    give: exists
    record: partial
  b:
    ask: Is it the second of all?
    find: Observation
    code_in: score
    give: exists
    record: partial
  c:
    ask: Is it the third of all?
    find: Procedure
    code_in: illness
    give: exists
    record: partial
  n:
    ask: How many are there of these?
    find: Encounter
    give: count
    record: partial
"""


def found(folder: Path, code: str, data: str = "", logic: str = "{all: [a, b, c, n > 0]}") -> list[Problem]:
    """What a check says of a rule with four facts, some data added, and this logic."""
    book = copied(folder)
    rule = "definitions/other-rule.yaml"
    path = book / rule
    path.write_text(path.read_text().split("data:\n")[0] + FACTS + data + f"logic: {logic}\n" + SILENT)
    problems = problems_of(book)
    assert not [str(one) for one in problems if one.level == "error" and one.code.startswith("schema/")]
    return [one for one in problems if one.code == code]


SILENT = "cards: {when_true: silent, when_unknown: silent, when_false: silent}\n"
IDLE = "logic/dominated-criterion"


@pytest.mark.parametrize(
    ("logic", "message"),
    [
        ("{any: [{all: [a, {any: [a, b]}, c]}, {all: [b, n > 0]}]}", "this part decides nothing beside 'a'"),
        ("{any: [a, {all: [a, b]}, {all: [b, c, n > 0]}]}", "this part decides nothing beside 'a'"),
        (
            "{any: [{all: [b, {any: [a, c]}, {any: [a, c, n > 0]}]}, {all: [n > 0, a]}]}",
            "this part decides nothing beside this part",
        ),
        ("{any: [{all: [b, c]}, {not: {all: [a, {any: [n > 0, a, c]}]}}, {all: [n > 0, b]}]}", "beside 'a'"),
        ("{all: [a, {any: [c, n > 1]}, {any: [b, c]}, {any: [a, n > 0, b]}]}", "beside 'a'"),
    ],
)
def test_a_part_that_another_makes_idle_is_told(tmp_path: Path, logic: str, message: str) -> None:
    (one,) = found(tmp_path, IDLE, logic=logic)
    assert message in one.message


@pytest.mark.parametrize(
    "logic",
    [
        "{all: [a, {any: [b, c]}, n > 0]}",
        "{any: [a, {all: [b, c]}, n > 0]}",
        "{all: [{any: [a, b]}, {any: [a, c]}, {any: [b, n > 0]}]}",
        "{all: [a, {any: [{not: a}, b]}, c, n > 0]}",
        "{all: [a, a, b, c, n > 0]}",  # logic/duplicate-criterion says so
        "{any: [{all: [a, {any: [b, {not: b}]}]}, {all: [c, n > 0]}]}",  # only while b is known
        "{at_least: {n: 2, of: [a, {any: [a, b]}, c, n > 0]}}",
    ],
)
def test_parts_that_may_decide_are_left_alone(tmp_path: Path, logic: str) -> None:
    assert found(tmp_path, IDLE, logic=logic) == []


def test_a_fact_that_decides_nothing_is_told_once(tmp_path: Path) -> None:
    logic = "{all: [a, {any: [a, b]}, c, n > 0]}"
    assert found(tmp_path, IDLE, logic=logic) == []
    assert len(found(tmp_path / "again", "data/fact-decides-nothing", logic=logic)) == 1


@pytest.mark.parametrize(
    "fact",
    [
        "like: a; give: exists; record: partial",
        "find: Condition; code_in: illness; give: exists; record: partial",
    ],
)
def test_a_fact_that_asks_what_another_asks_is_told(tmp_path: Path, fact: str) -> None:
    (one,) = found(tmp_path, "data/twin-facts", _fact(fact), "{all: [a, b, c, n > 0, x]}")
    assert one.message == "x asks the same as a"


@pytest.mark.parametrize(
    "fact",
    [
        "like: a; give: possible",
        "like: a; give: count; record: partial",
        "like: a; where: {clinicalStatus: [active]}; give: exists; record: partial",
        "like: a; give: exists; record: complete; because: It is asked each time [1].",
    ],
)
def test_a_fact_that_differs_is_no_twin(tmp_path: Path, fact: str) -> None:
    named = "x > 0" if "count" in fact else "x"
    assert found(tmp_path, "data/twin-facts", _fact(fact), f"{{all: [a, b, c, n > 0, {named}]}}") == []


def _fact(lines: str) -> str:
    return "  x:\n    ask: Is it so once more, or not?\n" + "".join(
        f"    {one}\n" for one in lines.split("; ")
    )


TWICE = "data/said-twice"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("code_in: [illness, illness]", "'illness' stands"),
        ("code_in: illness; where: {clinicalStatus: [active, relapse, active]}", "'active' stands"),
        ("code_in: illness; where: {clinicalStatus: {not: [resolved, resolved]}}", "'resolved' stands"),
        ("code_in: illness; unsure: {code: {in: [illness, illness]}}", "'illness' stands"),
        ("code_in: illness; date: [onset, onset]; within: 30 days [1]", "'onset' stands"),
    ],
)
def test_what_stands_twice_in_a_list_of_a_fact_is_told(tmp_path: Path, lines: str, message: str) -> None:
    fact = _fact(f"find: Condition; {lines}; give: count; record: partial")
    (one,) = found(tmp_path, TWICE, fact, "{all: [a, b, c, n > 0, x > 0]}")
    assert message in one.message


def test_what_is_taken_over_is_told_where_it_stands(tmp_path: Path) -> None:
    first = _fact("find: Condition; code_in: [illness, illness]; give: exists; record: partial")
    second = _fact("like: x; where: {clinicalStatus: [active]}; give: exists; record: partial")
    data = first + second.replace("  x:\n", "  y:\n")
    assert len(found(tmp_path, TWICE, data, "{all: [a, b, c, n > 0, x, y]}")) == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ('{system: icd-10-cm, code: "A11.1"}, {system: icd-10-cm, code: "A111"}', "icd-10-cm A111 stands"),
        ('{system: snomed, code: "1111112"}, {system: snomed, code: "1111112"}', "snomed 1111112 stands"),
        (
            "{system: icd-10-cm, starts_with: A1}, {system: icd-10-cm, starts_with: A1}",
            "icd-10-cm A1… stands",
        ),
    ],
)
def test_a_code_that_stands_twice_in_a_value_set_is_told(tmp_path: Path, members: str, message: str) -> None:
    (one,) = _in_set(tmp_path, members)
    assert message in one.message


def test_a_code_in_two_systems_or_under_a_beginning_is_left_alone(tmp_path: Path) -> None:
    members = (
        "{system: icd-10-cm, code: A11}, {system: local, code: A11}, {system: icd-10-cm, starts_with: A1}"
    )
    assert _in_set(tmp_path, members) == []


def _in_set(folder: Path, members: str) -> list[Problem]:
    book = copied(folder)
    text = f"valueset: illness\ntitle: Illness\nowner: me\ninclude: [{members}]\n"
    put(Snippet("valuesets/illness.yaml", text), book)
    return [one for one in problems_of(book) if one.code == TWICE]
