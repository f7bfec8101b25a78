"""What every file shape shares: frozen models, ids, days, and the one-line texts as pydantic types."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from cds_service.rulebook.criterion import Criterion, Duration, Give, Threshold, mistake
from cds_service.rulebook.formula import Anchor, Calculation

ID_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
VERSION_PATTERN = r"^\d+\.\d+\.\d+$"

RuleId = Annotated[str, Field(pattern=ID_PATTERN)]
FactName = Annotated[str, Field(pattern=NAME_PATTERN)]
SetId = Annotated[str, Field(pattern=ID_PATTERN)]
Number = Annotated[int, Field(ge=1, strict=True)]
"""A positive whole number: of a source, of parts."""


def branch(name: str) -> Tag:
    """The tag of one form of a value; the brackets keep it apart from the keys of a file."""
    return Tag(f"<{name}>")


def _line(parse: Any, example: str, description: str) -> Any:
    schema = {"type": "string", "examples": [example], "description": description}
    return (PlainValidator(parse), WithJsonSchema(schema))


CriterionLine = Annotated[
    Criterion, *_line(Criterion.parse, "adequate_trials >= 2 [2]", "one line comparing one fact")
]
ThresholdLine = Annotated[Threshold, *_line(Threshold.parse, ">= 42 days [14]", "a comparison")]
DurationLine = Annotated[Duration, *_line(Duration.parse, "30 days [4]", "counted back from today")]
CalculationLine = Annotated[
    Calculation, *_line(Calculation.parse, "0.5 [1] * weight", "one operator between numbers and facts")
]
AnchorLine = Annotated[Anchor, *_line(Anchor.parse, "first_session", "a moment told by a date fact")]
GiveLine = Annotated[Give, *_line(Give.parse, "exists", "what the fact makes of the rows found")]


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise mistake("bad_date", f"{value!r} is not a day of the calendar", "write year-month-day: 2026-11-16")


Day = Annotated[
    date,
    PlainValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-16"]}),
]


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


SetIds = Annotated[
    tuple[SetId, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": ID_PATTERN},
                {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": ID_PATTERN}},
            ]
        }
    ),
]


@dataclass(frozen=True)
class Json:
    """Changes the JSON Schema of a type: `change` gets the generated one, references resolved on demand."""

    change: Callable[[JsonSchemaValue, GetJsonSchemaHandler], JsonSchemaValue]

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return self.change(handler(core), handler)


class Shape(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)
