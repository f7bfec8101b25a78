"""The words that rule pages are made of: types, comparisons, what silence means, what is filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from cds_service.rulebook.hooks import HOOKS as KNOWN_HOOKS
from cds_service.rulebook.rule import RowsFact

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\}")
HOOKS = {hook.name: hook.when for hook in KNOWN_HOOKS.values()}
TYPES = {
    "Patient": "the patient's own record",
    "Encounter": "the current encounter",
    "Condition": "diagnoses and problems",
    "AllergyIntolerance": "allergies and intolerances",
    "MedicationRequest": "medication orders",
    "MedicationStatement": "medication statements",
    "MedicationDispense": "medication supplies",
    "MedicationAdministration": "medication given",
    "Procedure": "procedures",
    "Observation": "measurements and answers",
    "QuestionnaireResponse": "completed questionnaires",
}
ORIGINS = {
    "chart": "in the chart",
    "drafts": "among the orders being written",
    "selections": "among the orders selected",
    "drafts-and-chart": "in the chart and among the orders being written",
}
COMPARED = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "==": "exactly",
    "!=": "other than",
}
OPPOSITE = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "==": "!=", "!=": "=="}
_GIVES = {
    "exists": "whether there is one",
    "count": "how many there are",
    "latest value": "the latest value",
    "latest reading": "the latest reading",
    "latest date": "the date of the latest",
    "earliest date": "the date of the first",
    "any_yes": "whether any answer is yes",
    "possible": "whether there is one, or may be one",
    "age": "the age in years",
}
_PARTS = {
    "display": "its words",
    "rows": "the entries found",
    "rejected": "the entries that did not count",
}
_WORDS = {
    "missing_count": "number of open questions",
    "missing_questions": "the open questions",
    "line_count": "number of lines shown",
}
_UNITS = {"mm[Hg]": "mmHg", "a": "years", "d": "days", "min": "min"}


def plain(name: str) -> str:
    """A name of a rule file in words: `days_at_dose`, `clinicalStatus`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " ")).lower()


def unit_words(unit: str) -> str:
    """A UCUM unit as a clinician writes it."""
    return _UNITS.get(unit, unit.strip("{}") if unit.startswith("{") else unit)


def listed(words: Sequence[str], last: str = "or") -> str:
    """a, b or c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def filled(text: str) -> str:
    """A text of a card, with words for what is filled in."""

    def words(match: re.Match[str]) -> str:
        name, part = match[1], match[2]
        if name in _WORDS:
            return f"‹{_WORDS[name]}›"
        return f"‹{plain(name)}: {_PARTS.get(part, plain(part))}›" if part else f"‹{plain(name)}›"

    return PLACEHOLDER.sub(words, text)


def answer(fact: RowsFact) -> str:
    """What a fact makes of the rows it finds."""
    if fact.give.kind == "count_distinct":
        return f"how many different ones there are, by {plain(fact.give.column)}"
    return _GIVES[fact.give.kind] + (f", in {unit_words(fact.unit)}" if fact.unit else "")


def _because(fact: RowsFact) -> str:
    return f", because: {fact.because.strip().rstrip('.')}" if fact.because.strip() else ""


def _counted(fact: RowsFact) -> str:
    if fact.record == "complete":
        return f"what is not found is not there{_because(fact)}"
    return "there may be more elsewhere, so a count is always “at least”"


def _exists(fact: RowsFact) -> str:
    return (
        f"nothing found means no{_because(fact)}"
        if fact.record == "complete"
        else "nothing found means unknown, never no"
    )


def _first(fact: RowsFact) -> str:
    if fact.record == "complete":
        return f"nothing found means unknown{_because(fact)}"
    return "nothing found means unknown; the first date found means “then or earlier”"


_SILENCES: Mapping[str, Callable[[RowsFact], str]] = {
    "exists": _exists,
    "count": _counted,
    "count_distinct": _counted,
    "earliest date": _first,
    "any_yes": lambda fact: "no only if it was asked and every answer was no; never asked means unknown",  # noqa: ARG005
    "possible": lambda fact: "no only if everything was obtained and nothing there may be meant",  # noqa: ARG005
    "age": lambda fact: "unknown without a date of birth",  # noqa: ARG005
}


def silence(fact: RowsFact) -> str:
    """What it means that nothing is found."""
    told = _SILENCES.get(fact.give.kind)
    return told(fact) if told is not None else f"nothing found means unknown{_because(fact)}"
