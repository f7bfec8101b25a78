"""Checks the FHIR resources that suggestions create: valid FHIR with dummy values for the placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from cds_service.errors import Problem, nearest
from cds_service.rulebook.files import TemplateFile
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.shelf import Shelf

DUMMIES = {
    "patient_id": "p1",
    "user": "Practitioner/u1",
    "encounter_id": "e1",
    "today": "2026-01-01",
    "now": "2026-01-01T12:00:00Z",
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def templates_are_fhir(shelf: Shelf) -> Iterator[Problem]:
    """Every template is a valid FHIR R4B resource once its placeholders are filled in."""
    for parsed in shelf.templates.values():
        unknown = list(_unknown_placeholders(parsed))
        yield from unknown
        if not unknown:
            yield from _invalid(parsed)


def _unknown_placeholders(parsed: Parsed[TemplateFile]) -> Iterator[Problem]:
    for path, text in _texts(parsed.model.resource, ("resource",)):
        for name in _PLACEHOLDER.findall(text):
            if name not in DUMMIES:
                yield parsed.problem(
                    path,
                    "card/unknown-placeholder",
                    f"nothing can be filled in for {{{name}}}",
                    nearest(name, list(DUMMIES)),
                )


def _texts(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, (*path, index))


def filled(node: Any) -> Any:
    """A resource with a dummy value for every placeholder."""
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: DUMMIES.get(match.group(1), match.group(0)), node)
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value) for value in node]
    return node


def _invalid(parsed: Parsed[TemplateFile]) -> Iterator[Problem]:
    # Imported here: only a rulebook with templates pays for it.
    from fhir.resources.R4B import get_fhir_model_class

    kind = parsed.model.resource.get("resourceType")
    try:
        get_fhir_model_class(str(kind))
    except (AttributeError, ImportError, LookupError, ValueError):
        yield parsed.problem(
            ("resource", "resourceType"),
            "card/invalid-fhir-action",
            f"{kind!r} is not a FHIR resource type",
            "write resourceType: and its name, like ServiceRequest",
        )
        return
    for loc, message in not_fhir(str(kind), filled(parsed.model.resource)):
        hint = f"see the elements of {kind} in FHIR R4B"
        yield parsed.problem_at_key(("resource", *loc), "card/invalid-fhir-action", message, hint)


def not_fhir(kind: str, resource: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What FHIR R4B does not accept in a resource of a known type: each place in it, and why."""
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = ".".join(str(part) for part in detail["loc"])
            yield detail["loc"], f"{place or kind} is not valid FHIR: {detail['msg'].rstrip('.')}"
