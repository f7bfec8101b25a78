"""The quick way out: most facts of most charts find nothing, and a look at the index tells so.

Only where the index alone decides it: the explanation, which also lists what was set aside, reads on.
"""

from __future__ import annotations

from collections.abc import Callable

from cds_service.facts.chart import Chart
from cds_service.facts.rows import Rows
from cds_service.facts.views.answers import questionnaire_items
from cds_service.rulebook.fact import RowsFact, ViewFact
from cds_service.rulebook.rule import FindFact
from cds_service.rulebook.views import VIEWS

NO_ROWS = Rows([], [])
_BY_CODE = frozenset({"answers", "blood_pressure", "body_weight"})


def nothing_to_read(fact: RowsFact, keys: tuple[str, ...]) -> Callable[[Chart], bool]:
    """Whether a chart surely holds no row for a fact, as far as it was obtained."""
    if isinstance(fact, FindFact) and fact.code_in:
        kind, sets = fact.find, frozenset(fact.code_in)
        if fact.origin == "chart":
            return lambda chart: not chart.explain and _none_filed(chart, keys, kind, sets)
        if fact.origin in ("drafts", "selections"):
            return lambda chart: not chart.explain and kind not in chart.drafts
    if isinstance(fact, ViewFact) and fact.view in _BY_CODE and fact.origin == "chart":
        asked = frozenset(fact.code_in or VIEWS[fact.view].valuesets)
        with_forms = "QuestionnaireResponse" in VIEWS[fact.view].reads
        return lambda chart: (
            not chart.explain
            and _none_filed(chart, keys, "Observation", asked)
            and not (with_forms and not asked.isdisjoint(questionnaire_items(chart)))
        )
    return lambda chart: False


def _none_filed(chart: Chart, keys: tuple[str, ...], kind: str, sets: frozenset[str]) -> bool:
    for key in keys:
        shelf = chart.shelves.get((key, kind))
        if shelf is not None and shelf.holds(sets):
            return False
    return True
