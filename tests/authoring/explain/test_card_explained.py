"""`cds explain --card` says what would make a card show; `--prefetch` and `--graph` read rules alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from bench_example import chart, fracture, weight, write_chart
from click.testing import CliRunner, Result

from cds_service.authoring.bench import Bench
from cds_service.authoring.cardways import card_ways
from cds_service.authoring.charts import chart_request
from cds_service.authoring.cli import cli
from cds_service.cards.build import build
from cds_service.facts.prefetch import hook_keys
from cds_service.rulebook.book import Rulebook

RULE = "broken-and-heavy"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *arguments])


def told(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def as_json(*arguments: str) -> Any:
    return json.loads(told(*arguments, "--format", "json"))


def test_a_card_that_shows_says_what_it_rests_on(home: Path) -> None:
    assert told(RULE, "--chart", "toe", "--card").splitlines() == [
        'card: when_true ("On record: Fracture of toe")',
        f"It shows because {RULE} is true:",
        "  heavy is true: rule heavy 1.0.0",
        "  fracture is true: yes, from 125605004 Fracture of toe, Condition/c1, 2025-05-01",
        "  not drug is true: none found",
    ]


def test_the_condition_by_which_a_card_was_chosen_is_told(home: Path) -> None:
    write_chart(home, "unhurt", chart(weight("o1", 120, "2026-02-20")))
    assert "Of its cards this one, because heavy is true." in told(RULE, "--chart", "unhurt", "--card")


def test_the_cards_passed_over_before_it_are_told(home: Path) -> None:
    rule = home / "rules/small/contraindications/broken-and-heavy.yaml"
    head, card = rule.read_text().split("  when_true:\n")
    card, rest = card.split("  when_unknown:\n")
    lines = [f"      {line.strip()}\n" for line in card.splitlines()]
    first = "    - only_if: drug\n" + "".join(lines)
    second = "    - hooks: [order-select]\n" + "".join(lines)
    last = "    -" + "".join(lines)[5:]
    rule.write_text(head + "  when_true:\n" + first + second + last + "  when_unknown:\n" + rest)
    assert told(RULE, "--chart", "toe", "--card").splitlines()[-2:] == [
        "Passed over before it: card 1: only_if drug is false.",
        "Passed over before it: card 2: it is for order-select only.",
    ]
    body = as_json(RULE, "--chart", "toe", "--card")["card"]
    assert body["passedOver"] == ["card 1: only_if drug is false", "card 2: it is for order-select only"]


def test_a_missing_card_says_what_would_have_to_be_different_through_the_rules_used(home: Path) -> None:
    write_chart(home, "slight", chart(fracture("c1"), weight("o1", 60, "2026-02-20")))
    assert told(RULE, "--chart", "slight", "--card").splitlines() == [
        "card: none (when_false is silent)",
        "A card would show if",
        "  1. when_true:",
        "     weight >= 100 kg [1] were true (in heavy); now false, 60 kg",
        "       What does the patient weigh?",
    ]


def test_the_fewest_changes_come_first_and_a_conditional_card_counts(home: Path) -> None:
    write_chart(home, "nothing", chart())
    ways = as_json(RULE, "--chart", "nothing", "--card")["card"]["ways"]
    assert [(way["outcome"], [one["criterion"] for one in way["changes"]]) for way in ways] == [
        ("when_unknown", ["weight >= 100 kg [1]"])
    ]
    assert ways[0]["changes"][0] == {
        "rule": "heavy",
        "criterion": "weight >= 100 kg [1]",
        "ask": "What does the patient weigh?",
        "now": "unknown",
        "value": "not known",
        "needed": "true",
    }


@pytest.mark.parametrize(
    ("rule", "hook", "line"),
    [
        ("tried-out", "order-select", "No change of its criteria makes a card on this hook."),
        ("tried-out", "patient-view", "No criterion would change that."),
    ],
)
def test_what_no_criterion_could_change_is_said(home: Path, rule: str, hook: str, line: str) -> None:
    write_chart(home, "two", chart(fracture("c1"), fracture("c2")))
    assert told(rule, "--chart", "two", "--hook", hook, "--card").splitlines()[-1] == line


def test_where_a_card_shows_already_nothing_has_to_change(shipped: Rulebook, fixtures: Path) -> None:
    bench = Bench.of(shipped)
    request = chart_request(fixtures / "charts" / "v09-trd-and-aneurysm.json", shipped, "patient-view")
    evaluation = bench.examine(request, "trd-definition-met")
    for rule in shipped.for_hook("patient-view"):
        ways = card_ways(evaluation, rule.rule)
        assert (frozenset() in {one.way for one in ways}) == _shows(evaluation, rule.rule), rule.rule


def _shows(evaluation: Any, rule: str) -> bool:
    decision = evaluation.decision
    return build(decision.book.rules[rule], decision.record, "patient-view", decision.book) is not None


def test_every_key_of_every_hook_is_needed_by_somebody(shipped: Rulebook) -> None:
    rules = Path(__file__).parents[3] / "rules"
    found = as_json("--prefetch", "--rules", str(rules))
    for hook in shipped.hooks:
        assert tuple(one["key"] for one in found if one["hook"] == hook) == hook_keys(shipped, hook)
    assert all(one["rules"] for one in found if one["key"] != "patient")


def test_a_rule_needs_its_own_keys_and_those_of_the_rules_it_uses(home: Path) -> None:
    assert told(RULE, "--prefetch").splitlines() == [
        "patient-view",
        "  conditions  Condition?patient={{context.patientId}}",
        f"    {RULE}: fracture",
        "  observations-vital-signs  Observation?patient={{context.patientId}}&code=http://loinc.org|29463-7",
        f"    heavy: weight  (used by {RULE})",
        "order-select",
        "  conditions  Condition?patient={{context.patientId}}",
        f"    {RULE}: fracture",
        "  observations-vital-signs  Observation?patient={{context.patientId}}&code=http://loinc.org|29463-7",
        f"    heavy: weight  (used by {RULE})",
    ]


def test_a_draft_is_told_what_it_would_need(home: Path) -> None:
    assert told("tried-out", "--prefetch").splitlines()[-1] == "    tried-out: fractures"


def test_the_graph_goes_from_the_conclusion_to_who_uses_it(home: Path) -> None:
    assert told("heavy", "--graph", "mermaid").splitlines() == [
        "flowchart LR",
        '  heavy["heavy<br/>definition"]',
        f'  {RULE}["{RULE}<br/>contraindication"]',
        f"  heavy --> {RULE}",
        "  classDef safety stroke:#b3261e,stroke-width:2px",
        f"  class {RULE} safety",
    ]
    assert '"tried-out<br/>caution, draft"' in told("--graph", "mermaid")


def test_the_drawing_is_well_formed_and_has_every_rule_once(shipped: Rulebook) -> None:
    rules = Path(__file__).parents[3] / "rules"
    root = ElementTree.fromstring(told("--graph", "svg", "--rules", str(rules)))
    names = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(str(name) for name in names) == sorted(shipped.by_id)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "name a rule"),
        (("--prefetch", "--chart", "toe"), "about rules alone"),
        (("heavi", "--graph", "svg"), "did you mean 'heavy'?"),
    ],
)
def test_wrong_use_says_what_to_try(home: Path, arguments: tuple[str, ...], line: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, line in result.output) == (2, True), result.output
