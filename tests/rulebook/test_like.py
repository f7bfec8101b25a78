"""`like: another_fact` is that fact written out: the same rule, mistakes told where they can be mended."""

from __future__ import annotations

import pytest
from small_rulebook import RULE_FILE, Builder

from cds_service.errors import Problem

ILLNESS = """\
  illness:
    ask: Is the illness on the problem list?
    find: Condition
    code_in: illness
    where: {clinicalStatus: [active, relapse]}
    unsure: {verificationStatus: [provisional]}
    date: [onset, recordedDate]
    within: 30 days [2]
    give: exists
    record: complete
    because: The list is reconciled at every visit [2].
"""
LIKE = """\
  old_illness:
    ask: Was the illness on the problem list for longer?
    like: illness
    where: {verificationStatus: {not: [refuted]}}
    within: 90 days [2]
    give: count
    record: partial
"""
SPELLED_OUT = """\
  old_illness:
    ask: Was the illness on the problem list for longer?
    find: Condition
    code_in: illness
    where:
      clinicalStatus: [active, relapse]
      verificationStatus: {not: [refuted]}
    unsure: {verificationStatus: [provisional]}
    date: [onset, recordedDate]
    within: 90 days [2]
    give: count
    record: partial
"""
CLAIMED = ("    claim: A reading counts for 30 days.\n", "    claim: A reading counts for 30 or 90 days.\n")
USED = ("    - visits >= 1\n", "    - visits >= 1\n    - old_illness > 0\n")


def with_fact(book: Builder, fact: str) -> Builder:
    book.change(RULE_FILE, ILLNESS, ILLNESS + fact)
    book.change(RULE_FILE, *CLAIMED)
    book.change(RULE_FILE, *USED)
    return book


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, "\n".join(f"{problem} [{problem.code}]" for problem in problems)
    return problems[0]


def line_of(book: Builder, text: str, nth: int = 0) -> int:
    lines = (book.folder / RULE_FILE).read_text().splitlines()
    return [at for at, line in enumerate(lines, 1) if text in line][nth]


def test_a_fact_like_another_is_that_fact_with_its_own_lines(book: Builder) -> None:
    written_out = with_fact(book, SPELLED_OUT).load().by_id["raised-pressure"]
    book.change(RULE_FILE, SPELLED_OUT, LIKE)
    assert book.load().by_id["raised-pressure"] == written_out


def test_how_rows_are_answered_is_not_taken_over(book: Builder) -> None:
    with_fact(book, LIKE.replace("    give: count\n    record: partial\n", ""))
    told = only(book.problems())
    assert told.code == "schema/missing-key"
    assert "give" in told.message


def test_what_silence_means_is_not_taken_over(book: Builder) -> None:
    with_fact(book, LIKE.replace("    record: partial\n", ""))
    assert only(book.problems()).code == "data/record-undecided"


@pytest.mark.parametrize(
    ("like", "message", "hint"),
    [
        ("ilness", "there is no fact 'ilness' above", "did you mean 'illness'?"),
        ("[illness]", "like names one fact, and this is a list", "write like: illness"),
        ("[illness, bp]", "there is no fact ['illness', 'bp'] above", "illness"),
        ("bp", "'bp' does not stand above", "move bp before old_illness"),
        (
            "old_illness",
            "a fact cannot be like itself",
            "name one of those above that look for rows: age, illness",
        ),
        ("illness\n    find: Condition", "a fact has exactly one of find, view, like", "remove like"),
    ],
)
def test_what_cannot_be_spelled_out_is_told_at_its_line(
    book: Builder, like: str, message: str, hint: str
) -> None:
    with_fact(book, LIKE.replace("like: illness", f"like: {like}"))
    told = only(book.problems())
    assert (told.code, told.place.line) == ("schema/bad-like", line_of(book, "    like: "))
    assert told.message == message
    assert hint in told.hint


def test_no_fact_is_like_one_that_is_like_another(book: Builder) -> None:
    third = LIKE.replace("old_illness", "older_illness").replace("like: illness", "like: old_illness")
    with_fact(book, LIKE + third)
    book.change(RULE_FILE, "    - old_illness > 0\n", "    - old_illness > 0\n    - older_illness > 0\n")
    told = only(book.problems())
    assert (told.message, told.hint) == ("'old_illness' is itself like another fact", "write like: illness")


@pytest.mark.parametrize(
    ("first", "second", "hint"),
    [
        ("older_illness", "illness", "write like: illness"),
        ("older_illness", "bp", "move bp before old_illness and write like: bp"),
        ("older_illness", "old_illness", "name one of those above that look for rows: age, illness"),
        ("older_illness", "nothing", "name one of those above that look for rows: age, illness"),
    ],
)
def test_what_is_to_be_written_instead_is_itself_right(
    book: Builder, first: str, second: str, hint: str
) -> None:
    """The fact below is like another, too: to move it up would not help."""
    below = LIKE.replace("old_illness", "older_illness").replace("like: illness", f"like: {second}")
    with_fact(book, LIKE.replace("like: illness", f"like: {first}") + below)
    book.change(RULE_FILE, "    - old_illness > 0\n", "    - old_illness > 0\n    - older_illness > 0\n")
    line = line_of(book, f"    like: {first}")
    told = [one for one in book.problems() if one.place.line == line]
    assert [(one.message, one.hint) for one in told] == [
        ("'older_illness' is itself like another fact", hint)
    ]


def test_a_fact_without_rows_is_like_nothing(book: Builder) -> None:
    half = "  half:\n    ask: How much is half the age?\n    calculate: 0.5 [1] * age\n"
    with_fact(book, half + LIKE.replace("like: illness", "like: half"))
    book.change(RULE_FILE, "    - old_illness > 0\n", "    - old_illness > 0\n    - half > 0\n")
    assert only(book.problems()).message == "'half' has no rows: it has neither find nor view"


def test_a_mistake_that_is_taken_over_is_told_once_where_it_stands(book: Builder) -> None:
    with_fact(book, LIKE)
    book.change(RULE_FILE, "    code_in: illness\n    where", "    code_in: ilness\n    where")
    told = only(book.problems())
    assert (told.code, told.place.line) == ("data/unknown-valueset", line_of(book, "code_in: ilness"))


def test_a_mistake_that_only_arises_by_taking_over_is_told_at_the_like(book: Builder) -> None:
    fact = LIKE.replace("like: illness", "like: bp").replace("    within: 90 days [2]\n", "")
    book.change(RULE_FILE, "    unit: mm[Hg]\n", "    unit: mm[Hg]\n" + fact)
    book.change(RULE_FILE, *USED)
    assert {problem.place.line for problem in book.problems()} <= {
        line_of(book, "like: bp"),
        line_of(book, "where: {verificationStatus: {not"),
    }
