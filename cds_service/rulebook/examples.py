"""An example for every key of a rule file, shown by editors and by the reference. None is clinical advice.

Keys that mean the same everywhere are given once; `OWN` names those that differ by the part they stand in.
A test proves that there is one for each key and that it is what the model takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CARD: Mapping[str, Any] = {
    "indicator": "warning",
    "summary": "Heavy patient: {weight} kg",
    "source": 1,
    "override_reasons": ["already-considered"],
}
_FACT: Mapping[str, Any] = {"ask": "How old is the patient?", "find": "Patient", "give": "age"}
_ACTION: Mapping[str, Any] = {
    "type": "create",
    "description": "Plan a visit",
    "resource": {"template": "visit"},
}

SHARED: Mapping[str, Any] = {
    "after": "first_session",
    "ask": "What does the patient weigh?",
    "because": "The list is reconciled at every visit [2].",
    "before": "first_session + 2 hours [2]",
    "code_in": "fracture",
    "date": ["onset", "recordedDate"],
    "for_each": "too_much",
    "from": "drafts",
    "give": "latest value",
    "hide_if": "already_measured",
    "like": "orders",
    "hooks": ["patient-view", "order-sign"],
    "only_if": ["weight >= 100 kg [1]"],
    "or_absent": True,
    "or_unreadable": True,
    "record": "partial",
    "source": 1,
    "unit": "kg",
    "unsure": {"verificationStatus": ["provisional"]},
    "where": {"status": ["final", "amended"]},
    "within": "30 days [2]",
}
OWN: Mapping[str, Mapping[str, Any]] = {
    "Rule": {
        "rule": "heavy-patient",
        "title": "The patient weighs more than the scale can tell",
        "version": "1.2.0",
        "status": "draft",
        "kind": "caution",
        "about": {"purpose": "To weigh again.", "population": "Adults.", "owner": "rules@example.org"},
        "evidence": [
            {
                "source": 1,
                "claim": "Above 100 kg weigh again.",
                "direction": "for",
                "strength": "consensus",
                "certainty": "low",
            }
        ],
        "data": {"age": dict(_FACT)},
        "logic": {"all": ["age >= 18 [1]", {"not": "already_measured"}]},
        "cards": {"when_true": dict(_CARD), "when_unknown": "silent", "when_false": "silent"},
    },
    "About": {
        "purpose": "Ask for a second weighing before a dose is computed.",
        "population": "Adults who are weighed at the visit.",
        "owner": "rules@example.org",
        "limits": "Weights in free text are not read.",
        "reviewer": "J. Example, MD",
        "approved_by": "J. Example, MD",
    },
    "Evidence": {
        "claim": "A scale tells no more than 200 kg.",
        "claims": ["K01"],
        "direction": "for",
        "strength": "consensus",
        "certainty": "not-graded",
    },
    "FindFact": {"find": "Condition", "give": "exists"},
    "ViewFact": {"view": "body_weight", "with": {"procedures": "a-value-set"}},
    "CalculateFact": {"round": 0.1, "unit": "mg"},
    "ConclusionFact": {"conclusion": "heavy-patient"},
    "NotListed": {"not": ["refuted", "entered-in-error"]},
    "InSet": {"in": "fracture"},
    "NotInSet": {"not_in": ["fracture", "sprain"]},
    "Absent": {"absent": True},
    "Unreadable": {"unreadable": True, "mentions": ["fractur", "broken"]},
    "All": {"all": ["age >= 18 [1]", "fracture"]},
    "Any_": {"any": ["weight > 200 kg [1]", "fracture"]},
    "LikeFact": {"with": {"weight": "weight"}, "where": {"per_weight": "> 0.55 mg/kg [1]"}},
    "Not": {"not": "already_measured"},
    "AtLeast": {"at_least": {"n": 2, "of": ["fracture", "sprain", "bruise"]}},
    "AtLeastSpec": {"n": 2, "of": ["fracture", "sprain", "bruise"]},
    "Cards": {"when_true": dict(_CARD), "when_unknown": "silent", "when_false": "silent"},
    "Card": {
        **_CARD,
        "detail": [{"text": "Weigh again [1].", "only_if": "age >= 18 [1]"}],
        "merge": "before-start",
        "suggestions": [{"label": "Plan a visit", "actions": [dict(_ACTION)]}],
        "links": [{"label": "The policy", "url": "https://example.org/policy"}],
        "hooks": ["order-sign"],
    },
    "Line": {"text": "Weighed {weight.date}: {weight} kg [1]."},
    "Suggestion": {
        "label": "Set the dose to {target} mg",
        "recommended": True,
        "actions": [dict(_ACTION)],
    },
    "Action": {**_ACTION, "from": "too_much"},
    "FromTemplate": {"template": "visit"},
    "FromFact": {"from": "too_much", "set": {"dosageInstruction[0].text": "{target} mg"}},
    "Link": {"label": "The policy", "url": "https://example.org/policy"},
}


def example(part: str, key: str) -> Any:
    """The example of a key in a part (the name of its model). Raises KeyError if there is none."""
    own = OWN.get(part, {})
    return own[key] if key in own else SHARED[key]
