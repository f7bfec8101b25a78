"""The cards of a rule: what the clinician sees for each of the three outcomes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, StrictBool
from pydantic.json_schema import JsonSchemaValue

from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.logic import Logic
from cds_service.rulebook.shape import FactName, Json, Number, SetId, Shape, branch

Indicator = Literal["info", "warning", "critical"]


class Line(Shape):
    """One line of a card's detail, shown if `only_if` holds (unknown hides) and `hide_if` does not."""

    text: str = Field(min_length=1, description="the line; may cite and hold placeholders")
    only_if: Logic | None = Field(default=None, description="show the line only if this holds")
    hide_if: Logic | None = Field(default=None, description="hide the line if this holds; unknown shows")


class FromTemplate(Shape):
    """The FHIR resource of a template file."""

    template: SetId = Field(description="the id of a file in templates/")


class FromFact(Shape):
    """The resource behind a fact's row as received, some elements set, all others untouched."""

    origin: FactName = Field(alias="from", description="the fact whose row's resource it is")
    set: dict[str, Any] = Field(
        default_factory=dict,
        description="element paths and their values: dosageInstruction[0].doseAndRate[0].doseQuantity: {...}",
    )


def _resource_tag(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    keys = [key for key in ("template", "from") if key in value]
    return f"<{keys[0]}>" if len(keys) == 1 else None


_BAD_RESOURCE = "a resource comes from exactly one of template, from"
ActionResource = Annotated[
    Annotated[FromTemplate, branch("template")] | Annotated[FromFact, branch("from")],
    Discriminator(_resource_tag, custom_error_type="bad_resource", custom_error_message=_BAD_RESOURCE),
]


class Action(Shape):
    """What accepting a suggestion does: create from a template, update a draft, delete a draft."""

    type: Literal["create", "update", "delete"] = Field(description="what is done with the resource")
    description: str = Field(min_length=1, description="the action in words")
    resource: ActionResource | None = Field(default=None, description="the resource, of create and update")
    origin: FactName | None = Field(
        default=None, alias="from", description="of delete: the fact whose row's resource goes"
    )


class Suggestion(Shape):
    """A button on the card."""

    label: str = Field(min_length=1, max_length=80, description="the text on the button")
    recommended: StrictBool = Field(default=False, description="whether this is the suggested one")
    only_if: Logic | None = Field(default=None, description="offer it only if this holds; unknown hides")
    hide_if: Logic | None = Field(default=None, description="do not offer it if this holds; unknown shows")
    for_each: FactName | None = Field(default=None, description="one suggestion per row of this fact")
    actions: tuple[Action, ...] = Field(min_length=1, description="what accepting it does")


class Link(Shape):
    """A link on the card, opened in a browser."""

    label: str = Field(min_length=1, description="the text of the link")
    url: str = Field(pattern=r"^https://", description="where it leads")


def _lines(value: object) -> object:
    if isinstance(value, str):
        return ({"text": value},)
    if isinstance(value, (list, tuple)):
        return tuple({"text": item} if isinstance(item, str) else item for item in value)
    raise mistake("bad_detail", "detail is neither text nor a list of lines", "write text after detail:")


def _text_or_lines(schema: JsonSchemaValue, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    text = {"type": "string", "minLength": 1}
    return {"anyOf": [text, {"type": "array", "items": {"anyOf": [text, schema["items"]]}}]}


Lines = Annotated[tuple[Line, ...], BeforeValidator(_lines), Json(_text_or_lines)]


class Card(Shape):
    """What the clinician sees for one outcome."""

    indicator: Indicator = Field(description="how urgent it is")
    summary: str = Field(min_length=1, description="one line, under 140 characters once filled in")
    detail: Lines = Field(default=(), description="text, or a list of lines {text, only_if, hide_if}")
    source: Number = Field(description="the source named on the card")
    only_if: Logic | None = Field(default=None, description="show the card only if this holds; unknown hides")
    hide_if: Logic | None = Field(default=None, description="hide the card if this holds; unknown shows")
    hooks: tuple[str, ...] = Field(default=(), description="narrower than the rule's hooks")
    merge: SetId | None = Field(default=None, description="the group of cards this one becomes part of")
    suggestions: tuple[Suggestion, ...] = Field(default=(), description="buttons")
    override_reasons: tuple[SetId, ...] = Field(default=(), description="ids of override-reasons.yaml")
    links: tuple[Link, ...] = Field(default=(), description="links opened in a browser")


def _cards(value: object) -> object:
    if value == "silent":
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(value, dict):
        return (value,)
    raise mistake("bad_outcome", f"{value!r} is not an outcome", "write silent, a card, or a list of cards")


def _silent_or_cards(schema: JsonSchemaValue, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    card = schema["items"]
    return {"anyOf": [{"const": "silent"}, card, {"type": "array", "minItems": 1, "items": card}]}


Outcome = Annotated[tuple[Card, ...], BeforeValidator(_cards), Json(_silent_or_cards)]


class Cards(Shape):
    """The three outcomes, all decided: omission is an error, `silent` is an answer."""

    when_true: Outcome = Field(description="silent, a card, or a list: the first that applies is shown")
    when_unknown: Outcome = Field(description="silent, a card, or a list of cards")
    when_false: Outcome = Field(description="silent, a card, or a list of cards")
