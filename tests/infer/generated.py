"""Logic from plain data, and generated programs: rules over facts and over each other, three levels deep."""

from __future__ import annotations

from random import Random

from pydantic import TypeAdapter

from cds_service.infer.program import Program, RuleLogic, flatten, program_of
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import All, Any_, AtLeast, AtLeastSpec, Logic, Not
from cds_service.truth import Truth

LEVELS = 4
"""Rules over facts only, then three levels of rules that consume the ones before."""


_logic: TypeAdapter[Logic] = TypeAdapter(Logic)


def flat(name: str, data: object, **more: object) -> RuleLogic:
    """The logic of a rule, written as a rule file writes it: `{"all": ["a", {"not": "b"}]}`."""
    return flatten(name, _logic.validate_python(data), **more)


def program(random: Random) -> Program:
    """Up to 60 rules, given in any order."""
    logics: list[RuleLogic] = []
    ends = sorted(random.sample(range(1, 61), LEVELS))
    for level, end in enumerate(ends):
        below = [made.id for made in logics]
        while len(logics) < end:
            logics.append(rule(random, f"rule-{level}-{len(logics)}", below))
    return program_of(random.sample(logics, len(logics)))


def rule(random: Random, name: str, below: list[str]) -> RuleLogic:
    """One rule over one to five facts and up to four of the rules below."""
    plain = [f"fact_{number}" for number in range(random.randint(1, 5))]
    used = random.sample(below, min(len(below), random.choice([0, 1, 1, 2, 4])))
    consumes = {f"verdict_{number}": other for number, other in enumerate(used)}
    lines = [*plain, *(f"{fact} > {random.randint(0, 2)}" for fact in plain), *consumes, *consumes]
    facts = [*plain, *consumes]
    made = tree(random, lines, random.randint(0, 3))
    return flatten(name, made, consumes=consumes, facts=tuple(random.sample(facts, len(facts))))


def tree(random: Random, lines: list[str], depth: int) -> Logic:
    """A random logic over these criteria."""
    kind = random.choices(["line", "all", "any", "not", "at_least"], [2, 5, 3, 2, 1])[0]
    if depth == 0 or kind == "line":
        return Criterion.parse(random.choice(lines))
    if kind == "not":
        return Not.model_construct(part=tree(random, lines, depth - 1))
    parts = tuple(tree(random, lines, depth - 1) for _ in range(random.randint(1, 4)))
    if kind == "all":
        return All.model_construct(all=parts)
    if kind == "any":
        return Any_.model_construct(any=parts)
    spec = AtLeastSpec.model_construct(n=random.randint(1, len(parts) + 1), of=parts)
    return AtLeast.model_construct(at_least=spec)


def states(random: Random, rules: Program) -> dict[str, dict[str, Truth]]:
    """A state for every plain criterion, settled more or less often; rules and criteria in any order."""
    weights = [random.random(), random.random(), random.choice([0.1, 0.5, 1.0])]
    return {
        one.id: {
            leaf.text: random.choices([Truth.TRUE, Truth.FALSE, Truth.UNKNOWN], weights)[0]
            for leaf in random.sample(one.plain, len(one.plain))
        }
        for one in random.sample(rules.rules, len(rules.rules))
    }
