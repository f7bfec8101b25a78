"""The buttons of a card on one chart: those whose conditions allow it and whose every action can be taken.

With `for_each` there is one for each row of the fact that surely counts, at most twelve; in it
`{fact.<column>}` and `from: fact` mean that row. Two that say and do the same are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.cards.actions import Offered, PreparedAction, prepare_action
from cds_service.cards.condition import hidden_if, shown_if
from cds_service.cards.escape import sentence
from cds_service.cards.reading import Reading
from cds_service.cards.text import LABEL_LIMIT, Template
from cds_service.cards.wording import PLAIN, ROW_LIMIT
from cds_service.rulebook.card import Suggestion
from cds_service.rulebook.files import TemplateFile
from cds_service.rulebook.logic import Logic


@dataclass(frozen=True, slots=True)
class PreparedSuggestion:
    """A button: its label split, its actions compiled."""

    label: Template
    recommended: bool
    only_if: Logic | None
    hide_if: Logic | None
    for_each: str
    actions: tuple[PreparedAction, ...]

    @classmethod
    def of(cls, suggestion: Suggestion, templates: Mapping[str, TemplateFile]) -> PreparedSuggestion:
        """Compile a suggestion. Raises what `prepare_action` raises."""
        return cls(
            Template.of(suggestion.label),
            suggestion.recommended,
            suggestion.only_if,
            suggestion.hide_if,
            suggestion.for_each or "",
            tuple(prepare_action(action, templates) for action in suggestion.actions),
        )


@dataclass(frozen=True, slots=True)
class DraftSuggestion:
    """A button on one chart, and the prefix of the rule that offers it."""

    prefix: str
    label: str
    recommended: bool
    actions: tuple[Offered, ...]


def suggested(
    prepared: tuple[PreparedSuggestion, ...], prefix: str, reading: Reading, words: Mapping[str, str]
) -> tuple[DraftSuggestion, ...]:
    """The buttons of one card."""
    made: list[DraftSuggestion] = []
    for suggestion in prepared:
        for draft in _offers(suggestion, prefix, reading, words):
            if not suggestion.for_each or draft not in made:
                made.append(draft)
    return tuple(made)


def _offers(
    suggestion: PreparedSuggestion, prefix: str, reading: Reading, words: Mapping[str, str]
) -> Iterator[DraftSuggestion]:
    each = reading.each(suggestion.for_each)[:ROW_LIMIT] if suggestion.for_each else (reading,)
    for one in each:
        if shown_if(suggestion.only_if, one) and not hidden_if(suggestion.hide_if, one):
            offered = [action.offered(one, words) for action in suggestion.actions]
            actions = tuple(action for action in offered if action is not None)
            if len(actions) == len(offered):
                label = sentence(suggestion.label.fill(one, PLAIN, words), LABEL_LIMIT)
                yield DraftSuggestion(prefix, label, suggestion.recommended, actions)
