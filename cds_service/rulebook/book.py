"""A rulebook: checked rules in dependency order, with the terminology and sources they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cds_service.rulebook.files import OverrideReason, RulebookFile, Source, TableFile, TemplateFile
from cds_service.rulebook.overlay import LocalChange
from cds_service.rulebook.rule import ConclusionFact, Rule
from cds_service.rulebook.terminology import Terminology


@dataclass(frozen=True)
class Rulebook:
    """Everything known, frozen. `rules` is in dependency order: a rule stands after those it consumes.

    `local` is what the site changed in it (rulebook/overlay.py); everything else already holds the changes.
    """

    about: RulebookFile
    rules: tuple[Rule, ...]
    sources: Mapping[int, Source]
    override_reasons: Mapping[str, OverrideReason]
    tables: Mapping[str, TableFile]
    templates: Mapping[str, TemplateFile]
    terminology: Terminology
    digest: str
    folder: Path
    paths: Mapping[str, Path]
    local: tuple[LocalChange, ...] = ()

    @property
    def id(self) -> str:
        """The rulebook's id, first part of every service id."""
        return self.about.rulebook

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Rules by id."""
        return {rule.rule: rule for rule in self.rules}

    @cached_property
    def hooks(self) -> tuple[str, ...]:
        """The hooks some served rule shows cards on, in the order first named."""
        return tuple(dict.fromkeys(hook for rule in self.rules if served(rule) for hook in rule.hooks))

    def for_hook(self, hook: str) -> tuple[Rule, ...]:
        """The served rules of a hook and every rule they consume, in dependency order."""
        return self._by_hook.get(hook, ())

    @cached_property
    def _by_hook(self) -> Mapping[str, tuple[Rule, ...]]:
        return {hook: self._closure(hook) for hook in self.hooks}

    def _closure(self, hook: str) -> tuple[Rule, ...]:
        wanted = {rule.rule for rule in self.rules if served(rule) and hook in rule.hooks}
        for rule in reversed(self.rules):
            if rule.rule in wanted:
                wanted.update(consumed(rule))
        return tuple(rule for rule in self.rules if rule.rule in wanted)


def served(rule: Rule) -> bool:
    """Whether the service evaluates the rule: drafts and retired rules never run in service."""
    return rule.status in ("shadow", "active")


def consumed(rule: Rule) -> tuple[str, ...]:
    """The ids of the rules whose conclusions this one uses."""
    return tuple(fact.conclusion for fact in rule.data.values() if isinstance(fact, ConclusionFact))
