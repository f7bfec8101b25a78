"""An export read back: what a receiver can learn of the rules from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cds_service.authoring.export.terms import Json, day, system_short, text_of, valued
from cds_service.rulebook.files import Code, Member, Prefix, ValueSetFile
from cds_service.rulebook.rule import Evidence, Rule


@dataclass(frozen=True, slots=True)
class ExportedRule:
    """What an export carries of a rule. Criteria and cards are for readers and are not read back."""

    id: str
    version: str
    title: str
    status: str
    kind: str
    hooks: tuple[str, ...]
    owner: str
    reviewed: date | None
    review_by: date | None
    approved_by: str
    approved_on: date | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class ExportedSet:
    """The codes of a value set, in and out."""

    title: str
    include: tuple[Member, ...]
    exclude: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """A rulebook as exported; `sources` are (citation, url) by number."""

    id: str
    version: str
    title: str
    rules: Mapping[str, ExportedRule]
    valuesets: Mapping[str, ExportedSet]
    sources: Mapping[int, tuple[str, str]]


def read_bundle(bundle: Json) -> Exported:
    """Read a Bundle that `export_bundle` made."""
    held = [entry["resource"] for entry in bundle["entry"]]
    (library,) = [one for one in held if one["resourceType"] == "Library"]
    artifacts = library["relatedArtifact"]
    return Exported(
        library["id"],
        library["version"],
        library["title"],
        {one["id"]: _rule(one) for one in held if one["resourceType"] == "PlanDefinition"},
        {one["id"]: _set(one) for one in held if one["resourceType"] == "ValueSet"},
        {int(one["label"]): (one["citation"], one.get("url", "")) for one in artifacts},
    )


def of_rule(rule: Rule) -> ExportedRule:
    """What should be read back of a rule."""
    about = rule.about
    evidence = tuple(one.model_copy(update={"claim": one.claim.strip()}) for one in rule.evidence)
    approved = about.approved_by.strip()
    return ExportedRule(
        rule.rule,
        rule.version,
        rule.title,
        rule.status,
        rule.kind,
        rule.hooks,
        about.owner,
        about.reviewed,
        about.review_by,
        approved,
        about.approved_on if approved else None,
        evidence,
    )


def of_set(one: ValueSetFile) -> ExportedSet:
    """What should be read back of a value set."""
    return ExportedSet(one.title, tuple(map(_plain, one.include)), tuple(map(_plain, one.exclude)))


def _plain(member: Member) -> Member:
    return member.model_copy(update={"display": "", "checked": ""}) if isinstance(member, Prefix) else member


def _rule(plan: Json) -> ExportedRule:
    cited = [one for one in plan["relatedArtifact"] if one["type"] == "citation"]
    (action,) = plan["action"]
    return ExportedRule(
        plan["id"],
        plan["version"],
        plan["title"],
        text_of(plan, "status", "Code"),
        text_of(plan, "kind", "Code"),
        tuple(one["name"] for one in action.get("trigger", [])),
        plan["author"][0]["name"],
        day(plan.get("lastReviewDate")),
        day(text_of(plan, "review-by", "Date")),
        next((one["name"] for one in plan.get("endorser", [])), ""),
        day(plan.get("approvalDate")),
        tuple(_evidence(one) for one in cited),
    )


def _evidence(artifact: Json) -> Evidence:
    return Evidence.model_validate(
        {
            "source": int(artifact["label"]),
            "claim": text_of(artifact, "claim", "String"),
            "claims": tuple(valued(artifact, "claim-id", "String")),
            "direction": text_of(artifact, "direction", "Code"),
            "strength": text_of(artifact, "strength", "Code"),
            "certainty": text_of(artifact, "certainty", "Code"),
        }
    )


def _set(resource: Json) -> ExportedSet:
    compose = resource["compose"]
    sides = [
        tuple(one for part in compose.get(side, []) for one in _members(part))
        for side in ("include", "exclude")
    ]
    return ExportedSet(resource["title"], *sides)


def _members(part: Json) -> list[Member]:
    system = system_short(part["system"])
    if "filter" in part:
        stem = text_of(part, "starts-with", "String")
        return [Prefix.model_validate({"system": system, "starts_with": stem})]
    return [
        Code.model_validate(
            {
                "system": system,
                "code": one["code"],
                "display": one.get("display", ""),
                "checked": text_of(one, "checked", "String"),
            }
        )
        for one in part["concept"]
    ]
