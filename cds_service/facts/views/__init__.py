"""Documented readings of several resources: the only places that know what a trial or a reading is.

Every number they use is an argument from the rule. Signatures (columns, arguments, types read) stand in
`rulebook/views.py`; a test holds the two tables together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding, Row
from cds_service.facts.rows import latest_first
from cds_service.facts.views.answers import answers
from cds_service.facts.views.call import ViewCall
from cds_service.facts.views.current_drugs import current_drugs
from cds_service.facts.views.ordered_doses import ordered_doses
from cds_service.facts.views.score_change import score_change
from cds_service.facts.views.treatment_sessions import treatment_sessions
from cds_service.facts.views.trials import antidepressant_trials
from cds_service.facts.views.vital_signs import blood_pressure, body_weight

View = Callable[[ViewCall], Callable[[Chart], Sequence[Row]]]
Lines = Callable[[Chart, Mapping[str, Finding]], Sequence[Row]]
ViewOfFacts = Callable[[ViewCall], Lines]

READERS: Mapping[str, View] = {
    "answers": answers,
    "antidepressant_trials": antidepressant_trials,
    "blood_pressure": blood_pressure,
    "body_weight": body_weight,
    "current_drugs": current_drugs,
    "treatment_sessions": treatment_sessions,
}
# Views that take findings as arguments.
READERS_OF_FACTS: Mapping[str, ViewOfFacts] = {
    "ordered_doses": ordered_doses,
    "score_change": score_change,
}


def view_reader(call: ViewCall) -> Lines:
    """The lines of a view, latest first.

    Computed once per chart however many facts call it with the same arguments, unless those are facts.
    """
    if call.view in READERS_OF_FACTS:
        lines_of = READERS_OF_FACTS[call.view](call)
        return lambda chart, used: latest_first(lines_of(chart, used))
    read = READERS[call.view](call)
    name = (call.view, call.origin, call.code_in, repr(sorted(call.arguments.items())))

    def cached(chart: Chart, used: Mapping[str, Finding]) -> Sequence[Row]:
        lines = chart.cache.get(name)
        if lines is None:
            lines = chart.cache[name] = latest_first(read(chart))
        found: Sequence[Row] = lines
        return found

    return cached
