"""Which rule needs which prefetch key on which hook, and through which facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.errors import UsageError
from cds_service.facts.prefetch import fact_keys, ordered, rule_keys, template
from cds_service.rulebook.book import Rulebook, consumed
from cds_service.rulebook.rule import Rule


@dataclass(frozen=True, slots=True)
class Need:
    """A rule's own facts that read a key; `through` are the rules that use its verdict on the hook."""

    rule: str
    facts: tuple[str, ...]
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyNeeds:
    """One key of one hook: what it asks the EHR for, and for whom."""

    hook: str
    key: str
    template: str
    needs: tuple[Need, ...]


def key_needs(book: Rulebook, rule_id: str = "") -> tuple[KeyNeeds, ...]:
    """The keys of every hook, or those of one rule and all it consumes. Raises UsageError for its hooks."""
    hooks: tuple[str, ...] = book.by_id[rule_id].hooks if rule_id else book.hooks
    if rule_id and not hooks:
        hooks = tuple(hook for hook in book.hooks if any(one.rule == rule_id for one in book.for_hook(hook)))
    if not hooks:
        raise UsageError(f"{rule_id or book.id}: no hook reads data for it")
    return tuple(need for hook in hooks for need in _of_hook(book, hook, rule_id))


def _of_hook(book: Rulebook, hook: str, rule_id: str) -> Iterator[KeyNeeds]:
    """A rule that is not served yet is told what it would need."""
    wanted = _closure(book, rule_id) if rule_id else {rule.rule for rule in book.for_hook(hook)}
    rules = tuple(rule for rule in book.rules if rule.rule in wanted)
    keys = ordered(["patient", *(key for rule in rules for key in rule_keys(rule, book))])
    for key in keys:
        held = [(rule, facts) for rule in rules if (facts := _facts(rule, key, book))]
        needs = tuple(Need(rule.rule, facts, _users(rule, rules)) for rule, facts in held)
        if needs or not rule_id:
            yield KeyNeeds(hook, key, template(key, book), needs)


def _closure(book: Rulebook, rule_id: str) -> set[str]:
    wanted = {rule_id}
    for rule in reversed(book.rules):
        if rule.rule in wanted:
            wanted.update(consumed(rule))
    return wanted


def _facts(rule: Rule, key: str, book: Rulebook) -> tuple[str, ...]:
    return tuple(name for name, fact in rule.data.items() if key in fact_keys(fact, book))


def _users(rule: Rule, rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(one.rule for one in rules if rule.rule in consumed(one))


def as_text(found: Sequence[KeyNeeds]) -> str:
    """By hook, then by key."""
    return "\n".join(_lines(found))


def _lines(found: Sequence[KeyNeeds]) -> Iterator[str]:
    hook = ""
    for one in found:
        if one.hook != hook:
            hook = one.hook
            yield hook
        yield f"  {one.key}  {one.template}"
        for need in one.needs:
            used = f"  (used by {', '.join(need.through)})" if need.through else ""
            yield f"    {need.rule}: {', '.join(need.facts)}{used}"
        if not one.needs:
            yield "    always asked for"


def as_json(found: Sequence[KeyNeeds]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "hook": one.hook,
            "key": one.key,
            "template": one.template,
            "rules": [
                {"rule": need.rule, "facts": list(need.facts), "usedBy": list(need.through)}
                for need in one.needs
            ],
        }
        for one in found
    ]
