"""The shape of a rule file: a rule reads top to bottom as who, why, where, what it asks, criteria, cards.

These models are the one definition of the format: the loader checks files with them, the JSON Schema
is generated from them, and the engine reads them. Frozen; lists become tuples.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
)

from cds_service.rulebook.criterion import Criterion, Duration, Give, Threshold

Kind = Literal[
    "definition",
    "suicidality",
    "contraindication",
    "caution",
    "interaction",
    "dose-check",
    "treatment",
    "monitoring",
    "data-gap",
]
SAFETY_KINDS: frozenset[str] = frozenset(
    {"suicidality", "contraindication", "caution", "interaction", "dose-check"}
)
Status = Literal["draft", "shadow", "active", "retired"]
Indicator = Literal["info", "warning", "critical"]

RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
SetId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]


def _line(parse: Any, example: str, description: str) -> Any:
    schema = {"type": "string", "examples": [example], "description": description}
    return (PlainValidator(parse), WithJsonSchema(schema))


CriterionLine = Annotated[
    Criterion, *_line(Criterion.parse, "adequate_trials >= 2 [2]", "one line comparing one fact")
]
ThresholdLine = Annotated[Threshold, *_line(Threshold.parse, ">= 42 days [14]", "a comparison")]
DurationLine = Annotated[Duration, *_line(Duration.parse, "30 days [4]", "counted back from today")]
GiveLine = Annotated[Give, *_line(Give.parse, "exists", "what the fact makes of the rows found")]


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


SetIds = Annotated[tuple[SetId, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Shape(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


# --- logic ---------------------------------------------------------------------------------------


def _logic_tag(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return "list"
    if isinstance(value, dict):
        keys = [key for key in ("all", "any", "not", "at_least") if key in value]
        return keys[0] if len(keys) == 1 else None
    if isinstance(value, All):
        return "all"
    return "criterion"


class All(Shape):
    """Every part must hold; false wins, then unknown."""

    all: tuple[Logic, ...] = Field(min_length=1)


class Any_(Shape):
    """One part is enough; true wins, then unknown."""

    any: tuple[Logic, ...] = Field(min_length=1)


class Not(Shape):
    """The part must not hold; not unknown is unknown."""

    part: Logic = Field(alias="not")


class AtLeastSpec(Shape):
    """How many of which parts."""

    n: Annotated[int, Field(ge=1)]
    of: tuple[Logic, ...] = Field(min_length=1)


class AtLeast(Shape):
    """At least n of the parts must hold."""

    at_least: AtLeastSpec


def _listed(value: object) -> object:
    return {"all": value} if isinstance(value, (list, tuple)) else value


Logic = Annotated[
    Annotated[CriterionLine, Tag("criterion")]
    | Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[AtLeast, Tag("at_least")]
    | Annotated[All, BeforeValidator(_listed), Tag("list")],
    Discriminator(
        _logic_tag,
        custom_error_type="bad_logic",
        custom_error_message="this is neither a criterion nor one of all, any, not, at_least",
    ),
]


# --- facts ---------------------------------------------------------------------------------------


def _where_tag(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return "list"
    if isinstance(value, dict):
        for key in ("not", "in", "not_in"):
            if key in value:
                return key
        return None
    return "comparison"


class NotListed(Shape):
    """Any value but these; an absent element passes."""

    values: tuple[str, ...] = Field(alias="not", min_length=1)


class InSet(Shape):
    """A code of one of these value sets."""

    valuesets: SetIds = Field(alias="in")


class NotInSet(Shape):
    """A code of none of these value sets; an absent element passes."""

    valuesets: SetIds = Field(alias="not_in")


class Listed(Shape):
    """One of these values; an absent element leaves the row undecided."""

    values: tuple[str, ...] = Field(min_length=1)


def _values(value: object) -> object:
    return {"values": value} if isinstance(value, (list, tuple)) else value


WhereTest = Annotated[
    Annotated[Listed, BeforeValidator(_values), Tag("list")]
    | Annotated[NotListed, Tag("not")]
    | Annotated[InSet, Tag("in")]
    | Annotated[NotInSet, Tag("not_in")]
    | Annotated[ThresholdLine, Tag("comparison")],
    Discriminator(
        _where_tag,
        custom_error_type="bad_where",
        custom_error_message="a condition is a list, {not: [...]}, {in: value-set}, {not_in: value-set} "
        "or a comparison in quotes",
    ),
]
Where = dict[str, WhereTest]
Origin = Literal["chart", "drafts", "selections", "drafts-and-chart"]


class FactShape(Shape):
    """What every fact has: the plain question, shown in `explain` and on cards when unanswered."""

    ask: Annotated[str, Field(min_length=8, max_length=160)]


class RowsFact(FactShape):
    """A fact that looks for rows and makes one answer of them."""

    origin: Origin = Field(default="chart", alias="from")
    code_in: SetIds | None = None
    where: Where = Field(default_factory=dict)
    unsure: Where = Field(default_factory=dict)
    within: DurationLine | None = None
    give: GiveLine
    unit: str = ""
    record: Literal["complete", "partial"] | None = None
    because: str = ""


class FindFact(RowsFact):
    """Rows are the FHIR resources of one type."""

    find: str
    date: tuple[str, ...] = ()


Argument = str | int | float | tuple[str, ...]


class ViewFact(RowsFact):
    """Rows are the lines of a documented view over several resources."""

    view: str
    arguments: dict[str, Argument] = Field(default_factory=dict, alias="with")


class ConclusionFact(FactShape):
    """The verdict of another rule."""

    conclusion: RuleId


def _fact_tag(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    keys = [key for key in ("find", "view", "conclusion") if key in value]
    return keys[0] if len(keys) == 1 else None


Fact = Annotated[
    Annotated[FindFact, Tag("find")]
    | Annotated[ViewFact, Tag("view")]
    | Annotated[ConclusionFact, Tag("conclusion")],
    Discriminator(
        _fact_tag,
        custom_error_type="bad_fact",
        custom_error_message="a fact has exactly one of find, view, conclusion",
    ),
]


# --- cards ---------------------------------------------------------------------------------------


class Line(Shape):
    """One line of a card's detail, shown only if its condition holds (unknown hides)."""

    text: Annotated[str, Field(min_length=1)]
    only_if: Logic | None = None


class FromTemplate(Shape):
    """The FHIR resource of a template file."""

    template: SetId


class Action(Shape):
    """What accepting a suggestion does."""

    type: Literal["create", "update", "delete"]
    description: Annotated[str, Field(min_length=1)]
    resource: FromTemplate


class Suggestion(Shape):
    """A button on the card."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    recommended: StrictBool = False
    only_if: Logic | None = None
    actions: tuple[Action, ...] = Field(min_length=1)


class Link(Shape):
    """A link on the card, opened in a browser."""

    label: Annotated[str, Field(min_length=1)]
    url: Annotated[str, Field(pattern=r"^https://")]


def _lines(value: object) -> object:
    if isinstance(value, str):
        return ({"text": value},)
    if isinstance(value, (list, tuple)):
        return tuple({"text": item} if isinstance(item, str) else item for item in value)
    return value


class Card(Shape):
    """What the clinician sees for one outcome."""

    indicator: Indicator
    summary: Annotated[str, Field(min_length=1)]
    detail: Annotated[tuple[Line, ...], BeforeValidator(_lines)] = ()
    source: Annotated[int, Field(ge=1)]
    only_if: Logic | None = None
    hide_if: Logic | None = None
    hooks: tuple[str, ...] = ()
    merge: SetId | None = None
    suggestions: tuple[Suggestion, ...] = ()
    override_reasons: tuple[SetId, ...] = ()
    links: tuple[Link, ...] = ()


def _cards(value: object) -> object:
    if value == "silent":
        return ()
    return (value,) if isinstance(value, dict) else value


Outcome = Annotated[
    tuple[Card, ...],
    BeforeValidator(_cards),
    WithJsonSchema(
        {
            "description": "silent, a card, or a list of cards of which the first whose only_if holds is shown",
            "anyOf": [
                {"const": "silent"},
                {"$ref": "#/$defs/Card"},
                {"type": "array", "items": {"$ref": "#/$defs/Card"}},
            ],
        }
    ),
]


class Cards(Shape):
    """The three outcomes, all decided: omission is an error, `silent` is an answer."""

    when_true: Outcome
    when_unknown: Outcome
    when_false: Outcome


# --- the rule ------------------------------------------------------------------------------------


class About(Shape):
    """Who answers for the rule, for whom it is, what it cannot see."""

    purpose: Annotated[str, Field(min_length=1)]
    population: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    limits: str = ""
    reviewer: str = ""
    reviewed: date | None = None
    review_by: date | None = None
    approved_by: str = ""
    approved_on: date | None = None


class Evidence(Shape):
    """What a source is claimed to say, how strongly, and for or against."""

    source: Annotated[int, Field(ge=1)]
    claim: Annotated[str, Field(min_length=1)]
    claims: tuple[Annotated[str, Field(pattern=r"^[KSVI]\d{2}$")], ...] = ()
    direction: Literal["for", "against"]
    strength: Literal["strong", "conditional", "consensus", "regulatory"]
    certainty: Literal["high", "moderate", "low", "very-low", "not-graded"]


class Rule(Shape):
    """One rule: its id is its file name and the name of its conclusion."""

    rule: RuleId
    title: Annotated[str, Field(min_length=8, max_length=80)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    status: Status
    kind: Kind
    about: About
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    hooks: tuple[str, ...] = ()
    data: dict[FactName, Fact] = Field(min_length=1)
    logic: Logic
    cards: Cards


All.model_rebuild()
Any_.model_rebuild()
Not.model_rebuild()
AtLeastSpec.model_rebuild()
AtLeast.model_rebuild()
Line.model_rebuild()
Suggestion.model_rebuild()
Card.model_rebuild()
Rule.model_rebuild()
