"""The logic of a rule: a tree of all, any, not, at_least over one-line criteria."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, WithJsonSchema

from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.shape import CriterionLine, Number, Shape, branch


def _logic_tag(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return "<list>"
    if isinstance(value, dict):
        keys = [key for key in ("all", "any", "not", "at_least") if key in value]
        return f"<{keys[0]}>" if len(keys) == 1 else None
    if isinstance(value, All):
        return "<all>"
    return "<criterion>"


class All(Shape):
    """Every part must hold; false wins, then unknown."""

    all: tuple[Logic, ...] = Field(min_length=1, description="parts that must all hold")


class Any_(Shape):  # noqa: N801
    """One part is enough; true wins, then unknown."""

    any: tuple[Logic, ...] = Field(min_length=1, description="parts of which one is enough")


class Not(Shape):
    """The part must not hold; not unknown is unknown."""

    part: Logic = Field(alias="not", description="the part that must not hold")


class AtLeastSpec(Shape):
    """How many of which parts."""

    n: Number = Field(description="how many of the parts must hold")
    of: tuple[Logic, ...] = Field(min_length=1, description="the parts")


class AtLeast(Shape):
    """At least n of the parts must hold."""

    at_least: AtLeastSpec = Field(description="n of these parts must hold")


def _listed(value: object) -> object:
    return {"all": value} if isinstance(value, (list, tuple)) else value


# A model cannot name a part of itself in its schema; rulebook/schema.py fills in the items of this list.
LOGIC_LIST = "a list of criteria that must all hold"
_LIST_SCHEMA = WithJsonSchema({"type": "array", "minItems": 1, "description": LOGIC_LIST})
_BAD_LOGIC = "this is neither a criterion nor exactly one of all, any, not, at_least"

Logic = Annotated[
    Annotated[CriterionLine, branch("criterion")]
    | Annotated[All, branch("all")]
    | Annotated[Any_, branch("any")]
    | Annotated[Not, branch("not")]
    | Annotated[AtLeast, branch("at_least")]
    | Annotated[All, BeforeValidator(_listed), _LIST_SCHEMA, branch("list")],
    Discriminator(
        _logic_tag,
        custom_error_type="bad_logic",
        custom_error_message=_BAD_LOGIC,
    ),
]


def criteria(logic: Logic | None) -> Iterator[Criterion]:
    """The criteria of a tree, left to right."""
    if isinstance(logic, Criterion):
        yield logic
    for part in parts(logic):
        yield from criteria(part)


def parts(logic: Logic | None) -> tuple[Logic, ...]:
    """The parts one level down; none for a criterion."""
    if isinstance(logic, All):
        return logic.all
    if isinstance(logic, Any_):
        return logic.any
    if isinstance(logic, Not):
        return (logic.part,)
    if isinstance(logic, AtLeast):
        return logic.at_least.of
    return ()


All.model_rebuild()
Any_.model_rebuild()
Not.model_rebuild()
AtLeastSpec.model_rebuild()
AtLeast.model_rebuild()
