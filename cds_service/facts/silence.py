"""What must stand in a chart for a fact to find anything: most facts of most charts find nothing.

A fact that looks by value sets has no row unless an entry of a type it reads is filed under one of its sets
or cannot be classified, or an order of the call is of that type; one that looks for any resource of a type,
unless there is one. So the index of a chart alone tells which facts need not be read, and their answer, if
every key was obtained, depends on the rule alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cds_service.facts.chart import Chart
from cds_service.facts.findings import Question, Sign
from cds_service.facts.views.answers import questionnaire_items
from cds_service.rulebook.fact import RowsFact, ViewFact
from cds_service.rulebook.rule import FindFact
from cds_service.rulebook.views import VIEWS

UNCLASSIFIED, DRAFTED, PRESENT = "?", "!", "*"
"""Stand in a sign where a value set does: an entry that may be anything, an order of the call, any."""
_FORM = "QuestionnaireResponse"


def signs_of(fact: RowsFact) -> frozenset[Sign] | None:
    """What shows that a fact may have a row; None if only reading tells."""
    if isinstance(fact, ViewFact):
        kinds, sets = VIEWS[fact.view].reads, frozenset(_view_sets(fact))
    else:
        assert isinstance(fact, FindFact)
        kinds, sets = (fact.find,), frozenset(fact.code_in or ())
    if fact.give.kind == "age" or (isinstance(fact, ViewFact) and not sets):
        return None
    signs = {(kind, DRAFTED) for kind in kinds} if fact.origin != "chart" else set()
    if fact.origin in ("chart", "drafts-and-chart"):
        names = (*sets, UNCLASSIFIED) if sets else (PRESENT,)
        signs |= {(kind, name) for kind in kinds for name in names}
    return frozenset(signs)


def _view_sets(fact: ViewFact) -> Iterator[str]:
    """Every value set a view is called with: a superset of those its rows come from."""
    signature = VIEWS[fact.view]
    yield from fact.code_in or signature.valuesets
    for name, kind in signature.arguments.items():
        value = fact.arguments.get(name, ())
        if kind == "valueset":
            yield from (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


class Signs:
    """Which facts, by number, a sign or a key that was not obtained concerns."""

    def __init__(self, questions: Iterable[Question]) -> None:
        """Index the questions in the order of their numbers."""
        self._by_kind: dict[str, dict[str, set[int]]] = {}
        self._by_key: dict[str, set[int]] = {}
        self.always: frozenset[int] = frozenset()
        for number, question in enumerate(questions):
            if question.signs is None:
                self.always |= {number}
            for kind, name in question.signs or ():
                self._by_kind.setdefault(kind, {}).setdefault(name, set()).add(number)
            for key in question.keys:
                self._by_key.setdefault(key, set()).add(number)

    def seen_in(self, chart: Chart) -> set[int]:
        """The facts that must be read to know what they find in a chart."""
        found = set(self.always)
        for key in chart.missing:
            found |= self._by_key.get(key, set())
        for (_, kind), shelf in chart.shelves.items():
            known = self._by_kind.get(kind)
            if known:
                _add(found, known, (PRESENT,))
                _add(found, known, shelf.by_set)
                if shelf.may_be:
                    _add(found, known, (UNCLASSIFIED,))
                for entry in shelf.aside:
                    _add(found, known, entry.sets)
                for entry in shelf.left_out:
                    _add(found, known, entry.drug.left_out if entry.drug is not None else ())
        for kind in chart.drafts:
            _add(found, self._by_kind.get(kind, {}), (DRAFTED,))
        if (known := self._by_kind.get(_FORM)) and chart.shelf("questionnaire-responses", _FORM).resources:
            _add(found, known, questionnaire_items(chart))
        return found


def _add(found: set[int], known: Mapping[str, set[int]], names: Iterable[str]) -> None:
    for name in names:
        numbers = known.get(name)
        if numbers:
            found |= numbers
