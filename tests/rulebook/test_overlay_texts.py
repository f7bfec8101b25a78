"""What a site may make of a text that says a number it changed."""

from __future__ import annotations

import pytest
from small_rulebook import RULE_FILE, Builder

OVERLAY = "../local/small.yaml"
SHIPPED = (
    "Above 140 the label asks for care [1]. Seen of 30 days; at 10 or more stop [2]. Call 988. {bp.date} [2]."
)
BEFORE = "Above 140 the label asks for care [1]. "
HEAD = """\
overlay: small
owner: site@example.org
numbers:
  - {rule: raised-pressure, shipped: "score >= 10 [2]", local: "score >= 12 [2]"}
texts:
"""


@pytest.fixture
def saying(book: Builder) -> Builder:
    """The small rulebook with a card that says numbers of a label and of local policy."""
    book.change(RULE_FILE, '"Measured {bp.date} [1]."', f'"{SHIPPED}"')
    return book


def told(book: Builder, local: str, shipped: str = SHIPPED) -> list[tuple[str, str]]:
    """The messages and hints about a text, each at the text in the overlay."""
    given = f'  - {{rule: raised-pressure, shipped: "{shipped}", local: "{local}"}}\n'
    book.write(OVERLAY, HEAD + given)
    problems = book.problems()
    assert all(one.code == "overlay/not-allowed" for one in problems)
    assert all(book.at(one) == f'"{local}"}}' for one in problems)
    return [(one.message, one.hint) for one in problems]


def test_the_new_number_takes_the_place_of_the_old_one(saying: Builder) -> None:
    assert told(saying, SHIPPED.replace("at 10", "at 12")) == []


def test_a_sentence_of_local_policy_may_be_said_otherwise(saying: Builder) -> None:
    policy = "We count 30 days, and from 12 on nobody starts [2]. Call 988. {bp.date} [2]."
    assert told(saying, BEFORE + policy) == []


def test_a_text_may_stay_as_it_is(saying: Builder) -> None:
    assert told(saying, SHIPPED) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at 10", "at 13"),  # not the new number
        ("Seen of 30", "Seen of 12"),  # the new number in place of another one
        ("Seen of 30", "Seen of 90"),  # another number
        ("at 10 or more", "at some height"),  # a number is gone
        ("at 10", "at 12 to 15"),  # one too many
        ("stop [2]", "go on [2]"),  # words only, and the old number
        ("Call 988", "Call 989"),
    ],
)
def test_no_other_number_is_changed(saying: Builder, old: str, new: str) -> None:
    ((message, hint),) = told(saying, SHIPPED.replace(old, new))
    assert "numbers" in message
    assert hint.endswith("140, 30, 12, 988")


@pytest.mark.parametrize(
    "label",
    [
        "Above 140 the label allows any dose [1]. ",
        "The label allows any dose. Above 140 the label asks for care [1]. ",
        "Above 140 the label asks for care, and allows any dose [1]. ",
        "Above 140 the label asks for care [1][2]. ",
        "Above 140 the label asks for care [1]. At any pressure [1]. ",
    ],
)
def test_what_another_source_says_stays_word_for_word(saying: Builder, label: str) -> None:
    ((message, _),) = told(saying, SHIPPED.replace("at 10", "at 12").replace(BEFORE, label))
    assert "another source than local policy" in message


@pytest.mark.parametrize(("local", "count"), [("None from 12 of them [1][2].", 0), ("All 12 [1][2].", 1)])
def test_a_number_beside_two_sources_is_changed_without_a_word(book: Builder, local: str, count: int) -> None:
    shipped = "None from 10 of them [1][2]."
    book.change(RULE_FILE, '"Measured {bp.date} [1]."', f'"{shipped}"')
    assert len(told(book, local, shipped)) == count


def test_a_declared_phrase_is_changed_in_no_single_text(saying: Builder) -> None:
    """A crisis line is said otherwise everywhere or nowhere."""
    saying.change("rulebook.yaml", "merge:\n", 'wording: {line: "Call 988."}\nmerge:\n')
    ((message, hint),) = told(saying, SHIPPED.replace("at 10", "at 12").replace("Call 988", "Dial 988"))
    assert ("declared phrase" in message, "wording:" in hint) == (True, True)


def test_a_text_without_words_is_refused(saying: Builder) -> None:
    ((message, _),) = told(saying, "140 [1] 30 12 [2] 988 {bp.date}")
    assert "no word" in message


# --- the telephone number of a changed phrase ----------------------------------------------------

LINE = 'overlay: small\nowner: me\nwording: {line: "Ruf an: 116 123 [2]."}\n'
CLAIM = "The line is 988 in the US; a reading counts for 30 days."


def claimed(book: Builder, local: str) -> list[str]:
    """What is said of a claim given with a changed crisis line."""
    book.change("rulebook.yaml", "merge:\n", 'wording: {line: "Call 988 [2]."}\nmerge:\n')
    book.change(RULE_FILE, '"Measured {bp.date} [1]."', '"Call 988 [2]."')
    book.change(RULE_FILE, "A reading counts for 30 days.", CLAIM)
    given = f'texts:\n  - {{rule: raised-pressure, shipped: "{CLAIM}", local: "{local}"}}\n'
    book.write(OVERLAY, LINE + given)
    return [one.message for one in book.problems()]


def test_a_claim_follows_the_telephone_number(book: Builder) -> None:
    assert claimed(book, "The line is 116 123 here; a reading counts for 30 days.") == []
    evidence = book.load().by_id["raised-pressure"].evidence
    assert "The line is 116 123 here; a reading counts for 30 days." in [one.claim for one in evidence]


@pytest.mark.parametrize(
    "local",
    [
        "The line is 116 124 here; a reading counts for 30 days.",  # not the number of the phrase
        "The line is 116 123 here; a reading counts for 14 days.",  # another number with it
        "The line is 116 123 here, not 988; a reading counts for 30 days.",
        "The line is 988 here; a reading counts for 30 days.",
    ],
)
def test_it_says_the_number_of_the_phrase_and_changes_no_other(book: Builder, local: str) -> None:
    (message,) = claimed(book, local)
    assert "numbers" in message
