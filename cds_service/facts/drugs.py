"""Which drug a medication resource is about: its own coding, a contained or bundled Medication, its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cds_service.facts import fhir
from cds_service.facts.coding import concept_codes
from cds_service.facts.meaning import Meanings
from cds_service.rulebook.terminology import Coded, Drug


def medications_among(resources: Iterable[object]) -> dict[str, fhir.Medication]:
    """The Medications of one Bundle by what rewritten references call them (`facts/address.py`).

    That is `Medication/id` on the caller's server, their entry's URL, and either with a version. A name that
    two different drugs have is nobody's.
    """
    found: dict[str, fhir.Medication] = {}
    doubtful: set[str] = set()
    for one in resources:
        if isinstance(one, fhir.Medication):
            for name in _names(one):
                if not _same_drug(found.setdefault(name, one), one):
                    doubtful.add(name)
    return {name: one for name, one in found.items() if name not in doubtful}


def _names(medication: fhir.Medication) -> Iterator[str]:
    url, version = medication.full_url, medication.meta.version_id if medication.meta is not None else ""
    here = f"Medication/{medication.id}" if medication.id and "://" not in url else ""
    for name in {url, url.partition("/_history/")[0], here} - {""}:
        yield name
        if version:
            yield f"{name}/_history/{version}"


def _same_drug(one: fhir.Medication, other: fhir.Medication) -> bool:
    return one is other or (one.code == other.code and one.ingredient == other.ingredient)


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
    if reference.startswith("#"):
        return medications_among(contained_in(resource)).get(f"Medication/{reference[1:]}")
    found = medications.get(reference) or medications.get(reference.partition("/_history/")[0])
    return found if found is not None and _is_version(found, reference) else None


def contained_in(resource: fhir.OfDrug | fhir.Procedure) -> Iterator[fhir.Readable]:
    """The contained resources that can be read."""
    for raw in resource.contained:
        try:
            yield fhir.read_resource(raw)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            continue


def _is_version(medication: fhir.Medication, reference: str) -> bool:
    """Whether a Medication is the version a reference asks for, if any: another may be another drug."""
    version = reference.partition("/_history/")[2]
    stated = medication.meta.version_id if medication.meta is not None else ""
    return not version or stated == version or medication.full_url == reference
