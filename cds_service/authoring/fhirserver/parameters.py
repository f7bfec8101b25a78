"""The search parameters of FHIR R4 that the test server knows, by resource type, and what each matches.

Names, types and elements are those of the specification's search parameter registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cds_service.facts.dates import EVER, NEVER, parse_when

Json = Mapping[str, Any]
Kind = Literal["token", "reference", "date", "string"]
Interval = tuple[datetime, datetime]
"""The instants a recorded date may mean: from the first, up to before the second."""


class Unreadable(ValueError):
    """A search value that does not fit its parameter; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: how values are compared, and the elements it looks at (`reaction.substance`)."""

    name: str
    kind: Kind
    elements: tuple[str, ...]

    def values(self, resource: Json) -> list[Any]:
        """Every value of its elements in a resource."""
        return [value for path in self.elements for value in _at(resource, path.split("."))]


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _table(kind: Kind, **elements: str) -> dict[str, Parameter]:
    """Parameters of one kind; `_` in a name stands for `-`, elements are separated by blanks."""
    named = {name.replace("_", "-"): paths for name, paths in elements.items()}
    return {name: Parameter(name, kind, tuple(paths.split())) for name, paths in named.items()}


_COMMON = {
    "_id": Parameter("_id", "token", ("id",)),
    "_lastUpdated": Parameter("_lastUpdated", "date", ("meta.lastUpdated",)),
}
_OF_SUBJECT = _table("reference", patient="subject", subject="subject")
_OF_PATIENT = _table("reference", patient="patient")
_AT_VISIT = _table("reference", encounter="encounter")
_IN_CONTEXT = _table("reference", context="context")
_PERSON = _table("string", name="name.text name.family name.given", family="name.family", given="name.given")
_DRUG = _table("token", code="medicationCodeableConcept", status="status")

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    kind: _COMMON | own
    for kind, own in {
        "Patient": _PERSON
        | _table("token", identifier="identifier", gender="gender")
        | _table("date", birthdate="birthDate"),
        "Practitioner": _PERSON | _table("token", identifier="identifier"),
        "Encounter": _OF_SUBJECT
        | _table("token", status="status", type="type", **{"class": "class"})
        | _table("date", date="period"),
        "Condition": _OF_SUBJECT
        | _AT_VISIT
        | _table("token", code="code", category="category")
        | _table("token", clinical_status="clinicalStatus", verification_status="verificationStatus")
        | _table("date", onset_date="onsetDateTime onsetPeriod", recorded_date="recordedDate")
        | _table("date", abatement_date="abatementDateTime abatementPeriod"),
        "AllergyIntolerance": _OF_PATIENT
        | _table("token", code="code reaction.substance", category="category")
        | _table("token", clinical_status="clinicalStatus", verification_status="verificationStatus")
        | _table("date", date="recordedDate"),
        "Observation": _OF_SUBJECT
        | _AT_VISIT
        | _table("token", code="code", category="category", status="status")
        | _table("token", component_code="component.code", combo_code="code component.code")
        | _table("date", date="effectiveDateTime effectivePeriod effectiveInstant"),
        "MedicationRequest": _OF_SUBJECT
        | _AT_VISIT
        | _DRUG
        | _table("token", category="category", intent="intent")
        | _table("date", authoredon="authoredOn"),
        "MedicationStatement": _OF_SUBJECT
        | _IN_CONTEXT
        | _DRUG
        | _table("token", category="category")
        | _table("date", effective="effectiveDateTime effectivePeriod"),
        "MedicationDispense": _OF_SUBJECT
        | _IN_CONTEXT
        | _DRUG
        | _table("date", whenhandedover="whenHandedOver", whenprepared="whenPrepared"),
        "MedicationAdministration": _OF_SUBJECT
        | _IN_CONTEXT
        | _DRUG
        | _table("date", effective_time="effectiveDateTime effectivePeriod"),
        "Medication": _table("token", code="code", status="status"),
        "Procedure": _OF_SUBJECT
        | _AT_VISIT
        | _table("token", code="code", category="category", status="status")
        | _table("date", date="performedDateTime performedPeriod"),
        "QuestionnaireResponse": _OF_SUBJECT
        | _AT_VISIT
        | _table("token", status="status")
        | _table("date", authored="authored"),
        "Immunization": _OF_PATIENT
        | _table("token", vaccine_code="vaccineCode", status="status")
        | _table("date", date="occurrenceDateTime"),
    }.items()
}


# --- dates ---------------------------------------------------------------------------------------

_PREFIXED = re.compile(r"([a-z]{2})?(\d.*)", re.ASCII)
_PREFIXES = ("eq", "ge", "gt", "le", "lt")
_MINUTE = re.compile(r"T\d{2}:\d{2}(Z|[+-].*)?$", re.ASCII)


def interval(text: str) -> Interval | None:
    """A date as written, to its precision: a year, month, day, minute, second or fraction; in UTC."""
    when = parse_when(text, UTC)
    if when is None:
        return None
    if not when.instant or "." in text:
        return when.start, when.end
    length = timedelta(minutes=1) if _MINUTE.search(text) else timedelta(seconds=1)
    return when.start, min(when.start, NEVER) + length


def recorded(value: Any) -> Interval | None:
    """The interval of a recorded date or Period; an open end of a Period reaches for ever."""
    if isinstance(value, str):
        return interval(value)
    if not isinstance(value, Mapping):
        return None
    start, end = interval(str(value.get("start", ""))), interval(str(value.get("end", "")))
    if start is None and end is None:
        return None
    return (start[0] if start else EVER), (end[1] if end else NEVER)


def date_matches(value: str, recorded_values: Iterable[Any]) -> bool:
    """Whether any recorded value fits `ge2026-03-01` and the like. Raises Unreadable."""
    found = _PREFIXED.fullmatch(value)
    prefix, text = (found[1] or "eq", found[2]) if found else ("eq", value)
    wanted = interval(text)
    if wanted is None:
        raise Unreadable("a date such as 2026-03-01, with eq, ge, gt, le or lt before it; write + as %2B")
    if prefix not in _PREFIXES:
        raise Unreadable("eq, ge, gt, le or lt before the date")
    intervals = (recorded(one) for one in recorded_values)
    return any(seen is not None and _fits(prefix, wanted, seen) for seen in intervals)


def _fits(prefix: str, wanted: Interval, seen: Interval) -> bool:
    """FHIR R4, Search, "date": `ge` and `le` also take what the searched interval contains."""
    inside = wanted[0] <= seen[0] and seen[1] <= wanted[1]
    later, earlier = seen[1] > wanted[1], seen[0] < wanted[0]
    return {
        "eq": inside,
        "gt": later,
        "ge": later or inside,
        "lt": earlier,
        "le": earlier or inside,
    }[prefix]


# --- tokens, references, strings -----------------------------------------------------------------


def token_matches(value: str, recorded_values: Iterable[Any]) -> bool:
    """Whether any code fits `code`, `system|code`, `|code` (no system) or `system|`. Raises Unreadable."""
    system, bar, code = (part.replace("\\|", "|") for part in _bar(value))
    if not system and not code:
        raise Unreadable("a code, or system|code")
    for held_system, held_code in _codes(recorded_values):
        same_system = not bar or held_system is None or held_system == system
        if same_system and (not code or held_code == code):
            return True
    return False


def _bar(value: str) -> tuple[str, str, str]:
    """System, bar, code; without a bar all is code."""
    parts = re.split(r"(?<!\\)\|", value, maxsplit=1)
    return (parts[0], "|", parts[1]) if len(parts) == 2 else ("", "", parts[0])


def _codes(values: Iterable[Any]) -> Iterator[tuple[str | None, str]]:
    """System and code of everything coded; the system is None for a bare code, whose system is implied."""
    for value in values:
        if isinstance(value, str):
            yield None, value
        elif isinstance(value, Mapping):
            for coding in value.get("coding", [value]):
                yield coding.get("system", ""), coding.get("code", coding.get("value", ""))


def reference_matches(value: str, recorded_values: Iterable[Any], base: str, target: str) -> bool:
    """Whether any reference is `id` (of the target type), `Type/id`, or the same under our own base."""
    wanted = value.removeprefix(f"{base}/")
    wanted = wanted if "/" in wanted else f"{target}/{wanted}"
    references = (str(one.get("reference", "")) for one in recorded_values if isinstance(one, Mapping))
    return any(reference == wanted for reference in references)


def string_matches(value: str, recorded_values: Iterable[Any]) -> bool:
    """Whether any text begins so, in any case."""
    return any(str(one).casefold().startswith(value.casefold()) for one in recorded_values)
