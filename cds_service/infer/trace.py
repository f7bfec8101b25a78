"""Why a verdict is what it is: the rule's tree with the truth of every node, for people to read.

Computed from the direct semantics, so it explains either engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cds_service.infer.conclusion import Conclusion
from cds_service.infer.direct import decide, truths_of
from cds_service.infer.program import RuleLogic, Tree
from cds_service.truth import Truth

_HEADS = {"all": "all of", "any": "any of", "not": "not"}


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a why-tree.

    `text` is the criterion as written, or the words for an inner node; `fact` and `conclusion` (the rule
    whose verdict it is) are set on criteria only. `decides`: the verdict hangs on this node. For an unknown
    verdict those are the nodes that could still change it, for a settled one those that settled it.
    """

    kind: Literal["all", "any", "not", "at_least", "criterion"]
    truth: Truth
    text: str
    fact: str = ""
    conclusion: str = ""
    decides: bool = True
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and every node below it, as read from top to bottom."""
        yield self
        for child in self.children:
            yield from child.walk()


def trace(rule: RuleLogic, states: Mapping[str, Truth], conclusions: Mapping[str, Conclusion]) -> Node:
    """The why-tree of one rule.

    `states` are this rule's plain criteria by text, `conclusions` those of the program by rule id.
    Raises InferenceError if one is missing.
    """
    return _node(rule, rule.tree, truths_of(rule, states, conclusions), decides=True)


def _node(rule: RuleLogic, tree: Tree, truths: Sequence[Truth], *, decides: bool) -> Node:
    truth = decide(tree, truths)
    if isinstance(tree, int):
        leaf = rule.leaves[tree]
        return Node("criterion", truth, leaf.text, leaf.fact, leaf.conclusion, decides)
    children = tuple(
        _node(
            rule,
            part,
            truths,
            decides=decides and (tree.kind == "not" or decide(part, truths) is truth),
        )
        for part in tree.parts
    )
    return Node(tree.kind, truth, _HEADS.get(tree.kind, f"at least {tree.n} of"), "", "", decides, children)
