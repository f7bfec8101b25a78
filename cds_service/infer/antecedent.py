"""Rules as antecedents of durable-rules: what is tested natively, and how states are packed for it.

Pure text and dictionaries, so it can be read and tested where the library is not installed. Every name in a
message is a letter and a number (`f0` a findings message, `p7` a state, `r3` a conclusion, `c5` what its
readers test): the library knows names by a 32-bit hash only, and these do not collide (a test).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.errors import InferenceError
from cds_service.infer.conclusion import States
from cds_service.infer.program import Leaf, Program, RuleLogic
from cds_service.truth import Truth

MAX_PROPERTIES = 200
"""Of a findings message; the library takes 252 beside session and id."""
MAX_RULES = 50
"""Reading one findings message; the library's matching stack holds 64 (error 303)."""
MAX_GATES = 25
"""Tested natively per rule. More would only save firings, so the rest is left to the action."""
PACKS_PER_LANE = 4
"""255 rules may share a test (256 crash, 257 are error 108): rules of another lane read another property."""

Told = Mapping[tuple[int, str], str]
"""By lane and id of a consumed rule: the property of its conclusion message that rules of the lane test.

Each has a name of its own: with one name for all, told apart by value, an assertion among many rules took
twice as long.
"""


@dataclass(frozen=True, slots=True)
class Pack:
    """A findings message: the states that the antecedents of `rules` test, and the text they fill.

    `reads` names each state by rule id and criterion text, in the order of the text's places; `first` is
    the number of the first property.
    """

    number: int
    rules: tuple[RuleLogic, ...]
    reads: tuple[tuple[str, str], ...]
    first: int

    @property
    def tag(self) -> str:
        """The property that only this message carries."""
        return f"f{self.number}"

    @property
    def lane(self) -> int:
        """Which properties of conclusion messages the rules of this pack read."""
        return self.number // PACKS_PER_LANE

    @property
    def template(self) -> str:
        """The message, with places for the session id and each state."""
        states = "".join(f',"p{self.first + place}":"%s"' for place in range(len(self.reads)))
        return f'{{"sid":"%s","id":"{self.tag}","{self.tag}":1{states}}}'

    def values(self, states: States) -> tuple[Truth, ...]:
        """The states in the order of the places. Raises InferenceError if one was not given."""
        try:
            return tuple([states[rule][text] for rule, text in self.reads])
        except KeyError as error:
            raise InferenceError(f"no state was given for {error.args[0]!r}") from error

    def antecedent(self, rule: RuleLogic, told: Told) -> list[dict[str, Any]]:
        """Waits for this message with no gate of the rule false, and for the conclusions it consumes."""
        tests: list[dict[str, Any]] = [{self.tag: 1}]
        for place, (name, _) in enumerate(self.reads):
            if name == rule.id:
                tests.append({"$neq": {f"p{self.first + place}": "false"}})
        joined = dict.fromkeys(told[self.lane, used] for used in rule.consumes.values())
        findings = {"m_0": {"$and": tests} if len(tests) > 1 else tests[0]}
        return [
            findings,
            *({f"m_{place}": {name: 1}} for place, name in enumerate(joined, start=1)),
        ]


def gates_of(rule: RuleLogic, program: Program) -> tuple[Leaf, ...]:
    """What is tested natively: the plain members of the outermost `all`, of a rule nobody waits for."""
    return () if rule.id in program.consumed else rule.gates[:MAX_GATES]


def packs_of(program: Program) -> Iterator[Pack]:
    """As few findings messages as the library's limits allow; each rule reads one of them."""
    number, first = 0, 0
    rules: list[RuleLogic] = []
    reads: list[tuple[str, str]] = []
    for rule in program.rules:
        wanted = [(rule.id, leaf.text) for leaf in gates_of(rule, program)]
        if rules and (len(rules) == MAX_RULES or len(reads) + len(wanted) > MAX_PROPERTIES):
            yield Pack(number, tuple(rules), tuple(reads), first)
            number, first = number + 1, first + len(reads)
            rules, reads = [], []
        rules.append(rule)
        reads += wanted
    yield Pack(number, tuple(rules), tuple(reads), first)


def told_by(packs: Iterable[Pack]) -> Told:
    """The properties of all conclusion messages."""
    read = dict.fromkeys(
        (pack.lane, used) for pack in packs for rule in pack.rules for used in rule.consumes.values()
    )
    return {place: f"c{number}" for number, place in enumerate(read)}


def conclusion_template(rule: RuleLogic, number: int, told: Told) -> str:
    """The message of one conclusion, with places for the session id and the verdict."""
    read = "".join(f',"{name}":1' for (_, used), name in told.items() if used == rule.id)
    return f'{{"sid":"%s","id":"r{number}"{read},"v":"%s"}}'
