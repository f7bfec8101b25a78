"""Codes of resources in the form the terminology asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cds_service.facts import fhir
from cds_service.rulebook.terminology import Coded

# FHIR R4, "id": what goes into references, notes and answers is no more than this.
_ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")


def concept_codes(concept: fhir.CodeableConcept | None) -> tuple[Coded, ...]:
    """The codings of a concept, then its text as a code of the system `text`; so a coding without a code."""
    if concept is None:
        return ()
    codes = tuple(
        Coded(c.system, c.code, c.display) if c.code else Coded("text", c.display, c.display)
        for c in concept.coding
        if c.code or c.display
    )
    return (*codes, Coded("text", concept.text, concept.text)) if concept.text else codes


def told_codes(concept: fhir.CodeableConcept | None) -> tuple[Coded, ...]:
    """The codes of a concept chosen from a list; the display of each is read like a text beside it."""
    if concept is None:
        return ()
    spoken = (Coded("text", concept.text, concept.text),) if concept.text else ()
    return (*(code for coding in concept.coding for code in coding_codes(coding)), *spoken)


def coding_codes(coding: fhir.Coding) -> tuple[Coded, ...]:
    """The code of a coding, and its display as a text."""
    codes = (Coded(coding.system, coding.code, coding.display),) if coding.code else ()
    return (*codes, Coded("text", coding.display)) if coding.display else codes


def all_codes(concepts: Iterable[fhir.CodeableConcept]) -> tuple[Coded, ...]:
    """The codes of several concepts."""
    return tuple(code for concept in concepts for code in concept_codes(concept))


def reference_of(resource: Any, index: int = 0) -> str:
    """`Type/id`; a resource without a FHIR id is told apart by its place."""
    kind = type(resource).__name__
    return f"{kind}/{resource.id}" if _ID.match(resource.id) else f"{kind}/?{index}"


def reference_tail(reference: str) -> str:
    """`Type/id` of a reference, absolute, versioned or neither."""
    return "/".join(reference.split("/_history/")[0].split("/")[-2:])
