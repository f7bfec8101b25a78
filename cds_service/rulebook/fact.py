"""The facts of a rule: what it asks of the chart, and what silence means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, StrictBool, WithJsonSchema

from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.shape import (
    AnchorLine,
    CalculationLine,
    DurationLine,
    FactName,
    GiveLine,
    RuleId,
    SetIds,
    Shape,
    ThresholdLine,
    branch,
)


def _where_tag(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return "<list>"
    if isinstance(value, dict):
        keys = [key for key in ("not", "in", "not_in", "absent", "unreadable") if key in value]
        return f"<{keys[0]}>" if len(keys) == 1 else None
    return "<comparison>"


def _word(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_word)]
"""A code or word of an element; true and false may stand without quotes."""


class NotListed(Shape):
    """Any value but these; an absent element passes."""

    values: tuple[Word, ...] = Field(alias="not", min_length=1, description="values that rule a row out")


class InSet(Shape):
    """A code of one of these value sets; an absent element leaves the row undecided, or passes if so said."""

    valuesets: SetIds = Field(alias="in", description="value sets of which the code must be in one")
    or_absent: StrictBool = Field(default=False, description="whether an absent element passes too")
    or_unreadable: StrictBool = Field(
        default=False, description="whether an element passes too that is recorded but cannot be read"
    )


class NotInSet(Shape):
    """A code of none of these value sets; an absent element passes."""

    valuesets: SetIds = Field(alias="not_in", description="value sets that rule a row out")
    or_unreadable: StrictBool = Field(
        default=False, description="whether an element passes too that is recorded but cannot be read"
    )


class Absent(Shape):
    """The element is not recorded at all."""

    absent: Literal[True] = Field(description="true: only rows without the element")


class Unreadable(Shape):
    """The element is recorded, but only in words or codes no value set can judge, or by a dead reference."""

    unreadable: Literal[True] = Field(description="true: only rows whose element cannot be read")
    mentions: tuple[str, ...] = Field(
        default=(), description="its words, of which one must hold one of these, whole or in part"
    )


class Listed(Shape):
    """One of these values; an absent element leaves the row undecided."""

    values: tuple[Word, ...] = Field(min_length=1, description="the allowed values")


def _values(value: object) -> object:
    return {"values": value} if isinstance(value, (list, tuple)) else value


_LIST_SCHEMA = WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["string", "boolean"]}})
_BAD_WHERE = "this is not a condition"

WhereTest = Annotated[
    Annotated[Listed, BeforeValidator(_values), _LIST_SCHEMA, branch("list")]
    | Annotated[NotListed, branch("not")]
    | Annotated[InSet, branch("in")]
    | Annotated[NotInSet, branch("not_in")]
    | Annotated[Absent, branch("absent")]
    | Annotated[Unreadable, branch("unreadable")]
    | Annotated[ThresholdLine, branch("comparison")],
    Discriminator(
        _where_tag,
        custom_error_type="bad_where",
        custom_error_message=_BAD_WHERE,
    ),
]
Where = dict[str, WhereTest]
Origin = Literal["chart", "drafts", "selections", "drafts-and-chart"]


class FactShape(Shape):
    """What every fact has: the plain question, shown in `explain` and on cards when unanswered."""

    ask: str = Field(
        min_length=8,
        max_length=160,
        description="the plain question it answers, shown when unanswered",
    )


class RowsFact(FactShape):
    """A fact that looks for rows and makes one answer of them."""

    origin: Origin = Field(default="chart", alias="from", description="where the resources come from")
    code_in: SetIds | None = Field(default=None, description="value sets; a row's code must be in one")
    where: Where = Field(default_factory=dict, description="conditions on elements or columns, all must hold")
    unsure: Where = Field(
        default_factory=dict, description="rows that match mean maybe: they widen a count, never make it true"
    )
    within: DurationLine | None = Field(default=None, description="how far back to look: 30 days [4]")
    after: AnchorLine | None = Field(
        default=None, description="only rows at or after this moment: session_start + 40 minutes [7]"
    )
    before: AnchorLine | None = Field(default=None, description="only rows before this moment: first_session")
    give: GiveLine = Field(
        description="exists, count, count_distinct <column>, latest value, latest reading, latest date, "
        "earliest date, any_yes, possible or age"
    )
    unit: str = Field(default="", description="UCUM unit of the value; other units are converted or unknown")
    record: Literal["complete", "partial"] | None = Field(
        default=None, description="what silence means: complete (nothing found = no) or partial (unknown)"
    )
    because: str = Field(default="", description="why the record is complete")


class FindFact(RowsFact):
    """Rows are the FHIR resources of one type."""

    find: str = Field(description="the FHIR resource type to look through")
    date: tuple[str, ...] = Field(default=(), description="which dates `within` reads, in order")


def _argument(value: object) -> object:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise mistake(
        "bad_argument",
        f"{value!r} is not an argument",
        "write a text, a number or a list of texts",
    )


Argument = str | int | float | tuple[str, ...]
_ARGUMENT_SCHEMA: dict[str, Any] = {"type": ["string", "number", "array"], "items": {"type": "string"}}
ArgumentValue = Annotated[Argument, PlainValidator(_argument), WithJsonSchema(_ARGUMENT_SCHEMA)]


class ViewFact(RowsFact):
    """Rows are the lines of a documented view over several resources."""

    view: str = Field(description="the view to look through")
    arguments: dict[str, ArgumentValue] = Field(
        default_factory=dict, alias="with", description="what the view needs to know, every number from here"
    )


class LikeFact(RowsFact):
    """Rows are those of another fact, with what is written here in place of what is written there.

    It is spelled out as a file is read, so no rule holds one: this shape is for editors.
    """

    like: FactName = Field(description="a fact above whose rows it looks at; not itself like another")
    arguments: dict[str, ArgumentValue] = Field(
        default_factory=dict, alias="with", description="arguments of its view that differ, or are added"
    )
    date: tuple[str, ...] = Field(default=(), description="which dates `within` reads, in order")


class CalculateFact(FactShape):
    """A number made of others; unknown if a part is."""

    calculate: CalculationLine = Field(description="one operator between numbers and facts: 0.5 [1] * weight")
    unit: str = Field(default="", description="UCUM unit of the result")
    round: float | None = Field(default=None, gt=0, description="round to a multiple of this: 0.1")


class ConclusionFact(FactShape):
    """The verdict of another rule."""

    conclusion: RuleId = Field(description="the id of the rule whose verdict this is")


def _fact_tag(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    keys = [key for key in ("find", "view", "calculate", "conclusion") if key in value]
    return f"<{keys[0]}>" if len(keys) == 1 else None


_BAD_FACT = "a fact has exactly one of find, view, like, calculate, conclusion"

Fact = Annotated[
    Annotated[FindFact, branch("find")]
    | Annotated[ViewFact, branch("view")]
    | Annotated[CalculateFact, branch("calculate")]
    | Annotated[ConclusionFact, branch("conclusion")],
    Discriminator(
        _fact_tag,
        custom_error_type="bad_fact",
        custom_error_message=_BAD_FACT,
    ),
]


def facts_used(fact: FactShape, signature_arguments: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The other facts of the rule that a fact is made of; `signature_arguments` are its view's, by kind."""
    if isinstance(fact, CalculateFact):
        return tuple(operand.fact for operand in fact.calculate.operands if operand.fact)
    if not isinstance(fact, RowsFact):
        return ()
    anchors = tuple(anchor.fact for anchor in (fact.after, fact.before) if anchor is not None)
    if not isinstance(fact, ViewFact) or not signature_arguments:
        return anchors
    named = (fact.arguments.get(name) for name, kind in signature_arguments.items() if kind == "fact")
    return (*anchors, *(value for value in named if isinstance(value, str)))
