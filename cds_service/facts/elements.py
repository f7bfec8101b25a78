"""The elements of resources that a rule's `where`, `unsure`, `within` and `give` may read.

Each reader answers with codes, or None where the element is absent; FINDABLE in rulebook/views.py names
which exist for which type, and a test holds the two tables together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import all_codes, coding_codes, concept_codes, told_codes
from cds_service.facts.dates import When
from cds_service.facts.ended import clinical_status
from cds_service.facts.finding import Quantity
from cds_service.facts.quantity import read_quantity
from cds_service.facts.reasons import reasons_of
from cds_service.facts.shelf import Entry
from cds_service.facts.statuses import NOT_READ, verification_status
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import FINDABLE
from cds_service.truth import exactly

Codes = tuple[Coded, ...] | None
ElementReader = Callable[[Entry, Chart], Codes]
DateReader = Callable[[Any, Chart], When | None]


def _word(name: str) -> ElementReader:
    def read(entry: Entry, chart: Chart) -> Codes:
        text = getattr(entry.resource, name)
        return (Coded("", text),) if text else None

    return read


def _drug_status(kind: str) -> ElementReader:
    """The status of a drug entry; what FHIR does not have as one was recorded and cannot be read."""
    known = FINDABLE[kind].allowed(kind, "status")

    def read(entry: Entry, chart: Chart) -> Codes:
        status = entry.resource.status
        if not status:
            return None
        return (Coded("", status),) if status in known else NOT_READ

    return read


def _words(name: str) -> ElementReader:
    def read(entry: Entry, chart: Chart) -> Codes:
        return tuple(Coded("", text) for text in getattr(entry.resource, name)) or None

    return read


def _concept(name: str) -> ElementReader:
    def read(entry: Entry, chart: Chart) -> Codes:
        return concept_codes(getattr(entry.resource, name)) or None

    return read


def _concepts(name: str) -> ElementReader:
    def read(entry: Entry, chart: Chart) -> Codes:
        return all_codes(getattr(entry.resource, name)) or None

    return read


def _encounter_class(entry: Entry, chart: Chart) -> Codes:
    coding = entry.resource.class_
    return (Coded(coding.system, coding.code, coding.display),) if coding and coding.code else None


def _clinical_status(entry: Entry, chart: Chart) -> Codes:
    return clinical_status(entry.resource, chart)


def _verification_status(entry: Entry, chart: Chart) -> Codes:
    return verification_status(entry.resource)


def _own_codes(entry: Entry, chart: Chart) -> Codes:
    return entry.codes or None


def _do_not_perform(entry: Entry, chart: Chart) -> Codes:
    return (Coded("boolean", "true" if entry.resource.do_not_perform else "false"),)


def _reason(entry: Entry, chart: Chart) -> Codes:
    """Reason codes, and the codes of the conditions given as reason; UNREAD or DANGLING for one not there."""
    return tuple(code for codes in reasons_of(entry.resource, chart) for code in codes) or None


def answer_codes(valued: Any) -> Codes:
    """The coded, text or yes/no answer of an observation, component or questionnaire answer.

    The display of a coding is read like a text beside it, wherever the answer stands.
    """
    if valued.value_boolean is not None:
        return (Coded("boolean", "true" if valued.value_boolean else "false"),)
    concept = getattr(valued, "value_codeable_concept", None)
    if concept is not None:
        return told_codes(concept) or None
    coding = getattr(valued, "value_coding", None)
    if coding is not None:
        return coding_codes(coding) or None
    return (Coded("text", valued.value_string),) if valued.value_string else None


_OTHER_SHAPES: Mapping[str, str] = {
    "value_range": "a range",
    "value_ratio": "a ratio",
    "value_sampled_data": "a series of measurements",
    "value_time": "a time",
    "value_date": "a date",
    "value_date_time": "a date",
    "value_period": "a period",
    "value_uri": "an address",
    "value_attachment": "a document",
    "value_reference": "a reference",
}


def answer_elsewhere(valued: Any) -> Codes:
    """That there is an answer where none is read as codes or number: an interpretation, or another shape.

    A result may be told by its interpretation alone ("POS"). A range or a date is an answer nobody here can
    judge, told by what it is.
    """
    interpreted = all_codes(getattr(valued, "interpretation", ()))
    if interpreted:
        return interpreted
    told = (words for name, words in _OTHER_SHAPES.items() if getattr(valued, name, None) is not None)
    return next(((Coded("text", words),) for words in told), None)


def answer_number(valued: Any) -> Quantity | None:
    """The number answered, as quantity, integer, decimal, or digits in a text."""
    if valued.value_integer is not None:
        return Quantity(exactly(valued.value_integer))
    decimal = getattr(valued, "value_decimal", None)
    if decimal is not None:
        return Quantity(exactly(decimal))
    if valued.value_quantity is not None:
        return read_quantity(valued.value_quantity)
    text = valued.value_string.strip()
    return Quantity(exactly(float(text))) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _value(entry: Entry, chart: Chart) -> Codes:
    return answer_codes(entry.resource)


ELEMENTS: Mapping[str, Mapping[str, ElementReader]] = {
    "Patient": {"gender": _word("gender")},
    "Encounter": {
        "status": _word("status"),
        "class": _encounter_class,
        "type": _concepts("type"),
        "reasonCode": _concepts("reason_code"),
    },
    "Condition": {
        "code": _own_codes,
        "clinicalStatus": _clinical_status,
        "verificationStatus": _verification_status,
        "category": _concepts("category"),
        "severity": _concept("severity"),
    },
    "AllergyIntolerance": {
        "code": _own_codes,
        "clinicalStatus": _clinical_status,
        "verificationStatus": _verification_status,
        "type": _word("type"),
        "category": _words("category"),
    },
    "MedicationRequest": {
        "code": _own_codes,
        "status": _drug_status("MedicationRequest"),
        "intent": _word("intent"),
        "reason": _reason,
        "doNotPerform": _do_not_perform,
    },
    "MedicationStatement": {
        "code": _own_codes,
        "status": _drug_status("MedicationStatement"),
        "reason": _reason,
    },
    "MedicationDispense": {"code": _own_codes, "status": _drug_status("MedicationDispense")},
    "MedicationAdministration": {
        "code": _own_codes,
        "status": _drug_status("MedicationAdministration"),
        "reason": _reason,
    },
    "Procedure": {"code": _own_codes, "status": _word("status"), "reason": _reason},
    "Observation": {
        "code": _own_codes,
        "status": _word("status"),
        "category": _concepts("category"),
        "value": _value,
    },
    "QuestionnaireResponse": {"status": _word("status")},
}


def _moment(name: str) -> DateReader:
    def read(resource: Any, chart: Chart) -> When | None:
        return chart.when(getattr(resource, name))

    return read


def _span(moment: str, period: str) -> DateReader:
    def read(resource: Any, chart: Chart) -> When | None:
        return chart.when(getattr(resource, moment)) or chart.period(getattr(resource, period))

    return read


PLANNED = frozenset({"preparation", "not-done", "cancelled", "declined", "registered"})
"""Statuses of what has not happened, so that its date may be to come."""


def happened(when: When | None, resource: Any, chart: Chart) -> When | None:
    """The date of what a resource reports: not after the call, unless the thing was only planned."""
    if when is None or when.end <= chart.ahead_from or getattr(resource, "status", "") in PLANNED:
        return when
    return chart.until_now(when)


def _past(read: DateReader) -> DateReader:
    return lambda resource, chart: happened(read(resource, chart), resource, chart)


def effective(resource: fhir.Observation, chart: Chart) -> When | None:
    """When an observation was made."""
    when = (
        chart.when(resource.effective_date_time)
        or chart.when(resource.effective_instant)
        or chart.period(resource.effective_period)
    )
    return happened(when, resource, chart)


issued = _past(_moment("issued"))
"""When an observation was given out."""
authored = _past(_moment("authored"))
"""When a questionnaire was answered."""


DATES: Mapping[str, Mapping[str, DateReader]] = {
    "Patient": {},
    "Encounter": {"period": lambda resource, chart: chart.period(resource.period)},
    "Condition": {
        "onset": _past(_span("onset_date_time", "onset_period")),
        "recordedDate": _past(_moment("recorded_date")),
    },
    "AllergyIntolerance": {
        "recordedDate": _past(_moment("recorded_date")),
        "onset": _past(_moment("onset_date_time")),
    },
    "MedicationRequest": {"authoredOn": _moment("authored_on")},
    "MedicationStatement": {
        "effective": _span("effective_date_time", "effective_period"),
        "dateAsserted": _moment("date_asserted"),
    },
    "MedicationDispense": {
        "whenHandedOver": _past(_moment("when_handed_over")),
        "whenPrepared": _past(_moment("when_prepared")),
    },
    "MedicationAdministration": {"effective": _past(_span("effective_date_time", "effective_period"))},
    "Procedure": {"performed": _past(_span("performed_date_time", "performed_period"))},
    "Observation": {"effective": effective, "issued": issued},
    "QuestionnaireResponse": {"authored": authored},
}


def date_of(entry: Entry, chart: Chart, names: tuple[str, ...]) -> When | None:
    """The first of the named dates that is recorded; one that lies ahead only for want of another."""
    readers = DATES[type(entry.resource).__name__]
    ahead: When | None = None
    for name in names:
        when = readers[name](entry.resource, chart)
        if when is not None and not chart.is_ahead(when):
            return when
        ahead = ahead or when
    return ahead
