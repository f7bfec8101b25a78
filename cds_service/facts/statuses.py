"""The status of a resource, read as FHIR's codes.

The clinical and verification status of a problem or allergy: absent is a statement of its own (active,
confirmed); what is there and cannot be read is neither. A FHIR code stands; else the words of the codings and
of the text are read, if they all name the same FHIR code. The plain `status` of other resources is a code
alone; one in other letters ("Draft", "Entered in error") is read as the code it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from cds_service.facts import fhir
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import FINDABLE

Status = tuple[Coded, ...] | None
UNREAD = "unread"
"""The system of what is recorded and cannot be read, or was not obtained."""
NOT_READ = (Coded(UNREAD, ""),)
UNCLEAR = "status-unclear"
"""The note on an entry whose status cannot be read."""
STATUSES: Mapping[type, frozenset[str]] = {
    getattr(fhir, kind): codes | {""}
    for kind, signature in FINDABLE.items()
    if (codes := signature.allowed(kind, "status"))
}
"""By type of resource, the codes that its `status` may be, and none."""
CLINICAL = FINDABLE["Condition"].allowed("Condition", "clinicalStatus")
_VERIFICATION = FINDABLE["Condition"].allowed("Condition", "verificationStatus")


def read_status(concept: fhir.CodeableConcept | None, known: frozenset[str]) -> Status:
    """The FHIR codes a status has or is worded as; NOT_READ if neither; None if nothing is recorded."""
    return _read(concept, known) if concept is not None else None


@lru_cache(1024)
def _read(concept: fhir.CodeableConcept, known: frozenset[str]) -> Status:
    codes = tuple(Coded(one.system, one.code) for one in concept.coding if one.code in known)
    if codes:
        return codes
    words = [text for one in concept.coding for text in (one.code, one.display) if text]
    words += [concept.text] if concept.text else []
    if not words:
        return None
    meant = {_as_code(text) for text in words} & known
    return (Coded("", meant.pop()),) if len(meant) == 1 else NOT_READ


def _as_code(text: str) -> str:
    """How FHIR would write a word: "Entered in Error" is `entered-in-error`."""
    return "-".join(text.partition("(")[0].casefold().replace("-", " ").replace("_", " ").split())


def verification_status(resource: Any) -> Status:
    """Whether a problem or allergy is confirmed, as recorded; None if nothing is."""
    return read_status(resource.verification_status, _VERIFICATION)


def disowned(resource: Any) -> str:
    """`refuted` or `entered-in-error` if the verification status says so, else empty."""
    concept: fhir.CodeableConcept | None = resource.verification_status
    return _disowned(concept) if concept is not None else ""


@lru_cache(1024)
def _disowned(concept: fhir.CodeableConcept) -> str:
    told = _read(concept, _VERIFICATION) or ()
    return next((one.code for one in told if one.code in ("refuted", "entered-in-error")), "")


def as_fhir_writes(resource: Any) -> Any:
    """A resource whose status is none of FHIR's codes, with the one it names, if it names one."""
    code = _as_code(resource.status)
    return replace(resource, status=code) if code in STATUSES[resource.__class__] else resource


def all_as_fhir_writes(resources: list[Any], kind: Any) -> list[Any]:
    """The same of many, of which those of a type have a status; nearly always they are as they should be."""
    known = STATUSES[kind]
    odd = [one for one in resources if one.__class__ is kind and one.status not in known]
    if not odd:
        return resources
    return [as_fhir_writes(one) if one.__class__ is kind else one for one in resources]
