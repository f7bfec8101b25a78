"""The shape of a rule file: a rule reads top to bottom as who, why, where, what it asks, criteria, cards.

These models are the one definition of the format: the loader checks files with them, the JSON Schema
is generated from them, and the engine reads them. Frozen; lists become tuples. The parts live in
shape.py, logic.py, fact.py and card.py; everything is importable from here.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from cds_service.rulebook.card import (
    Action,
    Card,
    Cards,
    FromTemplate,
    Indicator,
    Line,
    Link,
    Outcome,
    Suggestion,
)
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import (
    Argument,
    ConclusionFact,
    Fact,
    FactShape,
    FindFact,
    InSet,
    Listed,
    NotInSet,
    NotListed,
    Origin,
    RowsFact,
    ViewFact,
    Where,
    WhereTest,
)
from cds_service.rulebook.files import ClaimId
from cds_service.rulebook.logic import All, Any_, AtLeast, AtLeastSpec, Logic, Not
from cds_service.rulebook.shape import (
    VERSION_PATTERN,
    CriterionLine,
    Day,
    DurationLine,
    FactName,
    GiveLine,
    Number,
    RuleId,
    SetId,
    SetIds,
    Shape,
    ThresholdLine,
)
from cds_service.rulebook.walk import everything

__all__ = [
    "SAFETY_KINDS",
    "About",
    "Action",
    "All",
    "Any_",
    "Argument",
    "AtLeast",
    "AtLeastSpec",
    "Card",
    "Cards",
    "ConclusionFact",
    "CriterionLine",
    "DurationLine",
    "Evidence",
    "Fact",
    "FactName",
    "FactShape",
    "FindFact",
    "FromTemplate",
    "GiveLine",
    "InSet",
    "Indicator",
    "Kind",
    "Line",
    "Link",
    "Listed",
    "Logic",
    "Not",
    "NotInSet",
    "NotListed",
    "Origin",
    "Outcome",
    "RowsFact",
    "Rule",
    "RuleId",
    "SetId",
    "SetIds",
    "Shape",
    "Status",
    "Suggestion",
    "ThresholdLine",
    "ViewFact",
    "Where",
    "WhereTest",
]

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


class About(Shape):
    """Who answers for the rule, for whom it is, what it cannot see."""

    purpose: str = Field(min_length=1, description="what the rule is for")
    population: str = Field(min_length=1, description="for whom it is")
    owner: str = Field(min_length=1, description="who answers mail about it")
    limits: str = Field(default="", description="what it cannot see")
    reviewer: str = Field(default="", description="the clinician who reviewed it")
    reviewed: Day | None = Field(default=None, description="when it was reviewed")
    review_by: Day | None = Field(default=None, description="when it must be reviewed again")
    approved_by: str = Field(default="", description="the clinician who approved it for use")
    approved_on: Day | None = Field(default=None, description="when it was approved")


class Evidence(Shape):
    """What a source is claimed to say, how strongly, and for or against."""

    source: Number = Field(description="a number of sources.yaml")
    claim: str = Field(min_length=1, description="what the source is claimed to say")
    claims: tuple[ClaimId, ...] = Field(default=(), description="ids of claims.yaml this rests on")
    direction: Literal["for", "against"] = Field(description="for or against what the rule is about")
    strength: Literal["strong", "conditional", "consensus", "regulatory"] = Field(
        description="how strong the recommendation is"
    )
    certainty: Literal["high", "moderate", "low", "very-low", "not-graded"] = Field(
        description="how certain the evidence is"
    )


class Rule(Shape):
    """One rule: its id is its file name and the name of its conclusion."""

    rule: RuleId = Field(description="the id: file name and name of the conclusion, never reused")
    title: str = Field(
        min_length=8, max_length=80, description="a statement that can be true or false, in sentence case"
    )
    version: str = Field(
        pattern=VERSION_PATTERN, description="x.y.z: z text only, y criteria or data, x meaning"
    )
    status: Status = Field(description="draft, shadow (evaluated, not shown), active or retired")
    kind: Kind = Field(description="what sort of rule it is; sets the order of cards")
    about: About = Field(description="who, for whom, and what it cannot see")
    evidence: tuple[Evidence, ...] = Field(min_length=1, description="why: what each source says")
    hooks: tuple[str, ...] = Field(default=(), description="the CDS Hooks on which its cards may appear")
    data: dict[FactName, Fact] = Field(min_length=1, description="the facts it asks of the chart, by name")
    logic: Logic = Field(description="the criteria")
    cards: Cards = Field(description="what is shown for each of the three outcomes")

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion of the rule, wherever it stands, top to bottom."""
        return tuple(one for _, one in everything(self) if isinstance(one, Criterion))
