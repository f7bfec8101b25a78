"""A rulebook on disk whose one rule changes and removes orders, for calls through the whole pipeline."""

from __future__ import annotations

from pathlib import Path

from cds_service.pipeline import ServedRulebook
from cds_service.rulebook.load import load_rulebook

BOOK = """\
rulebook: orders
title: Orders
description: For tests.
version: 1.0.0
publisher: test@example.org
topic: {system: "urn:test", code: orders, display: Orders}
could_not_check: {indicator: info, summary: Not checked, detail: "Not obtained: {keys} [1].", source: 1}
"""
RULE = """\
rule: order-differs
title: An order differs
version: 1.0.0
status: active
kind: dose-check
about: {purpose: To test., population: Everybody., owner: test@example.org}
evidence:
  - {source: 1, claim: Half the weight., direction: for, strength: consensus, certainty: not-graded}
hooks: [order-sign]
data:
  weight: {ask: "What is the weight?", view: body_weight, give: latest value, unit: kg}
  target: {ask: "What is the target?", calculate: "0.5 [1] * weight", unit: mg, round: 0.1}
  orders:
    ask: What is ordered?
    find: MedicationRequest
    from: drafts
    code_in: drug
    give: exists
    record: complete
    because: All orders are in the call [1].
logic: orders
cards:
  when_true:
    indicator: info
    summary: "{target} {target.unit} at {weight} kg of {weight.date}"
    source: 1
    suggestions:
      - label: "Set {orders.display} to {target} mg"
        for_each: orders
        only_if: weight >= 30 [1]
        actions:
          - type: update
            description: "Set the dose to {target} mg"
            resource:
              from: orders
              set:
                dosageInstruction[0].doseAndRate[0].doseQuantity: {value: "{target}", unit: mg}
                dosageInstruction[0].text: "{target} mg once"
      - label: "Remove {orders.display}"
        for_each: orders
        actions:
          - {type: delete, description: Remove the order, from: orders}
  when_unknown: silent
  when_false: silent
"""
SET = """\
valueset: {name}
title: {name}
owner: test@example.org
include: [{{system: {system}, code: {code}}}]
"""

DRUGS = """\
group,ingredient_rxcui,ingredient,rxcui,tty,name,strength,strength_unit,source
drug,77,something,77,IN,something,,,test
"""


def write_book(folder: Path) -> ServedRulebook:
    """Write the rulebook and make it ready to answer."""
    files = {
        "orders/rulebook.yaml": BOOK,
        "orders/sources.yaml": "1: {cite: Policy, short: Policy, kind: local-policy, listed: ours}\n",
        "orders/override-reasons.yaml": "seen: {display: Seen}\n",
        "orders/checks/order-differs.yaml": RULE,
        "orders/valuesets/drug.yaml": SET.format(name="drug", system="rxnorm", code='"77"'),
        "terminology/rxnorm.csv": DRUGS,
        "orders/valuesets/body-weight.yaml": SET.format(
            name="body-weight", system="loinc", code='"29463-7"'
        ).replace("include", "group: body-weight\ninclude"),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ServedRulebook.prepare(load_rulebook(folder / "orders"), "direct")
