"""Strict YAML: no traps, and the place of everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import Place
from cds_service.rulebook.yamlfile import YamlFile, parse_yaml, read_yaml


def read(text: str) -> YamlFile:
    return parse_yaml(text, "x.yaml")


def told(text: str) -> list[str]:
    return [str(problem) for problem in read(text).problems]


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "y", "n", "NO", "Yes"])
def test_words_that_older_yaml_took_for_booleans_stay_words(word: str) -> None:
    assert read(f"answer: {word}\n").data == {"answer": word}
    assert read(f"{word}: 1\n").data == {word: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("2026-11-16", "2026-11-16"),
        ("2026-11-16T12:00:00Z", "2026-11-16T12:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("42", 42),
        ("-7", -7),
        ("0.5", 0.5),
        ("1.10", 1.1),
        ("1.2.0", "1.2.0"),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("123456789012345678", "123456789012345678"),
        ('"42"', "42"),
        ("'true'", "true"),
        ("I71", "I71"),
        ("~", None),
        ("", None),
    ],
)
def test_a_plain_value_is_what_it_looks_like(text: str, value: object) -> None:
    data = read(f"key: {text}\n").data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "x.yaml:3:1: the key 'a' stands here a second time (keep one of the two; the first is in line 1)",
        ),
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab stands here, where YAML wants spaces (indent with two spaces)"),
        (
            "a: &x 1\n",
            "x.yaml:1:4: &x names this value for use elsewhere (remove the anchor and write values out)",
        ),
        (
            "a:\n  <<: {b: 1}\n",
            "x.yaml:2:3: << would merge another mapping into this one (write the keys out)",
        ),
        (
            "a: !!str 1\n",
            "x.yaml:1:4: the tag !!str changes how this value is read "
            "(remove the tag; quotes make a value text)",
        ),
        (
            "a: !python/object 1\n",
            "x.yaml:1:4: the tag !python/object changes how this value is read "
            "(remove the tag; quotes make a value text)",
        ),
        (
            "a: True\n",
            "x.yaml:1:4: True is neither a word nor a boolean here "
            "(write true, or put quotes round it if the word is meant)",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "x.yaml:2:1: a second document begins here (keep one document per file: remove the line ---)",
        ),
        ("", "x.yaml:1:1: the file is empty (write the keys of its kind)"),
        ("# only this\n", "x.yaml:1:1: the file is empty (write the keys of its kind)"),
        (
            "? [a]\n: 1\n",
            "x.yaml:1:3: a key is one word, this is a list or mapping "
            "(put quotes round a text that begins with [ or {)",
        ),
        ("a: 'b\n", "x.yaml:2:1: the file ends inside a quoted text (close the quotes)"),
        ("a: @b\n", "x.yaml:1:4: a text cannot begin with '@' (put quotes round the text)"),
        ("a: >= 6\n", "x.yaml:1:5: a text cannot begin with '>=' (put quotes round the text)"),
        (
            "a: b: c\n",
            "x.yaml:1:5: a second colon stands in this line, so its text cannot be told from a key "
            "(put quotes round a text that holds a colon and a space)",
        ),
        ("a: x\x01y\n", "x.yaml:1:5: the unprintable character U+0001 stands here (remove it)"),
        (
            "a: [b\nc: d\n",
            "x.yaml:2:2: a list or mapping in brackets is not closed, or a comma is missing "
            "(close it, or add the comma)",
        ),
    ],
)
def test_a_trap_is_told_with_its_place_and_the_way_out(text: str, message: str) -> None:
    assert told(text) == [message]


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("all: [age >= 18 [2], x]", "age >= 18 [2]"),
        ("any: [x, bp.systolic > 140 [7]]", "bp.systolic > 140 [7]"),
        ("where: {days: >= 42 days [14]}", ">= 42 days [14]"),
        ("with: {gap: 14 days [13], x: 1}", "14 days [13]"),
    ],
)
def test_a_citation_inside_brackets_is_told_with_the_quoted_form_to_paste(line: str, item: str) -> None:
    (message,) = told(line + "\n")
    assert "a citation inside [ ] or { } needs quotes" in message
    assert message.endswith(f'(put quotes round the whole line: "{item}")')
    assert told(line.replace(item, f'"{item}"') + "\n") == []


def test_a_question_in_braces_is_told_with_the_quoted_form_to_paste() -> None:
    assert told("age: {ask: How old is the patient?, find: Patient}\n") == [
        "x.yaml:1:34: a question mark inside [ ] or { } needs quotes "
        '(put quotes round the text: "How old is the patient?")'
    ]
    assert told('age: {ask: "How old is the patient?", find: Patient}\n') == []


def test_an_alias_is_refused_and_its_value_left_open() -> None:
    file = read("a: &x 1\nb: *x\n")
    assert [problem.code for problem in file.problems] == ["schema/anchor", "schema/alias"]
    assert file.bad == {("b",)}


def test_every_trap_of_a_file_is_told_at_once() -> None:
    file = read("a: &x 1\nb: True\na: 2\nc: !!int 3\n<<: {d: 1}\n")
    assert [(problem.place.line, problem.code) for problem in file.problems] == [
        (1, "schema/anchor"),
        (2, "schema/ambiguous-scalar"),
        (3, "schema/duplicate-key"),
        (4, "schema/tag"),
        (5, "schema/merge-key"),
    ]


def test_the_first_of_equal_keys_wins() -> None:
    file = read("a: {b: 1}\na: {b: 2, c: 3}\nd: 4\n")
    assert file.data == {"a": {"b": 1}, "d": 4}
    assert file.place(("a", "b")) == Place("x.yaml", 1, 8)


def test_keys_and_values_have_their_own_places() -> None:
    file = read("a:\n  - é: 1\n    b: [x, 'y']\n")
    assert file.key_place(("a", 0, "b")) == Place("x.yaml", 3, 5)
    assert file.place(("a", 0, "b", 1)) == Place("x.yaml", 3, 12)
    assert file.place(("a", 0, "é")) == Place("x.yaml", 2, 8)


def test_parts_of_a_path_that_only_a_model_has_are_skipped() -> None:
    file = read("only_if: [a, b]\nsummary: s\n")
    assert file.place(("only_if", "<list>", "all", 1)) == Place("x.yaml", 1, 14)
    assert file.place(("summary", 0, "text")) == Place("x.yaml", 2, 10)


def test_numbers_as_keys_stay_numbers() -> None:
    assert read("1: a\n'2': b\n").data == {1: "a", "2": "b"}


def test_nesting_without_end_is_refused() -> None:
    (problem,) = read("[" * 500).problems
    assert problem.code == "schema/too-deep"


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    (problem,) = read_yaml(path).problems
    assert (problem.code, problem.place.line) == ("schema/not-utf-8", 2)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(path).data == {"a": 1}


def test_a_file_over_one_megabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: " + "x" * 1_000_001, encoding="utf-8")
    assert [problem.code for problem in read_yaml(path).problems] == ["schema/too-large"]


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert [problem.code for problem in read_yaml(tmp_path / "x.yaml").problems] == ["schema/unreadable"]


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    file = read(text)
    assert file.data is not None or file.problems


@given(st.text(alphabet="ab:-[]{}&*!?#'\"\n\t ,<>|%@`~1", max_size=60))
def test_no_scramble_of_yaml_signs_breaks_the_reader(text: str) -> None:
    file = read(text)
    assert file.data is not None or file.problems
    assert all(problem.place.line > 0 or problem.code == "schema/syntax" for problem in file.problems)
