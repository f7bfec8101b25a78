"""The shapes of every rulebook file that is not a rule: value sets, tables, sources, templates, the book itself."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from cds_service.rulebook.rule import Indicator, RuleId, SetId, Shape

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
    """Every code of a system that begins so, with or without the dot."""

    system: SystemName
    starts_with: Annotated[str, Field(min_length=1)]
    display: str = ""
    checked: str = ""


class ValueSetFile(Shape):
    """A named set of codes. `group` names the prefetch key `observations-<group>` its observations come in."""

    valueset: SetId
    title: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    reviewed: date | None = None
    group: SetId | None = None
    note: str = ""
    include: tuple[Code | Prefix, ...] = Field(min_length=1)
    exclude: tuple[Code | Prefix, ...] = ()


class TableFile(Shape):
    """A lookup table: rows keyed by code, one number per column, each row citing its source."""

    table: SetId
    title: Annotated[str, Field(min_length=1)]
    unit: str = ""
    owner: Annotated[str, Field(min_length=1)]
    reviewed: date | None = None
    note: str = ""
    columns: tuple[str, ...] = Field(min_length=1)
    rows: dict[str, TableRow] = Field(min_length=1)


class TableRow(Shape):
    """One row: `name` for the reader, `values` by column, `source` that says so."""

    name: Annotated[str, Field(min_length=1)]
    values: dict[str, float | str]
    source: Annotated[int, Field(ge=1)]
    since: date | None = None
    note: str = ""


class Source(Shape):
    """One numbered source. `listed` says how we know what the article's number means."""

    cite: Annotated[str, Field(min_length=1)]
    short: Annotated[str, Field(min_length=1, max_length=80)]
    url: Annotated[str, Field(pattern=r"^https://")] | None = None
    checked: date | None = None
    kind: Literal["article", "drug-label", "consensus", "instrument", "review", "trial", "local-policy"]
    listed: Literal["article", "matched", "ours"]
    confidence: Literal["very high", "high", "medium-high", "medium", "medium-low", "low"] | None = None
    note: str = ""


class OverrideReason(Shape):
    """A reason a clinician may give for dismissing a card."""

    display: Annotated[str, Field(min_length=1, max_length=100)]
    system: Annotated[str, Field(pattern=r"^(https?://|urn:)")] = "urn:cds-service:override-reason"


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
    """The one card of a response whose safety rules could not look (DESIGN 4.4)."""

    indicator: Indicator
    summary: Annotated[str, Field(min_length=1)]
    detail: Annotated[str, Field(min_length=1)]
    source: Annotated[int, Field(ge=1)]
    override_reasons: tuple[SetId, ...] = ()
    only_if_rules: tuple[RuleId, ...] = ()


class MergeGroup(Shape):
    """Cards of this group become one."""

    title: Annotated[str, Field(min_length=1)]


class RulebookFile(Shape):
    """rulebook.yaml: what the whole folder is."""

    rulebook: SetId
    title: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    publisher: Annotated[str, Field(min_length=1)]
    topic: Topic
    usage: str = ""
    could_not_check: CouldNotCheck
    merge: dict[SetId, MergeGroup] = Field(default_factory=dict)


TableFile.model_rebuild()
