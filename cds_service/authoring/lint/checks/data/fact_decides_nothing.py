"""A fact that the logic names and the verdict never hangs on, such as b in `all: [a, any: [a, b]]`.

Every way the criteria may turn out is tried, up to twelve different ones; larger logic is left alone. What
facts exclude by their meaning is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.authoring.lint.trees import Decider, atom, decider, nodes
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import DataPath

_MOST = 12


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.rules:
        for path, fact in _idle(parsed.model):
            yield Seen(
                parsed.file.place(path),
                f"whatever {fact} is, the verdict is the same",
                "remove the criterion, or mend the all and any around it",
            )


def idle_facts(rule: Rule) -> frozenset[str]:
    """The facts of the logic that never decide the verdict."""
    return frozenset(fact for _, fact in _idle(rule))


def _idle(rule: Rule) -> Iterator[tuple[DataPath, str]]:
    leaves = [(path, node) for path, node in nodes(("logic",), rule.logic) if isinstance(node, Criterion)]
    atoms = {atom(leaf): leaf.fact for _, leaf in leaves}
    # Where every criterion stands once, each can decide.
    if len(atoms) == len(leaves) or len(atoms) > _MOST:
        return
    decide = decider(rule.logic)
    deciding = {fact for name, fact in atoms.items() if _decides(name, list(atoms), decide)}
    named: set[str] = set()
    for path, leaf in leaves:
        if leaf.fact not in deciding | named:
            named.add(leaf.fact)
            yield path, leaf.fact


def _decides(name: str, atoms: list[str], decide: Decider) -> bool:
    others = [one for one in atoms if one != name]
    for answers in product((True, False), repeat=len(others)):
        states = dict(zip(others, answers, strict=True))
        if decide({**states, name: True}) is not decide({**states, name: False}):
            return True
    return False


CHECK = Check(
    "data/fact-decides-nothing", "error", "regular", "The logic asks for a fact and never needs it.", _look
)
