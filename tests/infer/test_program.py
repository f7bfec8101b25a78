"""Rules as programs: numbering, order, and what is refused."""

from __future__ import annotations

import pytest
from generated import flat

from cds_service.errors import InferenceError
from cds_service.infer.program import Branch, Leaf, RuleLogic, compile_program, program_of
from cds_service.rulebook.rule import Rule


def rule(name, data, logic):
    card = "silent"
    return Rule.model_validate(
        {
            "rule": name,
            "title": "A statement that can be true",
            "version": "1.0.0",
            "status": "active",
            "kind": "definition",
            "about": {"purpose": "p", "population": "p", "owner": "o"},
            "evidence": [
                {"source": 1, "claim": "c", "direction": "for", "strength": "strong", "certainty": "high"}
            ],
            "data": data,
            "logic": logic,
            "cards": {"when_true": card, "when_unknown": card, "when_false": card},
        }
    )


FOUND = {"ask": "Is one on record?", "find": "Condition", "give": "exists", "record": "partial"}
COUNTED = {"ask": "How many are on record?", "find": "Condition", "give": "count", "record": "partial"}


def concluded(name):
    return {"ask": "What was concluded?", "conclusion": name}


def consuming(name, *others):
    leaves = tuple(Leaf(f"v{place}", f"v{place}", other) for place, other in enumerate(others))
    return RuleLogic(
        name, Branch("all", tuple(range(len(leaves)))), leaves, tuple(leaf.fact for leaf in leaves)
    )


def plain(name):
    return RuleLogic(name, 0, (Leaf("a", "a"),), ("a",))


# --- from rules ----------------------------------------------------------------------------------


def test_rules_compile_to_leaves_that_are_criteria_or_conclusions():
    first = rule("first", {"trials": COUNTED}, "trials >= 2 [2]")
    logic = {"all": ["used", {"any": ["seen", {"not": "used"}]}]}
    second = rule("second", {"seen": FOUND, "used": concluded("first")}, logic)
    program = compile_program([second, first])
    assert [one.id for one in program.rules] == ["first", "second"]
    assert program.consumed == {"first"}
    made = program.by_id["second"]
    assert made.tree == Branch("all", (0, Branch("any", (1, Branch("not", (0,))))))
    assert [(leaf.text, leaf.fact, leaf.conclusion) for leaf in made.leaves] == [
        ("used", "used", "first"),
        ("seen", "seen", ""),
    ]
    assert made.facts == ("seen", "used")
    assert made.consumes == {"used": "first"}
    assert [leaf.criterion.text for leaf in made.plain] == ["seen"]
    assert program.by_id["first"].leaves[0].text == "trials >= 2 [2]"


def test_every_form_of_the_logic_becomes_a_branch():
    logic = flat("r", {"any": [{"at_least": {"n": 2, "of": ["a", "b", "c"]}}, {"not": "a"}, {"all": ["b"]}]})
    assert logic.tree == Branch(
        "any", (Branch("at_least", (0, 1, 2), 2), Branch("not", (0,)), Branch("all", (1,)))
    )
    assert logic.facts == ("a", "b", "c")


def test_the_gates_of_a_rule_are_the_plain_members_of_its_outermost_all():
    nested = {"all": ["a", {"any": ["b", "a"]}, "c", "a"]}
    assert [leaf.text for leaf in flat("r", nested, consumes={"c": "other"}).gates] == ["a"]
    assert [leaf.text for leaf in flat("r", "a").gates] == ["a"]
    assert flat("r", {"any": ["a", "b"]}).gates == ()
    assert flat("r", {"not": "a"}).gates == ()


# --- order and refusals --------------------------------------------------------------------------


def test_a_rule_stands_after_those_it_consumes():
    given = [consuming("d", "b", "c"), consuming("c", "a"), consuming("b", "a"), plain("a")]
    order = [one.id for one in program_of(given).rules]
    assert order.index("a") < order.index("b") < order.index("d")
    assert order.index("a") < order.index("c") < order.index("d")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        pytest.param([consuming("r", "elsewhere")], "rule r consumes elsewhere", id="a rule from outside"),
        pytest.param([consuming("r", "s"), consuming("s", "r")], "consume each other: ", id="a cycle"),
        pytest.param([consuming("r", "r")], "consume each other: r → r", id="itself"),
        pytest.param([plain("r"), plain("r")], "share an id", id="an id twice"),
        pytest.param([RuleLogic("r", 0, (Leaf("a", "a"),), ("b",))], "rule r compares a", id="a stray fact"),
        pytest.param(
            [consuming("r", *(f"d{n}" for n in range(16))), *(plain(f"d{n}") for n in range(16))],
            "rule r consumes 16 conclusions, at most 15",
            id="more conclusions than can be joined",
        ),
    ],
)
def test_rules_that_do_not_stand_on_their_own_are_refused_by_name(rules, words):
    with pytest.raises(InferenceError, match=words):
        program_of(rules)


def test_a_conclusion_cannot_be_compared_with_a_number():
    with pytest.raises(InferenceError, match="rule r: 'used > 1' compares a conclusion"):
        flat("r", "used > 1", consumes={"used": "other"})
