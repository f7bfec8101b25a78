"""What the checks know of a fact's source: its columns, its dates, its codes, what it can give."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

from cds_service.rulebook.criterion import NOT_READ, GiveKind
from cds_service.rulebook.fact import CalculateFact
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import ConclusionFact, FactShape, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.views import FIND_COLUMNS, FINDABLE, VIEWS, ColumnKind

DATED_GIVES: frozenset[GiveKind] = frozenset(
    {"latest value", "latest reading", "latest date", "earliest date"}
)
_COUNTS: tuple[GiveKind, ...] = ("exists", "count", "count_distinct")
_DATES: tuple[GiveKind, ...] = ("latest date", "earliest date")
_READ_ALONE = ("Encounter", "Condition", "AllergyIntolerance", "Procedure", "Observation")
"""Types whose entries need no other resource to be understood, as those of a drug may."""
_NUMBERS: tuple[GiveKind, ...] = ("count", "count_distinct", "latest value", "age")

FACT_ARGUMENTS: Mapping[tuple[str, str], Literal["number", "date"]] = {
    ("ordered_doses", "weight"): "number",
    ("score_change", "since"): "date",
}
"""What a fact named as a view's argument must give, by view and argument."""


def row_columns(fact: RowsFact) -> Mapping[str, ColumnKind]:
    """The columns of a fact's rows; empty if its source is unknown."""
    if isinstance(fact, ViewFact):
        return VIEWS[fact.view].columns if fact.view in VIEWS else {}
    if isinstance(fact, FindFact) and fact.find == "Observation":
        return FIND_COLUMNS
    return {name: kind for name, kind in FIND_COLUMNS.items() if name == "day"}


def condition_names(fact: RowsFact) -> tuple[str, ...]:
    """What `where` and `unsure` may test: elements of a resource type, columns of a view."""
    if isinstance(fact, ViewFact):
        return tuple(VIEWS[fact.view].columns)
    assert isinstance(fact, FindFact)
    return FINDABLE[fact.find].elements


def column_kind(fact: RowsFact, name: str) -> ColumnKind:
    """What a column or element holds; elements hold codes."""
    return VIEWS[fact.view].columns[name] if isinstance(fact, ViewFact) else "code"


def allowed_codes(fact: RowsFact, name: str) -> frozenset[str]:
    """The codes FHIR allows in an element or column; empty if any text may stand there."""
    if isinstance(fact, FindFact):
        return FINDABLE[fact.find].allowed(fact.find, name)
    assert isinstance(fact, ViewFact)
    if name != "status":
        return frozenset()
    each = [FINDABLE[kind].allowed(kind, name) for kind in VIEWS[fact.view].reads]
    return frozenset().union(*each) if all(each) else frozenset()


def known_dates(fact: RowsFact) -> tuple[str, ...]:
    """The dates of a fact's rows."""
    if isinstance(fact, FindFact):
        return FINDABLE[fact.find].dates
    return tuple(name for name, kind in row_columns(fact).items() if kind == "date")


def gives(fact: RowsFact) -> tuple[GiveKind, ...]:
    """What a fact can give of its source."""
    return (*_gives(fact), "possible") if _can_be_possible(fact) else _gives(fact)


def _can_be_possible(fact: RowsFact) -> bool:
    """Whether nothing that was not obtained could turn a "maybe" into "no" and still be acted on."""
    if fact.after is not None or fact.before is not None:
        return False
    if isinstance(fact, ViewFact):
        return VIEWS[fact.view].possible != "never"
    assert isinstance(fact, FindFact)
    return fact.find in _READ_ALONE and "reason" not in {**fact.where, **fact.unsure}


def _gives(fact: RowsFact) -> tuple[GiveKind, ...]:
    if isinstance(fact, ViewFact):
        view = VIEWS[fact.view]
        value: tuple[GiveKind, ...] = ("latest value",) if view.value else ()
        answers: tuple[GiveKind, ...] = ("any_yes",) if view.answers else ()
        return (*_COUNTS, *value, "latest reading", *_DATES, *answers)
    assert isinstance(fact, FindFact)
    if fact.find == "Patient":
        return ("exists", "age")
    if fact.find == "Observation":
        return (*_COUNTS, "latest value", "latest reading", *_DATES)
    return (*_COUNTS, *_DATES)


def source_known(fact: FactShape) -> bool:
    """Whether the fact looks through a type or a view there is."""
    if isinstance(fact, FindFact):
        return fact.find in FINDABLE
    return not isinstance(fact, ViewFact) or fact.view in VIEWS


def answerable(fact: FactShape) -> bool:
    """Whether its source can give what it asks, so that more can be said about its use."""
    if not isinstance(fact, RowsFact):
        return True
    return source_known(fact) and fact.give != NOT_READ and fact.give.kind in gives(fact)


def refused_fact(parsed: Parsed[Rule], name: str) -> bool:
    """Whether the name is, or nearly is, that of a fact left out because of a mistake in it."""
    named = {str(path[1]) for path in parsed.broken if path[0] == "data" and len(path) > 1}
    refused = named - parsed.model.data.keys()
    return ("data",) in parsed.broken or bool(get_close_matches(name, refused))


def is_yes_no(fact: FactShape) -> bool:
    """Whether a fact stands alone as a criterion."""
    return isinstance(fact, ConclusionFact) or (isinstance(fact, RowsFact) and fact.give.yes_no)


def answers_a_date(fact: FactShape) -> bool:
    """Whether a fact's answer is a date."""
    return isinstance(fact, RowsFact) and fact.give.kind in ("latest date", "earliest date")


def answers_a_reading(fact: FactShape) -> bool:
    """Whether a fact's answer is a row, so that criteria name a column of it."""
    return isinstance(fact, RowsFact) and fact.give.kind == "latest reading"


def answers_a_number(fact: FactShape) -> bool:
    """Whether a fact's answer is one number."""
    return isinstance(fact, CalculateFact) or (isinstance(fact, RowsFact) and fact.give.kind in _NUMBERS)


def gives_rows(fact: FactShape) -> bool:
    """Whether rows of the chart stand behind a fact's answer."""
    return isinstance(fact, RowsFact) and fact.give.kind != "age"


def given(fact: FactShape) -> str:
    """What a fact gives, in words."""
    if isinstance(fact, RowsFact):
        return fact.give.text
    return "a calculated number" if isinstance(fact, CalculateFact) else "its verdict"
