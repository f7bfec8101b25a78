"""The FHIR R4 elements we read, as msgspec structs; everything else in a resource is skipped unread.

Field names are FHIR's own in snake case. A resource that does not fit its struct is unreadable, which
the chart notes; nothing here validates more than the types of the elements a rule may look at.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from cds_service.facts.fhir_types import (
    Answer as Answer,
)
from cds_service.facts.fhir_types import (
    BackboneElement as BackboneElement,
)
from cds_service.facts.fhir_types import (
    CodeableConcept as CodeableConcept,
)
from cds_service.facts.fhir_types import (
    Coding as Coding,
)
from cds_service.facts.fhir_types import (
    Dosage as Dosage,
)
from cds_service.facts.fhir_types import (
    DoseAndRate as DoseAndRate,
)
from cds_service.facts.fhir_types import (
    DoseGiven as DoseGiven,
)
from cds_service.facts.fhir_types import (
    Element as Element,
)
from cds_service.facts.fhir_types import (
    Labels as Labels,
)
from cds_service.facts.fhir_types import (
    Link as Link,
)
from cds_service.facts.fhir_types import (
    Period as Period,
)
from cds_service.facts.fhir_types import (
    Quantity as Quantity,
)
from cds_service.facts.fhir_types import (
    Range as Range,
)
from cds_service.facts.fhir_types import (
    Ratio as Ratio,
)
from cds_service.facts.fhir_types import (
    Reference as Reference,
)
from cds_service.facts.fhir_types import (
    ResponseItem as ResponseItem,
)
from cds_service.facts.fhir_types import (
    Text as Text,
)
from cds_service.facts.fhir_types import (
    Timing as Timing,
)
from cds_service.facts.fhir_types import (
    TimingRepeat as TimingRepeat,
)
from cds_service.facts.fhir_types import (
    Valued as Valued,
)


class Resource(Struct, frozen=True, rename="camel", gc=False, tag_field="resourceType"):
    """Any resource.

    One to be read by rules of its own (`implicitRules`), or that says by an extension that it does not mean
    what it seems to, is unreadable, as a BackboneElement is.
    """

    id: Text = ""
    meta: Labels | None = None
    implicit_rules: None = None
    modifier_extension: None = None


class OfSubject(Resource, frozen=True):
    """A resource about a patient."""

    subject: Reference | None = None


class Patient(Resource, frozen=True, tag="Patient"):
    """The person, who is the same whatever an extension says, though not all that is said of them."""

    implicit_rules: Any = None
    modifier_extension: Any = None
    birth_date: Text = ""
    gender: Text = ""
    deceased_boolean: bool | None = None
    deceased_date_time: Text = ""

    @property
    def qualified(self) -> bool:
        """Whether something says that the members may not mean what they seem to."""
        return bool(self.implicit_rules or self.modifier_extension)


class Encounter(OfSubject, frozen=True, tag="Encounter"):
    """A visit."""

    status: Text = ""
    class_: Coding | None = msgspec.field(default=None, name="class")
    type: tuple[CodeableConcept, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    period: Period | None = None


class Condition(OfSubject, frozen=True, tag="Condition"):
    """A problem or diagnosis."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    severity: CodeableConcept | None = None
    code: CodeableConcept | None = None
    onset_date_time: Text = ""
    onset_period: Period | None = None
    abatement_date_time: Text = ""
    abatement_period: Period | None = None
    abatement_age: Quantity | None = None
    abatement_range: Range | None = None
    abatement_string: Text = ""
    recorded_date: Text = ""


class Observation(OfSubject, frozen=True, tag="Observation"):
    """A measurement or an answer."""

    status: Text = ""
    category: tuple[CodeableConcept, ...] = ()
    code: CodeableConcept | None = None
    effective_date_time: Text = ""
    effective_period: Period | None = None
    effective_instant: Text = ""
    issued: Text = ""
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: Text = ""
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Any = None
    value_ratio: Any = None
    value_sampled_data: Any = None
    data_absent_reason: CodeableConcept | None = None
    value_time: Any = None
    value_date_time: Any = None
    value_period: Any = None
    interpretation: tuple[CodeableConcept, ...] = ()
    component: tuple[Valued, ...] = ()


class OfDrug(OfSubject, frozen=True):
    """A resource about a medication. `medication` and `reason` are what R5 put in place of R4's elements."""

    status: Text = ""
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    contained: tuple[Raw, ...] = ()
    medication: dict[str, Raw] | None = None
    reason: tuple[Raw, ...] = ()

    @property
    def after_r4(self) -> bool:
        """Whether it is written as in R5 or later, so that R4 would read no drug or no reason."""
        return self.medication is not None or bool(self.reason)


class DispenseRequest(BackboneElement, frozen=True):
    """What may be handed out for an order."""

    validity_period: Period | None = None
    expected_supply_duration: Quantity | None = None
    number_of_repeats_allowed: float | None = None
    quantity: Quantity | None = None


class MedicationRequest(OfDrug, frozen=True, tag="MedicationRequest"):
    """An order."""

    intent: Text = ""
    do_not_perform: bool = False
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    authored_on: Text = ""
    requester: Reference | None = None
    recorder: Reference | None = None
    status_reason: CodeableConcept | None = None
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: DispenseRequest | None = None


class MedicationStatement(OfDrug, frozen=True, tag="MedicationStatement"):
    """What somebody says is taken."""

    status_reason: tuple[CodeableConcept, ...] = ()
    effective_date_time: Text = ""
    effective_period: Period | None = None
    date_asserted: Text = ""
    dosage: tuple[Dosage, ...] = ()


class MedicationDispense(OfDrug, frozen=True, tag="MedicationDispense"):
    """What was handed out."""

    quantity: Quantity | None = None
    days_supply: Quantity | None = None
    when_prepared: Text = ""
    when_handed_over: Text = ""
    authorizing_prescription: tuple[Reference, ...] = ()
    dosage_instruction: tuple[Dosage, ...] = ()


class MedicationAdministration(OfDrug, frozen=True, tag="MedicationAdministration"):
    """What was given."""

    effective_date_time: Text = ""
    effective_period: Period | None = None
    dosage: DoseGiven | None = None


class Procedure(OfSubject, frozen=True, tag="Procedure"):
    """What was done."""

    status: Text = ""
    code: CodeableConcept | None = None
    performed_date_time: Text = ""
    performed_period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    contained: tuple[Raw, ...] = ()


class Reaction(BackboneElement, frozen=True):
    """One reaction of an allergy entry, and what it was to."""

    substance: CodeableConcept | None = None


class AllergyIntolerance(Resource, frozen=True, tag="AllergyIntolerance"):
    """An allergy, an intolerance, or the statement that there is none."""

    patient: Reference | None = None
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    type: Text = ""
    category: tuple[Text, ...] = ()
    code: CodeableConcept | None = None
    onset_date_time: Text = ""
    recorded_date: Text = ""
    reaction: tuple[Reaction, ...] = ()


class QuestionnaireResponse(OfSubject, frozen=True, tag="QuestionnaireResponse"):
    """A questionnaire filled in."""

    status: Text = ""
    authored: Text = ""
    item: tuple[ResponseItem, ...] = ()


class MedicationIngredient(BackboneElement, frozen=True):
    """What a Medication holds."""

    item_codeable_concept: CodeableConcept | None = None


class Meta(Labels, frozen=True):
    """The same with the version, where references may ask for one."""

    version_id: Text = ""


class Medication(Resource, frozen=True, tag="Medication"):
    """A drug product, referenced by orders; `full_url` is its entry's (`facts/address.py`)."""

    meta: Meta | None = None
    full_url: Text = ""
    code: CodeableConcept | None = None
    ingredient: tuple[MedicationIngredient, ...] = ()


class Issue(Element, frozen=True):
    """What went wrong."""

    severity: Text = ""
    code: Text = ""


class OperationOutcome(Resource, frozen=True, tag="OperationOutcome"):
    """A report instead of data."""

    issue: tuple[Issue, ...] = ()


DrugResource = MedicationRequest | MedicationStatement | MedicationDispense | MedicationAdministration
Readable = (
    Patient
    | Encounter
    | Condition
    | Observation
    | MedicationRequest
    | MedicationStatement
    | MedicationDispense
    | MedicationAdministration
    | Procedure
    | AllergyIntolerance
    | QuestionnaireResponse
    | Medication
    | OperationOutcome
)


class Search(Element, frozen=True):
    """Why an entry is in a searchset."""

    mode: Text = ""


class Entry(BackboneElement, frozen=True):
    """One readable entry of a Bundle."""

    full_url: Text = ""
    search: Search | None = None
    resource: Readable | None = None


class RawEntry(BackboneElement, frozen=True):
    """One entry whose resource is not decoded yet."""

    full_url: Text = ""
    search: Search | None = None
    resource: Raw = Raw(b"{}")


class Bundle(Resource, frozen=True, tag="Bundle"):
    """A searchset, all of whose entries are readable."""

    total: float | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Entry, ...] = ()


class LooseBundle(Element, frozen=True):
    """A Bundle whose entries are decoded one by one, so that one odd resource does not lose the rest."""

    meta: Labels | None = None
    implicit_rules: None = None
    total: float | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Raw, ...] = ()


class Kind(Element, frozen=True):
    """Just enough of a resource to say what it is."""

    resource_type: Text = ""
    id: Text = ""


RESOURCE_TYPES: frozenset[str] = frozenset(
    kind.__name__ for kind in Readable.__args__ if kind is not OperationOutcome
)
BEFORE_R4 = frozenset(
    "DeviceUseRequest DiagnosticOrder MedicationOrder Order ProcedureRequest ReferralRequest".split()
)
"""Types of orders that DSTU2 or STU3 had and R4 has under other names."""
read_any = msgspec.json.Decoder(Bundle | Readable).decode
read_loose_bundle = msgspec.json.Decoder(LooseBundle).decode
read_entry = msgspec.json.Decoder(Entry).decode
read_raw_entry = msgspec.json.Decoder(RawEntry).decode
read_resource = msgspec.json.Decoder(Readable).decode
read_kind = msgspec.json.Decoder(Kind).decode
