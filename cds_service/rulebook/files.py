"""The shapes of the rulebook files that are not rules: value sets, tables, sources, templates, the book."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    RootModel,
    WithJsonSchema,
)

from cds_service.rulebook.card import Indicator
from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.shape import VERSION_PATTERN, Day, Number, RuleId, SetId, Shape, branch

SystemName = Literal[
    "icd-10-cm",
    "snomed",
    "loinc",
    "rxnorm",
    "v3-act-code",
    "v3-null-flavor",
    "v2-0136",
    "medicationrequest-status-reason",
    "boolean",
    "text",
    "v3-observation-interpretation",
    "local",
]
"""Short names of code systems in rule files; `boolean` and `text` stand for answers without a code."""


class Code(Shape):
    """One code, with where it was checked. `group` of drugs: rxnorm ingredient or product codes."""

    system: SystemName
    code: Annotated[str, Field(min_length=1)]
    display: str = ""
    checked: str = ""


class Prefix(Shape):
    """Every code of a system that begins so, with or without the dot; `?` stands for any one character."""

    system: SystemName
    starts_with: Annotated[str, Field(min_length=1)]
    display: str = ""
    checked: str = ""


def _member_tag(value: object) -> str | None:
    if isinstance(value, Code):
        return "<code>"
    if isinstance(value, Prefix):
        return "<starts_with>"
    if not isinstance(value, dict):
        return None
    keys = [key for key in ("code", "starts_with") if key in value]
    return f"<{keys[0]}>" if len(keys) == 1 else None


Member = Annotated[
    Annotated[Code, branch("code")] | Annotated[Prefix, branch("starts_with")],
    Discriminator(
        _member_tag,
        custom_error_type="bad_member",
        custom_error_message="a member of a value set has exactly one of code, starts_with",
    ),
]


def _stem(value: object) -> object:
    if isinstance(value, str) and _STEM.match(value) and sum(map(str.isalpha, value)) >= 2:
        return value
    raise mistake(
        "bad_stem",
        f"{value!r} is not the beginning of a word",
        "write 2 letters or more in lower case without accents or signs; =ab is that word only",
    )


def _once(stems: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((stem for index, stem in enumerate(stems) if stem in stems[:index]), None)
    if twice is not None:
        raise mistake("stem_twice", f"{twice!r} is listed twice", "remove one of them")
    return stems


_STEM = re.compile(r"^=?[a-z0-9]+(?: [a-z0-9]+)*$")
Stem = Annotated[str, BeforeValidator(_stem)]
Stems = Annotated[tuple[Stem, ...], AfterValidator(_once)]


class ValueSetFile(Shape):
    """A named set of codes; `group` names the key `observations-<group>` that its observations come in.

    `words` are beginnings of words that an entry about this set, told in words only, would contain.
    """

    valueset: SetId
    title: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    reviewed: Day | None = None
    group: SetId | None = None
    note: str = ""
    words: Stems = ()
    include: tuple[Member, ...] = Field(min_length=1)
    exclude: tuple[Member, ...] = ()


def _cell(value: object) -> object:
    if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise mistake(
        "bad_cell", "a table cell is a number or text", "write a number, or put quotes round a text"
    )


Cell = Annotated[float | str, PlainValidator(_cell), WithJsonSchema({"type": ["number", "string"]})]


class TableFile(Shape):
    """A lookup table: rows keyed by code, one number per column, each row citing its source."""

    table: SetId
    title: Annotated[str, Field(min_length=1)]
    unit: str = ""
    owner: Annotated[str, Field(min_length=1)]
    reviewed: Day | None = None
    note: str = ""
    columns: tuple[str, ...] = Field(min_length=1)
    rows: dict[str, TableRow] = Field(min_length=1)


class TableRow(Shape):
    """One row: `name` for the reader, `values` by column, `source` that says so."""

    name: Annotated[str, Field(min_length=1)]
    values: dict[str, Cell]
    source: Number
    since: Day | None = None
    note: str = ""


class Source(Shape):
    """One numbered source. `listed` says how we know what the article's number means."""

    cite: Annotated[str, Field(min_length=1)]
    short: Annotated[str, Field(min_length=1, max_length=80)]
    url: Annotated[str, Field(pattern=r"^https://")] | None = None
    checked: Day | None = None
    kind: Literal["article", "drug-label", "consensus", "instrument", "review", "trial", "local-policy"]
    listed: Literal["article", "matched", "ours"]
    confidence: Literal["very high", "high", "medium-high", "medium", "medium-low", "low"] | None = None
    note: str = ""


class OverrideReason(Shape):
    """A reason a clinician may give for dismissing a card."""

    display: Annotated[str, Field(min_length=1, max_length=100)]
    system: Annotated[str, Field(pattern=r"^(https?://|urn:)")] = "urn:cds-service:override-reason"


class SourcesFile(RootModel[dict[Number, Source]]):
    """sources.yaml: the sources by number."""

    model_config = ConfigDict(frozen=True)


class OverrideReasonsFile(RootModel[dict[SetId, OverrideReason]]):
    """override-reasons.yaml: the reasons by id."""

    model_config = ConfigDict(frozen=True)


class TemplateFile(Shape):
    """A FHIR resource with placeholders; validated against FHIR when the rulebook loads."""

    template: SetId
    title: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    resource: dict[str, Any]


class Topic(Shape):
    """The coding put on every card's source."""

    system: Annotated[str, Field(pattern=r"^(https?://|urn:)")]
    code: Annotated[str, Field(min_length=1)]
    display: Annotated[str, Field(min_length=1)]


class CouldNotCheck(Shape):
    """The one card of a response whose safety rules could not look (DESIGN 4.4).

    Where keys were merely not supplied it shows only if one of `only_if_rules` is true, or one of
    `or_unknown_rules` is unknown for want of data; a read that went wrong always shows it.
    """

    indicator: Indicator
    summary: Annotated[str, Field(min_length=1)]
    detail: Annotated[str, Field(min_length=1)]
    source: Number
    override_reasons: tuple[SetId, ...] = ()
    only_if_rules: tuple[RuleId, ...] = ()
    or_unknown_rules: tuple[RuleId, ...] = ()


class MergeGroup(Shape):
    """Cards of this group become one."""

    title: Annotated[str, Field(min_length=1)]


class RulebookFile(Shape):
    """rulebook.yaml: what the whole folder is; `example` is the story of the call `cds serve` shows.

    An entry told in `empty_words` only names nothing ("other", "see notes"): it may be about anything.
    """

    rulebook: SetId
    title: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    publisher: Annotated[str, Field(min_length=1)]
    topic: Topic
    usage: str = ""
    example: str = ""
    could_not_check: CouldNotCheck
    empty_words: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], ...] = ()
    merge: dict[SetId, MergeGroup] = Field(default_factory=dict)


TableFile.model_rebuild()
