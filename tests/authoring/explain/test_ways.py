"""The ways to another verdict: each works, none says too much, and no smaller one was missed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_example import write_files
from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.ways import Wish, ways
from cds_service.cards.reading import Record
from cds_service.facts.finding import Finding
from cds_service.infer.direct import decide
from cds_service.infer.program import Branch, Leaf, RuleLogic, Tree
from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.rule import Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEAVES = 4
truths = st.lists(st.sampled_from([TRUE, FALSE, UNKNOWN]), min_size=LEAVES, max_size=LEAVES)


def _branch(parts: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda part: Branch("not", (part,)), parts),
        st.builds(lambda kind, held: Branch(kind, held), st.sampled_from(["all", "any"]), several),
        several.flatmap(
            lambda held: st.builds(lambda n: Branch("at_least", held, n), st.integers(1, len(held)))
        ),
    )


trees = st.recursive(st.integers(0, LEAVES - 1), _branch, max_leaves=6)


NAMES = tuple(f"fact_{number}" for number in range(LEAVES))


@cache
def rule() -> Rule:
    """A rule that asks as many different questions as there are leaves, each of which may be anything."""
    with TemporaryDirectory() as folder:
        made: Rule = load_rulebook(write_files(Path(folder))).by_id["broken-and-heavy"]
    asked = made.data["fracture"].model_copy(update={"record": "complete"})
    return made.model_copy(
        update={"data": {one: asked.model_copy(update={"code_in": (one,)}) for one in NAMES}}
    )


def found(tree: Tree, states: list[Truth], wanted: Truth) -> list[dict[int, Truth]]:
    leaves = tuple(Leaf(name, name, "", Criterion.parse(name)) for name in NAMES)
    findings = {name: Finding(state) for name, state in zip(NAMES, states, strict=True)}
    record = Record({rule().rule: rule()}, {rule().rule: findings}, {}, NOW, UTC)
    logic = RuleLogic(rule().rule, tree, leaves, NAMES)
    return [
        {NAMES.index(one.criterion): one.needed for one in way}
        for way in ways(record, [Wish(rule(), logic, (wanted,))])
    ]


def with_changes(states: list[Truth], way: dict[int, Truth]) -> list[Truth]:
    return [way.get(number, state) for number, state in enumerate(states)]


def fewest(tree: Tree, states: list[Truth], wanted: Truth) -> int | None:
    """The size of the smallest set of changes to true or false, by trying all."""
    for size in range(LEAVES + 1):
        for which in combinations(range(LEAVES), size):
            for values in product((TRUE, FALSE), repeat=size):
                if decide(tree, with_changes(states, dict(zip(which, values, strict=True)))) is wanted:
                    return size
    return None


@given(trees, truths, st.sampled_from([TRUE, FALSE, UNKNOWN]))
def test_every_way_works_and_every_part_of_it_is_needed(
    tree: Tree, states: list[Truth], wanted: Truth
) -> None:
    for way in found(tree, states, wanted):
        assert decide(tree, with_changes(states, way)) is wanted
        for number in way:
            without = {key: value for key, value in way.items() if key != number}
            assert decide(tree, with_changes(states, without)) is not wanted


@given(trees, truths)
def test_no_smaller_way_is_missed_also_where_criteria_stand_twice(tree: Tree, states: list[Truth]) -> None:
    for wanted in (TRUE, FALSE):
        sizes = [len(way) for way in found(tree, states, wanted)]
        assert min(sizes, default=None) == fewest(tree, states, wanted)


def test_a_criterion_that_must_stay_in_one_place_is_not_changed_in_another() -> None:
    """One of two is enough at the first place; what the second wants of the same criterion decides which."""
    first, second = 0, 1
    tree = Branch("all", (Branch("any", (first, second)), Branch("not", (first,))))
    assert found(tree, [FALSE, FALSE, FALSE, FALSE], TRUE) == [{second: TRUE}]
    assert found(tree, [TRUE, FALSE, FALSE, FALSE], TRUE) == [{first: FALSE, second: TRUE}]


@given(trees, truths)
def test_what_holds_already_needs_no_change(tree: Tree, states: list[Truth]) -> None:
    assert found(tree, states, decide(tree, states)) == [{}]
