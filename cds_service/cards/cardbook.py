"""Everything about cards that depends on the rules alone, worked out once per rulebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cds_service.cards.actions import SUPPORTED, PreparedAction, prepare_action
from cds_service.cards.citations import References, cited
from cds_service.cards.identity import prefix_of, rule_prefix
from cds_service.cards.text import WORDS, Template
from cds_service.errors import Place, Problem, RuleError, nearest
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.card import Card, FromTemplate, Suggestion
from cds_service.rulebook.logic import Logic
from cds_service.rulebook.rule import ConclusionFact, Rule
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

COULD_NOT_CHECK = "could-not-check"
"""Stands where a rule id does for the could-not-check card, with the rulebook's version."""
CHECK_WORDS = frozenset({"keys", "rules", "rule_count", "missing_count", "missing_questions"})

Json = Mapping[str, str]
Name = TypeVar("Name", int, str)


@dataclass(frozen=True, slots=True)
class PreparedCard:
    """One card of an outcome with its texts split."""

    card: Card
    summary: Template
    summary_cites: tuple[int, ...]
    lines: tuple[tuple[Template, Logic | None], ...]
    suggestions: tuple[PreparedSuggestion, ...]
    overrides: tuple[Json, ...]
    links: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """One rule: its place in the rulebook, its uuid prefix, what it consumes, its cards by verdict."""

    rule: Rule
    order: int
    prefix: str
    consumed: Mapping[str, str]
    outcomes: Mapping[Truth, tuple[PreparedCard, ...]]


@dataclass(frozen=True, slots=True)
class PreparedCheck:
    """The could-not-check card with its texts split."""

    summary: Template
    detail: Template
    summary_cites: tuple[int, ...]
    names_keys: bool
    overrides: tuple[Json, ...]
    prefix: str


@dataclass(frozen=True)
class CardBook:
    """A rulebook made ready for cards; immutable, shared by all requests of a worker."""

    rulebook: Rulebook
    rules: Mapping[str, PreparedRule]
    references: References
    check: PreparedCheck
    topic: Json
    prefixes: Mapping[str, tuple[str, str]]

    @classmethod
    def compile(cls, rulebook: Rulebook) -> CardBook:
        """Prepare every card. Raises RuleError with every placeholder, template or id that is not known."""
        problems = tuple(_problems(rulebook))
        if problems:
            raise RuleError(problems)
        rules = {rule.rule: _rule(rule, order, rulebook) for order, rule in enumerate(rulebook.rules)}
        named = [(rule.rule, rule.version) for rule in rulebook.rules]
        named.append((COULD_NOT_CHECK, rulebook.about.version))
        topic = rulebook.about.topic
        return cls(
            rulebook,
            rules,
            References.of(rulebook.sources),
            _check(rulebook),
            {"code": topic.code, "system": topic.system, "display": topic.display},
            {rule_prefix(*pair): pair for pair in named},
        )

    def rule_of(self, uuid: str) -> tuple[str, str] | None:
        """The rule (id, version) a card or suggestion uuid belongs to; None if no rule of this rulebook.

        A merged card belongs to its first rule, its suggestions to the rule that makes them.
        """
        return self.prefixes.get(prefix_of(uuid))


def _rule(rule: Rule, order: int, rulebook: Rulebook) -> PreparedRule:
    outcomes = {TRUE: rule.cards.when_true, UNKNOWN: rule.cards.when_unknown, FALSE: rule.cards.when_false}
    return PreparedRule(
        rule,
        order,
        rule_prefix(rule.rule, rule.version),
        {name: fact.conclusion for name, fact in rule.data.items() if isinstance(fact, ConclusionFact)},
        {verdict: tuple(_card(card, rulebook) for card in cards) for verdict, cards in outcomes.items()},
    )


def _card(card: Card, rulebook: Rulebook) -> PreparedCard:
    return PreparedCard(
        card,
        Template.of(card.summary),
        cited(card.summary),
        tuple((Template.of(line.text.rstrip()), line.only_if) for line in card.detail),
        tuple(PreparedSuggestion.of(suggestion, rulebook.templates) for suggestion in card.suggestions),
        _overrides(card.override_reasons, rulebook),
        tuple({"label": link.label, "url": link.url, "type": "absolute"} for link in card.links),
    )


def _overrides(reasons: tuple[str, ...], rulebook: Rulebook) -> tuple[Json, ...]:
    known = ((reason, rulebook.override_reasons[reason]) for reason in dict.fromkeys(reasons))
    return tuple({"code": code, "system": found.system, "display": found.display} for code, found in known)


def _check(rulebook: Rulebook) -> PreparedCheck:
    check = rulebook.about.could_not_check
    return PreparedCheck(
        Template.of(check.summary),
        Template.of(check.detail.rstrip()),
        cited(check.summary),
        "{keys}" in check.detail,
        _overrides(check.override_reasons, rulebook),
        rule_prefix(COULD_NOT_CHECK, rulebook.about.version),
    )


# --- what can be wrong --------------------------------------------------------------------------


def _problems(rulebook: Rulebook) -> Iterator[Problem]:
    for rule in rulebook.rules:
        place = Place(str(rulebook.paths.get(rule.rule, rule.rule)))
        for card in (*rule.cards.when_true, *rule.cards.when_unknown, *rule.cards.when_false):
            yield from _card_problems(card, rule, rulebook, place)
    check, place = rulebook.about.could_not_check, Place(str(rulebook.folder / "rulebook.yaml"))
    yield from _text_problems([check.summary, check.detail], tuple(CHECK_WORDS), place)
    yield from _missing("source", [check.source], rulebook.sources, place)
    yield from _missing("override-reason", check.override_reasons, rulebook.override_reasons, place)


def _card_problems(card: Card, rule: Rule, rulebook: Rulebook, place: Place) -> Iterator[Problem]:
    labels = [suggestion.label for suggestion in card.suggestions]
    texts = [card.summary, *labels, *(line.text for line in card.detail)]
    yield from _text_problems(texts, tuple(rule.data), place)
    yield from _missing("source", [card.source], rulebook.sources, place)
    yield from _missing("override-reason", card.override_reasons, rulebook.override_reasons, place)
    yield from _missing("merge-group", [card.merge] if card.merge else [], rulebook.about.merge, place)
    for action in (action for suggestion in card.suggestions for action in suggestion.actions):
        yield from _missing("action", [action.type], SUPPORTED, place)
        if isinstance(action.resource, FromTemplate):
            yield from _missing("template", [action.resource.template], rulebook.templates, place)


def _text_problems(texts: list[str], known: tuple[str, ...], place: Place) -> Iterator[Problem]:
    for name in dict.fromkeys(name for text in texts for name in Template.of(text).unknown(known)):
        message = f"{{{name}}} names no fact of this rule"
        yield Problem(place, "card/unknown-placeholder", message, nearest(name, (*known, *WORDS)))


def _missing(what: str, names: Iterable[Name], known: Collection[Name], place: Place) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            hint = nearest(str(name), [str(each) for each in known])
            yield Problem(
                place, f"card/unknown-{what}", f"{what.replace('-', ' ')} {name!r} is not known", hint
            )
