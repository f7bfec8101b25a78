"""The FHIR R4 data types we read, as msgspec structs: codes, periods, amounts, dosage instructions.

Field names are FHIR's own in snake case; members we do not read are skipped.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Text = str


class Element(Struct, frozen=True, rename="camel", gc=False):
    """A data type of FHIR."""


class BackboneElement(Element, frozen=True, kw_only=True):
    """An element that may say that its members do not mean what they seem to (FHIR R4, modifierExtension).

    What such an extension means only its sender knows; decoding anything there fails, so that its resource
    is unreadable rather than misread.
    """

    modifier_extension: None = None


class Coding(Element, frozen=True):
    """A code of a system."""

    system: Text = ""
    code: Text = ""
    display: Text = ""


class Labels(Element, frozen=True):
    """What is said of a resource beside what it holds; a label may say that parts of it were left out."""

    tag: tuple[Coding, ...] = ()
    security: tuple[Coding, ...] = ()


class CodeableConcept(Element, frozen=True):
    """Codings that mean the same, and text."""

    coding: tuple[Coding, ...] = ()
    text: Text = ""


class Reference(Element, frozen=True):
    """A pointer to another resource."""

    reference: Text = ""
    type: Text = ""
    display: Text = ""


class Link(Element, frozen=True, omit_defaults=True):
    """A link of a Bundle."""

    relation: Text = ""
    url: Text | None = ""


def leads_on(link: Link) -> bool:
    """Whether a link says that there are more pages, wherever they are; relations have no case (RFC 8288)."""
    return link.relation.strip().lower() == "next"


class Period(Element, frozen=True):
    """From start to end, both included; either may be open."""

    start: Text = ""
    end: Text = ""


class Quantity(Element, frozen=True):
    """A measured amount; `code` is UCUM where `system` says so."""

    value: float | None = None
    comparator: Text = ""
    unit: Text = ""
    system: Text = ""
    code: Text = ""


class Range(Element, frozen=True):
    """From low to high."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True):
    """One amount per another."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class TimingRepeat(Element, frozen=True):
    """How often, and how long each time."""

    bounds_period: Period | None = None
    bounds_duration: Quantity | None = None
    bounds_range: Range | None = None
    count: float | None = None
    count_max: float | None = None
    duration: float | None = None
    duration_max: float | None = None
    duration_unit: Text = ""
    frequency: float | None = None
    frequency_max: float | None = None
    period: float | None = None
    period_max: float | None = None
    period_unit: Text = ""
    when: tuple[Text, ...] = ()
    time_of_day: tuple[Text, ...] = ()
    day_of_week: tuple[Text, ...] = ()


class Timing(BackboneElement, frozen=True):
    """When a drug is taken."""

    event: tuple[Text, ...] = ()
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Element, frozen=True):
    """How much at a time, and how fast."""

    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_quantity: Quantity | None = None
    rate_range: Range | None = None
    rate_ratio: Ratio | None = None


class Dosage(BackboneElement, frozen=True):
    """One line of dosage instructions."""

    sequence: int | None = None
    text: Text = ""
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()


class DoseGiven(BackboneElement, frozen=True):
    """How much was given, and by which route."""

    dose: Quantity | None = None
    route: CodeableConcept | None = None


class Valued(BackboneElement, frozen=True):
    """An answer: of an Observation, of its component. Of shapes nobody reads only the presence is told."""

    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: Text = ""
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Any = None
    value_ratio: Any = None
    value_sampled_data: Any = None
    value_time: Any = None
    value_date_time: Any = None
    value_period: Any = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()


class Answer(BackboneElement, frozen=True):
    """An answer of a questionnaire item, with the questions asked because of it."""

    value_boolean: bool | None = None
    value_decimal: float | None = None
    value_integer: int | None = None
    value_string: Text = ""
    value_coding: Coding | None = None
    value_quantity: Quantity | None = None
    value_time: Any = None
    value_date: Any = None
    value_date_time: Any = None
    value_uri: Any = None
    value_attachment: Any = None
    value_reference: Any = None
    item: tuple[ResponseItem, ...] = ()


class ResponseItem(BackboneElement, frozen=True):
    """A question of a questionnaire, with its answers and nested items."""

    link_id: Text = ""
    definition: Text = ""
    text: Text = ""
    answer: tuple[Answer, ...] = ()
    item: tuple[ResponseItem, ...] = ()
