"""Everything about cards that depends on the rules alone, worked out once per rulebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cds_service.cards.changes import BadPathError, compile_changes, texts_in
from cds_service.cards.citations import References, cited
from cds_service.cards.identity import prefix_of, rule_prefix
from cds_service.cards.suggestions import PreparedSuggestion
from cds_service.cards.text import WORDS, Template
from cds_service.errors import Place, Problem, RuleError, nearest
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.card import Action, Card, FromFact, FromTemplate, Line, Suggestion
from cds_service.rulebook.rule import ConclusionFact, RowsFact, Rule
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
    lines: tuple[tuple[Template, Line], ...]
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
    told: Mapping[tuple[Truth, bool], Mapping[str, Any]]
    """What an answer says of the rule by its verdict and whether it shows a card; unknown may say more."""


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

    def with_rule(self, rule: Rule) -> CardBook:
        """The same with one rule in place of its namesake, which it must not differ from in its hooks."""
        book = self.rulebook
        rules = tuple(rule if one.rule == rule.rule else one for one in book.rules)
        changed = replace(book, rules=rules)
        prepared = _rule(rule, self.rules[rule.rule].order, changed)
        return replace(self, rulebook=changed, rules={**self.rules, rule.rule: prepared})

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
        {
            (verdict, card): {
                "rule": rule.rule,
                "version": rule.version,
                "verdict": verdict.value,
                "card": card,
            }
            for verdict in Truth
            for card in (False, True)
        },
    )


def _card(card: Card, rulebook: Rulebook) -> PreparedCard:
    return PreparedCard(
        card,
        Template.of(card.summary),
        cited(card.summary),
        tuple((Template.of(line.text.rstrip()), line) for line in card.detail),
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
    labels += [action.description for suggestion in card.suggestions for action in suggestion.actions]
    texts = [card.summary, *labels, *(line.text for line in card.detail)]
    yield from _text_problems(texts, tuple(rule.data), place)
    yield from _missing("source", [card.source], rulebook.sources, place)
    yield from _missing("override-reason", card.override_reasons, rulebook.override_reasons, place)
    yield from _missing("merge-group", [card.merge] if card.merge else [], rulebook.about.merge, place)
    for suggestion in card.suggestions:
        for message in _row_problems(suggestion, rule):
            yield Problem(place, "card/no-rows", message)
        for action in suggestion.actions:
            yield from _action_problems(action, rule, rulebook, place)


def _row_problems(suggestion: Suggestion, rule: Rule) -> Iterator[str]:
    """Whether every row a suggestion is about can be one, and `from` is the row in hand."""
    each = suggestion.for_each
    if each is not None and not isinstance(rule.data.get(each), RowsFact):
        yield f"for_each: {each} is no fact with rows"
    for action in suggestion.actions:
        origin = _origin(action)
        fact = rule.data.get(origin) if origin is not None else None
        if origin is not None and (not isinstance(fact, RowsFact) or fact.origin == "chart"):
            yield f"from: {origin} is no fact about the orders of the call (drafts or selections)"
        elif origin is not None and each not in (None, origin):
            yield f"from: {origin} would be any of its rows; within for_each: {each} write from: {each}"


def _origin(action: Action) -> str | None:
    return action.resource.origin if isinstance(action.resource, FromFact) else action.origin


def _action_problems(action: Action, rule: Rule, rulebook: Rulebook, place: Place) -> Iterator[Problem]:
    resource = action.resource
    needs = {
        "create": (isinstance(resource, FromTemplate) and action.origin is None, "resource: {template: …}"),
        "update": (isinstance(resource, FromFact) and action.origin is None, "resource: {from: …, set: …}"),
        "delete": (resource is None and action.origin is not None, "from: … and no resource"),
    }
    whole, wanted = needs[action.type]
    if not whole:
        yield Problem(
            place, "card/action-not-possible", f"an action of type {action.type} has {wanted}", wanted
        )
    if isinstance(resource, FromTemplate):
        yield from _missing("template", [resource.template], rulebook.templates, place)
    if isinstance(resource, FromFact):
        yield from _set_problems(resource, rule, place)


def _set_problems(resource: FromFact, rule: Rule, place: Place) -> Iterator[Problem]:
    known = tuple(name for name in rule.data if name not in WORDS)
    for name in dict.fromkeys(
        slot.name for text in texts_in(resource.set) for slot in Template.of(text).slots
    ):
        if name not in known:
            message = f"{{{name}}} names no fact of this rule"
            yield Problem(place, "card/unknown-placeholder", message, nearest(name, known))
    try:
        compile_changes(resource.set)
    except BadPathError as error:
        yield Problem(place, "card/bad-set", str(error))
    if not resource.set:
        yield Problem(place, "card/bad-set", "an update that sets nothing changes nothing", "add set: {…}")


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
