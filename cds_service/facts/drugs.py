"""Which drug a medication resource is about: its own coding, a contained or bundled Medication, its text."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cds_service.facts import fhir
from cds_service.facts.coding import concept_codes
from cds_service.rulebook.terminology import Coded, Drug, Terminology


def drug_of(
    resource: fhir.OfDrug, medications: Mapping[str, fhir.Medication], terminology: Terminology
) -> tuple[Drug | None, tuple[Coded, ...]]:
    """The drug and the codes it was told by; None if the resource names no drug at all (an order begun).

    A reference that cannot be followed gives an unresolved drug, not none.
    """
    concept = resource.medication_codeable_concept
    if concept is not None:
        codes = concept_codes(concept)
        if not codes:
            return None, ()
        return _resolve(codes, (), terminology), codes
    if resource.medication_reference is None:
        return None, ()
    medication = _follow(resource, resource.medication_reference.reference, medications)
    if medication is None:
        spoken = resource.medication_reference.display
        codes = (Coded("text", spoken, spoken),) if spoken else ()
        return _resolve(codes, (), terminology), codes
    codes = concept_codes(medication.code)
    parts = tuple(
        code
        for ingredient in medication.ingredient
        for code in concept_codes(ingredient.item_codeable_concept)
        if code.system != "text"
    )
    return _resolve(codes, parts, terminology), codes or parts


def _resolve(codes: tuple[Coded, ...], parts: tuple[Coded, ...], terminology: Terminology) -> Drug:
    codings = tuple(code for code in codes if code.system != "text")
    text = next((code.code for code in codes if code.system == "text"), "")
    return terminology.drug(codings, text, parts)


def _follow(
    resource: fhir.OfDrug, reference: str, medications: Mapping[str, fhir.Medication]
) -> fhir.Medication | None:
    if not reference.startswith("#"):
        tail = "/".join(reference.split("/_history/")[0].split("/")[-2:])
        return medications.get(tail)
    for raw in resource.contained:
        try:
            inner = fhir.read_resource(raw)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            continue
        if isinstance(inner, fhir.Medication) and inner.id == reference[1:]:
            return inner
    return None
