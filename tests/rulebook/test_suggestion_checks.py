"""What a suggestion may do: each mistake is told at its place; what is right passes."""

from __future__ import annotations

import pytest
from small_rulebook import RULE_FILE, Builder

FACTS = """\
  orders:
    ask: What is being ordered?
    find: MedicationRequest
    from: drafts
    code_in: illness
    give: exists
    record: partial
  doses:
    ask: Which doses are being ordered?
    view: ordered_doses
    from: selections
    code_in: illness
    give: exists
    record: partial
  charted:
    ask: Which orders are in the chart?
    find: MedicationRequest
    code_in: illness
    give: exists
    record: partial
  half:
    ask: What is half of the score?
    calculate: score / 2 [1]
    round: 0.5
"""
SUGGESTIONS = """\
      - label: "Set the dose to {half}"
        for_each: doses
        actions:
          - type: update
            description: "Set it to {half}"
            resource:
              from: doses
              set:
                dosageInstruction[0].doseAndRate[0].doseQuantity: {value: "{half}", unit: mg}
                dosageInstruction[0].text: "{half} mg on {last_visit}"
      - label: Take it away
        actions:
          - {type: delete, description: Take it away, from: orders}
"""


@pytest.fixture
def offering(book: Builder) -> Builder:
    """The rulebook with suggestions that change orders."""
    book.change(RULE_FILE, "  other:\n    ask", FACTS + "  other:\n    ask")
    book.change(RULE_FILE, "    - visits >= 1\n", "    - visits >= 1\n    - not: charted\n")
    book.change(RULE_FILE, "    override_reasons: [r", SUGGESTIONS + "    override_reasons: [r")
    return book


def test_orders_may_be_changed_and_taken_away(offering: Builder) -> None:
    assert [str(problem) for problem in offering.problems()] == []


FROM = "              from: doses\n"
DELETE = "{type: delete, description: Take it away, from: orders}"
CREATE = "resource: {template: visit}"
DOSE = "dosageInstruction[0].doseAndRate[0].doseQuantity:"
TEXT = "dosageInstruction[0].text:"

# What is changed, the code, what stands at the place, message and hint in part.
MISTAKES = [
    ("for_each: doses", "for_each: dosis", "data/undefined-fact", "dosis", "no fact 'dosis'", "'doses'"),
    (DELETE, DELETE.replace("orders", "order"), "data/undefined-fact", "order}", "", "'orders'"),
    (FROM, FROM.replace("doses", "dosis"), "data/undefined-fact", "dosis", "", "'doses'"),
    ("for_each: doses", "for_each: half", "card/fact-without-rows", "half", "a calculated number", "rows"),
    ("for_each: doses", "for_each: other", "card/fact-without-rows", "other", "its verdict", ""),
    ("for_each: doses", "for_each: age", "card/fact-without-rows", "age", "gives age", ""),
    (FROM, FROM.replace("doses", "other"), "card/fact-without-rows", "other", "", ""),
    (CREATE, "from: orders", "card/action-not-whole", "create", "from a template", "template"),
    (CREATE, "resource: {from: orders}", "card/action-not-whole", "create", "from a template", ""),
    (DELETE, DELETE.replace("delete", "update"), "card/action-not-whole", "update", "row", "resource:"),
    (DELETE, DELETE.replace("delete", "create"), "card/action-not-whole", "create", "from a template", ""),
    (DELETE, DELETE.replace(", from: orders", ""), "card/action-not-whole", "delete", "row", "from:"),
    (
        DELETE,
        DELETE.replace("from: orders", "from: orders, resource: {template: visit}"),
        "card/action-not-whole",
        "delete",
        "needs no resource",
        "",
    ),
    (DELETE, DELETE.replace("orders", "charted"), "card/not-a-draft", "charted", "only orders", "drafts"),
    (FROM, FROM.replace("doses", "charted"), "card/not-a-draft", "charted", "looks at the chart", ""),
    (CREATE, "resource: {template: visit, from: orders}", "schema/bad-resource", "{template", "", "from"),
    (TEXT, "dosageInstruction.0.text:", "card/bad-path", "dosage", "not the path", "positions"),
    (TEXT, '"dosageInstruction[x].text":', "card/bad-path", '"dosage', "", ""),
    (TEXT, '"dosageInstruction[0]..text":', "card/bad-path", '"dosage', "", ""),
    (TEXT, "subject.display:", "card/bad-path", "subject", "keeps the subject", "remove"),
    (TEXT, DOSE.replace("Quantity", "Quantity.value"), "card/bad-path", "", "in each other's way", "once"),
    (TEXT, "dosageInstruction.text:", "card/bad-path", "", "in each other's way", ""),
    (TEXT + ' "{half} mg on {last_visit}"', "note: []", "card/bad-path", "note", "given nothing", "null"),
    (TEXT + ' "{half} mg on {last_visit}"', "note[0]: null", "card/bad-path", "note", "out of its", "list"),
    (TEXT + ' "{half} mg on {last_visit}"', "intent: null", "card/invalid-fhir-action", "", "intent", ""),
    (TEXT, "id:", "card/bad-path", "id", "keeps the id", "remove"),
    (TEXT, "dosageInstruction[0].txt:", "card/invalid-fhir-action", "dosage", "txt", "FHIR R4B"),
    ("unit: mg}", "units: mg}", "card/invalid-fhir-action", "units", "units", ""),
    (TEXT, "dispenseRequest.numberOfRepeatsAllowed:", "card/invalid-fhir-action", "disp", "", ""),
    (DOSE, "dosageInstruction[0].doseAndRate[0].doseRange:", "card/invalid-fhir-action", "", "value", ""),
    ('value: "{half}"', 'value: "{halve}"', "card/unknown-placeholder", '"{halve}"', "", "'half'"),
    ('value: "{half}"', 'value: "{missing_count}"', "card/unknown-placeholder", '"{miss', "", "known"),
    ('value: "{half}"', 'value: "{half} mg"', "card/invalid-fhir-action", '"value', "", ""),
]


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "message", "hint"),
    MISTAKES,
    ids=[f"{case[2]}:{case[1].strip()[:40]}" for case in MISTAKES],
)
def test_a_mistake_in_a_suggestion_is_told_at_its_place(
    offering: Builder, old: str, new: str, code: str, at: str, message: str, hint: str
) -> None:
    offering.change(RULE_FILE, old, new)
    problems = [one for one in offering.problems() if one.code != "data/unused-fact"]
    assert {one.code for one in problems} == {code}, "\n".join(map(str, problems))
    problem = problems[0]
    assert offering.at(problem).startswith(at.strip('"')) or offering.at(problem).startswith(at)
    assert message in problem.message and hint in problem.hint


FINE = [
    ("for_each: doses", "for_each: orders"),
    (FROM, FROM.replace("doses", "orders")),
    ('value: "{half}"', "value: 20"),
    (TEXT + ' "{half} mg on {last_visit}"', 'dispenseRequest.numberOfRepeatsAllowed: "{visits}"'),
    (
        TEXT + ' "{half} mg on {last_visit}"',
        'medicationReference: {reference: "Medication/{orders.display}"}',
    ),
    (TEXT + ' "{half} mg on {last_visit}"', 'note[1].text: "second"'),
    (TEXT + ' "{half} mg on {last_visit}"', "dosageInstruction[0].text: null"),
    (TEXT + ' "{half} mg on {last_visit}"', "note: null"),
    (TEXT + ' "{half} mg on {last_visit}"', 'authoredOn: "{last_visit}"'),
    (TEXT + ' "{half} mg on {last_visit}"', "dosageInstruction[0].maxDosePerLifetime.value: 3"),
]


@pytest.mark.parametrize(("old", "new"), FINE, ids=[new.strip() for _, new in FINE])
def test_what_is_right_passes(offering: Builder, old: str, new: str) -> None:
    offering.change(RULE_FILE, old, new)
    assert [str(one) for one in offering.problems()] == []


def test_an_update_that_sets_nothing_is_refused(offering: Builder) -> None:
    text = (offering.folder / RULE_FILE).read_text(encoding="utf-8")
    start, end = text.index("              set:\n"), text.index("      - label: Take it away")
    offering.write(RULE_FILE, text[:start] + text[end:])
    told = [one for one in offering.problems() if one.code == "card/action-not-whole"]
    assert [one.message for one in told] == ["this update changes nothing"]


def test_a_fact_named_only_by_a_suggestion_is_used(offering: Builder) -> None:
    offering.change(RULE_FILE, DELETE, DELETE.replace("orders", "doses"))
    assert [one.message.split()[-1] for one in offering.problems()] == ["orders"]
