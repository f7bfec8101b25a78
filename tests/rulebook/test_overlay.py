"""What a site changes in a rulebook: what it may, what it may not, and where it is told so."""

from __future__ import annotations

import pytest
from small_rulebook import RULE_FILE, Builder

from cds_service.errors import Problem
from cds_service.rulebook.fact import FindFact
from cds_service.rulebook.rule import Rule

HEAD = "overlay: small\nowner: site@example.org\n"
OVERLAY = "../local/small.yaml"
WINDOW = """\
numbers:
  - {rule: raised-pressure, shipped: "30 days [2]", local: "14 days [2]"}
texts:
  - rule: raised-pressure
    shipped: A reading counts for 30 days.
    local: A reading counts for 14 days.
"""
ILL = """\
valueset: illness
title: illness
owner: test@example.org
include:
  - {system: loinc, code: "A"}
  - {system: nowhere, code: "B"}
"""
WORDING = 'wording: {measured: "Measured {bp.date} [1]."}\n'


def overlay(book: Builder, text: str, head: str = HEAD) -> tuple[Problem, ...]:
    book.write(OVERLAY, head + text)
    return book.problems()


def refused(book: Builder, text: str, code: str, words: str) -> None:
    """Exactly one problem, of this code, at these words of the overlay."""
    (problem,) = overlay(book, text)
    assert (problem.code, book.at(problem)) == (f"overlay/{code}", words)
    assert problem.message and problem.hint


def within(book: Builder, fact: str) -> str:
    found = book.load().by_id["raised-pressure"].data[fact]
    return str(found.within.text) if getattr(found, "within", None) else ""


def texts(rule: Rule) -> list[str]:
    return [line.text for line in rule.cards.when_true[0].detail]


def test_without_an_overlay_nothing_is_local(book: Builder) -> None:
    assert book.load().local == ()


# --- codes ---------------------------------------------------------------------------------------


def test_codes_are_added_and_taken_out(book: Builder) -> None:
    changed = (
        'valuesets: {illness: {add: [{system: loinc, code: "B"}], remove: [{system: loinc, code: "A"}]}}\n'
    )
    assert overlay(book, changed) == ()
    members = book.load().terminology.valuesets["illness"].include
    assert [getattr(one, "code", "") for one in members] == ["B"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            'illnes: {add: [{system: loinc, code: "B"}]}',
            "unknown-name",
            '{add: [{system: loinc, code: "B"}]}}',
        ),
        ('illness: {add: [{system: loinc, code: "A"}]}', "already-so", '{system: loinc, code: "A"}]}}'),
        ('illness: {remove: [{system: loinc, code: "Z"}]}', "unknown-name", '{system: loinc, code: "Z"}]}}'),
    ],
)
def test_codes_that_cannot_be_changed_are_told(book: Builder, change: str, code: str, words: str) -> None:
    refused(book, f"valuesets: {{{change}}}\n", code, words)


def test_a_mistake_in_an_added_code_is_told_at_the_overlay(book: Builder) -> None:
    (problem,) = overlay(book, 'valuesets: {illness: {add: [{system: nowhere, code: "B"}]}}\n')
    assert problem.place.file.endswith("local/small.yaml")
    assert problem.place.line == 3


def test_a_value_set_emptied_is_refused_at_what_empties_it(book: Builder) -> None:
    removed = '{remove: [{system: loinc, code: "A"}]}'
    refused(book, f"valuesets: {{illness: {removed}}}\n", "not-allowed", '[{system: loinc, code: "A"}]}}')


def test_every_code_may_be_exchanged(book: Builder) -> None:
    both = '{remove: [{system: loinc, code: "A"}], add: [{system: loinc, code: "B"}]}'
    assert overlay(book, f"valuesets: {{illness: {both}}}\n") == ()


# --- numbers -------------------------------------------------------------------------------------


def test_a_number_of_local_policy_is_changed_everywhere_in_the_rule(book: Builder) -> None:
    assert overlay(book, WINDOW) == ()
    assert (within(book, "illness"), within(book, "bp")) == ("14 days [2]", "14 days [2]")


def test_a_number_is_changed_in_one_fact_only(book: Builder) -> None:
    assert overlay(book, WINDOW.replace('shipped: "30', 'fact: bp, shipped: "30')) == ()
    assert (within(book, "illness"), within(book, "bp")) == ("30 days [2]", "14 days [2]")


def test_a_criterion_is_changed_where_it_stands(book: Builder) -> None:
    assert (
        overlay(
            book, 'numbers: [{rule: raised-pressure, shipped: "score >= 10 [2]", local: "score >= 8 [2]"}]\n'
        )
        == ()
    )
    assert "score >= 8 [2]" in repr(book.load().by_id["raised-pressure"].logic)


@pytest.mark.parametrize(
    ("shipped", "local"),
    [
        ("age >= 18 [1]", "age >= 16 [1]"),
        ("visits >= 1", "visits >= 2"),
        ("score >= 10 [2]", "score > 8 [2]"),
        ("score >= 10 [2]", "score >= 8 [1]"),
        ("score >= 10 [2]", "age >= 8 [2]"),
        ("score >= 10 [2]", "score >= 10 [2]"),
        ("The list is reconciled at every visit [2].", "The list is never looked at [2]."),
    ],
)
def test_nothing_but_a_number_of_local_policy_can_be_changed(book: Builder, shipped: str, local: str) -> None:
    line = f'- {{rule: raised-pressure, shipped: "{shipped}", local: "{local}"}}'
    refused(book, f"numbers:\n  {line}\n", "not-allowed", f'"{local}"}}')


def test_a_line_that_is_not_there_is_told_with_the_nearest(book: Builder) -> None:
    line = 'numbers: [{rule: raised-pressure, shipped: "score >= 11 [2]", local: "score >= 8 [2]"}]\n'
    (problem,) = overlay(book, line)
    assert problem.code == "overlay/unknown-name"
    assert "score >= 10 [2]" in problem.hint


def test_a_rule_that_is_not_there_is_told(book: Builder) -> None:
    line = 'numbers: [{rule: raised-presure, shipped: "score >= 10 [2]", local: "score >= 8 [2]"}]\n'
    (problem,) = overlay(book, line)
    assert (problem.code, "raised-pressure" in problem.hint) == ("overlay/unknown-name", True)


def test_a_text_that_says_the_shipped_number_has_to_be_given_too(book: Builder) -> None:
    (problem,) = overlay(book, WINDOW[: WINDOW.index("texts:")])
    assert problem.code == "overlay/text-keeps-number"
    assert "A reading counts for 30 days." in problem.message


def test_what_a_source_says_is_not_changed(book: Builder) -> None:
    """The claim of a label stays, whatever a site does."""
    book.change(RULE_FILE, "Above 140 is raised.", "Above 140 on 30 days is raised.")
    claim = '  - {rule: raised-pressure, shipped: "Above 140 on 30 days is raised.", local: "LOCAL"}\n'
    stays = "Above 140 on 30 days is raised."
    assert overlay(book, WINDOW + claim.replace("LOCAL", stays)) == ()
    refused(book, WINDOW + claim.replace("LOCAL", "On 14 days."), "not-allowed", '"On 14 days."}')


@pytest.mark.parametrize("local", ["Measured in 14 days.", "Measured {bp.date} {age} in 14 days [2]."])
def test_a_text_keeps_its_citations_and_placeholders(book: Builder, local: str) -> None:
    book.change(RULE_FILE, '"Measured {bp.date} [1]."', '"Measured {bp.date} in 30 days [2]."')
    given = '  - {rule: raised-pressure, shipped: "Measured {bp.date} in 30 days [2].", local: "LOCAL"}\n'
    refused(book, WINDOW + given.replace("LOCAL", local), "not-allowed", f'"{local}"}}')
    assert overlay(book, WINDOW + given.replace("LOCAL", "Measured {bp.date} in 14 days [2].")) == ()
    assert texts(book.load().by_id["raised-pressure"])[0] == "Measured {bp.date} in 14 days [2]."


def test_a_text_without_a_changed_number_is_not_changed(book: Builder) -> None:
    given = 'texts: [{rule: raised-pressure, shipped: "Plan a visit", local: "Plan nothing"}]\n'
    refused(book, given, "not-allowed", '"Plan a visit", local: "Plan nothing"}]')


# --- wording -------------------------------------------------------------------------------------


def test_a_declared_phrase_is_said_otherwise(book: Builder) -> None:
    book.change("rulebook.yaml", "merge:\n", f"{WORDING}merge:\n")
    assert overlay(book, 'wording: {measured: "Taken on {bp.date} [1]."}\n') == ()
    assert texts(book.load().by_id["raised-pressure"])[0] == "Taken on {bp.date} [1]."


def test_a_phrase_that_is_not_declared_is_refused(book: Builder) -> None:
    refused(book, 'wording: {measured: "Taken."}\n', "unknown-name", '"Taken."}')


def test_a_phrase_keeps_its_citations_and_placeholders(book: Builder) -> None:
    book.change("rulebook.yaml", "merge:\n", f"{WORDING}merge:\n")
    refused(book, 'wording: {measured: "Taken."}\n', "not-allowed", '"Taken."}')


def test_a_declared_phrase_that_no_card_holds_is_refused(book: Builder) -> None:
    book.change("rulebook.yaml", "merge:\n", "wording: {measured: Not said anywhere.}\nmerge:\n")
    (problem,) = book.problems()
    assert (problem.code, book.at(problem)) == ("card/unused-wording", "Not said anywhere.}")


@pytest.mark.parametrize(
    ("shipped", "local"),
    [
        ("Call 988, day or night [2].", "[2]"),
        ("Call 988, day or night [2].", "116 123 [2]."),
        ("Call 988, day or night [2].", "Call somebody [2]."),
        ("Call 988, day or night [2].", "Call 9 [2]."),
        ("Measured {bp.date} [1].", "{bp.date} [1]."),
    ],
)
def test_a_phrase_keeps_words_and_its_telephone_number(book: Builder, shipped: str, local: str) -> None:
    if "988" in shipped:
        book.change(RULE_FILE, '"Measured {bp.date} [1]."', f'"{shipped}"')
    book.change("rulebook.yaml", "merge:\n", f'wording: {{measured: "{shipped}"}}\nmerge:\n')
    refused(book, f'wording: {{measured: "{local}"}}\n', "not-allowed", f'"{local}"}}')


def test_a_crisis_line_of_another_country_is_a_phrase_like_another(book: Builder) -> None:
    book.change(RULE_FILE, '"Measured {bp.date} [1]."', '"Call 988 [2]."')
    book.change("rulebook.yaml", "merge:\n", 'wording: {line: "Call 988 [2]."}\nmerge:\n')
    assert overlay(book, 'wording: {line: "Ruf an: 0800-111 0 111 [2]."}\n') == ()
    assert texts(book.load().by_id["raised-pressure"])[0] == "Ruf an: 0800-111 0 111 [2]."


# --- where a mistake is told ---------------------------------------------------------------------


def test_a_mistake_made_by_a_changed_phrase_is_told_at_the_overlay(book: Builder) -> None:
    book.change("rulebook.yaml", "merge:\n", "wording: {top: Blood pressure}\nmerge:\n")
    refused_long = "Blood " * 40
    (problem,) = overlay(book, f"wording: {{top: {refused_long}}}\n")
    assert problem.code == "card/summary-too-long"
    assert book.at(problem).startswith("Blood Blood")


def test_a_mistake_in_a_code_that_stays_keeps_its_place(book: Builder) -> None:
    book.write("valuesets/illness.yaml", ILL)
    assert overlay(book, 'valuesets: {illness: {remove: [{system: loinc, code: "A"}]}}\n')
    (problem,) = book.problems()
    assert problem.place.file.endswith("valuesets/illness.yaml")
    assert "nowhere" in book.at(problem)


# --- the file, and where it shows ----------------------------------------------------------------


def test_an_overlay_names_its_rulebook(book: Builder) -> None:
    (problem,) = overlay(book, "", "overlay: smal\nowner: me\n")
    assert (problem.code, book.at(problem)) == ("overlay/unknown-name", "smal")


def test_a_key_an_overlay_may_not_have_is_refused(book: Builder) -> None:
    (problem,) = overlay(book, "logic: {all: [age]}\n")
    assert (problem.code, problem.place.line) == ("schema/unknown-key", 3)


def test_an_overlay_is_part_of_the_digest(book: Builder) -> None:
    shipped = book.load().digest
    assert overlay(book, WINDOW) == ()
    local = book.load().digest
    assert local != shipped
    assert overlay(book, WINDOW.replace("14", "15")) == ()
    assert book.load().digest not in (shipped, local)
    (book.folder / OVERLAY).unlink()
    assert book.load().digest == shipped


def test_a_rulebook_knows_what_was_changed_and_where(book: Builder) -> None:
    assert overlay(book, WINDOW) == ()
    changes = [one for one in book.load().local if one.path == ("data", "bp", "within")]
    (change,) = changes
    assert (change.target, change.shipped, change.local) == ("raised-pressure", "30 days [2]", "14 days [2]")
    assert change.place.file.endswith("local/small.yaml") and change.place.line == 4


def test_the_shipped_files_are_left_as_they_are(book: Builder) -> None:
    before = (book.folder / RULE_FILE).read_bytes()
    assert overlay(book, WINDOW) == ()
    book.load()
    assert (book.folder / RULE_FILE).read_bytes() == before
    assert isinstance(book.load().by_id["raised-pressure"].data["illness"], FindFact)
