"""Which drug a medication resource is about: its own coding, a contained or bundled Medication, its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cds_service.facts import fhir
from cds_service.facts.coding import concept_codes, reference_tail
from cds_service.facts.meaning import Meanings
from cds_service.rulebook.terminology import Coded, Drug


def medications_among(resources: Iterable[object]) -> dict[str, fhir.Medication]:
    """The Medications of one Bundle by what references call them: `Medication/id`, or their entry's URL."""
    found: dict[str, fhir.Medication] = {}
    for one in resources:
        if isinstance(one, fhir.Medication):
            found |= {name: one for name in (f"Medication/{one.id}" if one.id else "", one.full_url) if name}
    return found


def drug_of(
    resource: fhir.OfDrug, medications: Mapping[str, fhir.Medication], meanings: Meanings
) -> tuple[Drug, tuple[Coded, ...]]:
    """The drug and the codes it was told by; unresolved without codes if the resource names none.

    A drug that was withheld, left out or is not chosen yet may be any, like one by a dead reference.
    """
    if resource.medication_codeable_concept is not None:
        return meanings.drug(resource.medication_codeable_concept)
    if resource.medication_reference is None:
        return meanings.resolve((), ()), ()
    medication = _follow(resource, resource.medication_reference.reference, medications)
    if medication is None:
        spoken = resource.medication_reference.display
        said: tuple[Coded, ...] = (Coded("text", spoken, spoken),) if spoken else ()
        return meanings.resolve(said, ()), said
    codes = concept_codes(medication.code)
    parts = tuple(
        code
        for ingredient in medication.ingredient
        for code in concept_codes(ingredient.item_codeable_concept)
        if code.system != "text"
    )
    return meanings.resolve(codes, parts), codes or parts


def names_a_drug_not_read(resource: fhir.OfDrug, medications: Mapping[str, fhir.Medication]) -> bool:
    """Whether a resource tells its drug by a reference alone, to a Medication that is not at hand."""
    named = resource.medication_reference
    if resource.medication_codeable_concept is not None or named is None:
        return False
    return _follow(resource, named.reference, medications) is None


def _follow(
    resource: fhir.OfDrug, reference: str, medications: Mapping[str, fhir.Medication]
) -> fhir.Medication | None:
    if not reference.startswith("#"):
        found = medications.get(reference) or medications.get(reference_tail(reference))
        return found if found is not None and _is_version(found, reference) else None
    for raw in resource.contained:
        try:
            inner = fhir.read_resource(raw)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            continue
        if isinstance(inner, fhir.Medication) and inner.id == reference[1:]:
            return inner
    return None


def _is_version(medication: fhir.Medication, reference: str) -> bool:
    """Whether a Medication is the version a reference asks for, if any: another may be another drug."""
    version = reference.partition("/_history/")[2]
    stated = medication.meta.version_id if medication.meta is not None else ""
    return not version or stated == version or medication.full_url == reference
