"""Checks of ids, titles, hooks and the conclusions that rules take from one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cds_service.errors import Problem, nearest
from cds_service.rulebook.book import consumed, served
from cds_service.rulebook.hooks import HOOKS, REPLACED, is_own
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import ConclusionFact, Rule
from cds_service.rulebook.shelf import UNREADABLE, Shelf
from cds_service.rulebook.walk import cards_of
from cds_service.rulebook.yamlfile import DataPath

MOST_CONCLUSIONS = 15
"""The inference engine joins at most this many conclusions to one rule (DESIGN 6)."""


def conclusion_facts(rule: Rule) -> Iterator[tuple[DataPath, str]]:
    """The conclusions a rule takes, each with its path."""
    for name, fact in rule.data.items():
        if isinstance(fact, ConclusionFact) and name != UNREADABLE:
            yield ("data", name, "conclusion"), fact.conclusion


def conclusion_is_known(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """A conclusion names a rule of this rulebook."""
    known = shelf.known("rule")
    for path, rule in conclusion_facts(parsed.model):
        if rule not in known:
            yield parsed.problem(
                path, "data/unknown-conclusion", f"no rule is called {rule!r}", nearest(rule, sorted(known))
            )


def conclusion_is_not_retired(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """A rule that still runs does not rest on a retired one."""
    if parsed.model.status == "retired":
        return
    for path, rule in _taken_of(parsed, shelf, "retired"):
        yield parsed.problem(
            path,
            "identity/retired-still-used",
            f"the rule {rule!r} is retired",
            "use the rule that replaced it, or retire this one too",
        )


def conclusion_is_not_a_draft(parsed: Parsed[Rule], shelf: Shelf) -> Iterator[Problem]:
    """A rule that is served does not rest on a draft: it would decide there, and its own cards be missed."""
    if not served(parsed.model):
        return
    for path, rule in _taken_of(parsed, shelf, "draft"):
        yield parsed.problem(
            path,
            "identity/draft-still-used",
            f"the rule {rule!r} is a draft, this one is {parsed.model.status}",
            "make it active, or take its conclusion out here; or make this one a draft, too",
        )


def _taken_of(parsed: Parsed[Rule], shelf: Shelf, status: str) -> Iterator[tuple[DataPath, str]]:
    """The conclusions a rule takes from rules of one status, each with its path."""
    told = [one.model for one in shelf.rules if not one.broken_under("status")]
    having = {rule.rule for rule in told if rule.status == status}
    return ((path, rule) for path, rule in conclusion_facts(parsed.model) if rule in having)


def conclusions_are_few(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """The logic of a rule takes at most 15 conclusions; its cards may name more."""
    count = len(set(consumed(parsed.model)))
    if count > MOST_CONCLUSIONS:
        yield parsed.problem_at_key(
            ("data",),
            "logic/too-many-conclusions",
            f"the logic takes {count} conclusions, at most {MOST_CONCLUSIONS} are possible",
            "group some of them in a definition and take its conclusion",
        )


def hooks_are_known(parsed: Parsed[Rule], _shelf: Shelf) -> Iterator[Problem]:
    """Hooks are those of CDS Hooks, or named like a domain read backwards."""
    hooks: list[tuple[DataPath, str]] = []
    hooks += [(("hooks", index), hook) for index, hook in enumerate(parsed.model.hooks)]
    for where, card in cards_of(parsed.model):
        hooks += [((*where, "hooks", index), hook) for index, hook in enumerate(card.hooks)]
    for path, hook in hooks:
        if hook not in HOOKS and not is_own(hook):
            hint = REPLACED.get(hook) or nearest(hook, tuple(HOOKS))
            yield parsed.problem(
                path,
                "identity/unknown-hook",
                f"{hook!r} is not a hook",
                hint + "; hooks of your own are named like org.example.hook",
            )


def ids_are_unique(shelf: Shelf) -> Iterator[Problem]:
    """No two rules have one id."""
    yield from _unique(shelf, "rule", "identity/duplicate-id", "the id", lambda rule: rule.rule)


def titles_are_unique(shelf: Shelf) -> Iterator[Problem]:
    """No two rules have one title."""
    yield from _unique(
        shelf, "title", "identity/duplicate-title", "the title", lambda rule: rule.title.casefold()
    )


def _unique(shelf: Shelf, key: str, code: str, what: str, of: Callable[[Rule], str]) -> Iterator[Problem]:
    first: dict[str, Parsed[Rule]] = {}
    for parsed in shelf.rules:
        if parsed.broken_under(key):
            continue
        held = first.setdefault(of(parsed.model), parsed)
        if held is not parsed:
            shown = getattr(parsed.model, key)
            yield parsed.problem(
                (key,), code, f"{what} {shown!r} is already taken by {held.file.name}", "choose another"
            )
