"""What was found out about a connection, as data: verdicts counted, what is unknown and why, the cards.

Nothing of a resource is in it: of a card, the rule's own words stand with `…` for what came from the chart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.authoring.connection.ask import Checked, KeyResult
from cds_service.cards.build import DraftCard
from cds_service.cards.response import shown
from cds_service.cards.text import Template
from cds_service.cards.unchecked import gaps_of
from cds_service.pipeline import Evaluation, ServedRulebook
from cds_service.rulebook.book import served as in_service
from cds_service.truth import UNKNOWN

Json = dict[str, Any]

_HIDDEN = "…"


def report(checked: Checked) -> Json:
    """One rulebook's part of the report."""
    about = checked.served.book
    body: Json = {
        "rulebook": {"id": about.id, "version": about.about.version, "digest": about.digest},
        "keys": [_key(one) for one in checked.keys],
        "obtained": checked.obtained,
    }
    if checked.evaluation is None:
        return body | {"refused": checked.refusal}
    return body | _decided(checked.evaluation, checked.served)


def _key(one: KeyResult) -> Json:
    body: Json = {"key": one.key, "result": one.result, "found": one.found, "milliseconds": one.milliseconds}
    return body | ({"status": one.status} if one.status else {})


def _decided(evaluation: Evaluation, served: ServedRulebook) -> Json:
    decision = evaluation.decision
    rules = [rule.rule for rule in decision.rules if in_service(rule)]
    verdicts = {rule: decision.record.verdict(rule) for rule in rules}
    gaps = gaps_of(decision)
    unknown = [rule for rule, verdict in verdicts.items() if verdict is UNKNOWN]
    counted = Counter(verdict.value for verdict in verdicts.values())
    body: Json = {
        "verdicts": {name: counted[name] for name in ("true", "false", "unknown")},
        "unknown_for_want_of_data": [
            {"rule": rule, "because": [{"key": one.key, "reason": one.reason} for one in gaps[rule]]}
            for rule in unknown
            if rule in gaps
        ],
        "unknown_as_recorded": [rule for rule in unknown if rule not in gaps],
        "cards": [] if decision.hidden else [_card(card, served) for card in shown(decision, gaps)],
    }
    return body | ({"withheld": decision.hidden} if decision.hidden else {})


def _card(card: DraftCard, served: ServedRulebook) -> Json:
    return {
        "indicator": card.indicator,
        "summary": _summary(card, served),
        "rules": [entry.rule for entry in card.entries],
    }


def _summary(card: DraftCard, served: ServedRulebook) -> str:
    """The summary with the chart's values hidden; those of several rules hold none, they count."""
    if card.stays or len(card.entries) > 1:
        return card.summary
    entry = card.entries[0]
    prepared = served.cards.rules[entry.rule]
    templates = (one.summary for one in prepared.outcomes[entry.verdict])
    return without_values(card.summary, templates) or prepared.rule.title


def without_values(text: str, templates: Iterable[Template]) -> str:
    """The template that a text was made of, with `…` for what was filled in; empty if it is none of them."""
    for template in templates:
        pattern = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in template.parts)
        if re.fullmatch(pattern, text, re.DOTALL):
            return "".join(part if isinstance(part, str) else _HIDDEN for part in template.parts)
    return ""


def whole_report(base: str, hook: str, as_of: str, parts: Iterable[Mapping[str, Any]]) -> Json:
    """The report of all rulebooks that serve the hook."""
    return {"fhir": base, "hook": hook, "asOf": as_of, "rulebooks": list(parts)}
