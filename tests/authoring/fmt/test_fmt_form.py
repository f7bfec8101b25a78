"""What `cds fmt` makes of a file: one form, the same meaning, every comment still there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cds_service.authoring.fmt import order
from cds_service.authoring.fmt.text import FormatError, formatted, same
from cds_service.authoring.testfile import Case, RuleTests
from cds_service.errors import RuleError
from cds_service.rulebook import card, fact, files, overlay, rule
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import parse_yaml

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "rules").rglob("*.yaml"))
PATH = Path("a-rule.yaml")
VALUESET = Path("valuesets/a-set.yaml")


def data(text: str) -> Any:
    file = parse_yaml(text, "x.yaml")
    assert file.problems == ()
    return file.data


def test_keys_of_a_rule_come_in_the_order_of_a_page() -> None:
    text = "kind: caution\nrule: a\nlogic: x\ndata:\n  x:\n    give: age\n    ask: Why?\ntitle: T\n"
    assert formatted(text, PATH) == (
        "rule: a\ntitle: T\nkind: caution\n\ndata:\n  x:\n    ask: Why?\n    give: age\n\nlogic: x\n"
    )


def test_what_an_author_named_stays_in_the_authors_order() -> None:
    text = "rule: a\n\ndata:\n  z:\n    ask: Why?\n    where: {b: [x], a: [y]}\n\n  a:\n    ask: How?\n"
    assert formatted(text, PATH) == text


def test_comments_move_with_the_key_they_stand_before() -> None:
    text = "# the file\n\nrule: a\n# of the kind\nkind: x   # said here\n# of the title\ntitle: T\n"
    told = "# the file\n\nrule: a\n# of the title\ntitle: T\n# of the kind\nkind: x   # said here\n"
    assert formatted(text, PATH) == told


def test_a_comment_at_the_end_of_a_block_stays_in_it() -> None:
    text = "rule: a\n\nabout:\n  limits: none\n  # more to come\n\nlogic: x\n# the end\n"
    assert formatted(text, PATH) == text


def test_a_comment_before_the_first_key_of_an_item_stands_before_the_item() -> None:
    text = "rule: a\ntests:\n  - expect: true\n    # why\n    name: case\n"
    assert formatted(text, Path("a.test.yaml")) == (
        "rule: a\n\ntests:\n  # why\n  - name: case\n    expect: true\n"
    )


def test_lists_and_mappings_are_indented_by_two() -> None:
    text = 'valueset: a\ninclude:\n- system:   loinc\n  code: "1-8"\n-   system: loinc\n    code: "2-6"\n'
    assert formatted(text, VALUESET) == (
        'valueset: a\ninclude:\n  - system: loinc\n    code: "1-8"\n  - system: loinc\n    code: "2-6"\n'
    )


def test_blank_lines_stand_between_facts_and_between_tests() -> None:
    text = "rule: a\n\n\ntests:\n\n  - name: one\n    expect: true\n  - name: two\n    expect: false\n\n\n"
    assert formatted(text, Path("a.test.yaml")) == (
        "rule: a\n\ntests:\n  - name: one\n    expect: true\n\n  - name: two\n    expect: false\n"
    )


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ("title: 'A title'", "title: A title"),
        ("title: 'A: title'", 'title: "A: title"'),
        ('title: "no"', 'title: "no"'),
        ('title: "12"', 'title: "12"'),
        ('title: "a [2]"', "title: a [2]"),
        ('within: "6 months [1]"', "within: 6 months [1]"),
        ('unit: "x >= 2 [2] [3]"', "unit: x >= 2 [2] [3]"),
        ('calculate: "0.5 [1] * weight"', "calculate: 0.5 [1] * weight"),
        ('title: "[2] a"', 'title: "[2] a"'),
        ('within: "> 2 [1]"', 'within: "> 2 [1]"'),
        ('title: "a: b [1]"', 'title: "a: b [1]"'),
        ('title: "a # b [1]"', 'title: "a # b [1]"'),
        ("title: 'it''s \"so\"'", "title: 'it''s \"so\"'"),
        ('code: "I71"', 'code: "I71"'),
    ],
)
def test_quotes_go_where_they_say_nothing(seen: str, told: str) -> None:
    assert formatted(f"rule: a\n{seen}\n", PATH) == f"rule: a\n{told}\n"


def test_a_criterion_with_a_citation_in_brackets_keeps_its_quotes() -> None:
    text = 'rule: a\n\nlogic: {all: ["x >= 2 [2]", y]}\n'
    assert formatted(text, PATH) == text


def test_a_folded_text_that_is_too_wide_is_folded_anew() -> None:
    words = "seven letter words " * 12
    told = formatted(f"rule: a\n\nabout:\n  limits: >\n    {words.strip()}\n\n    more\n", PATH)
    assert max(map(len, told.splitlines())) <= 120
    assert data(told)["about"]["limits"] == f"{words.strip()}\nmore\n"


def test_blank_lines_within_a_text_are_part_of_it() -> None:
    text = 'rule: a\ntitle: "one\n\n\n  two"\n\nabout:\n  limits: |\n    one\n\n\n    two\n'
    assert formatted(text, PATH) == text


def test_a_list_too_long_for_its_line_has_one_item_a_line() -> None:
    items = [f"a-reason-with-a-long-name-{number}" for number in range(6)]
    told = formatted(f"rule: a\n\nhooks: [{', '.join(items)}]\n", PATH)
    assert told.splitlines()[2:4] == ["hooks:", f"  - {items[0]}"]


def test_a_file_that_cannot_be_read_is_refused_with_its_place() -> None:
    with pytest.raises(RuleError, match=r"rule\.yaml:2:1"):
        formatted("rule: a\nrule: b\n", PATH)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_means_the_same_once_formatted_and_stays_so(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    told = formatted(text, path)
    assert same(data(text), data(told))
    assert formatted(told, path) == told
    assert comments(told) == comments(text)


def comments(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return sorted(line for line in lines if line.startswith("#") and "yaml-language-server" not in line)


def names(*models: type[BaseModel]) -> set[str]:
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("ordered", "models"),
    [
        (order.RULE, (Rule,)),
        (order.ABOUT, (rule.About,)),
        (order.EVIDENCE, (rule.Evidence,)),
        (order.FACT, (fact.FindFact, fact.ViewFact, fact.LikeFact, fact.CalculateFact, fact.ConclusionFact)),
        (order.CARDS, (card.Cards,)),
        (order.CARD, (card.Card,)),
        (order.LINE, (card.Line,)),
        (order.SUGGESTION, (card.Suggestion,)),
        (order.ACTION, (card.Action,)),
        (order.RESOURCE, (card.FromTemplate, card.FromFact)),
        (order.TESTS, (RuleTests,)),
        (order.CASE, (Case,)),
        (order.VALUESET, (files.ValueSetFile,)),
        (order.MEMBER, (files.Code, files.Prefix)),
        (order.TABLE, (files.TableFile,)),
        (order.TABLE.of("rows").of("x"), (files.TableRow,)),
        (order.TEMPLATE, (files.TemplateFile,)),
        (order.SOURCE_LIST.of("1"), (files.Source,)),
        (order.REASON_LIST.of("x"), (files.OverrideReason,)),
        (order.BOOK_FILE, (files.RulebookFile,)),
        (order.OVERLAY, (overlay.OverlayFile,)),
        (order.OVERLAY.of("numbers"), (overlay.NumberChange,)),
        (order.OVERLAY.of("texts"), (overlay.TextChange,)),
        (order.OVERLAY.of("valuesets").of("x"), (overlay.CodesChange,)),
        (order.BOOK_FILE.of("could_not_check"), (files.CouldNotCheck,)),
    ],
)
def test_every_key_of_a_model_has_its_place(
    ordered: order.Order, models: tuple[type[BaseModel], ...]
) -> None:
    assert set(ordered.keys) == names(*models)
    assert len(set(ordered.keys)) == len(ordered.keys)


@pytest.mark.parametrize(
    ("one", "other"), [("1", 1), ({"a": 1}, {"a": True}), ([1, 2], [2, 1]), ({"a": 1}, {"a": 1, "b": 1})]
)
def test_what_differs_in_type_order_or_keys_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert same({"a": [one], "b": 1}, {"b": 1, "a": [one]})


def test_a_file_that_cannot_be_laid_out_without_changing_it_is_left_alone() -> None:
    """A line separator within quotes would become a line break."""
    with pytest.raises(FormatError, match="left alone") as told:
        formatted('rule: a\nkind: x\ntitle: "one\u2028two"\n', PATH)
    assert str(told.value).startswith("a-rule.yaml:3:8: ")


@pytest.mark.parametrize("mark", ["|", ">"])
def test_a_blank_that_is_part_of_a_text_is_told_with_its_place(mark: str) -> None:
    text = f"rule: a  \n\nabout:\n  limits: {mark}\n    First \n    second.\n"
    with pytest.raises(FormatError) as told:
        formatted(text, PATH)
    assert str(told.value).startswith(
        "a-rule.yaml:5:10: the blank at the end of this line is part of a text; remove it"
    )
    mended = text.replace("First ", "First")
    assert formatted(mended, PATH) == mended.replace("a  ", "a")
