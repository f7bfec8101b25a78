"""A small rulebook and decisions about it. Nothing here is clinical."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from cds_service.cards.cardbook import CardBook
from cds_service.cards.decision import Decision
from cds_service.cards.response import DECISION, RULES, answer
from cds_service.facts.dates import parse_when
from cds_service.facts.finding import Evidence, Finding, NotObtained, Quantity, Row
from cds_service.facts.request import HookRequest
from cds_service.infer.conclusion import Conclusion
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.files import OverrideReason, RulebookFile, Source, TemplateFile
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.terminology import Terminology
from cds_service.truth import TRUE, UNKNOWN, Span, Truth, exactly

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=14))
UUID8 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

SOURCES = {
    1: Source(
        cite="A",
        short="Paper one",
        url="https://example.org/one",
        kind="article",
        listed="matched",
        confidence="very high",
    ),
    2: Source(
        cite="B",
        short="Label, section 4",
        url="https://example.org/two_(b)",
        kind="drug-label",
        listed="ours",
    ),
    3: Source(cite="C", short="Local policy", kind="local-policy", listed="ours"),
    4: Source(
        cite="D",
        short="Paper four (paper not identified)",
        kind="article",
        listed="matched",
        confidence="low",
    ),
}
REASONS = {
    "seen": OverrideReason(display="Seen already"),
    "declined": OverrideReason(display="Patient declined"),
    "other": OverrideReason(display="Another reason", system="https://example.org/reasons"),
}
TEMPLATES = {
    "evaluation": TemplateFile(
        template="evaluation",
        title="An evaluation",
        owner="us@example.org",
        resource={
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "proposal",
            "code": {"text": "Evaluation"},
            "subject": {"reference": "Patient/{patient_id}"},
            "requester": {"reference": "{user}"},
            "encounter": {"reference": "Encounter/{encounter_id}"},
            "occurrenceDateTime": "{today}",
            "authoredOn": "{now}",
            "note": [{"text": "Drafted on {today} for {patient_id}, dose in {score}"}],
        },
    )
}


def finding(
    state: Truth = TRUE,
    *,
    number: float | None = None,
    unit: str = "",
    text: str = "",
    date: str = "",
    **more: Any,
) -> Finding:
    """A finding with at most one row: a number with its unit, or the words and date of what was found."""
    row = Row(Evidence("Condition/c1", parse_when(date, UTC) if date else None, text))
    value = None if number is None else Quantity(exactly(number), unit)
    return Finding(state, more.pop("value", value), more.pop("rows", (row,) if text or date else ()), **more)


def spanning(low: float, high: float) -> Finding:
    return Finding(TRUE, Quantity(Span(low, high)))


def missed(*keys: str, reason: str = "not-supplied") -> tuple[NotObtained, ...]:
    return tuple(NotObtained(key, reason) for key in keys)


def card(**changes: Any) -> dict[str, Any]:
    return {"indicator": "info", "summary": "Something to know", "source": 3} | changes


def rule(name: str, when_true: Any = "silent", **changes: Any) -> Rule:
    """A rule over `problem` (found or not), `score` (a number) and whatever `uses` names as conclusions."""
    fact = {"find": "Condition", "code_in": "any-set", "record": "partial", "give": "exists"}
    data: dict[str, Any] = {
        "problem": {"ask": "Is the problem on the list?"} | fact,
        "score": {
            "ask": "What is the latest score?",
            "find": "Observation",
            "code_in": "any-set",
            "give": "latest value",
            "unit": "kg",
        },
    }
    for used in changes.pop("uses", ()):
        data[used.replace("-", "_")] = {"ask": f"Does {used} hold?", "conclusion": used}
    approved = {"approved_by": "A. Clinician"} if changes.pop("approved", True) else {}
    raw = {
        "rule": name,
        "title": f"The statement of {name}",
        "version": "1.0.0",
        "status": "active",
        "kind": "caution",
        "about": {"purpose": "To test", "population": "Nobody", "owner": "us@example.org"} | approved,
        "evidence": [
            {
                "source": 3,
                "claim": "So it is",
                "direction": "for",
                "strength": "consensus",
                "certainty": "low",
            }
        ],
        "hooks": ["patient-view"],
        "data": data,
        "logic": ["problem"],
        "cards": {
            "when_true": when_true,
            "when_unknown": changes.pop("when_unknown", "silent"),
            "when_false": changes.pop("when_false", "silent"),
        },
    }
    return Rule.model_validate(raw | changes)


def book(*rules: Rule, **about: Any) -> CardBook:
    """The rules as a compiled book, with two merge groups and every source, reason and template above."""
    check = {
        "indicator": "warning",
        "summary": "Some checks could not be made",
        "detail": "Look yourself [2].",
        "source": 3,
    }
    raw = {
        "rulebook": "example",
        "title": "An example",
        "description": "For tests",
        "version": "2.0.0",
        "publisher": "us",
        "topic": {"system": "urn:example:topic", "code": "example", "display": "Example"},
        "could_not_check": check | about.pop("check", {}),
        "merge": {
            "group": {"title": "Before you start: {line_count} things"},
            "second": {"title": "The second group"},
        },
    }
    return CardBook.compile(
        Rulebook(
            about=RulebookFile.model_validate(raw | about),
            rules=rules,
            sources=SOURCES,
            override_reasons=REASONS,
            tables={},
            templates=TEMPLATES,
            terminology=cast(Terminology, None),
            digest="0" * 64,
            folder=Path("rules/example"),
            paths={each.rule: Path(f"rules/example/{each.rule}.yaml") for each in rules},
        )
    )


def request(**changes: Any) -> HookRequest:
    values: dict[str, Any] = {
        "hook": "patient-view",
        "hook_instance": "4f0f8e2c-0d2e-4c0a-9d2e-0d2e4c0a9d2e",
        "service_id": "example-patient-view",
        "user": "Practitioner/dr-1",
        "patient_id": "p1",
        "as_of": AS_OF,
        "zone": UTC,
    }
    return HookRequest(**(values | changes))


def decide(
    rules: CardBook | Rule,
    verdicts: dict[str, Any] | None = None,
    findings: dict[str, dict[str, Finding]] | None = None,
    **changes: Any,
) -> Decision:
    """A decision: verdicts by rule (true if not given; with a tuple, unknown and missing those facts)."""
    held = rules if isinstance(rules, CardBook) else book(rules)
    given = verdicts or {}
    conclusions = {}
    for each in held.rulebook.rules:
        said = given.get(each.rule, TRUE)
        missing = said if isinstance(said, tuple) else ()
        verdict = UNKNOWN if isinstance(said, tuple) else said
        conclusions[each.rule] = Conclusion(each.rule, verdict, missing)
    asked = request(**changes.pop("request", {}))
    return Decision(
        id=changes.pop("id", "decision-1"),
        book=held,
        request=asked,
        rules=changes.pop("rules", held.rulebook.rules),
        findings=findings or {},
        conclusions=conclusions,
        **changes,
    )


def cards(*args: Any, **more: Any) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], answer(decide(*args, **more))["cards"])


def only_card(*args: Any, **more: Any) -> dict[str, Any]:
    (one,) = cards(*args, **more)
    return one


def decided(*args: Any, **more: Any) -> dict[str, Any]:
    return cast(dict[str, Any], answer(decide(*args, **more))["extension"][DECISION])


def rules_of(shown: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in shown["extension"][RULES]]


def body(shown: dict[str, Any]) -> str:
    """A detail without its source list and what follows."""
    return cast(str, shown["detail"]).partition("Sources: ")[0].strip()
