"""The clinical and verification status of a problem or allergy, read as FHIR's codes.

Absent is a statement of its own (active, confirmed); what is there and cannot be read is neither. A FHIR code
stands; else the words of the codings and of the text are read, if they all name the same FHIR code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cds_service.facts import fhir
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import FINDABLE

Status = tuple[Coded, ...] | None
UNREAD = "unread"
"""The system of what is recorded and cannot be read, or was not obtained."""
NOT_READ = (Coded(UNREAD, ""),)
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
