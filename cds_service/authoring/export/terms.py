"""The names an export uses: canonical addresses, extensions of our own, code systems."""

from __future__ import annotations

from datetime import date
from typing import Any

from cds_service.rulebook.terminology import SYSTEMS

Json = dict[str, Any]

OWN = "urn:cds-service"
LANGUAGE = "text/x-cds-rule"
"""The language of expressions: criteria as the rule file writes them."""
ECA = {"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "eca-rule"}
COLLECTION = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "asset-collection"}
STATUS = {"draft": "draft", "shadow": "draft", "active": "active", "retired": "retired"}
"""FHIR has no word for a rule that is evaluated but not shown; the extension `status` has ours."""


def canonical(kind: str, book: str, name: str) -> str:
    """`urn:cds-service:ketamine-trd:PlanDefinition:trd-definition-met`."""
    return f"{OWN}:{book}:{kind}:{name}"


def extension(name: str, kind: str, value: object) -> Json:
    """One extension of ours: `value<kind>`."""
    return {"url": f"{OWN}:{name}", f"value{kind}": value}


def valued(resource: Json, name: str, kind: str) -> list[Any]:
    """The values of all extensions of ours of that name, in order."""
    held = resource.get("extension", [])
    return [one[f"value{kind}"] for one in held if one["url"] == f"{OWN}:{name}"]


def text_of(resource: Json, name: str, kind: str) -> str:
    """The first such value as text, "" for none."""
    return str(next(iter(valued(resource, name, kind)), ""))


def iso(day: date | None) -> str | None:
    """A day as FHIR writes it."""
    return day.isoformat() if day is not None else None


def day(text: str | None) -> date | None:
    """A day read back."""
    return date.fromisoformat(text) if text else None


def system_url(name: str) -> str:
    """The address of a system; words that stand for answers without a code get one of ours."""
    url = SYSTEMS[name]
    return url if ":" in url else f"{OWN}:system:{name}"


def system_short(url: str) -> str:
    """The short name back. Raises KeyError for a system no rule file can name."""
    return {system_url(name): name for name in SYSTEMS}[url]


def kept(resource: Json) -> Json:
    """Without members that say nothing: FHIR knows no empty lists and no null."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
