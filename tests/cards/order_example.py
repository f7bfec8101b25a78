"""Rules about the unsigned orders of a call, and decisions over orders as JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from card_example import card, decide, rule

from cds_service.cards.response import answer
from cds_service.facts.finding import Cell, Evidence, Finding, Quantity, Row
from cds_service.rulebook.rule import Rule
from cds_service.truth import TRUE, Truth, exactly

Json = dict[str, Any]
DOSE = "dosageInstruction[0].doseAndRate[0].doseQuantity"
MG: Json = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
TARGET: Json = {DOSE: {"value": "{target}"} | MG}
FACTS: Json = {
    "orders": {
        "ask": "What is ordered?",
        "find": "MedicationRequest",
        "from": "drafts",
        "code_in": "any-set",
        "give": "exists",
        "record": "complete",
        "because": "All orders are in the call.",
    },
    "others": {
        "ask": "What else is ordered?",
        "find": "MedicationRequest",
        "from": "selections",
        "code_in": "any-set",
        "give": "exists",
        "record": "complete",
        "because": "All orders are in the call.",
    },
    "score": {
        "ask": "What is the latest score?",
        "find": "Observation",
        "code_in": "any-set",
        "give": "latest value",
        "unit": "kg",
    },
    "target": {"ask": "What is the target?", "calculate": "0.5 [3] * score", "unit": "mg"},
    "problem": {
        "ask": "Is the problem on the list?",
        "find": "Condition",
        "code_in": "any-set",
        "record": "partial",
        "give": "exists",
    },
}


def update(settings: Any = None, **changes: Any) -> Json:
    resource = {"from": "orders", "set": TARGET if settings is None else settings} | changes
    return {"type": "update", "description": "Set the dose to {target}", "resource": resource}


def delete(fact: str = "orders") -> Json:
    return {"type": "delete", "description": "Remove the order", "from": fact}


def offer(*actions: Json, **changes: Any) -> Json:
    return {"label": "Do it", "actions": list(actions)} | changes


def order_rule(*suggestions: Json, name: str = "r", **changes: Any) -> Rule:
    """A rule over `orders`, `others`, `score`, `target` (half the score) and `problem`."""
    shown = card(**({"suggestions": list(suggestions)} | changes.pop("card", {})))
    return rule(name, shown, data=FACTS, logic=["orders"], **changes)


def order(name: str = "o1", **more: Any) -> Json:
    """A valid order of 50 mg."""
    made: Json = {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Something"},
        "subject": {"reference": "Patient/p1"},
        "dosageInstruction": [{"sequence": 1, "doseAndRate": [{"doseQuantity": {"value": 50} | MG}]}],
    }
    return made | more


def rows(*names: str, counts: Truth = TRUE, **columns: Cell) -> Finding:
    """A finding with a row per order name."""
    made = tuple(
        Row(Evidence(f"MedicationRequest/{name}", None, f"Drug of {name}"), columns, counts) for name in names
    )
    return Finding(TRUE if made else counts, rows=made)


def number(value: float, unit: str = "mg") -> Quantity:
    return Quantity(exactly(value), unit)


def target(value: float = 35) -> Finding:
    return Finding(TRUE, number(value))


def raw_orders(*orders: Json | bytes) -> dict[str, msgspec.Raw]:
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in orders]
    names = [json.loads(text) for text in texts]
    return {
        f"{name['resourceType']}/{name['id']}": msgspec.Raw(text)
        for name, text in zip(names, texts, strict=True)
    }


def suggestions(given: Rule, *orders: Json | bytes, **findings: Finding) -> list[Json]:
    """The suggestions of the rule's card as a caller reads them."""
    found = {"orders": rows(*(ref.split("/")[1] for ref in raw_orders(*orders))), "target": target()}
    decision = decide(given, findings={given.rule: found | findings}, drafts=raw_orders(*orders))
    (shown,) = json.loads(msgspec.json.encode(answer(decision)))["cards"]
    return list(shown.get("suggestions", []))


def only_action(given: Rule, *orders: Json | bytes, **findings: Finding) -> Json:
    (one,) = suggestions(given, *orders, **findings)
    (action,) = one["actions"]
    return dict(action)
