"""The conditions of a fact on its rows: each is true, false or undecided, with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cds_service.facts.chart import Chart
from cds_service.facts.dates import When, inside, midnight, months_before
from cds_service.facts.elements import Codes
from cds_service.facts.finding import Cell, Quantity
from cds_service.facts.quantity import convert
from cds_service.facts.reasons import DANGLING
from cds_service.facts.statuses import UNREAD
from cds_service.rulebook.criterion import Duration, Threshold
from cds_service.rulebook.fact import Absent, InSet, Listed, NotInSet, NotListed, Unreadable, WhereTest
from cds_service.rulebook.terminology import Coded, Terminology
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, compare, exactly, negate, truth_of

CodesTest = Callable[[Codes, frozenset[str]], Truth]


@dataclass(frozen=True)
class Reader:
    """How the codes of an element are read.

    `element` names it, for value sets that judge it. Where the codes are `chosen` from a list, as an answer
    or a route is, only the `judges` say what one means: in none of them it is not understood, whatever its
    system and whatever it means elsewhere. Without judges any value set will do.
    """

    terminology: Terminology
    element: str = ""
    chosen: bool = False
    judges: frozenset[str] = frozenset()

    def asking(self, named: frozenset[str]) -> Reader:
        """The reader of a condition that asks for these value sets."""
        return replace(self, judges=self.terminology.judges(named)) if self.chosen else self

    def understands(self, code: Coded) -> bool:
        """Whether a code is in a value set that judges it, or known to be in none."""
        sets = self.terminology.sets_of(code.system, code.code)
        if self.chosen:
            return not sets.isdisjoint(self.judges) if self.judges else bool(sets)
        return bool(sets) or self.terminology.knows_system(code.system)

    def left_open(self, codes: tuple[Coded, ...], named: frozenset[str]) -> bool:
        """Whether codes that are understood leave open, by their words, if they are in one of these sets."""
        if not named.isdisjoint(self.terminology.left_open(self.element, codes)):
            return True
        beyond = named & self.terminology.partial if self.element != OWN_CODE else None
        return bool(beyond) and not named.isdisjoint(self.terminology.may_still_mean(codes))


_NOT_THERE = (UNREAD, DANGLING)
OWN_CODE = "code"
"""The element whose words were looked up when its resource was filed."""


def codes_test(test: WhereTest, reader: Reader) -> CodesTest:
    """A condition on an element with codes; the second argument are value sets already known for them."""
    if isinstance(test, Listed):
        wanted = frozenset(test.values)
        return lambda codes, sets: _listed(codes, wanted)
    if isinstance(test, NotListed):
        unwanted = frozenset(test.values)
        return lambda codes, sets: TRUE if codes is None else negate(_listed(codes, unwanted))
    if isinstance(test, Absent):
        return lambda codes, sets: truth_of(codes is None)
    if isinstance(test, InSet):
        return _in_sets_or(test, reader)
    if isinstance(test, NotInSet):
        return _outside_sets(test, reader)
    if isinstance(test, Unreadable):
        return lambda codes, sets: all_of((unreadable(codes, reader), mentions(codes, test.mentions)))
    return lambda codes, sets: UNKNOWN


def _in_sets_or(test: InSet, reader: Reader) -> CodesTest:
    named, or_absent, or_unreadable = frozenset(test.valuesets), test.or_absent, test.or_unreadable
    reader = reader.asking(named)

    def check(codes: Codes, sets: frozenset[str]) -> Truth:
        if or_absent and codes is None:
            return TRUE
        answer = _in_sets(codes, sets, named, reader)
        return any_of((answer, unreadable(codes, reader))) if or_unreadable else answer

    return check


def _outside_sets(test: NotInSet, reader: Reader) -> CodesTest:
    barred, or_unreadable = frozenset(test.valuesets), test.or_unreadable
    reader = reader.asking(barred)

    def check(codes: Codes, sets: frozenset[str]) -> Truth:
        if codes is None:
            return TRUE
        answer = negate(_in_sets(codes, sets, barred, reader))
        return any_of((answer, unreadable(codes, reader))) if or_unreadable else answer

    return check


def unreadable(codes: Codes, reader: Reader) -> Truth:
    """Whether an element is recorded and none of its codes can be judged; open while data is missing."""
    if codes is None:
        return FALSE
    understood = any(reader.understands(code) for code in codes)
    if understood and not reader.terminology.left_open(reader.element, codes):
        return FALSE
    return UNKNOWN if any(code.system == UNREAD for code in codes) else TRUE


def mentions(codes: Codes, parts: Sequence[str]) -> Truth:
    """Whether the words of an element hold one of these parts; true if none is asked for."""
    said = [code.display or code.code for code in codes or () if code.system != UNREAD]
    return truth_of(not parts or any(part.casefold() in text.casefold() for text in said for part in parts))


def _listed(codes: Codes, wanted: frozenset[str]) -> Truth:
    if codes is None:
        return UNKNOWN
    answer = FALSE
    for code in codes:
        if code.code in wanted:
            return TRUE
        if code.system in _NOT_THERE:
            answer = UNKNOWN
    return answer


def _in_sets(codes: Codes, sets: frozenset[str], named: frozenset[str], reader: Reader) -> Truth:
    if not sets.isdisjoint(named):
        return TRUE
    if codes is None:
        return UNKNOWN
    understood = False
    undecided = False
    for code in codes:
        if not named.isdisjoint(reader.terminology.sets_of(code.system, code.code)):
            return TRUE
        understood = understood or reader.understands(code)
        undecided = undecided or code.system == UNREAD
    if undecided or (understood and reader.left_open(codes, named)):
        return UNKNOWN
    return FALSE if understood or _told_otherwise(codes, named, reader.terminology) else UNKNOWN


def _told_otherwise(codes: tuple[Coded, ...], named: frozenset[str], terminology: Terminology) -> bool:
    """Whether codes nobody knows are told in words, and not in those of the sets named."""
    if any(code.system == DANGLING for code in codes):
        return False
    return named <= terminology.words.sets and named.isdisjoint(terminology.may_mean(codes))


def cell_test(test: WhereTest, reader: Reader) -> Callable[[Cell], Truth]:
    """A condition on one column of a view's row; UNKNOWN stands for a column that a lost key may fill."""
    if isinstance(test, Threshold):
        return _threshold(test)
    if isinstance(test, Absent):
        return lambda cell: UNKNOWN if cell is UNKNOWN else truth_of(cell is None)
    if isinstance(test, (Listed, NotListed)):
        return _listed_cell(test, reader)
    check = codes_test(test, reader)
    return lambda cell: UNKNOWN if cell is UNKNOWN else check(_cell_codes(cell), frozenset())


def _listed_cell(test: Listed | NotListed, reader: Reader) -> Callable[[Cell], Truth]:
    """A condition on words; most cells hold one, and are compared as they are."""
    check, values, listed = codes_test(test, reader), frozenset(test.values), isinstance(test, Listed)

    def compare_words(cell: Cell) -> Truth:
        if cell.__class__ is str:
            return TRUE if (cell in values) is listed else FALSE
        return UNKNOWN if cell is UNKNOWN else check(_cell_codes(cell), frozenset())

    return compare_words


def _cell_codes(cell: Cell) -> Codes:
    if isinstance(cell, str):
        return (Coded("", cell),)
    if isinstance(cell, tuple):
        return cell or None
    return None


def _threshold(test: Threshold) -> Callable[[Cell], Truth]:
    number, comparator, unit = test.number, test.comparator, test.unit
    if number is None:
        # A comparison with a table column is settled by the view, whose column is already the answer.
        return lambda cell: cell if isinstance(cell, Truth) else UNKNOWN

    def check(cell: Cell) -> Truth:
        if not isinstance(cell, Quantity):
            return UNKNOWN
        measured = convert(cell, unit) if unit and cell.unit != unit else cell
        return UNKNOWN if measured is None else compare(measured.span, comparator, exactly(number))

    return check


def window(chart: Chart, duration: Duration) -> tuple[datetime, datetime]:
    """The instants [start, end) a `within` names: calendar days up to the end of today, or clock time."""
    known: tuple[datetime, datetime] | None = chart.cache.get(duration.text)
    if known is None:
        known = chart.cache[duration.text] = _window(chart, duration)
    return known


def _window(chart: Chart, duration: Duration) -> tuple[datetime, datetime]:
    today, zone, tomorrow = chart.today, chart.zone, chart.tomorrow
    if duration.unit == "minutes":
        return chart.as_of - timedelta(minutes=duration.number), chart.ahead_from
    if duration.unit == "hours":
        return chart.as_of - timedelta(hours=duration.number), chart.ahead_from
    if duration.unit in ("months", "years"):
        months = duration.number * (12 if duration.unit == "years" else 1)
        return midnight(months_before(today, months), zone), tomorrow
    days = duration.number * (7 if duration.unit == "weeks" else 1)
    return midnight(today - timedelta(days=days), zone), tomorrow


def within(when: When | None, limits: tuple[datetime, datetime] | None) -> Truth:
    """Whether a row's date lies in the window; without a date nobody can tell."""
    if limits is None:
        return TRUE
    return UNKNOWN if when is None else inside(when, *limits)


_CITATION = re.compile(r"\s*\[\d+\]")
_COMPARED = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "==": "exactly",
    "!=": "anything but",
}


def describe(test: WhereTest) -> str:
    """What a condition asks for, in words and without its citation, which is the rule's to give."""
    if isinstance(test, Threshold):
        asked = _CITATION.sub("", test.text.removeprefix(test.comparator)).strip()
        return f"needs {_COMPARED[test.comparator]} {asked}"
    if isinstance(test, Absent):
        return "must not be recorded"
    if isinstance(test, Unreadable):
        return "must be recorded and not readable"
    if isinstance(test, (Listed, NotListed)):
        return ("needs " if isinstance(test, Listed) else "must not be ") + _either(test.values)
    return ("must be" if isinstance(test, InSet) else "must not be") + " in " + _either(test.valuesets)


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)
